//! `deploy runs`: what a journal holds, for people and for programs.

use std::io::Write;

use landfall::journal::{Attempt, History, Stage, Whole};
use landfall::{Cause, Error, Journal, Result, Undone};
use serde_json::{Value, json};

use crate::flags::{Global, Output, Runs};
use crate::journal;
use crate::render::verdict::{cause_lines, headline};

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// When the journal, or the run that was asked for, cannot be read.
pub(crate) async fn run(global: &Global, what: &Runs, mut problems: Vec<Cause>) -> Result<u8> {
    let journal = journal::existing(global, &mut problems);
    Error::all("the input cannot be used; nothing was sent", problems)?;
    let Some(journal) = journal else { return Ok(2) };
    let (read, broken): (Vec<History>, Vec<Error>) = match &what.run {
        Some(run) => match journal.read(run).await? {
            Some(history) => (vec![history], Vec::new()),
            None => return Err(journal::unknown(&journal, run).await),
        },
        None => {
            let mut read = Vec::new();
            let mut broken = Vec::new();
            for run in journal.runs().await? {
                match run {
                    Ok(history) => read.push(history),
                    Err(error) => broken.push(error),
                }
            }
            read.sort_by_key(|history| history.began);
            (read, broken)
        }
    };
    let mut lines: Vec<String> = match (global.output, &what.run) {
        (Output::Json, _) => {
            read.iter().map(|history| line(history, what.run.is_some()).to_string()).collect()
        }
        (Output::Human, Some(_)) => read.iter().flat_map(shown).collect(),
        (Output::Human, None) => table(&read),
    };
    lines.extend(broken.iter().map(|error| match global.output {
        Output::Json => json!({ "error": error }).to_string(),
        Output::Human => format!("cannot be read: {}", error.report()),
    }));
    let mut out = anstream::stdout().lock();
    for line in lines {
        // A reader that has gone away wants no more.
        let _ = writeln!(out, "{line}");
    }
    Ok(broken.first().map_or(0, Error::exit_code))
}

/// How far an attempt has come, in a few words.
fn state(attempt: &Attempt) -> String {
    let outcome = attempt.verdict.as_ref().map(|verdict| word(&verdict.outcome));
    match (attempt.stage, outcome, &attempt.undone) {
        (Stage::Planned, ..) => "planned, perhaps begun".to_owned(),
        (Stage::Applied, ..) => "started".to_owned(),
        (_, Some(outcome), Some(undone)) => match undone {
            Undone::NotNeeded | Undone::Kept => outcome,
            Undone::Reverted => format!("{outcome}, undone"),
            Undone::NothingToDo => format!("{outcome}, nothing to undo"),
            _ => format!("{outcome}, NOT UNDONE"),
        },
        (Stage::Undoing, Some(outcome), None) => format!("{outcome}, undo begun"),
        (_, Some(outcome), None) => outcome,
        (..) => "unknown".to_owned(),
    }
}

/// How far a pipeline has come, in a few words.
fn state_of_whole(whole: &Whole) -> String {
    match (whole.exit_code, &whole.reverting) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(reason)) => format!("is put back: {reason}"),
        (None, None) => format!("begun: {}", names(whole)),
    }
}

fn names(whole: &Whole) -> String {
    whole.started.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn word(outcome: &landfall::Outcome) -> String {
    crate::render::verdict::word(outcome).to_lowercase()
}

fn resource(attempt: &Attempt) -> String {
    let made_for = attempt.plan.as_ref().and_then(|plan| plan.made_for.as_ref());
    made_for.map_or_else(|| "?".to_owned(), |made_for| made_for.resource.to_string())
}

/// One line for each attempt, under a heading.
fn table(histories: &[History]) -> Vec<String> {
    let heading = ["RUN", "STEP", "ATTEMPT", "STATE", "WHEN", "RESOURCE"].map(str::to_owned);
    let mut rows = vec![heading];
    for history in histories {
        let (attempts, pipelines) = (history.attempts(), history.pipelines());
        let open = if history.holder.is_some() { " (open now)" } else { "" };
        rows.extend(pipelines.iter().map(|whole| {
            let (number, when) = (whole.number.to_string(), format!("{:.0}", whole.last));
            let state = format!("{}{open}", state_of_whole(whole));
            [history.run.clone(), whole.path.clone(), number, state, when, "-".into()]
        }));
        if attempts.is_empty() && pipelines.is_empty() {
            let state = format!("nothing was begun{open}");
            let when = format!("{:.0}", history.began);
            rows.push([history.run.clone(), "-".into(), "-".into(), state, when, "-".into()]);
        }
        rows.extend(attempts.iter().map(|attempt| {
            let (number, when) = (attempt.number.to_string(), format!("{:.0}", attempt.last));
            let state = format!("{}{open}", state(attempt));
            [history.run.clone(), attempt.step.clone(), number, state, when, resource(attempt)]
        }));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
            format!("{}{}", cells.collect::<String>(), row[5])
        })
        .collect()
}

