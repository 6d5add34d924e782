//! A stack, a bundle and a deployment as one release, against the simulator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod again;
mod failing;
mod input;
mod order;
mod stage;
