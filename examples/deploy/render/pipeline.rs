//! Several steps on one screen: whose line it is, and what became of each in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall::event::PipelineStep;
use landfall::{Undone, Verdict};

use super::verdict::word;
use super::{BAD, FAINT, GOOD};

/// A pipeline that is under way.
pub(super) struct Pipeline {
    /// Its path, with the `/` behind it.
    below: String,
    steps: Vec<PipelineStep>,
    width: usize,
    came_out: BTreeMap<String, (&'static str, String)>,
}

impl Pipeline {
    pub(super) fn new(path: &str, steps: &[PipelineStep]) -> Self {
        let width = steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        Self { below: format!("{path}/"), steps: steps.to_vec(), width, came_out: BTreeMap::new() }
    }

    /// The name of a step of it.
    pub(super) fn name<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.below)
    }

    /// The steps, and what each comes after.
    pub(super) fn outline(&self) -> Vec<String> {
        let line = |step: &PipelineStep| {
            let after = if step.after.is_empty() {
                String::new()
            } else {
                format!(" after {}", step.after.join(" and "))
            };
            format!("  {}{after}", step.name)
        };
        std::iter::once("steps".to_owned()).chain(self.steps.iter().map(line)).collect()
    }

    /// The lines, with the step's name before each.
    pub(super) fn named(&self, name: &str, lines: Vec<String>) -> Vec<String> {
        let width = self.width;
        lines.into_iter().map(|line| format!("{FAINT}{name:<width$}{FAINT:#}  {line}")).collect()
    }

    pub(super) fn settled(&mut self, name: &str, verdict: &Verdict, undone: &Undone) {
        self.came_out.insert(name.to_owned(), (word(&verdict.outcome), after(undone)));
    }

    /// A step that had succeeded was put back, or could not be.
    pub(super) fn put_back(&mut self, name: &str, undone: &Undone) -> String {
        let after = after(undone);
        if let Some((_, was)) = self.came_out.get_mut(name) {
            was.clone_from(&after);
        }
        after.trim_start_matches(", ").to_owned()
    }

    /// The last lines.
    pub(super) fn finished(&self, exit_code: u8, took: Duration) -> Vec<String> {
        let width = self.width;
        let line = |step: &PipelineStep| match self.came_out.get(&step.name) {
            Some((word, after)) => format!("  {:<width$}  {word}{after}", step.name),
            None => format!("  {:<width$}  not started", step.name),
        };
        let mut lines = vec!["release".to_owned()];
        lines.extend(self.steps.iter().map(line));
        let took = took.as_secs_f64();
        lines.push(match exit_code {
            0 => format!("{GOOD}{}{GOOD:#} after {took:.1} s", self.good()),
            code => format!("{BAD}NOT RELEASED{BAD:#} after {took:.1} s (exit code {code})"),
        });
        lines
    }

    /// What a run without a failure came to. What nobody waited for has not succeeded.
    fn good(&self) -> &'static str {
        let mut words = self.came_out.values().map(|(word, _)| *word);
        if words.clone().any(|word| word == "STARTED") {
            "STARTED"
        } else if words.all(|word| word == "UNCHANGED") {
            "UNCHANGED"
        } else {
            "SUCCEEDED"
        }
    }
}

fn after(undone: &Undone) -> String {
    match undone {
        Undone::Reverted => ", put back".to_owned(),
        Undone::NothingToDo => ", nothing to put back".to_owned(),
        Undone::Impossible { reason } => format!(", CANNOT BE PUT BACK: {reason}"),
        Undone::Failed { .. } => ", PUTTING BACK FAILED".to_owned(),
        _ => String::new(),
    }
}
