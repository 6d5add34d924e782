//! What is shown, put in order: which ReplicaSet, pod and event belongs to what. Every object is looked at once, however
//! many subjects there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::subjects::{Subject, Subjects};
use crate::facts::{Event, Object, Pod};
use crate::judge::{Seen, stuck_pods};
use crate::target::Manifests;

/// By the UID of what they belong to.
type ByUid = HashMap<String, Vec<Arc<Value>>>;

/// All that was shown when it was looked.
pub(super) struct Scene {
    /// The subjects that are there, by the place of their manifest.
    objects: BTreeMap<usize, Arc<Value>>,
    replica_sets: ByUid,
    controller_revisions: ByUid,
    pods: ByUid,
    events: ByUid,
    storage_classes: HashMap<String, Arc<Value>>,
    auto_mode: bool,
    pub(super) now: Timestamp,
}

impl Scene {
    pub(super) fn of(target: &Manifests, subjects: &Subjects<'_>, now: Timestamp) -> Self {
        let mut scene = Self {
            objects: BTreeMap::new(),
            replica_sets: ByUid::new(),
            controller_revisions: ByUid::new(),
            pods: ByUid::new(),
            events: ByUid::new(),
            storage_classes: HashMap::new(),
            auto_mode: target.api.server().cluster().is_auto_mode(),
            now,
        };
        for (place, subject) in &subjects.by_place {
            let object = target.feeds.shown(&subject.topic, |shown| shown.find(subject.at.name()).cloned());
            if let Some(object) = object {
                scene.objects.insert(*place, object);
            }
        }
        for topic in subjects.below() {
            let objects: Vec<_> = target.feeds.shown(&topic, |shown| shown.objects().cloned().collect());
            match topic.resource.kind.as_str() {
                "ReplicaSet" => by_owner(&mut scene.replica_sets, objects),
                "ControllerRevision" => by_owner(&mut scene.controller_revisions, objects),
                "Pod" => by_owner(&mut scene.pods, objects),
                "Event" => {
                    for event in objects {
                        if let Some(about) = Event::read(&event).about.map(str::to_owned) {
                            scene.events.entry(about).or_default().push(event);
                        }
                    }
                }
                _ => {
                    let named = objects.into_iter().map(|one| (Object::of(&one).name().to_owned(), one));
                    scene.storage_classes.extend(named);
                }
            }
        }
        scene
    }

    /// What belongs to the object at a place, for the judge.
    pub(super) fn seen<'a>(&'a self, place: usize, subject: &Subject<'_>) -> Option<Seen<'a>> {
        let object = self.objects.get(&place)?;
        let of = |by_uid: &'a ByUid, uid: Option<&str>| -> Vec<&'a Value> {
            let some = uid.and_then(|uid| by_uid.get(uid));
            some.into_iter().flatten().map(|one| &**one).collect()
        };
        let facts = Object::of(object);
        let mut seen = Seen::new(object).at(self.now);
        seen.replica_sets = of(&self.replica_sets, facts.uid());
        seen.controller_revisions = of(&self.controller_revisions, facts.uid());
        seen.pods = of(&self.pods, facts.uid());
        for replica_set in &seen.replica_sets {
            seen.pods.extend(of(&self.pods, Object::of(replica_set).uid()));
        }
        let about = [object.as_ref()].into_iter().chain(seen.replica_sets.iter().copied());
        let about: Vec<Option<&str>> =
            about.chain(seen.pods.iter().copied()).map(|one| Object::of(one).uid()).collect();
        seen.events = about.into_iter().flat_map(|uid| of(&self.events, uid)).collect();
        let class = facts.at("spec.storageClassName").text();
        seen.storage_class = class.and_then(|class| self.storage_classes.get(class)).map(|one| &**one);
        seen.status_subresource = subject.at.resource().has_status;
        seen.auto_mode = self.auto_mode;
        Some(seen)
    }

    /// Whether a StatefulSet waits for pods of an older revision, which it does not replace.
    pub(super) fn is_stuck(&self, subjects: &Subjects<'_>) -> bool {
        subjects.by_place.iter().any(|(place, subject)| {
            let resource = subject.at.resource();
            let is_stateful = resource.group == "apps" && resource.kind == "StatefulSet";
            let seen = self.seen(*place, subject).filter(|_| is_stateful);
            seen.is_some_and(|seen| {
                let pods = seen.pods.iter().map(|pod| Pod::of(pod));
                !stuck_pods(Object::of(seen.object), pods).is_empty()
            })
        })
    }
}

fn by_owner(all: &mut ByUid, objects: Vec<Arc<Value>>) {
    for object in objects {
        if let Some(owner) = Object::of(&object).controller().map(str::to_owned) {
            all.entry(owner).or_default().push(object);
        }
    }
}
