//! Against the simulator: real SDK clients, real signatures, no socket.
#![expect(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

mod bad_answers;
mod lasting;
mod passed;
mod refusals;
mod renewal;
mod secrets;
mod sources;
mod support;
mod table;
