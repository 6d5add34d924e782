//! The crash matrix: the real binary against a simulated AWS over HTTP, killed before and after every call and in every
//! write of its journal, and run again with the same run id.
//!
//! The points are counted by an undisturbed run, so that a call that is added later is covered without being listed. After
//! the last process there is one deployment of one new revision (of a release: one operation of the stack, one upload and
//! one deployment; of manifests: one change of each object), and the outcome of the undisturbed run.
//!
//! `cargo test` runs every single kill of ECS services, and of stacks, bundles and deployments that succeed; of the rest, releases
//! of all three among them, it runs a sample. `just crash-matrix` runs all.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod case;
mod ec2;
mod ecs;
mod eks;
mod matrix;
mod process;
#[path = "../binary/support.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the binary")]
mod support;

use case::Weather;
use ec2::{BUNDLES, DEPLOYMENTS, RELEASES, STACKS};
use ecs::CASES;
use matrix::{Kills, Matrix, Sample};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_a_stack_a_bundle_and_a_deployment_go_on_to_one_of_each() {
    let cases = [STACKS[1], BUNDLES[1], DEPLOYMENTS[0]];
    Matrix::new("single kills", Kills::Once, Weather::Fair, Sample::All).run(&cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_release_and_what_fails_in_its_parts_go_on_in_a_sample() {
    let some = Sample::Some { each: 16, seed: SEED };
    Matrix::new("single kills", Kills::Once, Weather::Fair, some).run(&RELEASES).await;
    let some = Sample::Some { each: 8, seed: SEED };
    let others = [STACKS[0], STACKS[2], STACKS[3], STACKS[4], BUNDLES[0], DEPLOYMENTS[1], DEPLOYMENTS[2]];
    Matrix::new("single kills", Kills::Once, Weather::Fair, some).run(&others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_without_its_journal_a_release_and_its_parts_go_on_by_what_aws_shows_in_a_sample() {
    let some = Sample::Some { each: 8, seed: SEED };
    let matrix = Matrix::new("journal gone", Kills::OnceAndJournalLost, Weather::Fair, some);
    matrix.run(&ec2::found_again()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_releases_of_manifests_go_on_to_one_whole_one_in_a_sample() {
    let some = Sample::Some { each: 30, seed: SEED };
    Matrix::new("single kills", Kills::Once, Weather::Fair, some).run(&eks::CASES).await;
    let some = Sample::Some { each: 20, seed: SEED };
    Matrix::new("journal gone", Kills::OnceAndJournalLost, Weather::Fair, some).run(&eks::CASES).await;
}
