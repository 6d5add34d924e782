//! Whole deployments of stacks against the simulated AWS, in memory and on a paused clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly too"
)]

mod causes;
mod conformance;
mod deploying;
mod drift;
mod express;
mod failed;
mod imports;
mod saved;
mod stage;
mod states;
mod templates;
mod undoing;
