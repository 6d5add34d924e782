//! Every kill of the crash matrix, which takes an hour: `just crash-matrix`. `cargo test` runs `main.rs`.
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
mod eks;
mod matrix;
mod process;
#[path = "../binary/support.rs"]
mod support;

use case::Weather;
use ecs::CASES;
use matrix::{Kills, Matrix, Sample};

/// A test for each row, so that one that fails keeps none of the others from being tried, and each can be asked for by name.
macro_rules! every_kill {
    ($($test:ident: $name:literal, $kills:ident, $weather:ident, $cases:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            Matrix::new($name, Kills::$kills, Weather::$weather, Sample::All).run(&$cases).await;
        }
    )*};
}

every_kill! {
    service_journal_gone: "journal gone", OnceAndJournalLost, Fair, CASES;
    service_killed_twice: "killed twice", Twice, Fair, CASES;
    service_throttled: "throttled", Once, Throttled, CASES;
    service_throttled_journal_gone: "throttled, journal gone", OnceAndJournalLost, Throttled, CASES;
    service_stale_reads: "stale reads", Once, Stale, CASES;
    service_stale_reads_journal_gone: "stale reads, journal gone", OnceAndJournalLost, Stale, CASES;
    stacks: "single kills", Once, Fair, ec2::STACKS;
    bundles: "single kills", Once, Fair, ec2::BUNDLES;
    deployments: "single kills", Once, Fair, ec2::DEPLOYMENTS;
    releases: "single kills", Once, Fair, ec2::RELEASES;
    ec2_journal_gone: "journal gone", OnceAndJournalLost, Fair, ec2::found_again();
    ec2_throttled: "throttled", Once, Throttled, ec2::found_again();
    ec2_stale_reads: "stale reads", Once, Stale, ec2::found_again();
    manifests: "single kills", Once, Fair, eks::CASES;
    manifests_journal_gone: "journal gone", OnceAndJournalLost, Fair, eks::CASES;
    manifests_killed_twice: "killed twice", Twice, Fair, eks::CASES;
}
