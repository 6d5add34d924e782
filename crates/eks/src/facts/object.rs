//! What all objects have.

use jiff::Timestamp;
use serde_json::Value;

use super::Field;

/// An object of the cluster.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    value: &'a Value,
}

impl<'a> Object<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self { value }
    }

    pub(crate) fn value(self) -> &'a Value {
        self.value
    }

    /// The place that names without dots lead to.
    pub(crate) fn at(self, path: &str) -> Field<'a> {
        Field::of(self.value).at(path)
    }

    pub(crate) fn kind(self) -> &'a str {
        self.at("kind").text_or_empty()
    }

    /// The API group; empty for the core group.
    pub(crate) fn group(self) -> &'a str {
        let version = self.at("apiVersion").text_or_empty();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    pub(crate) fn name(self) -> &'a str {
        self.at("metadata.name").text_or_empty()
    }

    pub(crate) fn namespace(self) -> Option<&'a str> {
        self.at("metadata.namespace").text()
    }

    pub(crate) fn uid(self) -> Option<&'a str> {
        self.at("metadata.uid").text()
    }

    pub(crate) fn generation(self) -> Option<i64> {
        self.at("metadata.generation").number()
    }

    /// The generation that the controller has looked at.
    pub(crate) fn observed_generation(self) -> Option<i64> {
        self.at("status.observedGeneration").number()
    }

    pub(crate) fn created(self) -> Option<Timestamp> {
        self.at("metadata.creationTimestamp").time()
    }

    pub(crate) fn is_being_deleted(self) -> bool {
        self.at("metadata.deletionTimestamp").exists()
    }

    pub(crate) fn label(self, key: &str) -> Option<&'a str> {
        self.at("metadata.labels").member(key).text()
    }

    pub(crate) fn annotation(self, key: &str) -> Option<&'a str> {
        self.at("metadata.annotations").member(key).text()
    }

    /// The UID of the owner that manages the object.
    pub(crate) fn controller(self) -> Option<&'a str> {
        let mut owners = self.at("metadata.ownerReferences").items();
        owners.find(|owner| owner.member("controller").is_true())?.member("uid").text()
    }

    /// Whether that object manages this one.
    pub(crate) fn is_controlled_by(self, owner: Object<'_>) -> bool {
        owner.uid().is_some_and(|uid| self.controller() == Some(uid))
    }

    pub(crate) fn conditions(self) -> impl Iterator<Item = Condition<'a>> {
        let generation = self.generation();
        self.at("status.conditions").items().map(move |item| Condition::read(item, generation))
    }

    /// The condition of this type, whatever it says.
    pub(crate) fn condition(self, kind: &str) -> Option<Condition<'a>> {
        self.conditions().find(|condition| condition.kind == kind)
    }

    /// The condition of this type, if it is true of what the object is now.
    pub(crate) fn has(self, kind: &str) -> Option<Condition<'a>> {
        self.condition(kind).filter(|condition| condition.is("True"))
    }

    /// `Deployment shop/web`.
    pub(crate) fn named(self) -> String {
        let kind = if self.kind().is_empty() { "object" } else { self.kind() };
        match self.namespace() {
            Some(namespace) => format!("{kind} {namespace}/{}", self.name()),
            None => format!("{kind} {}", self.name()),
        }
    }
}

/// An entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    /// When the status last changed.
    pub(crate) changed: Option<Timestamp>,
    /// When the controller last wrote it; only Deployments say so.
    pub(crate) updated: Option<Timestamp>,
    /// It is about an older generation of the object.
    pub(crate) stale: bool,
}

impl<'a> Condition<'a> {
    fn read(item: Field<'a>, generation: Option<i64>) -> Self {
        let about = item.member("observedGeneration").number();
        Self {
            kind: item.member("type").text_or_empty(),
            status: item.member("status").text_or_empty(),
            reason: item.member("reason").text_or_empty(),
            message: item.member("message").text_or_empty(),
            changed: item.member("lastTransitionTime").time(),
            updated: item.member("lastUpdateTime").time(),
            stale: about.zip(generation).is_some_and(|(about, generation)| about < generation),
        }
    }

    /// Whether it says so of what the object is now.
    pub(crate) fn is(self, status: &str) -> bool {
        !self.stale && self.status == status
    }

    /// Its message, or its reason where there is none, as the end of a sentence: `: no such host`. Empty without both.
    pub(crate) fn why(self) -> String {
        let text = if self.message.is_empty() { self.reason } else { self.message };
        let text = text.trim_end().trim_end_matches('.');
        if text.is_empty() { String::new() } else { format!(": {text}") }
    }
}
