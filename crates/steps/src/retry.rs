//! Makes a whole step again when it fails.

use async_trait::async_trait;
use landfall_core::event::Level;
use landfall_core::{
    Context, Cursor, DeployTarget, End, Error, ErrorKind, Look, Observation, Plan, Receipt, Resource, Result,
    Revert, State, Token,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const KIND: &str = "retry";

/// A target that is deployed again when it failed: what the failed try changed is undone first, then a new plan is made and
/// carried out. The life cycle sees one step with many parts, so that each of them survives a crash.
///
/// A rollback by AWS, another deployment that took its place, and a stop by somebody are not retried. Passing errors of
/// single calls are retried by the life cycle anyway.
#[derive(Debug, Clone)]
pub struct Retry<T> {
    inner: T,
    tries: u32,
    on_failure: bool,
    on_errors: Vec<ErrorKind>,
}

impl<T: DeployTarget> Retry<T> {
    /// Tries `inner` up to `tries` times in all, 1 or more, when it failed.
    #[must_use]
    pub fn new(inner: T, tries: u32) -> Self {
        Self { inner, tries: tries.max(1), on_failure: true, on_errors: Vec::new() }
    }

    /// Also when its first part was refused with an error of these kinds.
    #[must_use]
    pub fn on_errors(mut self, kinds: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.on_errors.extend(kinds);
        self
    }

    /// Only for such errors, and not when it was started and failed.
    #[must_use]
    pub fn only_on_errors(mut self) -> Self {
        self.on_failure = false;
        self
    }
}

/// How far a retried step has come.
#[derive(Debug, Serialize, Deserialize)]
struct Tried {
    attempt: u32,
    /// The plan of this try.
    plan: Plan,
    stage: Stage,
}

#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    /// It was started.
    Going(Receipt),
    /// It was refused, and nothing was started.
    Refused(Error),
    /// What it changed is being undone.
    Undoing { back: Box<Plan>, receipt: Receipt },
    /// A new plan is made, and is carried out next.
    Planned,
}

/// The token of a try's own undo: not that of the step's, by which a target would take the one for the other.
fn undo_of_try(outer: &Plan, attempt: u32) -> Token {
    Token::new(format!("{}/try-{attempt}/undo", outer.token))
}

impl<T: DeployTarget> Retry<T> {
    fn retries(&self, end: &End, attempt: u32) -> bool {
        self.on_failure && *end == End::Failed && attempt < self.tries
    }

    /// What the target shows now.
    async fn look(&self, cx: &Context, receipt: &Receipt) -> Result<Observation> {
        self.inner.observe(cx, receipt, Look::new(&Cursor::default(), Duration::ZERO, true)).await
    }

    async fn begin(&self, cx: &Context, attempt: u32, plan: Plan) -> Result<Tried> {
        let stage = match self.inner.apply(cx, &plan, None).await {
            Ok(receipt) => Stage::Going(receipt),
            Err(error) if self.on_errors.contains(&error.kind()) && attempt < self.tries => {
                Stage::Refused(error)
            }
            Err(error) => return Err(error),
        };
        Ok(Tried { attempt, plan, stage })
    }

    async fn plan_again(&self, cx: &Context, attempt: u32, outer: &Plan) -> Result<Tried> {
        let token = Token::new(format!("{}/try-{attempt}", outer.token));
        let plan = self.inner.plan(cx).await?.stamped(token);
        Ok(Tried { attempt, plan, stage: Stage::Planned })
    }

    /// The next part of a try that was started: its own next part, or its undo.
    async fn go_on(
        &self,
        cx: &Context,
        outer: &Plan,
        attempt: u32,
        plan: Plan,
        receipt: Receipt,
    ) -> Result<Tried> {
        let seen = self.look(cx, &receipt).await?;
        if seen.state == State::Proceed {
            let receipt = self.inner.apply(cx, &plan, Some(&receipt)).await?;
            return Ok(Tried { attempt, plan, stage: Stage::Going(receipt) });
        }
        let State::Ended(end) = seen.state else {
            return Ok(Tried { attempt, plan, stage: Stage::Going(receipt) });
        };
        let causes: Vec<String> = seen.causes.iter().map(|cause| cause.report()).collect();
        let text = format!(
            "try {attempt} of {} ended: {end:?}; it is undone and made again. {}",
            self.tries,
            causes.join("; ")
        );
        cx.note(Level::Warning, "retry", text);
        match self.inner.revert(cx, &plan, Some(&receipt)).await? {
            Revert::Plan(back) => {
                let back = Box::new(back.stamped(undo_of_try(outer, attempt)));
                let receipt = self.inner.apply(cx, &back, None).await?;
                Ok(Tried { attempt, plan, stage: Stage::Undoing { back, receipt } })
            }
            Revert::NothingToDo => self.plan_again(cx, attempt + 1, outer).await,
            Revert::Impossible { reason } => {
                Err(Error::new(ErrorKind::Conflict, format!("it cannot be tried again: {reason}")))
            }
            _ => Err(Error::internal("the target answered how to undo it in a way that is not known here")),
        }
    }

