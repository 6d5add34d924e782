//! The simulator as real SDK clients see it, in memory and on a paused clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod code_deploy;
mod driver;
mod ecs_reads;
mod ecs_writes;
mod eks;
mod faults;
mod identity_tokens;
mod kubernetes;
mod rollouts;
mod s3;
mod scenarios;
mod served;
mod session_limits;
mod signatures;
mod stack_drift;
mod stack_express;
mod stack_imports;
mod stack_review;
mod stacks;
mod stage;
mod targets;
mod tasks_and_logs;
