//! Deployments: a ReplicaSet for each template, scaled up and down in turn.
//!
//! As in `pkg/controller/deployment`: `rolling.go`, `recreate.go` and `sync.go`.

use serde_json::{Value, json};

use crate::clock::ms;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

use super::deployment_status::set_condition;
use super::workload::{
    condition, conditioned, controlled, count, create, event, is_stale, name_of, owned_by, share, short_hash,
    text,
};
use super::{CONTROLLER, deployment_status};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

pub(super) fn look(state: &mut ClusterState, key: &ObjectKey, deployment: &Value) {
    if deployment["metadata"]["deletionTimestamp"].is_string() || is_stale(state, key, deployment) {
        return;
    }
    let mut rollout = Rollout::of(state, key, deployment);
    if deployment["spec"]["paused"] == json!(true) {
        rollout.scale_paused(state);
    } else {
        if rollout.is_recreate() {
            rollout.recreate(state);
        } else {
            rollout.ensure_new(state);
            rollout.roll(state);
        }
        rollout.clean_up(state);
    }
    // What was scaled shows in the status once the ReplicaSets' controller has looked.
    let Some(deployment) = state.store.get(key).cloned() else { return };
    let rollout = Rollout::of(state, key, &deployment);
    let status = deployment_status::of(state, key, &deployment, &rollout);
    state.write_status(key, status, CONTROLLER);
}

/// A Deployment and its ReplicaSets.
pub(super) struct Rollout {
    key: ObjectKey,
    deployment: Value,
    pub(super) new: Option<Value>,
    /// Oldest first.
    old: Vec<Value>,
}

/// The template of pods without the label that is added to it.
fn template(object: &Value) -> Value {
    let mut template = object["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.shift_remove(HASH);
    }
    template
}

fn replicas(set: &Value) -> i64 {
    count(&set["spec"]["replicas"])
}

fn available(set: &Value) -> i64 {
    count(&set["status"]["availableReplicas"])
}

fn revision(object: &Value) -> i64 {
    text(&object["metadata"]["annotations"][REVISION]).parse().unwrap_or_default()
}

impl Rollout {
    fn of(state: &ClusterState, key: &ObjectKey, deployment: &Value) -> Self {
        let sets = controlled(state, deployment, "apps", "replicasets");
        let wanted = template(deployment);
        let (mut new, mut old): (Vec<Value>, Vec<Value>) =
            sets.into_iter().partition(|set| template(set) == wanted);
        let new = if new.is_empty() { None } else { Some(new.remove(0)) };
        old.sort_by_key(revision);
        Self { key: key.clone(), deployment: deployment.clone(), new, old }
    }

    fn spec(&self) -> &Value {
        &self.deployment["spec"]
    }

    pub(super) fn wanted(&self) -> i64 {
        replicas(&self.deployment)
    }

    fn surge(&self) -> i64 {
        share(&self.spec()["strategy"]["rollingUpdate"]["maxSurge"], self.wanted(), true)
    }

    pub(super) fn unavailable(&self) -> i64 {
        if self.is_recreate() {
            return 0;
        }
        let unavailable =
            share(&self.spec()["strategy"]["rollingUpdate"]["maxUnavailable"], self.wanted(), false);
        // Were both nothing, nothing could move.
        if unavailable == 0 && self.surge() == 0 { 1 } else { unavailable.min(self.wanted()) }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(self.new.iter())
    }

    pub(super) fn total(&self) -> i64 {
        self.all().map(replicas).sum()
    }

    /// Makes the new ReplicaSet, or gives it the next revision when it has an older one.
    fn ensure_new(&mut self, state: &mut ClusterState) {
        let next = self.old.iter().map(revision).max().unwrap_or_default() + 1;
        match self.new.clone() {
            Some(mut new) => {
                if revision(&new) < next {
                    new["metadata"]["annotations"][REVISION] = next.to_string().into();
                    state.write_object(&self.set_key(&new), new.clone(), CONTROLLER);
                }
                let next = revision(&new).max(next);
                self.set_revision(state, next);
                if condition(&self.deployment, "Progressing").is_null() {
                    let message = format!("Found new replica set {:?}", name_of(&new));
                    self.progress(state, "FoundNewReplicaSet", &message);
                }
            }
            None => {
                let hash = short_hash(&template(&self.deployment).to_string());
                let name = format!("{}-{hash}", name_of(&self.deployment));
                let replicas = if self.is_recreate() { self.wanted() } else { self.room(0) };
                let set = self.new_set(&name, &hash, next, replicas);
                if create(state, "apps", "replicasets", set).is_err() {
                    return;
                }
                let message = format!("Scaled up replica set {name} from 0 to {replicas}");
                event(state, &self.deployment, ("Normal", "ScalingReplicaSet", &message));
                self.set_revision(state, next);
                self.progress(state, "NewReplicaSetCreated", &format!("Created new replica set {name:?}"));
                let created = ObjectKey::new("apps", "replicasets", &self.key.namespace, &name);
                self.new = state.store.get(&created).cloned();
            }
        }
    }

    fn is_recreate(&self) -> bool {
        self.spec()["strategy"]["type"] == json!("Recreate")
    }

