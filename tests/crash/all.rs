//! Every kill of the crash matrix, which takes half an hour: `just crash-matrix`. `cargo test` runs `main.rs`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "helpers of tests, and samples that only the other half takes"
)]

mod case;
mod ec2;
mod ecs;
mod matrix;
mod process;
#[path = "../binary/support.rs"]
mod support;

use case::Weather;
use ecs::CASES;
use matrix::{Kills, Matrix, Sample};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twice_without_a_journal_and_in_bad_weather_at_every_point() {
    for (name, kills, weather) in [
        ("journal gone", Kills::OnceAndJournalLost, Weather::Fair),
        ("killed twice", Kills::Twice, Weather::Fair),
        ("throttled", Kills::Once, Weather::Throttled),
        ("throttled, journal gone", Kills::OnceAndJournalLost, Weather::Throttled),
        ("stale reads", Kills::Once, Weather::Stale),
        ("stale reads, journal gone", Kills::OnceAndJournalLost, Weather::Stale),
    ] {
        Matrix::new(name, kills, weather, Sample::All).run(&CASES).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stacks_bundles_deployments_and_releases_killed_at_every_point() {
    for cases in [&ec2::STACKS[..], &ec2::BUNDLES, &ec2::DEPLOYMENTS, &ec2::RELEASES] {
        Matrix::new("single kills", Kills::Once, Weather::Fair, Sample::All).run(cases).await;
    }
    for (name, kills, weather) in [
        ("journal gone", Kills::OnceAndJournalLost, Weather::Fair),
        ("throttled", Kills::Once, Weather::Throttled),
        ("stale reads", Kills::Once, Weather::Stale),
    ] {
        Matrix::new(name, kills, weather, Sample::All).run(&ec2::found_again()).await;
    }
}
