//! Makes a whole step again when it fails.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{
    Cause, Context, Cursor, DeployTarget, End, Error, ErrorKind, Look, Observation, Plan, Receipt, Resource,
    Result, Revert, State, Token,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const KIND: &str = "retry";

/// Version of what receipts hold.
const VERSION: u32 = 2;

/// How long after a refusal it is tried again. What refuses for a while, such as a permission that has just been given, does
/// so for some seconds (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>, eventual consistency).
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

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

    /// Also when its first part was refused with an error of these kinds. An error does not say that nothing was done: for one
    /// that may pass ([`ErrorKind::is_passing`]) the same plan is carried out again, which finds what it did; for another,
    /// what may have been done is undone before a new plan is made. Five seconds lie between two such tries.
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
    /// It was refused. It is not known whether something was done even so.
    Refused { error: Error, until: Timestamp },
    /// What it changed is being undone, because of that.
    Undoing { back: Box<Plan>, receipt: Receipt, because: Vec<Cause> },
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
                let until = cx.clock().now().checked_add(PAUSE).unwrap_or(Timestamp::MAX);
                Stage::Refused { error, until }
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
        self.undo(cx, outer, (attempt, plan, Some(receipt)), format!("{end:?}"), seen.causes).await
    }

    /// The first part of a try's undo; the next try, if there is nothing to undo. Whatever goes wrong, why the try failed is
    /// told with it.
    async fn undo(
        &self,
        cx: &Context,
        outer: &Plan,
        (attempt, plan, receipt): (u32, Plan, Option<Receipt>),
        ended: String,
        because: Vec<Cause>,
    ) -> Result<Tried> {
        let causes: Vec<String> = because.iter().map(Cause::report).collect();
        let text = format!(
            "try {attempt} of {} ended: {ended}; it is undone and made again. {}",
            self.tries,
            causes.join("; ")
        );
        cx.note(Level::Warning, "retry", text);
        let beside = |error: Error| error.with_causes(because.clone());
        match self.inner.revert(cx, &plan, receipt.as_ref()).await.map_err(beside)? {
            Revert::Plan(back) => {
                let back = Box::new(back.stamped(undo_of_try(outer, attempt)));
                let receipt = self.inner.apply(cx, &back, None).await.map_err(beside)?;
                Ok(Tried { attempt, plan, stage: Stage::Undoing { back, receipt, because } })
            }
            Revert::NothingToDo => self.plan_again(cx, attempt + 1, outer).await.map_err(beside),
            Revert::Impossible { reason } => {
                Err(beside(Error::new(ErrorKind::Conflict, format!("it cannot be tried again: {reason}"))))
            }
            _ => Err(Error::internal("the target answered how to undo it in a way that is not known here")),
        }
    }

    /// The next part of an undo, or what comes behind it.
    async fn undo_on(
        &self,
        cx: &Context,
        outer: &Plan,
        (attempt, plan): (u32, Plan),
        (back, receipt, because): (Box<Plan>, Receipt, Vec<Cause>),
    ) -> Result<Tried> {
        let beside = |error: Error| error.with_causes(because.clone());
        let receipt = match self.look(cx, &receipt).await.map_err(beside)?.state {
            State::Proceed => self.inner.apply(cx, &back, Some(&receipt)).await.map_err(beside)?,
            State::Ready(_) | State::Unchanged(_) => {
                return self.plan_again(cx, attempt + 1, outer).await.map_err(beside);
            }
            _ => receipt,
        };
        Ok(Tried { attempt, plan, stage: Stage::Undoing { back, receipt, because } })
    }

    /// What comes behind a refusal.
    async fn after_refusal(
        &self,
        cx: &Context,
        outer: &Plan,
        attempt: u32,
        plan: Plan,
        error: Error,
    ) -> Result<Tried> {
        if error.kind().is_passing() {
            return self.begin(cx, attempt + 1, plan).await;
        }
        let because = vec![as_cause(attempt, &error)];
        self.undo(cx, outer, (attempt, plan, None), "refused".to_owned(), because).await
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
            match self.inner.revert(cx, &tried.plan, Some(receipt)).await {
                Ok(Revert::Impossible { .. }) => {}
                Ok(_) => seen.state = State::Proceed,
                Err(error) if error.kind().is_passing() => return Err(error.with_causes(seen.causes)),
                Err(error) => seen.causes.push(
                    Cause::new(
                        "not-retried",
                        format!("it is not tried again, since nobody can tell how to undo it: {error}"),
                    )
                    .with_evidence([error.report()]),
                ),
            }
        }
        Ok(seen)
    }
}