/// Everything about one run.
fn shown(history: &History) -> Vec<String> {
    let mut lines = vec![format!("run        {}", history.run), format!("begun      {:.0}", history.began)];
    if let Some(holder) = &history.holder {
        lines.push(format!("open in    {holder}"));
    }
    let (attempts, pipelines) = (history.attempts(), history.pipelines());
    if attempts.is_empty() && pipelines.is_empty() {
        lines.push("nothing was begun".to_owned());
    }
    for whole in &pipelines {
        lines.push(String::new());
        lines.push(format!("pipeline {}, attempt {}: {}", whole.path, whole.number, state_of_whole(whole)));
        lines.push(format!("  steps    {}", names(whole)));
        if let (Some(_), Some(reason)) = (whole.exit_code, &whole.reverting) {
            lines.push(format!("  put back since {reason}"));
        }
        for (step, verdict) in &whole.given_up {
            lines.push(format!("  {step}: {}", headline(&verdict.outcome)));
            lines.extend(verdict.causes.iter().flat_map(cause_lines).map(|line| format!("  {line}")));
        }
    }
    for attempt in &attempts {
        lines.push(String::new());
        lines.push(format!("step {}, attempt {}: {}", attempt.step, attempt.number, state(attempt)));
        lines.push(format!("  to       {}", resource(attempt)));
        let of = history.entries.iter();
        let of = of.filter(|entry| entry.step == attempt.step && entry.attempt == attempt.number);
        lines.extend(of.map(|entry| {
            format!(
                "  {:.3}  {:<14} {:>7.1} s",
                entry.at,
                entry.record,
                f64::from(u32::try_from(entry.took_ms).unwrap_or(u32::MAX)) / 1000.0
            )
        }));
        for change in attempt.plan.iter().flat_map(|plan| &plan.changes) {
            lines.push(format!("  plan     {}", change.subject));
            lines.extend(change.details.iter().map(|detail| format!("             {detail}")));
        }
        lines.extend(attempt.receipt.iter().map(|receipt| format!("  started  {}", receipt.summary)));
        if let Some(verdict) = &attempt.verdict {
            lines.push(format!("  verdict  {}", headline(&verdict.outcome)));
            lines.extend(verdict.causes.iter().flat_map(cause_lines).map(|line| format!("  {line}")));
            lines.extend(verdict.outputs.iter().map(|(name, value)| format!("    {name}: {value}")));
        }
        if let Some(Undone::Impossible { reason }) = &attempt.undone {
            lines.push(format!("  undo     impossible: {reason}"));
        }
        if let Some(Undone::Failed { verdict }) = &attempt.undone {
            lines.push(format!("  undo     {}", headline(&verdict.outcome)));
            lines.extend(verdict.causes.iter().flat_map(cause_lines).map(|line| format!("  {line}")));
        }
    }
    lines
}

fn line(history: &History, with_records: bool) -> Value {
    let attempts: Vec<Value> = history
        .attempts()
        .iter()
        .map(|attempt| {
            json!({
                "step": attempt.step,
                "attempt": attempt.number,
                "stage": attempt.stage,
                "state": state(attempt),
                "began": attempt.began,
                "last": attempt.last,
                "resource": attempt.plan.as_ref().and_then(|plan| plan.made_for.as_ref()).map(|made| &made.resource),
                "changes": attempt.plan.as_ref().map(|plan| &plan.changes),
                "started": attempt.receipt.as_ref().map(|receipt| &receipt.summary),
                "verdict": attempt.verdict,
                "undone": attempt.undone,
            })
        })
        .collect();
    let pipelines: Vec<Value> = history
        .pipelines()
        .iter()
        .map(|whole| {
            let mut told = json!(whole);
            told["state"] = json!(state_of_whole(whole));
            told
        })
        .collect();
    let mut line = json!({
        "run": history.run,
        "began": history.began,
        "open_in": history.holder,
        "pipelines": pipelines,
        "attempts": attempts,
    });
    if with_records {
        line["records"] = json!(history.entries);
    }
    line
}
