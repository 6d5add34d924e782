//! What must hold of every run.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::{Event, EventKind};
use landfall_core::pipeline::{Rollback, Settled, Status, StepResult};
use landfall_core::{Outcome, Report, Undone, Verdict};
use proptest::prelude::*;

use crate::case::{Back, Case, Ending};
use crate::world::World;

/// Longer than two looks: what is nearer together than this has no order.
const NEAR: SignedDuration = SignedDuration::from_secs(5);

/// Attempt, verdict, undo and exit code of a step.
type Came = (u32, Verdict, Undone, u8);

/// What came out of each step, without times and without the reason why one was not started.
pub(crate) fn outcomes(report: &Report) -> Vec<(String, Option<Came>)> {
    let one = |step: &StepResult| {
        let settled = step.settled();
        let settled = settled.map(|s| (s.attempt, s.verdict.clone(), s.undone.clone(), s.exit_code));
        (step.name.clone(), settled)
    };
    report.steps.iter().map(one).collect()
}

pub(crate) fn promises(case: &Case, world: &World, report: &Report) -> Result<(), TestCaseError> {
    let events = world.events.events();
    prop_assert_eq!(report.steps.len(), case.steps.len());
    what_was_put_back_was_there(world, report)?;
    an_undo_is_told_as_it_came_out(case, report)?;
    the_order_of_undo_is_the_reverse_of_completion(&events, report)?;
    nothing_starts_after_a_failure(&events)?;
    no_cause_is_lost(case, &events, report)?;
    a_step_comes_after_those_before_it(case, report)?;
    as_much_is_put_back_as_was_asked_for(case, report)
}

fn what_was_put_back_was_there(world: &World, report: &Report) -> Result<(), TestCaseError> {
    let effects: Vec<String> = world.effects().into_iter().map(|(token, _)| token).collect();
    for token in &effects {
        if let Some(forward) = token.strip_suffix("/undo") {
            prop_assert!(effects.iter().any(|other| other == forward), "{token} without {forward}");
        }
    }
    for (name, settled) in settled(report) {
        let token = format!("run/deploy/{name}/{}", settled.attempt);
        if settled.undone == Undone::Reverted {
            prop_assert!(effects.contains(&token) && effects.contains(&format!("{token}/undo")), "{name}");
        }
    }
    Ok(())
}

fn an_undo_is_told_as_it_came_out(case: &Case, report: &Report) -> Result<(), TestCaseError> {
    for (step, result) in case.steps.iter().zip(&report.steps) {
        let Some(settled) = result.settled() else { continue };
        let really = match &settled.undone {
            Undone::Reverted => Back::Restores,
            Undone::Failed { .. } => Back::Fails,
            Undone::Impossible { .. } => Back::Impossible,
            Undone::NothingToDo => Back::NothingToDo,
            _ => continue,
        };
        prop_assert_eq!(step.back, really, "{} in {}", &result.name, report.text());
    }
    Ok(())
}

/// When each step first told something of this kind.
fn first(events: &[Event], of_kind: impl Fn(&EventKind) -> bool) -> BTreeMap<String, Timestamp> {
    let mut first = BTreeMap::new();
    for event in events.iter().filter(|event| of_kind(&event.kind)) {
        first.entry(event.step.trim_start_matches("deploy/").to_owned()).or_insert(event.at);
    }
    first
}

fn the_order_of_undo_is_the_reverse_of_completion(
    events: &[Event],
    report: &Report,
) -> Result<(), TestCaseError> {
    let succeeded = |kind: &EventKind| matches!(kind, EventKind::Finished { verdict, .. } if verdict.outcome.is_success());
    let completed = first(events, succeeded);
    let undone = first(events, |kind| matches!(kind, EventKind::Undoing { .. }));
    for (a, completed_a) in &completed {
        for (b, completed_b) in &completed {
            let (Some(undone_a), Some(undone_b)) = (undone.get(a), undone.get(b)) else { continue };
            if completed_b.duration_since(*completed_a) > NEAR {
                prop_assert!(undone_b <= undone_a, "{a} before {b} in {}", report.text());
            }
        }
    }
    Ok(())
}

fn nothing_starts_after_a_failure(events: &[Event]) -> Result<(), TestCaseError> {
    let failed = |event: &&Event| matches!(&event.kind, EventKind::Verdict { verdict } if is_failure(&verdict.outcome));
    // Another attempt begins anew.
    let attempt = events.iter().filter(|event| event.step == "deploy").map(|event| event.attempt).max();
    if attempt > Some(1) {
        return Ok(());
    }
    let started = first(events, |kind| matches!(kind, EventKind::Started { .. }));
    for failure in events.iter().filter(failed) {
        // A step that is refused at once was started together with others.
        let together = started.get(failure.step.trim_start_matches("deploy/")) == Some(&failure.at);
        let over = if goes_on(events, failure) { process_end(events, failure) } else { Timestamp::MAX };
        for (step, at) in started.iter().filter(|(_, at)| **at < over) {
            let before = *at < failure.at || (*at == failure.at && together);
            prop_assert!(before, "{step} started at {at}, after the failure at {}", failure.at);
        }
    }
    Ok(())
}

