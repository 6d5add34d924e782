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

mod matrix;
mod process;
mod scenario;
#[path = "../binary/support.rs"]
mod support;

use matrix::{Kills, Matrix, Sample};
use scenario::{CASES, Weather};

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