    /// The next part of an undo, or what comes behind it.
    async fn undo_on(
        &self,
        cx: &Context,
        outer: &Plan,
        tried: Tried,
        back: Box<Plan>,
        receipt: Receipt,
    ) -> Result<Tried> {
        if self.look(cx, &receipt).await?.state == State::Proceed {
            let receipt = self.inner.apply(cx, &back, Some(&receipt)).await?;
            return Ok(Tried { stage: Stage::Undoing { back, receipt }, ..tried });
        }
        self.plan_again(cx, tried.attempt + 1, outer).await
    }

    /// A failed try becomes the beginning of the next, if what it changed can be undone.
    async fn retried(
        &self,
        cx: &Context,
        tried: &Tried,
        receipt: &Receipt,
        mut seen: Observation,
    ) -> Result<Observation> {
        let State::Ended(end) = &seen.state else { return Ok(seen) };
        if self.retries(end, tried.attempt) {
            match self.inner.revert(cx, &tried.plan, Some(receipt)).await? {
                Revert::Impossible { .. } => {}
                _ => seen.state = State::Proceed,
            }
        }
        Ok(seen)
    }
}

#[async_trait]
impl<T: DeployTarget> DeployTarget for Retry<T> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn resource(&self) -> Resource {
        self.inner.resource()
    }

    fn specification(&self) -> String {
        self.inner.specification()
    }

    async fn plan(&self, cx: &Context) -> Result<Plan> {
        self.inner.plan(cx).await
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        if plan.token.is_undo() {
            return self.inner.apply(cx, plan, so_far).await;
        }
        let tried = match so_far.map(|receipt| receipt.read::<Tried>(KIND, 1)).transpose()? {
            None => self.begin(cx, 1, plan.clone()).await?,
            Some(Tried { attempt, plan: own, stage: Stage::Going(receipt) }) => {
                self.go_on(cx, plan, attempt, own, receipt).await?
            }
            Some(Tried { attempt, stage: Stage::Refused(_), .. }) => {
                self.plan_again(cx, attempt + 1, plan).await?
            }
            Some(Tried { attempt, plan: own, stage: Stage::Planned }) => self.begin(cx, attempt, own).await?,
            Some(Tried { attempt, plan: own, stage: Stage::Undoing { back, receipt } }) => {
                let tried = Tried { attempt, plan: own, stage: Stage::Planned };
                self.undo_on(cx, plan, tried, back, receipt).await?
            }
        };
        Receipt::new(KIND, 1, summary(&tried), &tried)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        if receipt.kind != KIND {
            return self.inner.observe(cx, receipt, look).await;
        }
        let tried: Tried = receipt.read(KIND, 1)?;
        match &tried.stage {
            Stage::Refused(_) | Stage::Planned => Ok(Observation::new(State::Proceed)),
            Stage::Going(receipt) => {
                let seen = self.inner.observe(cx, receipt, look).await?;
                self.retried(cx, &tried, receipt, seen).await
            }
            Stage::Undoing { receipt, .. } => {
                let mut seen = self.inner.observe(cx, receipt, look).await?;
                if let State::Ready(_) = seen.state {
                    seen.state = State::Proceed;
                }
                Ok(seen)
            }
        }
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let tried = receipt.map(|receipt| receipt.read::<Tried>(KIND, 1)).transpose()?;
        match tried {
            None => self.inner.revert(cx, plan, None).await,
            Some(Tried { plan, stage: Stage::Going(receipt), .. }) => {
                self.inner.revert(cx, &plan, Some(&receipt)).await
            }
            // An undo of this try is on its way; or the try before was undone, and this one may have begun without an answer.
            Some(Tried { plan, .. }) => self.inner.revert(cx, &plan, None).await,
        }
    }
}

fn summary(tried: &Tried) -> String {
    match &tried.stage {
        Stage::Going(receipt) => receipt.summary.clone(),
        Stage::Refused(error) => format!("try {} was refused: {error}", tried.attempt),
        Stage::Undoing { receipt, .. } => format!("try {} is undone: {}", tried.attempt, receipt.summary),
        Stage::Planned => format!("try {} is planned", tried.attempt),
    }
}
