//! Calls of targets as the life cycle makes them, each by a new instance and within a limit.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::task::{Context as Poller, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use landfall_core::{
    Context, Cursor, DeployTarget, End, Error, Look, Observation, Outputs, Plan, Receipt, Revert, State,
    Token,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::World;

/// Every call of a target is shorter.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// How many looks a change may take, at a second each.
const LOOKS: u32 = 3600;

/// What a rule found: nothing, or what is wrong in words.
pub(super) type Found<T = ()> = Result<T, String>;

/// What comes behind a rule that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same rule again, in a new world.
    Round,
    /// The next rule.
    Rule,
}

/// The run of the suite.
pub(super) const RUN: &str = "conformance/1";

pub(super) fn context() -> Context {
    Context::builder(RUN).build()
}

/// A target in a world, as one process after the other has it.
pub(super) struct Stage<'a> {
    pub(super) world: &'a dyn World,
    pub(super) cx: Context,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a dyn World) -> Self {
        Self { world, cx: context() }
    }

    pub(super) async fn target(&self) -> Found<Box<dyn DeployTarget>> {
        self.world.target().await.map_err(|error| format!("the target could not be made: {}", error.report()))
    }

    pub(super) async fn plan(&self) -> Found<Plan> {
        let target = self.target().await?;
        let plan = call("plan", target.plan(&self.cx)).await?;
        Ok(travelled("the plan", &plan)?.stamped(Token::new(self.cx.id())))
    }

    pub(super) async fn apply(&self, plan: &Plan, so_far: Option<&Receipt>) -> Found<Receipt> {
        let target = self.target().await?;
        travelled("the receipt", &call("apply", target.apply(&self.cx, plan, so_far)).await?)
    }

    pub(super) async fn look(&self, receipt: &Receipt, cursor: &Cursor, last: bool) -> Found<Observation> {
        let target = self.target().await?;
        let seen =
            call("observe", target.observe(&self.cx, receipt, Look::new(cursor, Duration::ZERO, last)))
                .await?;
        travelled("what a look saw", &seen)
    }

    pub(super) async fn revert(&self, plan: &Plan, receipt: Option<&Receipt>) -> Found<Revert> {
        let target = self.target().await?;
        let answer = travelled(
            "the answer of revert",
            &call("revert", target.revert(&self.cx, plan, receipt)).await?,
        )?;
        Ok(match answer {
            Revert::Plan(back) => {
                Revert::Plan(Box::new(back.stamped(Token::new(format!("{}/undo", self.cx.id())))))
            }
            other => other,
        })
    }

    /// Applies part after part until it is ready; each call is another instance's.
    pub(super) async fn carry_out(&self, plan: &Plan) -> Found<(Receipt, Outputs)> {
        let mut receipt = self.apply(plan, None).await?;
        let mut cursor = Cursor::default();
        let mut last = String::new();
        for _ in 0..LOOKS {
            let seen = self.look(&receipt, &cursor, false).await?;
            cursor = seen.cursor;
            match seen.state {
                State::Ready(outputs) | State::Unchanged(outputs) => return Ok((receipt, outputs)),
                State::Proceed => receipt = self.apply(plan, Some(&receipt)).await?,
                State::Ended(end) => return Err(format!("it ended: {}", told(&end, &seen.causes))),
                State::Pending { waiting_for, .. } => last = waiting_for,
                _ => return Err("it is in a state that this suite does not know".to_owned()),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(format!("it was not ready after {LOOKS} looks, and waits for {last}"))
    }

    /// Puts back what was there before.
    pub(super) async fn put_back(&self, plan: &Plan, receipt: Option<&Receipt>) -> Found<Option<Plan>> {
        match self.revert(plan, receipt).await? {
            Revert::Plan(back) => {
                self.carry_out(&back).await.map_err(|what| format!("the undo: {what}"))?;
                Ok(Some(*back))
            }
            Revert::NothingToDo => Ok(None),
            Revert::Impossible { reason } => Err(format!(
                "a change that was just made cannot be undone: {reason}; give a world in which it can"
            )),
            _ => Err("revert gave an answer that this suite does not know".to_owned()),
        }
    }
}

fn told(end: &End, causes: &[landfall_core::Cause]) -> String {
    let causes: Vec<String> = causes.iter().map(landfall_core::Cause::report).collect();
    format!("{end:?} {}", causes.join("; "))
}

/// Takes a call so many awaits far, a moment for each. Gives its answer, if it has come by then.
pub(super) async fn begun<T>(call: &mut (impl Future<Output = T> + Unpin), awaits: usize) -> Option<T> {
    let mut call = std::pin::Pin::new(call);
    for _ in 0..awaits {
        if let Poll::Ready(answer) = call.as_mut().poll(&mut Poller::from_waker(Waker::noop())) {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    None
}

/// A call, within its limit; a panic is told and not passed on.
pub(super) async fn tried<T>(
    name: &str,
    work: impl Future<Output = landfall_core::Result<T>>,
) -> Found<landfall_core::Result<T>> {
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(CALL_LIMIT, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(format!("{name} panicked: {}", message(&*panic))),
        Err(_) => Err(format!("{name} took longer than {} s", CALL_LIMIT.as_secs())),
    }
}

/// A call that must not fail.
pub(super) async fn call<T>(name: &str, work: impl Future<Output = landfall_core::Result<T>>) -> Found<T> {
    tried(name, work).await?.map_err(|error: Error| format!("{name} failed: {}", error.report()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

/// The value as another process reads it.
fn travelled<T: Serialize + DeserializeOwned>(what: &str, value: &T) -> Found<T> {
    let text = serde_json::to_string(value).map_err(|error| format!("{what} cannot be written: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{what} cannot be read again: {error}"))
}

/// Compares two looks at the world.
pub(super) fn same(before: &Value, after: &Value, what: &str) -> Found {
    if before == after { Ok(()) } else { Err(format!("{what}: before {before}, after {after}")) }
}
