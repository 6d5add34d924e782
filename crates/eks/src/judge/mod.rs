//! From what the API server shows to a verdict. Nothing here makes a call, reads a clock or remembers anything: times are
//! the server's, and what an earlier look saw is handed in.
//!
//! - [`judge`]: whether an object is ready. First what holds for all kinds (it is the object that was applied, and its
//!   controller has looked at this generation of it), then [`rules`] of the user's, then the rule of its kind.
//! - [`below`]: what keeps it from becoming ready, in the ReplicaSets, pods and events below it, and whether that is
//!   beyond hope.
//! - [`gone`]: what it means that an object is not there any more.
//!
//! The rules by kind follow kstatus
//! (<https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>) and differ from it where it takes
//! something for ready that is not: custom resources without a status, running Jobs, failed pods, load balancers
//! without an address, StatefulSets in the middle of an update.
//!
//! ```
//! use landfall_eks::judge::{Applied, Patience, Readiness, Rules, Seen, judge};
//! use serde_json::json;
//!
//! let shown = json!({
//!     "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
//!     "spec": { "type": "LoadBalancer", "clusterIP": "172.20.0.7" },
//! });
//! let judged = judge(&Seen::new(&shown), &Applied::default(), &Rules::default(), &Patience::default());
//! let Readiness::Waiting { waiting_for, person } = judged.readiness else { panic!("it has no address yet") };
//! assert_eq!((waiting_for.as_str(), person), ("the address of a load balancer", false));
//! ```

pub mod below;
mod cluster;
mod custom;
mod daemon_set;
mod deployment;
mod job;
mod network;
mod pod;
pub mod rules;
mod scaling;
mod seen;
mod stateful_set;
mod storage;
#[cfg(test)]
mod tests;

use landfall_core::event::Level;
use landfall_core::{Cause, Progress};

pub use rules::Rules;
pub use seen::{Applied, Patience, Seen};
pub(crate) use stateful_set::stuck_pods;

use crate::facts::{Condition, Field, Object, command};

/// What the facts mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Where the object stands.
    pub readiness: Readiness,
    /// Counts, for kinds that have some.
    pub progress: Vec<Progress>,
    /// What a person should know though it decides nothing. The same note comes back at every look.
    pub notes: Vec<Note>,
}

/// Where an object stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Readiness {
    /// It is as it should be.
    Ready,
    /// It is not ready yet.
    Waiting {
        /// What is waited for, as the end of a sentence.
        waiting_for: String,
        /// Whether somebody has to act before it can go on.
        person: bool,
    },
    /// It will not become ready by itself, and why.
    Failed(Cause),
}

/// Something worth knowing that decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How important.
    pub level: Level,
    /// Stable name, in kebab case.
    pub code: &'static str,
    /// In one sentence.
    pub text: String,
}

impl Judgement {
    fn new(readiness: Readiness) -> Self {
        Self { readiness, progress: Vec::new(), notes: Vec::new() }
    }

    fn ready() -> Self {
        Self::new(Readiness::Ready)
    }

    pub(crate) fn waiting(waiting_for: impl Into<String>) -> Self {
        Self::new(Readiness::Waiting { waiting_for: waiting_for.into(), person: false })
    }

    /// Somebody has to act.
    fn waiting_for_somebody(waiting_for: impl Into<String>) -> Self {
        Self::new(Readiness::Waiting { waiting_for: waiting_for.into(), person: true })
    }

    fn failed(cause: Cause) -> Self {
        Self::new(Readiness::Failed(cause))
    }

    fn noting(mut self, level: Level, code: &'static str, text: impl Into<String>) -> Self {
        self.notes.push(Note { level, code, text: text.into() });
        self
    }

    fn counting(mut self, progress: Vec<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Whether the object is as it should be.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness == Readiness::Ready
    }
}

