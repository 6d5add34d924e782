//! Rules of the user's for when an object is ready or has failed: by conditions, or by what a path leads to.
//!
//! A rule takes the place of the rule of the kind. That the object's controller has seen what was applied is checked
//! before either.

mod path;
#[cfg(test)]
mod tests;
mod text;

use landfall_core::{Cause, Error, Result};
use serde_json::Value;

use super::Judgement;
use crate::facts::{Condition, Object, command};
pub use path::Path;

/// The rules of a release. Those that were added last are asked first, before the few that landfall knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// When objects of a kind are ready, and when they have failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    kind: String,
    /// The group, or a part of it from a dot on; any where there is none.
    group: Option<String>,
    name: Option<String>,
    ready: Vec<Check>,
    failed: Vec<Check>,
}

/// A test of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A condition has this status.
    Condition {
        /// Its type; upper and lower case count as the same, as with `kubectl wait`.
        kind: String,
        /// `True`, `False` or `Unknown`.
        status: String,
    },
    /// A path leads somewhere, and everything it leads to has this value.
    Path {
        /// The path.
        path: Path,
        /// The value as text, `true` and `3` too; any but null where there is none.
        value: Option<String>,
    },
}

impl Default for Rules {
    /// The rules that landfall knows: ACK (<https://aws-controllers-k8s.github.io/community/docs/user-docs/resource-crud/>)
    /// and Argo Rollouts (<https://argo-rollouts.readthedocs.io/en/stable/features/kustomize/>).
    fn default() -> Self {
        let condition = |kind: &str| Check::Condition { kind: kind.to_owned(), status: "True".to_owned() };
        let phase = |value: &str| Check::Path {
            path: Path::of_names(&["status", "phase"]),
            value: Some(value.to_owned()),
        };
        let ack = Rule::of("", Some(".services.k8s.aws"))
            .ready_when(condition("ACK.ResourceSynced"))
            .failed_when(condition("ACK.Terminal"));
        let rollout = Rule::of("Rollout", Some("argoproj.io"))
            .ready_when(phase("Healthy"))
            .failed_when(phase("Degraded"));
        Self { rules: vec![ack, rollout] }
    }
}

impl Rules {
    /// Adds a rule, which is asked before those that are there.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.insert(0, rule);
        self
    }

    /// What a rule says; nothing when none is about the object, or when the one that is only knows failures and sees none.
    pub(super) fn judge(&self, object: Object<'_>) -> Option<Judgement> {
        self.rules.iter().find(|rule| rule.is_about(object))?.judge(object)
    }
}