    fn new_set(&self, name: &str, hash: &str, revision: i64, replicas: i64) -> Value {
        let mut template = template(&self.deployment);
        template["metadata"]["labels"][HASH] = hash.into();
        let mut selector = self.spec()["selector"].clone();
        selector["matchLabels"][HASH] = hash.into();
        json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": self.key.namespace,
                "labels": template["metadata"]["labels"],
                "annotations": {
                    REVISION: revision.to_string(),
                    "deployment.kubernetes.io/desired-replicas": self.wanted().to_string(),
                    "deployment.kubernetes.io/max-replicas": (self.wanted() + self.surge()).to_string()
                },
                "ownerReferences": owned_by(&self.deployment)
            },
            "spec": {
                "replicas": replicas,
                "minReadySeconds": count(&self.spec()["minReadySeconds"]),
                "selector": selector,
                "template": template
            }
        })
    }

    fn set_revision(&mut self, state: &mut ClusterState, next: i64) {
        if revision(&self.deployment) == next {
            return;
        }
        self.deployment["metadata"]["annotations"][REVISION] = next.to_string().into();
        state.write_object(&self.key, self.deployment.clone(), CONTROLLER);
        self.reload(state);
    }

    fn progress(&mut self, state: &mut ClusterState, reason: &str, message: &str) {
        let mut progressing = conditioned(state, &self.deployment, ("Progressing", true, reason, message));
        progressing["lastUpdateTime"] = state.stamp().into();
        let mut status = self.deployment["status"].clone();
        set_condition(&mut status, progressing);
        state.write_status(&self.key, status, CONTROLLER);
        self.reload(state);
    }

    fn reload(&mut self, state: &ClusterState) {
        if let Some(deployment) = state.store.get(&self.key) {
            self.deployment = deployment.clone();
        }
    }

    fn set_key(&self, set: &Value) -> ObjectKey {
        ObjectKey::new("apps", "replicasets", &self.key.namespace, name_of(set))
    }

    /// How many pods the new ReplicaSet may have that has so many now.
    fn room(&self, now: i64) -> i64 {
        let room = self.wanted() + self.surge() - self.total();
        now + room.min(self.wanted() - now).max(0)
    }

    fn scale(&self, state: &mut ClusterState, set: &Value, to: i64) {
        let from = replicas(set);
        if from == to {
            return;
        }
        let mut set = set.clone();
        set["spec"]["replicas"] = to.into();
        state.write_object(&self.set_key(&set), set.clone(), CONTROLLER);
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", name_of(&set));
        event(state, &self.deployment, ("Normal", "ScalingReplicaSet", &message));
    }

    /// A paused Deployment is scaled, and nothing else: the newest ReplicaSet has what is wanted.
    fn scale_paused(&self, state: &mut ClusterState) {
        let running: Vec<&Value> = self.all().filter(|set| replicas(set) > 0).collect();
        if let [only] = running.as_slice() {
            self.scale(state, only, self.wanted());
        }
    }

    /// The new pods begin when the old ones are gone.
    fn recreate(&mut self, state: &mut ClusterState) {
        for set in &self.old {
            self.scale(state, set, 0);
        }
        let gone = |set: &Value| replicas(set) == 0 && controlled(state, set, "", "pods").is_empty();
        if !self.old.iter().all(gone) {
            return state.look_after(&self.key, ms(state.setup.deletion_ms.max(1)));
        }
        self.ensure_new(state);
        if let Some(new) = &self.new {
            self.scale(state, new, self.wanted());
        }
    }

    fn roll(&self, state: &mut ClusterState) {
        let Some(new) = &self.new else { return };
        let target = if replicas(new) > self.wanted() { self.wanted() } else { self.room(replicas(new)) };
        if target != replicas(new) {
            return self.scale(state, new, target);
        }
        let least = self.wanted() - self.unavailable();
        let new_unavailable = replicas(new) - available(new);
        let mut may_go = self.total() - least - new_unavailable;
        let mut left: Vec<(&Value, i64)> = self.old.iter().map(|set| (set, replicas(set))).collect();
        // Pods that serve nobody go first, whatever is available.
        for (set, replicas) in &mut left {
            let idle = (*replicas - available(set)).min(may_go).max(0);
            *replicas -= idle;
            may_go -= idle;
        }
        let mut surplus = self.all().map(available).sum::<i64>() - least;
        for (_, replicas) in &mut left {
            let going = (*replicas).min(surplus).min(may_go).max(0);
            *replicas -= going;
            surplus -= going;
            may_go -= going;
        }
        for (set, to) in left {
            self.scale(state, set, to);
        }
    }

    /// Old ReplicaSets beyond the history go, once the rollout is over.
    fn clean_up(&self, state: &mut ClusterState) {
        let limit = usize::try_from(count(&self.spec()["revisionHistoryLimit"])).unwrap_or_default();
        let idle: Vec<&Value> = self
            .old
            .iter()
            .filter(|set| replicas(set) == 0 && count(&set["status"]["replicas"]) == 0)
            .collect();
        let surplus = idle.len().saturating_sub(limit);
        for set in &idle[..surplus] {
            state.erase(&self.set_key(set));
        }
    }
}
