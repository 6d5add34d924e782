//! Random graphs with random ends, stops and cuts: what must hold of all of them.
//!
//! A cut kills the process before or after one of its records is written; the next process has the journal, and the world
//! as it is. Time is paused. Steps take 12 s times powers of two and looks come every 2 s, so that no two steps end at
//! nearly the same time, and the order of ends is the same with a cut and without.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod case;
mod mortal;
mod rules;
mod world;

use proptest::prelude::*;

use case::{Case, cases};
use mortal::Fuse;
use rules::{outcomes, promises};
use world::{World, process};

fn paused<F: Future>(work: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// What comes out when nobody is killed, and how many places to die there are.
async fn undisturbed(case: &Case) -> (World, landfall_core::Report, usize) {
    let world = World::new(case);
    let fuse = Fuse::never();
    let report = process(case, &world, &fuse, case.stop).await.unwrap();
    (world, report, fuse.passed())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_run_keeps_its_promises(case in cases()) {
        paused(async {
            let (world, report, _) = undisturbed(&case).await;
            promises(&case, &world, &report)
        })?;
    }

    #[test]
    fn a_run_that_was_cut_off_anywhere_comes_to_the_same_end(
        case in cases().prop_map(Case::repeatable),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        paused(async {
            let (whole, expected, places) = undisturbed(&case).await;
            let world = World::new(&case);
            // A process that is not cut off any more tells what came out.
            let fuses = cuts.iter().map(|cut| Fuse::at(cut.index(places.max(1)))).chain([Fuse::never()]);
            let mut told = None;
            for fuse in fuses {
                told = process(&case, &world, &fuse, None).await;
                if told.is_some() {
                    break;
                }
            }
            let report = told.unwrap();
            prop_assert_eq!(outcomes(&report), outcomes(&expected));
            prop_assert_eq!(report.exit_code, expected.exit_code);
            prop_assert_eq!(world.effects(), whole.effects());
            promises(&case, &world, &report)
        })?;
    }

    #[test]
    fn a_run_that_was_stopped_and_cut_off_keeps_its_promises_too(
        case in cases(),
        cut in any::<prop::sample::Index>(),
    ) {
        paused(async {
            let (_, _, places) = undisturbed(&case).await;
            let world = World::new(&case);
            process(&case, &world, &Fuse::at(cut.index(places.max(1))), case.stop).await;
            let report = process(&case, &world, &Fuse::never(), None).await.unwrap();
            promises(&case, &world, &report)
        })?;
    }
}
