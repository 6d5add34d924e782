//! Whole deployments against the simulated AWS, in memory and on a paused clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly too"
)]

mod again;
mod causes;
mod conformance;
mod cost;
mod many;
mod names;
mod resume;
mod scenarios;
mod servers;
mod stage;
mod undo;
