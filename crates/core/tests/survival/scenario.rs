//! Steps that come out in different ways.

use std::time::Duration;

use landfall_core::context::{CancellationToken, Clock};
use landfall_core::target::Undo;
use landfall_core::{Cause, Context, End, Error, ErrorKind, Observation, Outputs, Policy, Revert, State};
use landfall_testkit::{Moment, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) target: fn() -> ScriptedTarget,
    pub(crate) policy: Policy,
    /// One for all processes: paused time passes on it, and does not on the machine's.
    clock: Clock,
    /// Somebody asks to stop this long after the start.
    pub(crate) stop: Option<Duration>,
    /// Few enough calls to try every pair of them.
    pub(crate) short: bool,
    /// Nothing is left open at the end.
    pub(crate) closes: bool,
}

impl Scenario {
    fn new(name: &'static str, target: fn() -> ScriptedTarget) -> Self {
        Self {
            name,
            target,
            policy: Policy::default(),
            clock: Clock::start(),
            stop: None,
            short: false,
            closes: true,
        }
    }

    fn short(self) -> Self {
        Self { short: true, ..self }
    }

    fn open(self) -> Self {
        Self { closes: false, ..self }
    }

    fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    fn stop(self, after: Duration) -> Self {
        Self { stop: Some(after), ..self }
    }

    pub(crate) fn context(&self) -> Context {
        let token = CancellationToken::new();
        if let Some(after) = self.stop {
            let token = token.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                token.cancel();
            });
        }
        Context::builder("run").step("web").clock(self.clock).cancel(token).build()
    }
}

fn thing() -> ScriptedTarget {
    ScriptedTarget::new("web")
}

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new().with("revision", "2")))
}

fn failed() -> Moment {
    let cause = Cause::new("image-not-found", "no such image");
    Moment::seen(Observation::new(State::Ended(End::Failed)).with_causes([cause]))
}

fn lost() -> Error {
    Error::new(ErrorKind::Transient, "connection reset")
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    let minute = Policy::default().timeout(60 * SECOND);
    let stop = Policy::default().on_cancel(Undo::Revert);
    vec![
        Scenario::new("success", || thing().at(5 * SECOND, ready())),
        Scenario::new("success in three parts", || thing().parts(3).at(SECOND, ready())).short(),
        Scenario::new("nothing to do", || thing().without_changes().at(SECOND, ready())),
        Scenario::new("failure and undo", || thing().at(SECOND, failed()).undo_at(SECOND, ready())).short(),
        Scenario::new("failure in the second part", || {
            thing().parts(2).at(3 * SECOND, failed()).undo_at(3 * SECOND, ready())
        }),
        Scenario::new("the answer of apply is lost", || {
            thing().apply_loses_its_answer(lost()).at(SECOND, failed()).undo_at(3 * SECOND, ready())
        }),
        Scenario::new("failure that is kept", || thing().at(3 * SECOND, failed()))
            .policy(Policy::default().on_failure(Undo::Keep)),
        Scenario::new("an undo that fails", || thing().at(SECOND, failed()).undo_at(SECOND, failed())),
        Scenario::new("an undo that is too slow", || thing().at(SECOND, failed()))
            .policy(Policy::default().grace(60 * SECOND)),
        Scenario::new("no undo", || {
            let reason = "it was the first deployment".to_owned();
            thing().at(SECOND, failed()).revert_answers(Revert::Impossible { reason })
        }),
        Scenario::new("AWS rolled back", || {
            thing().at(SECOND, Moment::state(State::Ended(End::RolledBack { to: "web:1".into() })))
        }),
        Scenario::new("too slow and undone", || thing().undo_at(3 * SECOND, ready())).policy(minute.clone()),
        Scenario::new("too slow and kept", thing).policy(minute.on_failure(Undo::Keep)).open(),
        Scenario::new("stopped and kept", thing).stop(20 * SECOND).open(),
        Scenario::new("stopped and undone", || thing().undo_at(9 * SECOND, ready()))
            .policy(stop)
            .stop(20 * SECOND),
    ]
}
