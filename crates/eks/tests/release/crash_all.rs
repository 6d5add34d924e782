//! Every kill of the crash matrix of releases, which takes minutes: `just crash-matrix`. `cargo test` runs a sample of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "helpers of tests, and some that only the other tests need"
)]

mod crash;
mod support;

/// Every one of the points is tried.
const EVERY: usize = 1;
