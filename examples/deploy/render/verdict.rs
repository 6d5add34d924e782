//! The last words: what came out, why, and what to do next.

use std::time::Duration;

use landfall::{Cause, End, Outcome, Undone, Verdict};

use super::{BAD, CARE, GOOD};

/// What the last words need beside the verdict.
pub(crate) struct Run<'a> {
    pub(crate) id: &'a str,
    pub(crate) started: Option<&'a str>,
    /// Where it goes on when nobody watches it: `AWS`, `the cluster`.
    pub(crate) place: &'a str,
    pub(crate) took: Duration,
}

/// Said as soon as it is known, before anything is undone.
pub(crate) fn before_undo(verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![format!("{BAD}{}{BAD:#}", headline(&verdict.outcome))];
    lines.extend(verdict.causes.iter().flat_map(cause_lines));
    if let Outcome::Refused { error } | Outcome::Unknown { error } = &verdict.outcome {
        lines.extend(error.report().lines().map(|line| format!("  {line}")));
    }
    lines
}

/// Said at the end.
pub(crate) fn finished(verdict: &Verdict, undone: &Undone, exit_code: u8, run: &Run<'_>) -> Vec<String> {
    let took = format!("{:.1} s", run.took.as_secs_f64());
    if verdict.outcome.is_success() {
        let mut lines = vec![format!("{GOOD}{}{GOOD:#} after {took}", headline(&verdict.outcome))];
        lines.extend(verdict.outputs.iter().map(|(name, value)| format!("  {name}: {value}")));
        if verdict.outcome == Outcome::Started {
            lines.push(goes_on(run));
        }
        return lines;
    }
    let mut lines = vec![match undone {
        Undone::NotNeeded if matches!(verdict.outcome, Outcome::Refused { .. }) => {
            "nothing was changed".to_owned()
        }
        Undone::NotNeeded => "nothing was undone".to_owned(),
        Undone::Kept => kept(&verdict.outcome).to_owned(),
        Undone::Reverted => format!("{CARE}undone{CARE:#}: what was there before runs again; it was seen"),
        Undone::NothingToDo => "nothing to undo: what was there before is there".to_owned(),
        Undone::Impossible { reason } => format!("{BAD}NOT UNDONE{BAD:#}: {reason}"),
        Undone::Failed { verdict } => format!("{BAD}THE UNDO FAILED{BAD:#}: {}", headline(&verdict.outcome)),
        _ => String::new(),
    }];
    if let Undone::Failed { verdict } = undone {
        lines.extend(before_undo(verdict).into_iter().skip(1));
    }
    if matches!(undone, Undone::Kept) && !matches!(verdict.outcome, Outcome::Ended(_)) {
        lines.push(goes_on(run));
    }
    lines.push(format!("{BAD}{}{BAD:#} after {took} (exit code {exit_code})", word(&verdict.outcome)));
    lines
}

fn kept(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ended(End::RolledBack { .. }) => {
            "AWS has put back what was there before; nothing is left to undo"
        }
        Outcome::Ended(End::Superseded { .. }) => "the other deployment was left alone",
        _ => "nothing was undone",
    }
}

fn goes_on(run: &Run<'_>) -> String {
    match run.started {
        Some(started) => format!(
            "it goes on in {}: {started}\n  next: to attach again, run the same command with --run-id {}",
            run.place, run.id
        ),
        None => "nothing had been started".to_owned(),
    }
}

pub(crate) fn cause_lines(cause: &Cause) -> Vec<String> {
    let report = cause.report();
    let mut lines = report.lines();
    let first = lines.next().unwrap_or_default();
    let mut all = vec![format!("  cause: {first}")];
    all.extend(lines.map(|line| format!("    {line}")));
    all
}

pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "SUCCEEDED",
        Outcome::Unchanged => "UNCHANGED",
        Outcome::Started => "STARTED",
        Outcome::Ended(End::Failed) => "FAILED",
        Outcome::Ended(End::RolledBack { .. }) => "ROLLED BACK",
        Outcome::Ended(End::Superseded { .. }) => "SUPERSEDED",
        Outcome::Ended(End::Stopped) => "STOPPED",
        Outcome::TimedOut { person: true, .. } => "WAITS FOR A PERSON",
        Outcome::TimedOut { .. } => "TIMED OUT",
        Outcome::Cancelled { .. } => "CANCELLED",
        Outcome::Refused { .. } => "REFUSED",
        _ => "UNKNOWN",
    }
}

pub(crate) fn headline(outcome: &Outcome) -> String {
    let word = word(outcome);
    match outcome {
        Outcome::Unchanged => format!("{word}: nothing to do, and what is there is healthy"),
        Outcome::Started => format!("{word}: nobody waited for the end"),
        Outcome::Ended(End::RolledBack { to }) => format!("{word} by AWS to {to}"),
        Outcome::Ended(End::Superseded { by }) => format!("{word} by {by}"),
        Outcome::Ended(End::Stopped) => format!("{word} by somebody"),
        Outcome::TimedOut { waiting_for, .. } if !waiting_for.is_empty() => {
            format!("{word} while waiting for {waiting_for}")
        }
        Outcome::Cancelled { waiting_for } if !waiting_for.is_empty() => {
            format!("{word} while waiting for {waiting_for}")
        }
        Outcome::Unknown { .. } => format!("{word}: the deployment was started and can no longer be seen"),
        _ => word.to_owned(),
    }
}
