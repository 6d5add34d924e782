//! A plan that somebody looks at before it is carried out: a change set that was made and kept, and what it was made from.
//!
//! The plan is written to a file by one job and read by another. What stands in the file is names, ARNs and digests, and
//! never a value of a parameter. The file is no proof of anything: what it names is compared with what is asked for and with
//! what AWS says, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use landfall_core::{Cause, Error, Location, Place, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::StackFacts;
use super::target::short;
use super::template::read_file;

/// What the file says that it is.
const KIND: &str = "landfall-stack-plan";

/// Version of the file's form.
const VERSION: u32 = 1;

/// Largest file: 200 parameters (quota) with a digest each take a tenth of it.
const LARGEST: usize = 262_144;

/// Characters of a digest that are shown.
const SHOWN: usize = 12;

/// What digests begin with.
pub(crate) const DIGEST: &str = "sha256:";

/// A plan to be carried out later, made by [`Stack::save_plan`](super::Stack::save_plan) and given to
/// [`StackBuilder::saved_plan`](super::StackBuilder::saved_plan) with all that it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// Where it was read from, for messages.
    #[serde(skip)]
    pub(crate) file: String,
    kind: String,
    version: u32,
    pub(crate) stack: String,
    /// The stack's ARN, also of one that the change set is to create.
    pub(crate) stack_id: String,
    pub(crate) found: Found,
    /// ARN of the change set; none when there was nothing for it to do.
    pub(crate) change_set: Option<String>,
    /// What was asked for, by name: as it was, or its digest.
    asked: BTreeMap<String, String>,
}

/// The stack as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "kebab-case")]
pub(crate) enum Found {
    /// There was none; the change set has made an empty one.
    Absent,
    /// An empty one was there (`REVIEW_IN_PROGRESS`).
    Shell,
    /// It was updated last at this time; none: never.
    Stack { updated: Option<Timestamp> },
}

impl Found {
    pub(crate) fn of(stack: Option<&StackFacts>) -> Self {
        match stack {
            None => Self::Absent,
            Some(stack) if stack.status == "REVIEW_IN_PROGRESS" => Self::Shell,
            Some(stack) => Self::Stack { updated: stack.updated },
        }
    }
}

impl SavedPlan {
    pub(crate) fn new(
        stack: &str,
        stack_id: &str,
        found: Found,
        change_set: Option<String>,
        asked: BTreeMap<String, String>,
    ) -> Self {
        let (kind, version) = (KIND.to_owned(), VERSION);
        let (stack, stack_id) = (stack.to_owned(), stack_id.to_owned());
        Self { file: "the saved plan".to_owned(), kind, version, stack, stack_id, found, change_set, asked }
    }

    /// Reads a plan from a file.
    ///
    /// # Errors
    /// As [`SavedPlan::parse`], and when the file cannot be read.
    pub fn read(path: &str) -> Result<Self> {
        Self::parse(path, &read_file("saved plan", path, LARGEST)?)
    }

    /// Reads a plan from the text of a file; `name` is the file's, for messages.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when the text is no saved plan, or one of another version of landfall.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let refused = |cause: Cause| {
            let again = "save the plan anew, and hand the file on as it is";
            Error::invalid(format!("{name} is no saved plan of a stack"))
                .with_cause(cause.in_field("saved plan").with_hint(again))
        };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            let column = u32::try_from(error.column()).unwrap_or(u32::MAX);
            let at = Location { file: name.to_owned(), line, column };
            refused(Cause::new("invalid-input", format!("it is no JSON: {error}")).at(at))
        })?;
        let of = |member: &str| value.get(member).cloned().unwrap_or_default();
        if of("kind") != KIND {
            let text = format!("{name}: kind is {}, and {KIND:?} was expected", of("kind"));
            return Err(refused(Cause::new("invalid-input", text)));
        }
        if of("version") != VERSION {
            let text = format!("{name}: version is {}, and this landfall reads {VERSION}", of("version"));
            return Err(refused(Cause::new("invalid-input", text)));
        }
        let plan: Self = serde_json::from_value(value)
            .map_err(|error| refused(Cause::new("invalid-input", format!("{name}: {error}"))))?;
        Ok(Self { file: name.to_owned(), ..plan })
    }

    /// The text of the file: JSON. No value of a parameter stands in it, but digests of those values, by which a guess of a
    /// short secret can be tried: keep the file where the job's other artifacts are kept.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Internal`] when it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::internal("the plan cannot be written").with_source(&error))?;
        Ok(text + "\n")
    }

    /// The name of the change set that is kept for it; none when there is nothing to be executed.
    #[must_use]
    pub fn change_set(&self) -> Option<&str> {
        self.change_set.as_deref().map(short)
    }

    /// What is asked for now and is not what the plan was made from: a problem for each difference.
    pub(crate) fn differences(&self, name: &str, asked: &BTreeMap<String, String>) -> Vec<Cause> {
        let mut problems = Vec::new();
        let file = &self.file;
        if self.stack != name {
            let text = format!("{file} is a plan for stack {}, and stack {name} is asked for", self.stack);
            problems.push(Cause::invalid("name", text));
        }
        let all: BTreeSet<&String> = self.asked.keys().chain(asked.keys()).collect();
        for what in all {
            let text = match (self.asked.get(what), asked.get(what)) {
                (Some(then), Some(now)) if then == now => continue,
                (Some(then), Some(now)) => {
                    format!("{what} was {} when {file} was saved, and is {} now", shown(then), shown(now))
                }
                (Some(then), None) => {
                    format!("{what} was {} when {file} was saved, and is not given now", shown(then))
                }
                (None, now) => {
                    let now = now.map(|now| shown(now)).unwrap_or_default();
                    format!("{what} was not given when {file} was saved, and is {now} now")
                }
            };
            // `parameter Stage`: the field is the first word.
            let field = what.split_whitespace().next().unwrap_or_default();
            problems.push(Cause::invalid(field, text).with_hint(
                "deploy with what the plan was saved with, or save a new plan and look at that one first",
            ));
        }
        problems
    }

    /// Why it is no plan for this place; none when it is one.
    pub(crate) fn misplaced(&self, place: &Place) -> Option<Cause> {
        // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
        let mut parts = self.stack_id.split(':').skip(3);
        let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        (region != place.region || account != place.account).then(|| {
            let text = format!("{} is a plan for {account} {region}, and the place is {place}", self.file);
            Cause::invalid("saved plan", text)
                .with_hint("sign in to the account and region that it was saved in")
        })
    }
}

