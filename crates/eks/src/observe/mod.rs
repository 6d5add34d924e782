//! One look: what is waited for is read, the judge is asked, and when something has failed its causes are looked for.
//!
//! - `subjects`: what is waited for, and what has to be read to judge it.
//! - `scene`: what is shown, put in order: which pod belongs to what.
//! - `verdict`: all judgements together.
//! - `evidence`: logs and causes, read before anything is put back.
//!
//! A look holds for as long as it may, and ends when there is something to tell: the watches tell it at once. Besides
//! reading it does one thing: it holds the lock of the release for longer, when its time would be over during the wait.

mod evidence;
mod scene;
mod subjects;
mod verdict;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::{Cause, Context, Cursor, End, ErrorKind, Look, Observation, Result, State};
use tokio::time::{Instant, timeout};

use crate::carry;
use crate::error::Refusal;
use crate::input::ManifestSet;
use crate::lock::{self, Holder};
use crate::memory::{Memory, Progressed, Stage};
use crate::target::Manifests;
use scene::Scene;
use subjects::Subjects;
use verdict::Verdict;

/// How long a look gathers what happens at once before it tells of it. What ends the wait is told at once.
const GATHERS: Duration = Duration::from_millis(300);

/// Some judgements change with time alone: how often they are made anew.
const TICK: Duration = Duration::from_secs(1);

/// Judging again is not worth it more often than this while everything moves.
const CLOSEST: Duration = Duration::from_millis(10);

/// And not for more than a tenth of the time: hundreds of workloads take milliseconds to judge, each time one of them moves.
const BETWEEN: u32 = 9;

/// Looks once.
pub(crate) async fn observe(
    target: &Manifests,
    cx: &Context,
    progressed: &Progressed,
    look: Look<'_>,
) -> Result<Observation> {
    match &progressed.stage {
        Stage::Busy => busy(target, cx).await,
        Stage::Failed { error, left } => Ok(failed(error, *left)),
        Stage::Done { outputs } => Ok(Observation::new(State::Ready(outputs.clone()))),
        Stage::Applying | Stage::Standing => waiting(target, cx, progressed, look).await,
    }
}

/// Whether the other run still deploys the release.
async fn busy(target: &Manifests, cx: &Context) -> Result<Observation> {
    let holder = target.lock.look(cx, &target.api, &target.spec.release, &lock::name(cx)).await?;
    Ok(Observation::new(match holder {
        Holder::Other { holder, .. } => {
            State::pending(format!("{holder}, which deploys the release, to end"))
        }
        _ => State::Proceed,
    }))
}

/// Objects could not be applied.
fn failed(error: &landfall_core::Error, left: usize) -> Observation {
    let mut causes = error.causes().to_vec();
    if causes.is_empty() {
        causes.push(Cause::new("not-applied", error.message()));
    }
    if left > 0 {
        let text = format!("{left} objects of later waves were not tried");
        causes.push(Cause::new("not-tried", text));
    }
    Observation::new(State::Ended(End::Failed)).with_causes(causes)
}

