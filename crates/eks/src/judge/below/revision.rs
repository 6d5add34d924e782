//! Which pods are of the new revision.
//!
//! - Deployment: the ReplicaSet that it manages and that carries its own `deployment.kubernetes.io/revision`.
//! - StatefulSet: pods whose label `controller-revision-hash` is `status.updateRevision`.
//! - DaemonSet: pods whose hash is that of its newest ControllerRevision, or whose template generation is that of the
//!   DaemonSet; its controller takes either for a sign (`IsPodUpdated` in
//!   kubernetes/pkg/controller/daemon/util/daemonset_util.go).
//! - ReplicaSet, Job: the pods that it manages. Pod: itself.

use crate::facts::{Object, Pod};
use crate::judge::{Applied, Seen};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "controller-revision-hash";

/// What is new below an object.
pub(crate) struct Current<'a> {
    /// What makes its pods: the new ReplicaSet of a Deployment, or the object itself.
    pub(crate) maker: Option<Object<'a>>,
    /// The pods of the new revision that are not being deleted.
    pub(crate) pods: Vec<Pod<'a>>,
    /// Whether there are pods of an older revision, or some that are being deleted.
    pub(crate) others: bool,
}

/// Whether the controller has not seen what was applied.
pub(super) fn is_behind(object: Object<'_>, applied: &Applied) -> bool {
    let generation = object.generation();
    generation < applied.generation
        || object.observed_generation().is_some_and(|observed| Some(observed) < generation)
}

pub(crate) fn current<'a>(seen: &Seen<'a>) -> Current<'a> {
    let object = Object::of(seen.object);
    match (object.group(), object.kind()) {
        ("apps", "Deployment") => of_deployment(object, seen),
        ("apps", "StatefulSet") => {
            let revision = object.at("status.updateRevision").text();
            managed(object, seen, |pod| revision.is_some() && pod.object.label(HASH) == revision)
        }
        ("apps", "DaemonSet") => of_daemon_set(object, seen),
        ("apps", "ReplicaSet") | ("", "ReplicationController") | ("batch", "Job") => {
            managed(object, seen, |_| true)
        }
        ("", "Pod") => {
            let pod = Pod { object };
            Current {
                maker: None,
                pods: (!object.is_being_deleted()).then_some(pod).into_iter().collect(),
                others: false,
            }
        }
        _ => Current { maker: None, pods: Vec::new(), others: false },
    }
}

/// The pods that an object manages and that are new.
fn managed<'a>(object: Object<'a>, seen: &Seen<'a>, is_new: impl Fn(Pod<'a>) -> bool) -> Current<'a> {
    let all = seen.pods.iter().copied().map(Pod::of).filter(|pod| pod.object.is_controlled_by(object));
    let (pods, others): (Vec<Pod<'a>>, Vec<Pod<'a>>) =
        all.partition(|pod| is_new(*pod) && !pod.object.is_being_deleted());
    Current { maker: Some(object), pods, others: !others.is_empty() }
}

fn of_deployment<'a>(object: Object<'a>, seen: &Seen<'a>) -> Current<'a> {
    let revision = object.annotation(REVISION);
    let sets: Vec<Object<'a>> = seen
        .replica_sets
        .iter()
        .copied()
        .map(Object::of)
        .filter(|set| set.is_controlled_by(object))
        .collect();
    let is_new = |set: &Object<'a>| revision.is_some() && set.annotation(REVISION) == revision;
    let new = sets.iter().copied().find(is_new);
    let of_old =
        |pod: Pod<'a>| sets.iter().filter(|set| !is_new(set)).any(|set| pod.object.is_controlled_by(*set));
    let old = seen.pods.iter().copied().map(Pod::of).any(of_old);
    match new {
        Some(set) => {
            let found = managed(set, seen, |_| true);
            Current { others: found.others || old, ..found }
        }
        None => Current { maker: None, pods: Vec::new(), others: old },
    }
}

fn of_daemon_set<'a>(object: Object<'a>, seen: &Seen<'a>) -> Current<'a> {
    let revisions = seen.controller_revisions.iter().copied().map(Object::of);
    let newest = revisions
        .filter(|revision| revision.is_controlled_by(object))
        .max_by_key(|revision| revision.at("revision").count());
    let hash = newest.and_then(|revision| revision.label(HASH));
    let generation = object.annotation("deprecated.daemonset.template.generation");
    managed(object, seen, |pod| {
        (hash.is_some() && pod.object.label(HASH) == hash)
            || (generation.is_some() && pod.object.label("pod-template-generation") == generation)
    })
}
