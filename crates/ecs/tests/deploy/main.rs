//! Whole deployments against the simulated AWS, in memory and on a paused clock.

mod cost;
mod resume;
mod scenarios;
mod stage;
