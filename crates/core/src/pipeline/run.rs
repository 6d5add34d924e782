//! Runs a pipeline: starts what may start, waits, and remembers why nothing more is started.
//!
//! All steps run inside the one future of the caller; no task is spawned, so that none outlives it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;

use super::facts::Facts;
use super::report::{Report, Status, StepResult};
use super::schedule::{Phase, State, ready};
use super::step::{Ran, Slot, is_failure};
use super::watched::did_not_succeed;
use super::{Pipeline, outputs};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::{EventKind, PipelineStep};
use crate::journal::Run;
use crate::target::Outcome;

/// Why nothing more is started.
pub(super) const CANCELLED: &str = "the run was cancelled";

impl Pipeline {
    /// Runs every step as soon as those before it have succeeded, and puts back what
    /// [`on_failure`](super::PipelineBuilder::on_failure) says when one fails. Steps are below the step of `cx`:
    /// `deploy/web`.
    ///
    /// With a run id and journal of an earlier call it goes on: steps that succeeded are told again without a call, open
    /// ones go on, and when the earlier run failed and was closed, those that failed or were put back are made again.
    ///
    /// # Cancellation
    /// Through the context's token: nothing new is started, each step stops as [`crate::target::run_step`] does, and
    /// [`on_cancel`](super::PipelineBuilder::on_cancel) says what is put back. Dropped, it stops wherever it is; the
    /// journal tells the next call where that was.
    pub async fn run(&self, cx: &Context) -> Report {
        let started = cx.clock().now();
        let report = match cx.open_run().await {
            Ok(run) => Execution::new(self, cx, run).await.until_over(started).await,
            Err(error) => self.not_begun(cx, started, error),
        };
        cx.emit(EventKind::PipelineFinished { exit_code: report.exit_code, took_ms: report.took_ms() });
        report
    }

    fn not_begun(&self, cx: &Context, started: Timestamp, error: Error) -> Report {
        let one = |name: &str| StepResult {
            name: name.to_owned(),
            status: Status::NotStarted { reason: "the run could not be begun".to_owned() },
        };
        Report::new(cx, started, self.steps().map(one).collect(), Some(error), cx.is_cancelled())
    }

    fn outline(&self) -> Vec<PipelineStep> {
        let name = |step: &usize| self.steps[*step].name.clone();
        let steps = self.steps.iter().zip(&self.graph.after);
        steps
            .map(|(step, after)| PipelineStep {
                name: step.name.clone(),
                after: after.iter().map(name).collect(),
            })
            .collect()
    }
}

/// One run of a pipeline in this process.
pub(super) struct Execution<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) cx: Context,
    run: Run,
    pub(super) facts: Facts,
    /// Which attempt it is of each step that was started.
    attempts: BTreeMap<String, u32>,
    state: State,
    /// By step; None until it came to its end.
    pub(super) ran: Vec<Option<Ran>>,
    /// The steps that succeeded, in the order of their completion.
    pub(super) completed: Vec<usize>,
    /// Why nothing new is started. Set by a step as soon as its failure is known, before it is undone.
    halt: Arc<OnceLock<String>>,
    /// Why no step could be started at all.
    error: Option<Error>,
}

impl<'a> Execution<'a> {
    async fn new(pipeline: &'a Pipeline, cx: &Context, run: Run) -> Self {
        let (cx, facts) = Facts::open(&run, cx).await;
        let steps = pipeline.steps.len();
        Self {
            pipeline,
            cx,
            run,
            attempts: facts.started(),
            facts,
            state: State::new(steps),
            ran: (0..steps).map(|_| None).collect(),
            completed: Vec::new(),
            halt: Arc::default(),
            error: None,
        }
    }

    async fn until_over(mut self, started: Timestamp) -> Report {
        self.cx.emit(EventKind::PipelineStarted { steps: self.pipeline.outline() });
        self.remember();
        self.run_all().await;
        self.put_back().await;
        let closed = || self.ran.iter().flatten().any(|ran| ran.slot.is_closed());
        // What was to be put back is: the next run begins anew.
        let over = self.failure().is_some() || self.facts.reverting().is_some() || closed();
        let open = self.ran.iter().flatten().any(|ran| ran.slot.is_open() && !self.gave_up(ran));
        // A process that goes on with putting back after a stop was not stopped itself.
        let cancelled = self.cx.is_cancelled() || self.halt.get().is_some_and(|reason| reason == CANCELLED);
        let (results, error) = (self.results(), self.error.take());
        let report = Report::new(&self.cx, started, results, error, cancelled);
        if over && !open {
            self.note_if_lost(self.facts.close(report.exit_code).await);
        }
        report
    }

    fn slot(&self, index: usize) -> Slot {
        let name = &self.pipeline.steps[index].name;
        let attempt = self.attempts.get(name).copied();
        let attempt = attempt.unwrap_or_else(|| self.run.attempt(self.cx.at_step(name).step()));
        Slot::new(index, name, attempt, &self.cx, &self.run)
    }