/// A digest is cut short.
fn shown(value: &str) -> String {
    match value.strip_prefix(DIGEST) {
        Some(digest) => format!("sha256 {}...", digest.chars().take(SHOWN).collect::<String>()),
        None => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use landfall_core::Place;

    use super::{Found, SavedPlan};

    const ID: &str = "arn:aws:cloudformation:eu-central-1:111122223333:stack/web/0a1b";

    fn asked(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn plan() -> SavedPlan {
        let made = SavedPlan::new(
            "web",
            ID,
            Found::Absent,
            None,
            asked(&[("template", "sha256:00ff"), ("tags", "a")]),
        );
        SavedPlan::parse("plan.json", &made.to_json().unwrap()).unwrap()
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = plan();
        assert_eq!(SavedPlan::parse("plan.json", &plan.to_json().unwrap()).unwrap(), plan);
        assert!(plan.differences("web", &asked(&[("template", "sha256:00ff"), ("tags", "a")])).is_empty());
        assert!(plan.misplaced(&Place::new("aws", "111122223333", "eu-central-1")).is_none());
    }

    #[test]
    fn every_difference_is_named_with_file_field_and_both_sides() {
        let differing = asked(&[("template", "sha256:11aa"), ("parameter Stage", "sha256:22bb")]);
        let texts: Vec<String> =
            plan().differences("shop", &differing).iter().map(|cause| cause.report()).collect();
        let all = texts.join("\n");
        for word in [
            "plan.json is a plan for stack web, and stack shop is asked for",
            "template was sha256 00ff... when plan.json was saved, and is sha256 11aa... now",
            "tags was `a` when plan.json was saved, and is not given now",
            "parameter Stage was not given when plan.json was saved, and is sha256 22bb... now",
        ] {
            assert!(all.contains(word), "{word:?} is not in\n{all}");
        }
        assert_eq!(texts.len(), 4, "{all}");
        let elsewhere = plan().misplaced(&Place::new("aws", "111122223333", "us-east-1")).unwrap();
        assert!(
            elsewhere.message.contains("plan.json is a plan for 111122223333 eu-central-1"),
            "{elsewhere:?}"
        );
    }

    #[test]
    fn what_is_no_plan_or_one_of_another_version_is_refused_with_its_place() {
        let good = plan().to_json().unwrap();
        for (text, says) in [
            ("{", "plan.json:1:"),
            ("{}", "kind is null"),
            (
                good.replace("\"version\": 1", "\"version\": 2").as_str(),
                "version is 2, and this landfall reads 1",
            ),
            (good.replace("\"stack\": \"web\",", "").as_str(), "missing field `stack`"),
            (good.replace("\"stack\":", "\"stacks\":").as_str(), "unknown field `stacks`"),
        ] {
            let error = SavedPlan::parse("plan.json", text).unwrap_err().report();
            assert!(
                error.contains(says) && error.contains("save the plan anew"),
                "{says:?} is not in\n{error}"
            );
        }
    }
}
