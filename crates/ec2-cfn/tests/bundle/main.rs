//! Bundles against the simulated S3.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bucket;
mod causes;
mod conformance;
mod kill;
mod push;
mod resume;
mod stage;
