//! What outlives a process, and the processes in it.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::context::{CancellationToken, Clock};
use landfall_core::journal::Journal;
use landfall_core::pipeline::Pipeline;
use landfall_core::wait::Pace;
use landfall_core::{
    Cause, Context, End, Error, ErrorKind, MemoryJournal, Observation, Outputs, Policy, Report, Revert, State,
};
use landfall_testkit::{Moment, Recorder, ScriptedTarget};

use crate::case::{Back, Case, Ending, StepCase};
use crate::mortal::{Fuse, Mortal};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct World {
    targets: Vec<ScriptedTarget>,
    journal: MemoryJournal,
    /// One for all processes: paused time passes on it, and does not on the machine's.
    clock: Clock,
    pub(crate) events: Recorder,
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let targets = case.steps.iter().enumerate().map(|(index, step)| target(index, step)).collect();
        Self { targets, journal: MemoryJournal::new(), clock: Clock::start(), events: Recorder::new() }
    }

    /// Tokens and parts of everything that was changed.
    pub(crate) fn effects(&self) -> Vec<(String, u32)> {
        let mut effects: Vec<_> = self.targets.iter().flat_map(ScriptedTarget::effects).collect();
        effects.sort();
        effects
    }
}

fn target(index: usize, step: &StepCase) -> ScriptedTarget {
    let name = Case::name(index);
    let seen = |state: State, code: &str| {
        Moment::seen(Observation::new(state).with_causes([Cause::new("it-was-so", format!("{code}-{name}"))]))
    };
    let ready = || Moment::state(State::Ready(Outputs::new().with("id", name.clone())));
    let target = ScriptedTarget::new(&name).parts(step.parts);
    let target = match step.ending {
        Ending::Succeeds => target.at(step.takes, ready()),
        Ending::Unchanged => target.without_changes().at(step.takes, ready()),
        Ending::UnchangedFails => {
            target.without_changes().at(step.takes, seen(State::Ended(End::Failed), "cause"))
        }
        Ending::TimesOut => target.at(Duration::ZERO, Moment::state(State::pending(format!("cause-{name}")))),
        Ending::Fails => target.at(step.takes, seen(State::Ended(End::Failed), "cause")),
        Ending::RolledBack => {
            target.at(step.takes, seen(State::Ended(End::RolledBack { to: "v1".into() }), "cause"))
        }
        // Every process that plans is refused.
        Ending::Refused => (0..8).fold(target, |target, _| {
            target.plan_fails(Error::new(ErrorKind::NotFound, format!("cause-{name}")))
        }),
        Ending::Unseen => {
            target.at(step.takes, Moment::Failed(Error::new(ErrorKind::Denied, format!("cause-{name}"))))
        }
    };
    match step.back {
        Back::Restores => target.undo_at(40 * SECOND, ready()),
        Back::Fails => target.undo_at(40 * SECOND, seen(State::Ended(End::Failed), "undo-cause")),
        Back::Impossible => {
            target.revert_answers(Revert::Impossible { reason: format!("undo-cause-{name}") })
        }
        Back::NothingToDo => target.revert_answers(Revert::NothingToDo),
    }
}

fn pipeline(case: &Case, world: &World) -> Pipeline {
    let pace = Pace { first: 2 * SECOND, longest: 2 * SECOND, nearly: SECOND, nearly_looks: 0 };
    let hour = 3600 * SECOND;
    let policy = Policy::default().pace(pace).timeout(10 * hour).grace(hour);
    let mut builder = Pipeline::builder()
        .max_parallel(case.most)
        .on_failure(case.on_failure)
        .on_cancel(case.on_cancel)
        .default_policy(policy.clone());
    for (index, step) in case.steps.iter().enumerate() {
        let (name, target) = (Case::name(index), world.targets[index].clone());
        builder = if step.made {
            let from = Case::name(step.after[0]);
            builder.step_from(name, [(from.clone(), "id")], move |outputs| {
                assert_eq!(outputs.find(&from, "id")?, from);
                Ok(Box::new(target.clone()))
            })
        } else {
            builder.step(name, target)
        };
        builder = builder.after(step.after.iter().map(|before| Case::name(*before)));
        builder = match step.ending {
            Ending::TimesOut => builder.policy(policy.clone().timeout(step.takes)),
            _ => builder,
        };
        builder = if step.kept { builder.kept() } else { builder };
    }
    builder.build().unwrap()
}

/// A process runs the pipeline to its end, or is killed.
pub(crate) async fn process(
    case: &Case,
    world: &World,
    fuse: &Fuse,
    stop: Option<Duration>,
) -> Option<Report> {
    let token = CancellationToken::new();
    let journal: Arc<dyn Journal> = Arc::new(Mortal { inner: world.journal.clone(), fuse: fuse.clone() });
    let cx = Context::builder("run")
        .clock(world.clock)
        .journal(journal)
        .observer(Arc::new(world.events.clone()))
        .cancel(token.clone())
        .build();
    let pipeline = pipeline(case, world);
    let stopping = async {
        if let Some(stop) = stop {
            tokio::time::sleep(stop).await;
            token.cancel();
        }
        std::future::pending::<Option<Report>>().await
    };
    tokio::select! {
        biased;
        () = fuse.burnt() => None,
        never = stopping => never,
        report = pipeline.run(&cx) => Some(report),
    }
}