/// Whether an object is ready.
#[must_use]
pub fn judge(seen: &Seen<'_>, applied: &Applied, rules: &Rules, patience: &Patience) -> Judgement {
    let object = Object::of(seen.object);
    if let Some(other) = another(object, applied) {
        return other;
    }
    if object.is_being_deleted() && !job::is_complete(object) {
        return being_deleted(object);
    }
    if let Some(behind) = behind(object, applied) {
        return behind;
    }
    let judged = rules
        .judge(object)
        .or_else(|| by_convention(object))
        .unwrap_or_else(|| by_kind(object, seen, applied, patience));
    match judged.readiness {
        Readiness::Waiting { .. } => judged,
        _ => custom::settled(object, seen, applied, patience).unwrap_or(judged),
    }
}

/// By the conditions that kstatus gives to all kinds.
fn by_convention(object: Object<'_>) -> Option<Judgement> {
    if let Some(condition) = object.has("Stalled") {
        let text = format!("{} is stalled{}", object.named(), condition.why());
        return Some(Judgement::failed(Cause::new("stalled", text).with_hint(format!(
            "its controller has given up until the object is changed: {}",
            command::describe(object)
        ))));
    }
    let condition = object.has("Reconciling")?;
    Some(Judgement::waiting(format!("its controller to carry it out{}", condition.why())))
}

fn by_kind(object: Object<'_>, seen: &Seen<'_>, applied: &Applied, patience: &Patience) -> Judgement {
    match (object.group(), object.kind()) {
        ("apps", "Deployment") => deployment::judge(object, applied, seen.now),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => deployment::replica_set(object),
        ("apps", "StatefulSet") => stateful_set::judge(object),
        ("apps", "DaemonSet") => daemon_set::judge(object),
        ("batch", "Job") => job::judge(object),
        ("batch", "CronJob") => job::cron_job(object),
        ("", "Pod") => pod::judge(seen.object),
        ("", "PersistentVolumeClaim") => storage::claim(object, seen),
        ("", "PersistentVolume") => storage::volume(object),
        ("", "Namespace") => cluster::namespace(object),
        ("", "Service") => network::service(object, seen),
        ("networking.k8s.io", "Ingress") => network::ingress(object, seen),
        ("autoscaling", "HorizontalPodAutoscaler") => scaling::autoscaler(object),
        ("policy", "PodDisruptionBudget") => scaling::budget(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => cluster::definition(object),
        ("apiregistration.k8s.io", "APIService") => cluster::api_service(object),
        (group, _) if is_built_in(group) => by_ready(object).unwrap_or_else(Judgement::ready),
        _ => custom::judge(object, seen, applied, patience),
    }
}

/// Whether objects of a kind are as they should be as soon as they are there: nothing has to be asked about them. What an
/// object of a Service asks for decides, so `kind` alone says no.
#[must_use]
pub fn is_ready_at_once(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(
            kind,
            "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "LimitRange"
                | "ResourceQuota"
                | "Endpoints"
                | "PodTemplate"
        ),
        "networking.k8s.io" => matches!(kind, "NetworkPolicy" | "IngressClass"),
        "rbac.authorization.k8s.io"
        | "scheduling.k8s.io"
        | "storage.k8s.io"
        | "node.k8s.io"
        | "coordination.k8s.io"
        | "discovery.k8s.io"
        | "admissionregistration.k8s.io" => true,
        _ => false,
    }
}

/// Groups that the API server itself serves: "API Overview" of the Kubernetes reference. Groups of custom resources hold a
/// dot, and some end in `k8s.io` as well.
fn is_built_in(group: &str) -> bool {
    const SERVED: [&str; 15] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ];
    !group.contains('.') || SERVED.contains(&group)
}

/// By the condition `Ready`; nothing when there is none.
fn by_ready(object: Object<'_>) -> Option<Judgement> {
    Some(by_condition(object, object.condition("Ready")?))
}

