use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Event, EventKind, JsonLines, Level, Observer, Observers, PipelineStep, channel, schema};
use crate::context::Context;
use crate::error::{Cause, Error, ErrorKind};
use crate::target::{
    Change, Effect, End, News, Outcome, Outputs, Place, Progress, Resource, Undone, Verdict,
};

/// One event of every kind, and one verdict of every outcome.
fn samples() -> Vec<EventKind> {
    let error =
        Error::new(ErrorKind::Denied, "no").with_hint("add it").with_cause(Cause::new("denied", "why"));
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let mut samples = vec![
        EventKind::SignedIn {
            source: "static keys".into(),
            account: place.account.clone(),
            identity: "arn:aws:iam::111122223333:user/x".into(),
            region: place.region.clone(),
        },
        EventKind::Started { resource: Resource::new(place, "ecs-service", ["demo", "web"]) },
        EventKind::Planned {
            changes: vec![Change::new(Effect::Update, "service web").with_details(["a -> b"])],
        },
        EventKind::Applied { part: 0, summary: "started".into() },
        EventKind::News {
            news: News::new("1", Level::Info, "steady").at("2026-01-01T00:00:00Z".parse().unwrap()),
        },
        EventKind::Progress {
            waiting_for: "tasks".into(),
            progress: vec![
                Progress::new("new tasks running", 1, Some(2), "tasks"),
                Progress::new("archive", 1, None, "bytes")
                    .with_rate(3)
                    .with_left(std::time::Duration::from_millis(9)),
            ],
            elapsed_ms: 5,
        },
        EventKind::Retrying { error: error.clone(), delay_ms: 1 },
        EventKind::Aborted { error: error.clone(), exit_code: 2 },
        EventKind::Note { level: Level::Warning, code: "x".into(), text: "y".into() },
        EventKind::Undoing { changes: vec![] },
        EventKind::Undone { undone: Undone::Reverted, exit_code: 3 },
        EventKind::PipelineStarted {
            steps: vec![PipelineStep { name: "web".into(), after: vec!["db".into()] }],
        },
        EventKind::PipelineFinished { exit_code: 3, took_ms: 1 },
    ];
    for outcome in [
        Outcome::Succeeded,
        Outcome::Unchanged,
        Outcome::Started,
        Outcome::Ended(End::Failed),
        Outcome::Ended(End::RolledBack { to: "web:1".into() }),
        Outcome::Ended(End::Superseded { by: "web:3".into() }),
        Outcome::Ended(End::Stopped),
        Outcome::TimedOut { waiting_for: "x".into(), person: false },
        Outcome::Cancelled { waiting_for: String::new() },
        Outcome::Refused { error: error.clone() },
        Outcome::Unknown { error },
    ] {
        let verdict = Verdict::new(outcome).with_outputs(Outputs::new().with("a", "b"));
        samples.push(EventKind::Verdict { verdict: verdict.clone() });
        let undone = Undone::Failed { verdict: Box::new(verdict.clone()) };
        samples.push(EventKind::Finished { verdict, undone, exit_code: 4, took_ms: 1 });
    }
    samples
}

#[tokio::test]
async fn every_event_is_one_line_that_fits_the_published_schema_and_can_be_read_back() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let (sender, mut receiver) = channel();
    let cx = Context::builder("run").observer(Arc::new(sender)).build();
    let samples = samples();
    for sample in &samples {
        cx.emit(sample.clone());
    }
    for sample in samples {
        let event = receiver.recv().await.unwrap();
        let out = JsonLines::new(Vec::new());
        out.observe(&event);
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let problems: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{line}: {problems:?}");
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap().kind, sample);
    }
}

#[test]
fn progress_is_told_with_its_rate_and_the_milliseconds_that_are_left() {
    let progress = Progress::new("archive", 1, None, "bytes");
    let progress = progress.with_rate(3).with_left(std::time::Duration::from_millis(1_500));
    let told =
        serde_json::json!({ "of": "archive", "done": 1, "unit": "bytes", "per_second": 3, "left_ms": 1_500 });
    assert_eq!(serde_json::to_value(progress).unwrap(), told);
}

#[test]
fn the_published_schema_is_the_one_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.schema.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let published = std::fs::read_to_string(path).unwrap();
    assert!(published == text, "docs/events.schema.json is not the schema of the code: run `just schema`");
}

#[test]
fn a_writer_that_fails_loses_the_line_and_not_the_deployment() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Arc::new(JsonLines::new(Closed));
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let closure = Arc::new(move |_: &Event| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let all = Observers::new().with(lines.clone()).with(closure);
    let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = rt.enter();
    let cx = Context::builder("run").observer(Arc::new(all)).build();
    cx.note(Level::Info, "a", "b");
    assert!(lines.failed());
    assert_eq!(told.load(Ordering::Relaxed), 1);
}
