//! Pods and their containers.

use jiff::Timestamp;
use serde_json::Value;

use super::{Condition, Field, Object};

/// A pod.
#[derive(Clone, Copy)]
pub(crate) struct Pod<'a> {
    pub(crate) object: Object<'a>,
}

impl<'a> Pod<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self { object: Object::of(value) }
    }

    pub(crate) fn name(self) -> &'a str {
        self.object.name()
    }

    pub(crate) fn phase(self) -> &'a str {
        self.object.at("status.phase").text_or_empty()
    }

    pub(crate) fn reason(self) -> &'a str {
        self.object.at("status.reason").text_or_empty()
    }

    pub(crate) fn node(self) -> Option<&'a str> {
        self.object.at("spec.nodeName").text()
    }

    /// `Always` where nothing is said.
    pub(crate) fn restart_policy(self) -> &'a str {
        self.object.at("spec.restartPolicy").text().unwrap_or("Always")
    }

    /// Why the scheduler has found no node, if that is so.
    pub(crate) fn not_scheduled(self) -> Option<Condition<'a>> {
        let condition = self.object.condition("PodScheduled")?;
        (condition.status == "False" && self.node().is_none()).then_some(condition)
    }

    /// Whether it runs on Fargate, or is meant to: EKS gives such pods this scheduler when they are made.
    pub(crate) fn is_on_fargate(self) -> bool {
        self.object.at("spec.schedulerName").text() == Some("fargate-scheduler")
            || self.object.label("eks.amazonaws.com/fargate-profile").is_some()
    }

    /// Readiness gates that are not met, by the type of their condition.
    pub(crate) fn unmet_gates(self) -> Vec<&'a str> {
        let gates = self.object.at("spec.readinessGates").items();
        let kinds = gates.filter_map(|gate| gate.member("conditionType").text());
        kinds
            .filter(|kind| self.object.condition(kind).is_none_or(|condition| condition.status != "True"))
            .collect()
    }

    /// Whether a volume of the pod is this claim.
    pub(crate) fn mounts_claim(self, claim: &str) -> bool {
        let mut volumes = self.object.at("spec.volumes").items();
        volumes.any(|volume| volume.at("persistentVolumeClaim.claimName").text() == Some(claim))
    }

    /// Init containers first, as they run; only those that the kubelet has told of.
    pub(crate) fn containers(self) -> impl Iterator<Item = Container<'a>> {
        let init = self.object.at("status.initContainerStatuses").items();
        let main = self.object.at("status.containerStatuses").items();
        let object = self.object;
        let init = init.map(move |status| Container::read(status, object.at("spec.initContainers"), true));
        init.chain(main.map(move |status| Container::read(status, object.at("spec.containers"), false)))
    }
}

/// A container, by its status and what the pod says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'a> {
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    pub(crate) init: bool,
    pub(crate) ready: bool,
    pub(crate) restarts: i64,
    /// Reason and message of waiting.
    pub(crate) waiting: Option<(&'a str, &'a str)>,
    pub(crate) is_running: bool,
    /// How it has ended, if it is not started again yet.
    pub(crate) ended: Option<Exit<'a>>,
    /// How the run before this one ended.
    pub(crate) before: Option<Exit<'a>>,
}

impl<'a> Container<'a> {
    fn read(status: Field<'a>, specs: Field<'a>, init: bool) -> Self {
        let name = status.member("name").text_or_empty();
        let spec = specs.items().find(|spec| spec.member("name").text() == Some(name));
        // The runtime may write another name of the same image into the status; people know the one they wrote.
        let wanted = spec.and_then(|spec| spec.member("image").text());
        let waiting = status.at("state.waiting");
        Self {
            name,
            image: wanted.unwrap_or_else(|| status.member("image").text_or_empty()),
            init,
            ready: status.member("ready").is_true(),
            restarts: status.member("restartCount").count(),
            waiting: waiting.exists().then(|| {
                (waiting.member("reason").text_or_empty(), waiting.member("message").text_or_empty())
            }),
            is_running: status.at("state.running").exists(),
            ended: Exit::read(status.at("state.terminated")),
            before: Exit::read(status.at("lastState.terminated")),
        }
    }

    /// The last end that is known: of this run, or of the one before.
    pub(crate) fn last_exit(self) -> Option<Exit<'a>> {
        self.ended.or(self.before)
    }

    pub(crate) fn waits_for(self, reason: &str) -> bool {
        self.waiting.is_some_and(|(waiting, _)| waiting == reason)
    }
}

/// How a container ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit<'a> {
    pub(crate) code: i64,
    pub(crate) signal: Option<i64>,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerCannotRun` and so on.
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    pub(crate) at: Option<Timestamp>,
}

impl<'a> Exit<'a> {
    fn read(state: Field<'a>) -> Option<Self> {
        state.exists().then(|| Self {
            code: state.member("exitCode").count(),
            signal: state.member("signal").number().filter(|signal| *signal > 0),
            reason: state.member("reason").text_or_empty(),
            message: state.member("message").text_or_empty(),
            at: state.member("finishedAt").time(),
        })
    }
}
