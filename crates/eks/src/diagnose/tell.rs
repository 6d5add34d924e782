//! Which words belong to which trouble.

use super::{Log, container, creation, pod, pull};
use crate::facts::{Object, Pod, command};
use crate::judge::below::Trouble;

/// Code, message and next step of a cause. Messages name no pod, so that equal ones can be told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Told {
    pub(super) fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    /// With the command that shows more.
    pub(super) fn then(mut self, command: &str) -> Self {
        self.hint = format!("{}; {command}", self.hint);
        self
    }
}

/// Where a trouble is.
pub(super) struct Place<'a> {
    /// The object that is waited for.
    pub(super) object: Object<'a>,
    /// What makes its pods.
    pub(super) maker: Object<'a>,
    pub(super) pod: Option<Pod<'a>>,
    pub(super) container: Option<&'a str>,
    pub(super) log: Option<&'a Log>,
}

impl Place<'_> {
    /// `container web of Deployment shop/web`, or `Deployment shop/web`.
    pub(super) fn named(&self) -> String {
        match self.container {
            Some(container) => format!("container {container} of {}", self.object.named()),
            None => self.object.named(),
        }
    }

    /// `pods of Deployment shop/web`, or `Pod shop/web`.
    pub(super) fn pods(&self) -> String {
        match self.object.kind() {
            "Pod" => self.object.named(),
            _ => format!("pods of {}", self.object.named()),
        }
    }

    /// The command that describes the pod, or the object where there is none.
    pub(super) fn describe(&self) -> String {
        match self.pod {
            Some(pod) => {
                let space = pod.object.namespace().map(|name| format!(" -n {name}")).unwrap_or_default();
                format!("kubectl{space} describe pod {}", pod.name())
            }
            None => command::describe(self.maker),
        }
    }
}

/// What a trouble is called, and what to do about it.
pub(super) fn tell(trouble: &Trouble, place: &Place<'_>) -> Told {
    match trouble {
        Trouble::Pull { image, .. } => {
            let failure = trouble.pull_failure();
            pull::tell(place, image, failure)
        }
        Trouble::Config { message } => container::config(place, message),
        Trouble::Start { message, code, .. } => container::start(place, message, *code),
        Trouble::Crash { exit, probe, init, .. } => {
            container::crash(place, exit.as_ref(), probe.as_deref(), *init)
        }
        Trouble::Unschedulable { message, refused, gated } => {
            pod::unschedulable(place, message, refused.as_deref(), *gated)
        }
        Trouble::NotCreated { message, .. } => creation::tell(place, message),
        Trouble::Mount { message } => pod::mount(place, message),
        Trouble::Network { message } => pod::network(place, message),
        Trouble::Gates { gates } => pod::gates(place, gates),
        Trouble::Probe { message, .. } => pod::probe(place, message),
        Trouble::TakenAway { reason, .. } => pod::taken_away(place, reason),
        Trouble::Provisioning { message } => creation::provisioning(place, message),
        Trouble::Balancer { message, .. } => creation::balancer(place, message),
    }
}
