//! A report and a preview as text for people.

use std::fmt::Write;

use super::preview::{NeededOutput, Preview, StepPreview};
use super::report::{Report, Settled, Status};
use crate::error::Error;
use crate::target::{Change, Effect, End, Outcome, Undone, Verdict};

impl Report {
    /// The report over several lines, each ended by a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "run {}, {}: exit code {} after {}\n",
            self.run,
            self.path,
            self.exit_code,
            seconds(self.took_ms())
        );
        if let Some(error) = &self.error {
            indent(&mut text, 2, &error.report());
        }
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        for step in &self.steps {
            let _ = write!(text, "  {:width$}  ", step.name);
            match &step.status {
                Status::NotStarted { reason } => {
                    let _ = writeln!(text, "not started: {reason}");
                }
                Status::Settled(settled) => tell(&mut text, settled),
            }
        }
        text
    }
}

fn tell(text: &mut String, step: &Settled) {
    let took = u64::try_from(step.ended.duration_since(step.started).as_millis()).unwrap_or(0);
    let _ = writeln!(text, "{}{} ({})", came_out(&step.verdict.outcome), undone(step), seconds(took));
    for (name, value) in step.verdict.outputs.iter() {
        let _ = writeln!(text, "    {name}: {value}");
    }
    why(text, &step.verdict);
    if let Undone::Failed { verdict } = &step.undone {
        let _ = writeln!(text, "    the undo {}:", came_out(&verdict.outcome));
        why(text, verdict);
    }
}

fn why(text: &mut String, verdict: &Verdict) {
    if let Outcome::Refused { error } | Outcome::Unknown { error } = &verdict.outcome {
        indent(text, 4, &error.report());
    }
    for cause in &verdict.causes {
        indent(text, 4, &format!("cause: {}", cause.report()));
    }
}

fn undone(step: &Settled) -> String {
    match &step.undone {
        Undone::Kept if step.verdict.outcome.is_success() => ", kept on purpose".to_owned(),
        Undone::Kept if step.changes.is_empty() => String::new(),
        Undone::Kept
            if matches!(
                step.verdict.outcome,
                Outcome::Ended(End::RolledBack { .. } | End::Superseded { .. })
            ) =>
        {
            String::new()
        }
        Undone::Kept => ", NOT UNDONE".to_owned(),
        Undone::NotNeeded => String::new(),
        Undone::Reverted => ", put back".to_owned(),
        Undone::NothingToDo => ", nothing to put back".to_owned(),
        Undone::Impossible { reason } => format!(", CANNOT BE UNDONE: {reason}"),
        Undone::Failed { .. } => ", THE UNDO FAILED".to_owned(),
    }
}

/// An outcome as the end of a sentence that begins with the step.
pub(super) fn came_out(outcome: &Outcome) -> String {
    let waiting = |waiting_for: &str| match waiting_for {
        "" => String::new(),
        waiting_for => format!(" while waiting for {waiting_for}"),
    };
    match outcome {
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Started => "started, not waited for".to_owned(),
        Outcome::Ended(End::Failed) => "FAILED".to_owned(),
        Outcome::Ended(End::RolledBack { to }) => format!("FAILED and was rolled back by AWS to {to}"),
        Outcome::Ended(End::Superseded { by }) => format!("was SUPERSEDED by {by}"),
        Outcome::Ended(End::Stopped) => "was STOPPED by somebody".to_owned(),
        Outcome::TimedOut { waiting_for, person: true } => {
            format!("waits for a PERSON{}", waiting(waiting_for))
        }
        Outcome::TimedOut { waiting_for, .. } => format!("TIMED OUT{}", waiting(waiting_for)),
        Outcome::Cancelled { waiting_for } => format!("was cancelled{}", waiting(waiting_for)),
        Outcome::Refused { .. } => "was REFUSED".to_owned(),
        Outcome::Unknown { .. } => "is UNKNOWN: it was started and can no longer be seen".to_owned(),
    }
}

impl Preview {
    /// The preview over several lines, each ended by a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            format!("run {}, {}: nothing was changed; this is what would be done\n", self.run, self.path);
        for step in &self.steps {
            let after = if step.after.is_empty() {
                String::new()
            } else {
                format!(" (after {})", step.after.join(", "))
            };
            let _ = writeln!(text, "  {}{after}", step.name);
            match &step.preview {
                StepPreview::Planned { changes } if changes.is_empty() => {
                    text.push_str("    nothing to change\n");
                }
                StepPreview::Planned { changes } => {
                    changes.iter().for_each(|change| planned(&mut text, change));
                }
                StepPreview::KnownAfterApply { needs } => {
                    let one = |need: &NeededOutput| {
                        let optional = if need.optional { " if there is one" } else { "" };
                        format!("{} of {}{optional}", need.output, need.step)
                    };
                    let needs: Vec<String> = needs.iter().map(one).collect();
                    let _ = writeln!(text, "    known after apply: needs {}", needs.join(", "));
                }
                StepPreview::Refused { error } => refused(&mut text, error),
            }
        }
        text
    }
}

fn refused(text: &mut String, error: &Error) {
    indent(text, 4, &format!("REFUSED: {}", error.report()));
}

fn planned(text: &mut String, change: &Change) {
    let effect = match change.effect {
        Effect::Create => "create",
        Effect::Update => "update",
        Effect::Replace => "replace",
        Effect::Delete => "delete",
    };
    let _ = writeln!(text, "    {effect} {}", change.subject);
    for detail in &change.details {
        indent(text, 6, detail);
    }
}

fn indent(text: &mut String, by: usize, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "{:by$}{line}", "");
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}