/// Whether the next process may go on with a step that failed here: its wait ended, and nothing was undone.
fn goes_on(events: &[Event], failure: &Event) -> bool {
    let mut same_pass =
        events.iter().filter(|event| event.step == failure.step && event.pass == failure.pass);
    let timed_out = matches!(&failure.kind, EventKind::Verdict { verdict }
        if matches!(verdict.outcome, Outcome::TimedOut { .. }));
    timed_out && !same_pass.any(|event| matches!(event.kind, EventKind::Undoing { .. }))
}

/// When the process that told this was followed by another one.
fn process_end(events: &[Event], told: &Event) -> Timestamp {
    let mut after = events.iter().skip_while(|event| !std::ptr::eq(*event, told));
    let next = after.find(|event| matches!(event.kind, EventKind::PipelineStarted { .. }));
    next.map_or(Timestamp::MAX, |event| event.at)
}

fn no_cause_is_lost(case: &Case, events: &[Event], report: &Report) -> Result<(), TestCaseError> {
    let text = report.text();
    for (index, step) in case.steps.iter().enumerate() {
        let name = Case::name(index);
        let settled = report.step(&name).and_then(StepResult::settled);
        let cancelled = settled.is_none_or(|step| matches!(step.verdict.outcome, Outcome::Cancelled { .. }));
        if !matches!(step.ending, Ending::Succeeds | Ending::Unchanged) && !cancelled {
            prop_assert!(text.contains(&format!("cause-{name}")), "no cause of {name} in {text}");
        }
    }
    for (name, settled) in settled(report) {
        if matches!(settled.undone, Undone::Failed { .. } | Undone::Impossible { .. }) {
            prop_assert!(
                text.contains(&format!("undo-cause-{name}")),
                "no cause of the undo of {name} in {text}"
            );
            prop_assert_eq!(report.exit_code, 4);
        }
    }
    // Whatever was told as lost in this attempt is in the report, as it was told.
    for event in events.iter().filter(|event| event.step != "deploy") {
        let EventKind::Verdict { verdict } = &event.kind else { continue };
        let name = event.step.trim_start_matches("deploy/");
        let settled = report.step(name).and_then(StepResult::settled);
        let same_attempt = settled.is_some_and(|settled| settled.attempt == event.attempt);
        if is_failure(&verdict.outcome) && (same_attempt || settled.is_none()) {
            prop_assert_eq!(settled.map(|settled| &settled.verdict), Some(verdict), "{} in {}", name, text);
        }
    }
    prop_assert_eq!(
        report.exit_code == 0,
        report.steps.iter().all(|step| step.settled().is_some_and(is_good))
    );
    Ok(())
}

fn a_step_comes_after_those_before_it(case: &Case, report: &Report) -> Result<(), TestCaseError> {
    for (index, step) in case.steps.iter().enumerate() {
        if matches!(report.steps[index].status, Status::NotStarted { .. }) {
            continue;
        }
        for before in &step.after {
            let before = report.steps[*before].settled();
            prop_assert!(before.is_some_and(|before| before.verdict.outcome.is_success()), "{index}");
        }
    }
    Ok(())
}

fn as_much_is_put_back_as_was_asked_for(case: &Case, report: &Report) -> Result<(), TestCaseError> {
    let failed = settled(report).any(|(_, step)| is_failure(&step.verdict.outcome));
    let asked = [case.on_failure, case.on_cancel];
    for (index, (step, result)) in case.steps.iter().zip(&report.steps).enumerate() {
        let Some(settled) = result.settled() else { continue };
        let succeeded = settled.verdict.outcome == Outcome::Succeeded;
        if succeeded && failed && case.on_failure == Rollback::RevertAll {
            prop_assert_eq!(settled.undone == Undone::NotNeeded, false, "{} stands", index);
            prop_assert_eq!(settled.undone == Undone::Kept, step.kept, "{}", index);
        }
        if settled.verdict.outcome.is_success() && !asked.contains(&Rollback::RevertAll) {
            prop_assert_eq!(&settled.undone, &Undone::NotNeeded, "{} was not to be put back", index);
        }
    }
    Ok(())
}

fn settled(report: &Report) -> impl Iterator<Item = (&str, &Settled)> {
    report.steps.iter().filter_map(|step| Some((step.name.as_str(), step.settled()?)))
}

fn is_good(step: &Settled) -> bool {
    step.exit_code == 0
}

fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ended(_) | Outcome::Refused { .. } | Outcome::TimedOut { .. })
}
