//! The tables of readiness: what the server shows, and what it means.

mod any;
mod around;
mod custom;
mod generic;
mod workloads;

use serde_json::Value;

use super::{Applied, Judgement, Patience, Readiness, Rules, Seen, judge};
use crate::fixtures::{after, applied};

/// A judgement in one line: `ready`, `ready (note)`, `waits for ...`, `somebody: ...`, `failed (code) ...`.
fn line(judged: &Judgement) -> String {
    let notes: Vec<&str> = judged.notes.iter().map(|note| note.code).collect();
    match &judged.readiness {
        Readiness::Ready if notes.is_empty() => "ready".to_owned(),
        Readiness::Ready => format!("ready ({})", notes.join(", ")),
        Readiness::Waiting { waiting_for, person: false } => format!("waits for {waiting_for}"),
        Readiness::Waiting { waiting_for, person: true } => format!("somebody: {waiting_for}"),
        Readiness::Failed(cause) => format!("failed ({}) {}", cause.code, cause.message),
    }
}

/// What is judged of an object that was applied with a change, 30 s later.
fn judged(object: &Value) -> String {
    line(&judge(&Seen::new(object).at(after(30)), &applied(), &Rules::default(), &Patience::default()))
}

fn judged_as(object: &Value, applied: &Applied, seconds: i64) -> String {
    line(&judge(&Seen::new(object).at(after(seconds)), applied, &Rules::default(), &Patience::default()))
}

/// Checks rows of what is shown and how its judgement begins.
fn table(rows: impl IntoIterator<Item = (Value, &'static str)>) {
    for (object, expected) in rows {
        let found = judged(&object);
        let same = if matches!(expected, "ready") { found == expected } else { found.starts_with(expected) };
        assert!(same, "expected `{expected}`, found `{found}` for {object:#}");
    }
}
