//! Releases into a cluster in the same process, from their plan to their end. The clock is paused: times are those of the
//! cluster, and take none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly too"
)]

mod conformance;
mod crash;
mod deploying;
mod support;

/// Of the crash matrix every so many points are tried; all of them are by `crash_all.rs`.
const EVERY: usize = 12;