/// What an undo that goes on shows, beside why it is needed.
fn undoing(attempt: u32, because: &[Cause], seen: Result<Observation>, last: bool) -> Result<Observation> {
    let mut seen = seen.map_err(|error| error.with_causes(because.to_vec()))?;
    match seen.state {
        State::Ready(_) | State::Unchanged(_) => seen.state = State::Proceed,
        State::Ended(_) | State::Pending { .. } if last || matches!(seen.state, State::Ended(_)) => {
            let undo =
                Cause::new("undo-of-try", format!("the undo of try {attempt} did not come to its end"));
            let of_undo = std::mem::take(&mut seen.causes);
            seen.causes = because.iter().cloned().chain([undo]).chain(of_undo).collect();
        }
        _ => {}
    }
    Ok(seen)
}

/// A refusal as a reason for what comes behind it.
fn as_cause(attempt: u32, error: &Error) -> Cause {
    let cause = Cause::new("refused", format!("try {attempt} was refused: {error}"));
    let report = error.report();
    let more = report.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    cause.with_evidence(more)
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
        let Some(so_far) = so_far else {
            return told(&self.begin(cx, 1, plan.clone()).await?);
        };
        let Tried { attempt, plan: own, stage } = so_far.read(KIND, VERSION)?;
        let tried = match stage {
            Stage::Going(receipt) => self.go_on(cx, plan, attempt, own, receipt).await?,
            Stage::Refused { error, .. } => self.after_refusal(cx, plan, attempt, own, error).await?,
            Stage::Planned => self.begin(cx, attempt, own).await?,
            Stage::Undoing { back, receipt, because } => {
                self.undo_on(cx, plan, (attempt, own), (back, receipt, because)).await?
            }
        };
        told(&tried)
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        if receipt.kind != KIND {
            return self.inner.observe(cx, receipt, look).await;
        }
        let tried: Tried = receipt.read(KIND, VERSION)?;
        match &tried.stage {
            Stage::Refused { until, .. } if cx.clock().now() < *until => {
                Ok(Observation::new(State::pending(format!("the pause before try {}", tried.attempt + 1))))
            }
            Stage::Refused { .. } | Stage::Planned => Ok(Observation::new(State::Proceed)),
            Stage::Going(receipt) => {
                let seen = self.inner.observe(cx, receipt, look).await?;
                self.retried(cx, &tried, receipt, seen).await
            }
            Stage::Undoing { receipt, because, .. } => {
                let seen = self.inner.observe(cx, receipt, look).await;
                undoing(tried.attempt, because, seen, look.last)
            }
        }
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let tried = receipt.map(|receipt| receipt.read::<Tried>(KIND, VERSION)).transpose()?;
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

fn told(tried: &Tried) -> Result<Receipt> {
    Receipt::new(KIND, VERSION, summary(tried), tried)
}

fn summary(tried: &Tried) -> String {
    match &tried.stage {
        Stage::Going(receipt) => receipt.summary.clone(),
        Stage::Refused { error, .. } => format!("try {} was refused: {error}", tried.attempt),
        Stage::Undoing { receipt, .. } => format!("try {} is undone: {}", tried.attempt, receipt.summary),
        Stage::Planned => format!("try {} is planned", tried.attempt),
    }
}
