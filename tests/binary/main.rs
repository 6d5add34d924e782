//! The real binary against a simulated AWS over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod bad_input;
mod busy;
mod causes;
mod ec2_bundle;
mod ec2_causes;
mod ec2_deploy;
mod ec2_release;
mod ec2_stack;
mod eks;
mod eks_access;
mod eks_input;
mod eks_journal;
mod eks_secrets;
mod journal;
mod machine;
mod outcomes;
mod secrets;
mod sign_in;
mod stops;
mod support;
