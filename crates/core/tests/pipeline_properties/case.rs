//! Random pipelines.

use std::time::Duration;

use landfall_core::pipeline::Rollback;
use proptest::prelude::*;

/// The shortest step; the others take powers of two of it.
const UNIT: u32 = 12;

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeeds,
    Unchanged,
    Fails,
    RolledBack,
    /// When it is planned.
    Refused,
    /// It cannot be seen.
    Unseen,
    /// There is nothing to change, and what is there is not healthy.
    UnchangedFails,
    /// Never: its time runs out.
    TimesOut,
}

/// How its undo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    Restores,
    Fails,
    Impossible,
    NothingToDo,
}

#[derive(Debug, Clone)]
pub(crate) struct StepCase {
    pub(crate) ending: Ending,
    pub(crate) back: Back,
    pub(crate) takes: Duration,
    pub(crate) parts: u32,
    pub(crate) after: Vec<usize>,
    /// Made from an output of the first step that it comes after.
    pub(crate) made: bool,
    pub(crate) kept: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) steps: Vec<StepCase>,
    pub(crate) most: usize,
    pub(crate) on_failure: Rollback,
    pub(crate) on_cancel: Rollback,
    /// When somebody asks to stop.
    pub(crate) stop: Option<Duration>,
}

impl Case {
    /// The same without what is not expected to come out the same in a second process: a stop is not repeated, what
    /// could not be seen is looked at again, and time that has run out begins anew, so that others may end before it.
    pub(crate) fn repeatable(mut self) -> Self {
        self.stop = None;
        for step in &mut self.steps {
            if step.ending == Ending::Unseen || (step.ending == Ending::TimesOut && self.most > 1) {
                step.ending = Ending::Fails;
            }
        }
        self
    }

    pub(crate) fn name(step: usize) -> String {
        format!("s{step}")
    }
}

fn endings() -> impl Strategy<Value = Ending> {
    use Ending::{Fails, Refused, RolledBack, Succeeds, TimesOut, Unchanged, UnchangedFails, Unseen};
    prop_oneof![
        14 => Just(Succeeds),
        1 => Just(Unchanged),
        1 => Just(UnchangedFails),
        2 => Just(TimesOut),
        3 => Just(Fails),
        1 => Just(RolledBack),
        1 => Just(Refused),
        1 => Just(Unseen),
    ]
}

fn backs() -> impl Strategy<Value = Back> {
    prop_oneof![6 => Just(Back::Restores), 1 => Just(Back::Fails), 1 => Just(Back::Impossible), 1 => Just(Back::NothingToDo)]
}

fn rollbacks() -> impl Strategy<Value = Rollback> {
    prop_oneof![1 => Just(Rollback::Keep), 1 => Just(Rollback::RevertFailed), 3 => Just(Rollback::RevertAll)]
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (1_usize..6).prop_flat_map(|steps| {
        let step = (endings(), backs(), 1_u32..3, any::<bool>(), prop::bool::weighted(0.1));
        let order: Vec<u32> = (0..u32::try_from(steps).unwrap()).collect();
        (
            prop::collection::vec(step, steps),
            Just(order).prop_shuffle(),
            prop::collection::vec((0..steps, 0..steps), 0..steps * 2),
            1_usize..4,
            (rollbacks(), rollbacks()),
            prop::option::weighted(0.3, 0_u64..300),
        )
            .prop_map(|(steps, order, edges, most, (on_failure, on_cancel), stop)| {
                let one =
                    |(index, (ending, back, parts, made, kept)): (usize, (Ending, Back, u32, bool, bool))| {
                        let mut after: Vec<usize> =
                            edges.iter().filter(|(a, b)| a < b && *b == index).map(|(a, _)| *a).collect();
                        after.sort_unstable();
                        after.dedup();
                        let takes = Duration::from_secs(u64::from(UNIT << order[index]));
                        StepCase { ending, back, takes, parts, made: made && !after.is_empty(), after, kept }
                    };
                let steps = steps.into_iter().enumerate().map(one).collect();
                Case { steps, most, on_failure, on_cancel, stop: stop.map(Duration::from_secs) }
            })
    })
}