impl Rule {
    /// A rule for a kind, with its group behind a dot (`Certificate.cert-manager.io`) or of any group, and for one name
    /// behind a slash (`Certificate.cert-manager.io/web`) or for all. It does nothing until it has checks.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when there is no kind.
    pub fn new(about: &str) -> Result<Self> {
        let (kind, name) = match about.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (about, None),
        };
        let (kind, group) = match kind.split_once('.') {
            Some((kind, group)) => (kind, Some(group)),
            None => (kind, None),
        };
        let empty = kind.is_empty() || group.is_some_and(str::is_empty) || name.is_some_and(str::is_empty);
        if empty || !kind.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            let text = format!("`{}` names no kind of objects", about.escape_debug());
            return Err(
                Error::invalid(text).with_hint("write KIND, KIND.GROUP, or either with /NAME behind it")
            );
        }
        Ok(Self { name: name.map(str::to_owned), ..Self::of(kind, group) })
    }

    fn of(kind: &str, group: Option<&str>) -> Self {
        Self {
            kind: kind.to_owned(),
            group: group.map(str::to_owned),
            name: None,
            ready: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Ready only when this holds as well.
    #[must_use]
    pub fn ready_when(mut self, check: Check) -> Self {
        self.ready.push(check);
        self
    }

    /// Failed as soon as this holds. Of a path that leads to several places one is enough.
    #[must_use]
    pub fn failed_when(mut self, check: Check) -> Self {
        self.failed.push(check);
        self
    }

    fn is_about(&self, object: Object<'_>) -> bool {
        self.fits_names(object.group(), object.kind(), object.name())
    }

    fn fits_names(&self, group: &str, kind: &str, name: &str) -> bool {
        let in_group = self.group.as_deref().is_none_or(|wanted| match wanted.strip_prefix('.') {
            Some(_) => group.ends_with(wanted),
            None => group == wanted,
        });
        in_group
            && (self.kind.is_empty() || self.kind.eq_ignore_ascii_case(kind))
            && self.name.as_deref().is_none_or(|wanted| wanted == name)
    }

    fn judge(&self, object: Object<'_>) -> Option<Judgement> {
        if let Some(check) = self.failed.iter().find(|check| check.holds_somewhere(object)) {
            let text = format!("{} failed: {}", object.named(), check.told(object));
            return Some(Judgement::failed(
                Cause::new("rule-failed", text).with_hint(command::describe(object)),
            ));
        }
        if self.ready.is_empty() {
            return None;
        }
        let open: Vec<String> = self
            .ready
            .iter()
            .filter(|check| !check.holds(object))
            .map(|check| format!("{} ({})", check.text(), check.told(object)))
            .collect();
        Some(if open.is_empty() { Judgement::ready() } else { Judgement::waiting(open.join(", ")) })
    }
}

impl Check {
    /// Reads what `kubectl wait --for` takes: `condition=Ready`, `condition=Ready=Unknown`,
    /// `jsonpath={.status.phase}=Running`, or `jsonpath={.status.loadBalancer.ingress}` for anything at all.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`], with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(condition) = text.strip_prefix("condition=") {
            let (kind, status) = condition.split_once('=').unwrap_or((condition, "True"));
            let known = ["True", "False", "Unknown"].into_iter().find(|one| one.eq_ignore_ascii_case(status));
            return match known {
                Some(status) if !kind.is_empty() => {
                    Ok(Self::Condition { kind: kind.to_owned(), status: status.to_owned() })
                }
                _ => Err(wrong(
                    text,
                    "write condition=TYPE or condition=TYPE=STATUS; a status is True, False or Unknown",
                )),
            };
        }
        let Some(rest) = text.strip_prefix("jsonpath=") else {
            return Err(wrong(text, "write condition=TYPE[=STATUS] or jsonpath={PATH}[=VALUE]"));
        };
        let rest = unquoted(rest);
        // A filter may compare with a text that holds a brace: what closes the path stands before `=` or at the end.
        let end = rest.find("}=").or_else(|| rest.ends_with('}').then(|| rest.len() - 1));
        let Some(end) = end.filter(|_| rest.starts_with('{')) else {
            return Err(wrong(text, "write the path in braces: jsonpath={.status.phase}=Running"));
        };
        let (path, behind) = (&rest[1..end], &rest[end + 1..]);
        let value = match behind.strip_prefix('=').map(unquoted) {
            Some("") => return Err(wrong(text, "the value behind the path is empty")),
            value => value.map(str::to_owned),
        };
        Ok(Self::Path { path: Path::parse(path)?, value })
    }

    fn holds(&self, object: Object<'_>) -> bool {
        match self {
            Self::Condition { kind, status } => condition(object, kind).is_some_and(|found| found.is(status)),
            Self::Path { path, value } => {
                let found = path.find(object.value());
                !found.is_empty() && found.into_iter().all(|one| is(one, value.as_deref()))
            }
        }
    }

    fn holds_somewhere(&self, object: Object<'_>) -> bool {
        match self {
            Self::Condition { .. } => self.holds(object),
            Self::Path { path, value } => {
                path.find(object.value()).into_iter().any(|one| is(one, value.as_deref()))
            }
        }
    }

    /// What the check asks for.
    fn text(&self) -> String {
        match self {
            Self::Condition { kind, status } => format!("condition {kind} to be {status}"),
            Self::Path { path, value: Some(value) } => format!("{path} to be {value}"),
            Self::Path { path, value: None } => format!("{path} to be there"),
        }
    }

    /// What is there.
    fn told(&self, object: Object<'_>) -> String {
        match self {
            Self::Condition { kind, .. } => match condition(object, kind) {
                Some(found) if found.stale => format!("{kind} is about an older generation"),
                Some(found) => format!("{kind} is {}{}", found.status, found.why()),
                None => format!("there is no condition {kind}"),
            },
            Self::Path { path, .. } => {
                let hidden = object.kind() == "Secret";
                let found = path.find(object.value()).into_iter();
                let found: Vec<String> =
                    found.map(|one| if hidden { "[redacted]".to_owned() } else { shown(one) }).collect();
                if found.is_empty() {
                    format!("{path} is not there")
                } else {
                    format!("{path} is {}", found.join(", "))
                }
            }
        }
    }
}

/// The condition of a type, in upper or lower case.
fn condition<'a>(object: Object<'a>, kind: &str) -> Option<Condition<'a>> {
    object.conditions().find(|condition| condition.kind.eq_ignore_ascii_case(kind))
}

fn is(found: &Value, wanted: Option<&str>) -> bool {
    match (found, wanted) {
        (found, None) => !found.is_null(),
        (Value::String(text), Some(wanted)) => text == wanted,
        (found, Some(wanted)) => wanted.parse().is_ok_and(|wanted: Value| *found == wanted),
    }
}

/// A value for a sentence: what holds others is named by its kind alone.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// Without the quotation marks that a shell would have taken.
fn unquoted(text: &str) -> &str {
    let inner = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

fn wrong(text: &str, hint: &str) -> Error {
    Error::invalid(format!("`{}` cannot be waited for", text.escape_debug())).with_hint(hint)
}