/// Ready when a condition is true; its text where it is not.
fn by_condition(object: Object<'_>, condition: Condition<'_>) -> Judgement {
    if condition.is("True") {
        return Judgement::ready();
    }
    Judgement::waiting(not_true(object, condition))
}

/// What is waited for while a condition is not true.
fn not_true(object: Object<'_>, condition: Condition<'_>) -> String {
    let kind = condition.kind;
    if condition.stale {
        let generation = object.generation().unwrap_or_default();
        return format!("condition {kind} to be about generation {generation}; it is about an older one");
    }
    let status = if condition.status.is_empty() { "not set" } else { condition.status };
    format!("condition {kind} to be True; it is {status}{}", condition.why())
}

/// The server shows another object of this name.
fn another(object: Object<'_>, applied: &Applied) -> Option<Judgement> {
    let wanted = applied.uid.as_deref()?;
    let uid = object.uid().filter(|uid| *uid != wanted)?;
    if applied.at.zip(object.created()).is_some_and(|(at, created)| created <= at) {
        let what = "the server to show the object that was applied; it shows the one before it";
        return Some(Judgement::waiting(what));
    }
    let text = format!("{} was replaced by somebody else: its UID is {uid} now", object.named());
    let cause = Cause::new("object-replaced", text);
    Some(Judgement::failed(
        cause.with_hint("find out who deletes and creates it (the audit log names them), and run again"),
    ))
}

/// A deletion cannot be taken back.
fn being_deleted(object: Object<'_>) -> Judgement {
    let finalizers: Vec<&str> = object.at("metadata.finalizers").items().filter_map(Field::text).collect();
    let held = match finalizers.as_slice() {
        [] => String::new(),
        some => format!("; what holds it are the finalizers {}", some.join(", ")),
    };
    let text = format!("{} is being deleted, which cannot be taken back{held}", object.named());
    Judgement::failed(
        Cause::new("being-deleted", text)
            .with_hint(format!("run again when it is gone; until then: {}", command::show(object))),
    )
}

/// The answer, or the controller, is behind what was applied.
fn behind(object: Object<'_>, applied: &Applied) -> Option<Judgement> {
    let generation = object.generation();
    if let Some((wanted, shown)) = applied.generation.zip(generation).filter(|(wanted, shown)| shown < wanted)
    {
        return Some(Judgement::waiting(format!(
            "the server to show generation {wanted}, which was applied; it shows {shown}"
        )));
    }
    let (observed, generation) = (object.observed_generation(), generation?);
    match observed {
        Some(observed) if observed < generation => Some(Judgement::waiting(format!(
            "its controller to take up generation {generation}; it has seen {observed}"
        ))),
        None if always_observes(object) => {
            Some(Judgement::waiting(format!("its controller to take up generation {generation}")))
        }
        _ => None,
    }
}

/// Kinds whose controllers always write `status.observedGeneration`: without it they have not looked yet.
fn always_observes(object: Object<'_>) -> bool {
    matches!(
        (object.group(), object.kind()),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("", "ReplicationController")
            | ("policy", "PodDisruptionBudget")
    )
}

/// What it means that an applied object is not there any more. `last` is how it was last seen; of a Job with
/// `ttlSecondsAfterFinished` that did not fail it is a success.
#[must_use]
pub fn gone(last: &serde_json::Value) -> Judgement {
    let object = Object::of(last);
    if (object.group(), object.kind()) == ("batch", "Job") {
        let judged = job::judge(object);
        if matches!(judged.readiness, Readiness::Failed(_)) {
            return judged;
        }
        if object.at("spec.ttlSecondsAfterFinished").exists() {
            return Judgement::ready().noting(
                Level::Info,
                "job-gone",
                format!("{} has ended and was removed, as its ttlSecondsAfterFinished says", object.named()),
            );
        }
    }
    let text = format!("{} was deleted by somebody else", object.named());
    Judgement::failed(
        Cause::new("object-deleted", text)
            .with_hint("find out who deletes it (the audit log names them), and run again"),
    )
}