    /// What earlier processes left: which steps they have begun, which are lost, and which succeeded in which order.
    fn remember(&mut self) {
        let reverting = self.facts.reverting();
        if let Some(reason) = &reverting {
            self.halt.get_or_init(|| reason.clone());
        }
        let mut settled = Vec::new();
        let mut at = vec![Timestamp::MIN; self.state.begun.len()];
        for index in self.pipeline.graph.order() {
            let (name, slot) = (&self.pipeline.steps[index].name, self.slot(index));
            let gave_up = self.facts.gave_up(name);
            // What is to be put back is not begun any more.
            let started = self.attempts.contains_key(name);
            self.state.begun[index] = started && (slot.is_begun() || reverting.is_none());
            if started && (slot.is_lost() || gave_up.is_some()) {
                self.halt.get_or_init(|| did_not_succeed(name));
            }
            if let Some(verdict) = gave_up {
                self.state.phases[index] = Phase::Ended;
                self.ran[index] = Some(slot.given_up(verdict));
            } else if let Some(time) = slot.settled().filter(|_| started) {
                // Clocks of two machines differ; what came after comes after even so.
                let before = self.pipeline.graph.after[index].iter().map(|before| at[*before]).max();
                at[index] = before.map_or(time, |before| before.max(time));
                settled.push(index);
            }
        }
        settled.sort_by_key(|index| at[*index]);
        self.completed = settled;
    }

    /// Starts what may start and waits for it, until nothing runs any more.
    async fn run_all(&mut self) {
        let mut known: HashSet<usize> = self.completed.iter().copied().collect();
        let mut running: FuturesUnordered<BoxFuture<'a, Ran>> = FuturesUnordered::new();
        while self.error.is_none() {
            self.start_more(&running).await;
            let Some(ran) = running.next().await else { break };
            self.absorb(ran, &mut known).await;
            // Many may have ended at once; one look at the graph is enough for all of them.
            while let Some(Some(ran)) = running.next().now_or_never() {
                self.absorb(ran, &mut known).await;
            }
        }
    }

    async fn start_more(&mut self, running: &FuturesUnordered<BoxFuture<'a, Ran>>) {
        if self.cx.is_cancelled() {
            self.halt.get_or_init(|| CANCELLED.to_owned());
        }
        self.state.stopping = self.halt.get().is_some();
        let starts = ready(&self.pipeline.graph, &self.state);
        if let Err(error) = self.record_starts(&starts).await {
            self.error = Some(error);
            return;
        }
        for index in starts {
            self.state.phases[index] = Phase::Running;
            running.push(self.start(index));
        }
    }

    async fn record_starts(&mut self, starts: &[usize]) -> Result<()> {
        let names = starts.iter().map(|index| self.pipeline.steps[*index].name.as_str());
        let new = names.filter(|name| !self.attempts.contains_key(*name));
        let new: BTreeMap<&str, u32> =
            new.map(|name| (name, self.run.attempt(self.cx.at_step(name).step()))).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.facts.start(&new).await?;
        self.attempts.extend(new.into_iter().map(|(name, attempt)| (name.to_owned(), attempt)));
        Ok(())
    }

    fn start(&self, index: usize) -> BoxFuture<'a, Ran> {
        let step = &self.pipeline.steps[index];
        let (given, policy) = (self.given(index), self.pipeline.policy(step));
        Box::pin(self.slot(index).run(step, policy, given, Arc::clone(&self.halt)))
    }

    /// The declared outputs of the steps before.
    fn given(&self, index: usize) -> Result<Vec<Option<String>>> {
        let outputs = |index: usize| self.ran[index].as_ref().map(|ran| &ran.report.verdict.outputs);
        outputs::take(&self.pipeline.steps[index].needs, outputs)
    }

    async fn absorb(&mut self, ran: Ran, known: &mut HashSet<usize>) {
        let (index, verdict) = (ran.slot.index, &ran.report.verdict);
        let name = &self.pipeline.steps[index].name;
        if verdict.outcome.is_success() {
            self.state.phases[index] = Phase::Succeeded;
            if known.insert(index) {
                self.completed.push(index);
            }
        } else {
            self.state.phases[index] = Phase::Ended;
            let cancelled = matches!(verdict.outcome, Outcome::Cancelled { .. });
            self.halt.get_or_init(|| if cancelled { CANCELLED.to_owned() } else { did_not_succeed(name) });
            if is_failure(&verdict.outcome) && !ran.slot.is_begun() {
                self.note_if_lost(self.facts.give_up(name, verdict).await);
            }
        }
        self.ran[index] = Some(ran);
    }

    /// The name of a step that failed. One that could not be seen, was stopped or lacks credentials has not failed: it is
    /// gone on with.
    pub(super) fn failure(&self) -> Option<&str> {
        let failed = self.ran.iter().flatten().find(|ran| ran.has_failed())?;
        Some(&self.pipeline.steps[failed.slot.index].name)
    }

    /// Whether it is recorded that this run does not go on with the step, however it comes out.
    fn gave_up(&self, ran: &Ran) -> bool {
        self.facts.gave_up(&self.pipeline.steps[ran.slot.index].name).is_some()
    }

    /// Whether the stop that was asked for kept anything from its end.
    pub(super) fn cut_short(&self) -> bool {
        let cancelled = |ran: &Ran| matches!(ran.report.verdict.outcome, Outcome::Cancelled { .. });
        self.ran.iter().flatten().any(cancelled)
            || (self.cx.is_cancelled() && self.ran.iter().any(Option::is_none))
    }

    fn results(&mut self) -> Vec<StepResult> {
        let ran = std::mem::take(&mut self.ran);
        let steps = self.pipeline.steps.iter().zip(ran);
        let stop = self.halt.get().map_or("nothing could be started", String::as_str);
        steps
            .map(|(step, ran)| {
                StepResult::new(&step.name, ran.map(|ran| (ran.slot.cx.attempt(), ran.report)), stop)
            })
            .collect()
    }

    /// The journal could not be written: what is known is told even so.
    pub(super) fn note_if_lost(&self, written: Result<()>) {
        if let Err(error) = written {
            let text = format!("{}; if this run is repeated, it does not know of this", error.report());
            self.cx.note(crate::event::Level::Warning, "journal-not-written", text);
        }
    }
}
