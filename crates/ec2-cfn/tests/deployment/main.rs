//! Whole deployments by CodeDeploy against the simulated AWS, in memory and on a paused clock.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly too")]

mod again;
mod blue_green;
mod capacity;
mod causes;
mod conformance;
mod order;
mod plans;
mod restart;
mod stage;
mod undo;
