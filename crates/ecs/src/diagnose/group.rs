//! Equal causes, found in many tasks, told once with their number.

use landfall_core::Cause;

use super::messages;
use super::reasons::EXEC_FORMAT;
use crate::facts::TaskDefinition;

/// One reason of one task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) container: Option<String>,
    /// What happened, without ids of the task.
    pub(super) message: String,
    /// ECS's own words.
    pub(super) evidence: Vec<String>,
    pub(super) hint: String,
    /// The container's log may say more.
    pub(super) logs: bool,
    pub(super) task_arn: String,
}

impl Finding {
    /// Adds the container's last lines. A program for another processor only says so there: its container exits like any
    /// other that fails.
    pub(super) fn add_log(&mut self, lines: Vec<String>, definition: Option<&TaskDefinition>) {
        if self.code == "essential-container-exited" && lines.iter().any(|line| line.contains(EXEC_FORMAT)) {
            let container = self.container.as_deref().unwrap_or_default();
            let image = definition.and_then(|definition| definition.container(container));
            let image = image.map_or("its image", |known| known.image.as_str());
            self.code = "wrong-architecture";
            self.message = format!("container {container}: {}", messages::unfit(image, definition));
            self.hint = "build the image for the runtimePlatform of the task definition (docker buildx build --platform), or \
                         change runtimePlatform"
                .to_owned();
        }
        self.evidence.extend(lines);
    }
}

/// Equal findings, and how many.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) finding: Finding,
    pub(super) count: u32,
}

/// Groups findings, the most frequent first. The first of each group is its example.
pub(super) fn group(findings: impl Iterator<Item = Finding>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for finding in findings {
        let key = key(&finding);
        match groups.iter_mut().find(|group| self::key(&group.finding) == key) {
            Some(group) => group.count += 1,
            None => groups.push(Group { finding, count: 1 }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn key(finding: &Finding) -> (&'static str, Option<&str>, String) {
    let words = finding.evidence.first().map(String::as_str).unwrap_or_default();
    (finding.code, finding.container.as_deref(), format!("{} {}", finding.message, normalised(words)))
}

/// The text with every word that holds a digit replaced: ids, addresses, times and counters differ between tasks
/// that failed for the same reason.
pub(crate) fn normalised(text: &str) -> String {
    text.split_inclusive(|character: char| !character.is_ascii_alphanumeric())
        .map(|word| {
            let core = word.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
            if core.bytes().any(|byte| byte.is_ascii_digit()) {
                word.replace(core, "#")
            } else {
                word.to_owned()
            }
        })
        .collect()
}

impl Group {
    pub(super) fn into_cause(self) -> Cause {
        let Finding { code, message, evidence, hint, .. } = self.finding;
        Cause::new(code, message).with_evidence(evidence).with_hint(hint).seen(self.count)
    }
}