/// Waits for objects to be ready.
async fn waiting(
    target: &Manifests,
    cx: &Context,
    progressed: &Progressed,
    look: Look<'_>,
) -> Result<Observation> {
    let recalled;
    let set: &ManifestSet = match (&progressed.goal, &target.spec.set) {
        (Some(goal), _) => {
            recalled = match carry::recalled(target, cx, goal).await {
                // An earlier process has seen all of it ready, and has written the end down.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let undone = carry::is_back(target, cx, progressed.revision, goal).await?;
                    return if undone { Ok(Observation::new(State::Proceed)) } else { Err(error) };
                }
                recalled => recalled?,
            };
            &recalled
        }
        (None, Some(set)) => set,
        (None, None) => return Err(Refusal::NoManifests { release: target.spec.release.clone() }.into()),
    };
    let subjects = Subjects::of(target, cx, set, progressed).await?;
    let mut memory: Memory = look.cursor.read().unwrap_or_default();
    let mut changes = target.feeds.changes();
    target.feeds.list(cx, &target.api, &subjects.topics, look.last).await;
    let (began, mut first) = (Instant::now(), None);
    loop {
        if matches!(progressed.stage, Stage::Applying)
            && let Some(by) = overtaken(target, cx).await?
        {
            return Ok(Observation::new(State::Ended(End::Superseded { by })));
        }
        changes.mark_unchanged();
        if let Some(error) = subjects.trouble(target) {
            return Err(error);
        }
        subjects.confirm_gone(cx, target).await?;
        let now = lock::now(cx, &target.api);
        let judging = Instant::now();
        let scene = Scene::of(target, &subjects, now);
        let verdict = Verdict::of(target, &subjects, &scene, &memory);
        let judged_in = judging.elapsed();
        // Only what is not ready has anything below it that is worth looking at. Read for the first time, it is judged at
        // once.
        let below = subjects.topics_below(target, cx, &verdict).await?;
        if subjects.learn(&below) {
            target.feeds.list(cx, &target.api, &below, look.last).await;
            continue;
        }
        memory = verdict.memory.clone();
        if let Some(state) = ended(target, progressed, &subjects, &scene, &verdict, now) {
            let causes = match state {
                State::Ended(_) => evidence::causes(cx, target, &subjects, &scene, &verdict).await,
                _ => Vec::new(),
            };
            return Ok(told(&verdict, state).with_causes(causes));
        }
        let summary = verdict.summary();
        let moved = *first.get_or_insert_with(|| summary.clone()) != summary;
        let elapsed = began.elapsed();
        if look.last || elapsed >= look.patience || (moved && elapsed >= GATHERS) {
            let causes = match look.last {
                true => evidence::causes(cx, target, &subjects, &scene, &verdict).await,
                false => verdict.warnings.clone(),
            };
            return Ok(told(&verdict, verdict.pending()).with_causes(causes).watched());
        }
        target.feeds.follow(cx, &target.api, subjects.all_topics().iter());
        let pause = CLOSEST.max(judged_in * BETWEEN);
        let _ = timeout(TICK.min(look.patience.saturating_sub(elapsed)), changes.changed()).await;
        tokio::time::sleep(pause).await;
    }
}

/// Holds the lock for longer in time; who has it, when it was lost.
async fn overtaken(target: &Manifests, cx: &Context) -> Result<Option<String>> {
    let us = lock::name(cx);
    match target.lock.take(cx, &target.api, &target.spec.release, &us).await {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let holder = target.lock.look(cx, &target.api, &target.spec.release, &us).await?;
            match holder {
                Holder::Other { holder, .. } => Ok(Some(holder)),
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether this ends the wait.
fn ended(
    target: &Manifests,
    progressed: &Progressed,
    subjects: &Subjects<'_>,
    scene: &Scene,
    verdict: &Verdict,
    now: Timestamp,
) -> Option<State> {
    if verdict.has_failed() {
        return Some(State::Ended(End::Failed));
    }
    if !verdict.is_ready() {
        let undo = progressed.goal.is_some() && !progressed.unstuck;
        return (undo && scene.is_stuck(subjects)).then_some(State::Proceed);
    }
    let stable = SignedDuration::try_from(target.spec.stable_for).unwrap_or(SignedDuration::MAX);
    let since = verdict.memory.ready_since.unwrap_or(now);
    let new = progressed.goal.is_none() && matches!(progressed.stage, Stage::Applying);
    if subjects.are_all && new && now.duration_since(since) < stable {
        return None;
    }
    Some(match progressed.stage {
        Stage::Standing => State::Unchanged(carry::outputs(target, progressed)),
        _ => State::Proceed,
    })
}

/// What a look tells.
fn told(verdict: &Verdict, state: State) -> Observation {
    Observation::new(state)
        .with_cursor(Cursor::new(&verdict.memory))
        .with_news(verdict.news.clone())
        .with_progress(verdict.progress.clone())
}
