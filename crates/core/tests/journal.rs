//! What a journal changes: runs go on, are told again, are made anew, and keep out of each other's way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::journal::{Entry, Held, History, Opened, RunLog};
use landfall_core::target::{Undo, run_step, undo_step};
use landfall_core::{
    Context, DeployTargetExt, End, Error, ErrorKind, FileJournal, Journal, MemoryJournal, Outcome, Outputs,
    Policy, Resource, Result, State, StepReport, Undone,
};
use landfall_testkit::{Call, Moment, Recorder, ScriptedTarget};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn ready() -> Moment {
    Moment::state(State::Ready(Outputs::new().with("revision", "2")))
}

fn failed() -> Moment {
    Moment::state(State::Ended(End::Failed))
}

fn good() -> ScriptedTarget {
    ScriptedTarget::new("web").at(5 * SECOND, ready()).undo_at(5 * SECOND, ready())
}

fn bad() -> ScriptedTarget {
    ScriptedTarget::new("web").at(5 * SECOND, failed()).undo_at(5 * SECOND, ready())
}

/// A process of its own, in one run.
fn process(journal: &(impl Journal + Clone + 'static)) -> Context {
    in_run("shop/1", journal)
}

fn in_run(run: &str, journal: &(impl Journal + Clone + 'static)) -> Context {
    Context::builder(run).step("web").journal(Arc::new(journal.clone())).build()
}

async fn deployed(target: &ScriptedTarget, journal: &(impl Journal + Clone + 'static)) -> StepReport {
    target.deploy(&process(journal), &Policy::default()).await
}

fn refused(report: &StepReport) -> Error {
    match &report.verdict.outcome {
        Outcome::Refused { error } => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_succeeded_is_told_again_without_a_call_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::new(folder.path());
    let target = good();
    let first = deployed(&target, &journal).await;
    let calls = target.calls().len();
    let again = deployed(&target, &journal).await;
    assert_eq!((again.exit_code(), target.calls().len()), (0, calls));
    assert_eq!(again.verdict, first.verdict);
    assert_eq!((again.plan, again.receipt), (first.plan, first.receipt));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_failed_and_was_undone_is_a_new_attempt_with_a_token_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::new(folder.path());
    let target = bad();
    for attempt in 1..=3 {
        let report = deployed(&target, &journal).await;
        assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted));
        assert_eq!(report.plan.unwrap().token.to_string(), format!("shop/1/web/{attempt}"));
    }
    let history = journal.read("shop/1").await.unwrap().unwrap();
    let attempts: Vec<(u32, Option<Undone>)> =
        history.attempts().into_iter().map(|attempt| (attempt.number, attempt.undone)).collect();
    assert_eq!(attempts, [1, 2, 3].map(|number| (number, Some(Undone::Reverted))));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_deployment_is_never_told_as_that_of_another() {
    let journal = MemoryJournal::new();
    assert_eq!(deployed(&good(), &journal).await.exit_code(), 0);
    let other = good().asked_for("another image");
    let error = refused(&deployed(&other, &journal).await);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("not what the recorded plan was made for"), "{error}");
    let elsewhere = ScriptedTarget::new("api");
    let error = refused(&deployed(&elsewhere, &journal).await);
    assert!(error.message().contains("has deployed to scripted web"), "{error}");
    assert!(other.calls().is_empty() && elsewhere.calls().is_empty());
    assert_eq!(deployed(&good(), &journal).await.exit_code(), 0, "the run itself is as it was");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_with_another_specification_is_refused_and_stays_open() {
    let journal = MemoryJournal::new();
    let target = good();
    let short = Policy::default().timeout(SECOND).on_failure(Undo::Keep);
    target.deploy(&process(&journal), &short).await;
    let other = good().asked_for("another image");
    let report = deployed(&other, &journal).await;
    assert_eq!((refused(&report).kind(), &report.undone), (ErrorKind::Conflict, &Undone::NotNeeded));
    assert!(other.calls().is_empty());
    let report = deployed(&target, &journal).await;
    assert_eq!((report.exit_code(), target.effects().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn two_runs_do_not_deploy_to_a_resource_at_once_and_the_second_is_told_who_does() {
    let journal = MemoryJournal::new();
    let (first, second) = (good(), good());
    let (one, other) = (in_run("shop/1", &journal), in_run("shop/2", &journal));
    let policy = Policy::default();
    let (first_report, report) = tokio::join!(first.deploy(&one, &policy), second.deploy(&other, &policy));
    assert_eq!(first_report.exit_code(), 0);
    let error = refused(&report);
    assert!(error.message().contains("run shop/1 (process"), "{error}");
    assert_eq!((error.kind(), report.exit_code(), second.calls().len()), (ErrorKind::Conflict, 1, 0));
    let again = second.deploy(&other, &policy).await;
    assert_eq!(again.exit_code(), 0, "it is free when the first has ended");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_asked_to_waits_for_the_resource_and_not_longer_than_its_timeout() {
    let journal = MemoryJournal::new();
    let first = ScriptedTarget::new("web").at(100 * SECOND, ready());
    let (second, third) = (good(), good());
    let (one, two, three) = (in_run("a", &journal), in_run("b", &journal), in_run("c", &journal));
    let (policy, waits) = (Policy::default(), Policy::default().waiting_for_resource());
    let impatient = waits.clone().timeout(20 * SECOND);
    let (first_report, second_report, third_report) = tokio::join!(
        first.deploy(&one, &policy),
        second.deploy(&two, &waits),
        third.deploy(&three, &impatient)
    );
    assert_eq!((first_report.exit_code(), second_report.exit_code()), (0, 0));
    assert!(second_report.ended > first_report.ended);
    assert_eq!((refused(&third_report).kind(), third.calls().len()), (ErrorKind::Conflict, 0));
    let waited = third_report.ended.duration_since(third_report.started).as_secs();
    assert!((20..=23).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_after_a_failure_can_be_undone_later_and_only_once() {
    let journal = MemoryJournal::new();
    let target = bad();
    let keep = Policy::default().on_failure(Undo::Keep);
    let report = target.deploy(&process(&journal), &keep).await;
    assert_eq!((report.exit_code(), &report.undone), (1, &Undone::Kept));
    for _ in 0..2 {
        let cx = process(&journal);
        let (cx, runtime) = cx.open_run().await.unwrap().at_attempt(&cx, 1);
        let plan = report.plan.as_ref().unwrap();
        let undone = undo_step(&runtime, &target, &cx, &keep, plan, report.receipt.as_ref()).await;
        assert_eq!((undone, target.effects().len()), (Undone::Reverted, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_of_a_run_whose_end_was_not_seen_is_not_taken_for_its_success_by_the_next_process() {
    let journal = MemoryJournal::new();
    let target = ScriptedTarget::new("web").at(60 * SECOND, ready()).undo_at(600 * SECOND, ready());
    let short = Policy::default().timeout(SECOND).on_failure(Undo::Keep);
    let report = target.deploy(&process(&journal), &short).await;
    let plan = report.plan.unwrap();
    {
        let cx = process(&journal);
        let (cx, runtime) = cx.open_run().await.unwrap().at_attempt(&cx, 1);
        let cut_off = undo_step(&runtime, &target, &cx, &short, &plan, report.receipt.as_ref());
        assert!(tokio::time::timeout(100 * SECOND, cut_off).await.is_err());
    }
    let again = deployed(&target, &journal).await;
    assert!(matches!(again.verdict.outcome, Outcome::Cancelled { .. }), "{:?}", again.verdict);
    assert_eq!((&again.undone, target.effects().len()), (&Undone::Reverted, 2));
}

/// A journal whose disk is full after so many records.
#[derive(Debug, Clone)]
struct Full {
    inner: MemoryJournal,
    room: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct FullLog {
    inner: Box<dyn RunLog>,
    room: Arc<AtomicUsize>,
}

#[async_trait]
impl Journal for Full {
    async fn open(&self, run: &str) -> Result<Opened> {
        let opened = self.inner.open(run).await?;
        let log = FullLog { inner: opened.log, room: Arc::clone(&self.room) };
        Ok(Opened { log: Box::new(log), ..opened })
    }
    async fn read(&self, run: &str) -> Result<Option<History>> {
        self.inner.read(run).await
    }
    async fn runs(&self) -> Result<Vec<Result<History>>> {
        self.inner.runs().await
    }
    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        self.inner.hold(resource, run).await
    }
}

#[async_trait]
impl RunLog for FullLog {
    async fn append(&self, entry: &Entry) -> Result<()> {
        if self.room.load(Ordering::Relaxed) == 0 {
            return Err(Error::invalid("no space left"));
        }
        self.room.fetch_sub(1, Ordering::Relaxed);
        self.inner.append(entry).await
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_that_cannot_be_recorded_and_what_is_begun_is_watched_to_its_end() {
    for room in 0..=8 {
        let journal = Full { inner: MemoryJournal::new(), room: Arc::new(AtomicUsize::new(room)) };
        let target = bad();
        let recorder = Recorder::new();
        let cx = Context::builder("shop/1")
            .journal(Arc::new(journal))
            .observer(Arc::new(recorder.clone()))
            .build();
        let report = target.deploy(&cx, &Policy::default()).await;
        let warnings = recorder.notes().iter().filter(|(code, _)| code == "journal-not-written").count();
        if room == 0 {
            assert_eq!(refused(&report).message(), "no space left");
            assert!(!target.calls().iter().any(|call| matches!(call, Call::Apply { .. })));
        } else {
            assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "room for {room}");
            assert_eq!(warnings, usize::from(room < 7), "room for {room}: said once, if at all");
        }
    }
}

/// How a step behaves, and how often and where its process is cut off.
#[derive(Debug, Clone)]
struct Case {
    parts: u32,
    end: Option<End>,
    loses_answer: bool,
    undo: Option<bool>,
    keep: bool,
    cuts: Vec<(usize, u64)>,
}

fn case() -> impl Strategy<Value = Case> {
    let end = prop_oneof![
        Just(None),
        Just(Some(End::Failed)),
        Just(Some(End::RolledBack { to: "web:1".into() })),
        Just(Some(End::Superseded { by: "somebody".into() })),
    ];
    let cuts = prop::collection::vec((0_usize..12, 0_u64..200), 1..4);
    (1_u32..4, end, any::<bool>(), any::<Option<bool>>(), any::<bool>(), cuts).prop_map(
        |(parts, end, loses_answer, undo, keep, cuts)| Case { parts, end, loses_answer, undo, keep, cuts },
    )
}

impl Case {
    fn target(&self) -> ScriptedTarget {
        let mut target = ScriptedTarget::new("web").parts(self.parts);
        if self.loses_answer {
            target = target.apply_loses_its_answer(Error::new(ErrorKind::Transient, "connection reset"));
        }
        target = match &self.end {
            None => target.at(9 * SECOND, ready()),
            Some(end) => target.at(9 * SECOND, Moment::state(State::Ended(end.clone()))),
        };
        match self.undo {
            Some(true) => target.undo_at(9 * SECOND, ready()),
            Some(false) => target.undo_at(9 * SECOND, failed()),
            None => target,
        }
    }

    fn policy(&self) -> Policy {
        let undo = if self.keep { Undo::Keep } else { Undo::Revert };
        Policy::default().on_failure(undo).grace(60 * SECOND)
    }
}

/// The first attempt, told or gone on with.
async fn first_attempt(case: &Case, target: &ScriptedTarget, journal: &MemoryJournal) -> StepReport {
    let cx = process(journal);
    let (cx, runtime) = cx.open_run().await.unwrap().at_attempt(&cx, 1);
    run_step(&runtime, target, &cx, &case.policy()).await
}

/// The journal of a process that was cut off after so many records.
async fn cut(journal: &MemoryJournal, records: usize) -> MemoryJournal {
    let cut = MemoryJournal::new();
    let opened = cut.open("shop/1").await.unwrap();
    for entry in journal.read("shop/1").await.unwrap().unwrap().entries.iter().take(records) {
        opened.log.append(entry).await.unwrap();
    }
    cut
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn cut_off_at_any_records_and_gone_on_with_a_step_has_the_same_report(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let target = case.target();
            let mut journal = MemoryJournal::new();
            let whole = first_attempt(&case, &target, &journal).await;
            let effects = target.effects();
            for (records, pause) in &case.cuts {
                journal = cut(&journal, *records).await;
                tokio::time::sleep(Duration::from_secs(*pause)).await;
                let again = first_attempt(&case, &target, &journal).await;
                prop_assert_eq!(&again.verdict, &whole.verdict);
                prop_assert_eq!(&again.undone, &whole.undone);
                prop_assert_eq!(again.exit_code(), whole.exit_code());
                prop_assert_eq!(&target.effects(), &effects);
            }
            Ok(())
        })?;
    }
}
