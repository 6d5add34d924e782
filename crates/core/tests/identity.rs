//! Which events are told, under which identity, in which order.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use landfall_core::event::{Event, EventKind, Level};
use landfall_core::runtime::Local;
use landfall_core::target::{Undo, run_step};
use landfall_core::{
    Context, DeployTarget, End, Error, ErrorKind, Look, Observation, Outputs, Plan, Policy, Receipt,
    Resource, Result, Revert, State,
};
use landfall_testkit::{Moment, Recorder, ScriptedTarget};

const SECOND: Duration = Duration::from_secs(1);

/// A target that tells something in every phase.
#[derive(Debug)]
struct Talking(ScriptedTarget);

#[async_trait]
impl DeployTarget for Talking {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn resource(&self) -> Resource {
        self.0.resource()
    }
    fn specification(&self) -> String {
        self.0.specification()
    }
    async fn plan(&self, cx: &Context) -> Result<Plan> {
        cx.note(Level::Info, "in-plan", "");
        self.0.plan(cx).await
    }
    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        cx.note(Level::Info, "in-apply", "");
        self.0.apply(cx, plan, so_far).await
    }
    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        cx.note(Level::Info, "in-observe", "");
        self.0.observe(cx, receipt, look).await
    }
    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        cx.note(Level::Info, "in-revert", "");
        self.0.revert(cx, plan, receipt).await
    }
}

fn transient() -> Error {
    Error::new(ErrorKind::Transient, "connection reset")
}

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new()))
}

/// A target to which everything happens: parts, lost answers, failing looks, failure, undo.
fn eventful() -> Talking {
    let target = ScriptedTarget::new("web")
        .parts(2)
        .apply_loses_its_answer(transient())
        .apply_fails(transient())
        .revert_fails(transient())
        .at(Duration::ZERO, Moment::state(State::pending("tasks")))
        .at(3 * SECOND, Moment::Failed(transient()))
        .at(9 * SECOND, Moment::state(State::Ended(End::Failed)))
        .undo_at(9 * SECOND, ready());
    Talking(target)
}

fn identities(events: &[Event]) -> Vec<(String, u32, u32, String, u64)> {
    let identity =
        |event: &Event| (event.step.clone(), event.attempt, event.pass, event.record.clone(), event.index);
    events.iter().map(identity).collect()
}

fn context(recorder: &Recorder) -> Context {
    Context::builder("run").step("web").observer(Arc::new(recorder.clone())).build()
}

#[tokio::test(start_paused = true)]
async fn no_two_events_of_a_run_have_the_same_identity() {
    let recorder = Recorder::new();
    let cx = context(&recorder);
    run_step(&Local::new(cx.clone()), &eventful(), &cx, &Policy::default()).await;
    let all = identities(&recorder.events());
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:#?}");
}

#[tokio::test(start_paused = true)]
async fn no_two_processes_of_an_attempt_tell_events_of_the_same_identity() {
    let recorder = Recorder::new();
    let short = Policy::default().timeout(5 * SECOND).on_failure(Undo::Keep);
    let target = eventful();
    let mut records = BTreeMap::new();
    for policy in [&short, &short, &Policy::default(), &short] {
        let cx = context(&recorder);
        let local = Local::resuming(cx.clone(), records);
        run_step(&local, &target, &cx, policy).await;
        records = local.records();
    }
    let all = identities(&recorder.events());
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:#?}");
}

#[tokio::test(start_paused = true)]
async fn events_come_in_the_order_in_which_things_happen() {
    let recorder = Recorder::new();
    let cx = context(&recorder);
    run_step(&Local::new(cx.clone()), &eventful(), &cx, &Policy::default()).await;
    let mut told: Vec<String> = Vec::new();
    for event in recorder.events() {
        let name = match event.kind {
            EventKind::Note { code, .. } => code,
            other => serde_json::to_value(other).unwrap()["event"].as_str().unwrap().to_owned(),
        };
        if told.last() != Some(&name) {
            told.push(name);
        }
    }
    let forward = "started in-plan planned in-apply retrying in-apply retrying in-apply applied in-observe \
                   in-apply applied in-observe progress in-observe";
    let told = told.join(" ");
    assert!(told.starts_with(forward), "{told}");
    let back = "in-observe verdict in-revert retrying in-revert undoing in-apply applied in-observe progress \
                in-observe finished";
    assert!(told.ends_with(back), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_told_with_the_pause_that_is_really_made() {
    let recorder = Recorder::new();
    let cx = context(&recorder);
    run_step(&Local::new(cx.clone()), &eventful(), &cx, &Policy::default()).await;
    let events = recorder.events();
    let mut retries = 0;
    for (at, event) in events.iter().enumerate() {
        let EventKind::Retrying { delay_ms, .. } = event.kind else { continue };
        let next = &events[at + 1];
        let real = next.at.duration_since(event.at).as_millis();
        assert!((real - i128::from(delay_ms)).abs() <= 2, "{delay_ms} ms told, {real} ms made: {event:?}");
        retries += 1;
    }
    assert!(retries >= 5, "{retries}");
}

#[tokio::test(start_paused = true)]
async fn something_is_told_at_least_every_half_minute() {
    let recorder = Recorder::new();
    let cx = context(&recorder);
    let target = ScriptedTarget::new("web").at(1200 * SECOND, ready());
    run_step(&Local::new(cx.clone()), &target, &cx, &Policy::default()).await;
    let events = recorder.events();
    for pair in events.windows(2) {
        let silence = pair[1].at.duration_since(pair[0].at);
        assert!(silence <= SignedDuration::from_secs(30), "{silence:?} after {:?}", pair[0].kind);
    }
    assert!(events.len() < 80, "and not all the time: {} events", events.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_told_without_what_looks_like_a_secret() {
    let recorder = Recorder::new();
    let cx = context(&recorder);
    let secret = "c2VjcmV0LWNhbmFyeS12YWx1ZQ";
    let target = ScriptedTarget::new("web")
        .at(Duration::ZERO, Moment::state(State::pending(format!("hook with password={secret}"))));
    let policy = Policy::default().timeout(20 * SECOND).on_failure(Undo::Keep);
    let report = run_step(&Local::new(cx.clone()), &target, &cx, &policy).await;
    assert!(!recorder.json_lines().contains(secret));
    assert!(!serde_json::to_string(&report).unwrap().contains(secret));
}

#[tokio::test(start_paused = true)]
async fn a_context_below_a_recorded_call_begins_outside_of_it() {
    let recorder = Recorder::new();
    let below = context(&recorder).at_record("plan").at_step("migrate");
    below.note(Level::Info, "x", "");
    assert_eq!(recorder.events()[0].record, "run");
}
