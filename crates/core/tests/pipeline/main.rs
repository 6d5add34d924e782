//! Several scripted targets as one release, under a paused clock.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod again;
mod building;
mod reverting;
mod running;
mod showing;
mod support;
