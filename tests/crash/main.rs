//! The crash matrix: the real binary against a simulated AWS over HTTP, killed before and after every call and in every
//! write of its journal, and run again with the same run id.
//!
//! The points are counted by an undisturbed run, so that a call that is added later is covered without being listed. After
//! the last process there is one deployment of one new revision, and the outcome of the undisturbed run.
//!
//! `cargo test` runs every single kill and a sample of the rest; `just crash-matrix` runs all.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod matrix;
mod process;
mod scenario;
#[path = "../binary/support.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the binary")]
mod support;

use matrix::{Kills, Matrix, Sample};
use scenario::{CASES, Weather};

/// Seed of the samples.
const SEED: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_a_run_goes_on_from_its_journal_to_one_deployment_and_the_same_outcome() {
    Matrix::new("single kills", Kills::Once, Weather::Fair, Sample::All).run(&CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_without_its_journal_a_run_goes_on_by_what_aws_shows_in_a_sample() {
    let some = Sample::Some { each: 16, seed: SEED };
    Matrix::new("journal gone", Kills::OnceAndJournalLost, Weather::Fair, some).run(&CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twice_or_in_bad_weather_it_goes_on_all_the_same_in_a_sample() {
    let some = Sample::Some { each: 6, seed: SEED };
    Matrix::new("killed twice", Kills::Twice, Weather::Fair, some).run(&CASES).await;
    Matrix::new("throttled", Kills::Once, Weather::Throttled, some).run(&CASES).await;
    Matrix::new("stale reads", Kills::Once, Weather::Stale, some).run(&CASES).await;
}
