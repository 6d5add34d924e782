//! What is waited for, and what has to be read to judge it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_core::{Context, Error, Result};
use serde_json::Value;

use super::verdict::Verdict;
use crate::api::{ApiResource, At, Selector};
use crate::apply::{Placed, Placing};
use crate::carry;
use crate::feed::Topic;
use crate::input::{Manifest, ManifestSet};
use crate::inventory::PART_OF;
use crate::judge::{Applied, is_ready_at_once};
use crate::memory::{Progressed, Stage};
use crate::target::Manifests;
use crate::waves::{self, Wave};

/// A topic, and the objects of it that are of interest; empty for all.
pub(super) type Wanted = (Topic, BTreeSet<String>);

/// An object that is waited for.
pub(super) struct Subject<'a> {
    pub(super) at: At,
    pub(super) topic: Topic,
    pub(super) applied: Applied,
    /// As it was written: how it is known when it was never seen.
    manifest: &'a Manifest,
}

/// Everything that is waited for.
pub(super) struct Subjects<'a> {
    /// By the place of the manifest.
    pub(super) by_place: BTreeMap<usize, Subject<'a>>,
    /// Where the subjects are.
    pub(super) topics: Vec<Wanted>,
    /// How many more there are that are ready as soon as they are there.
    pub(super) at_once: usize,
    /// Whether this is the whole set, and not what a wave waits for.
    pub(super) are_all: bool,
    found: Mutex<Found>,
}

/// What was found out during the look.
#[derive(Default)]
struct Found {
    /// What lies below, as far as it was read.
    below: BTreeSet<Topic>,
    /// Subjects that are gone, as the server has confirmed.
    gone: HashSet<usize>,
}

impl<'a> Subjects<'a> {
    /// What this stage of a deployment waits for.
    pub(super) async fn of(
        target: &Manifests,
        cx: &Context,
        set: &'a ManifestSet,
        progressed: &Progressed,
    ) -> Result<Self> {
        let order: Cow<'_, [Wave]> = match progressed.goal {
            Some(_) => Cow::Owned(waves::order(set.objects())?),
            None => Cow::Borrowed(&target.spec.waves),
        };
        let standing = matches!(progressed.stage, Stage::Standing);
        let are_all = standing || progressed.waves >= order.len();
        let waited: Vec<usize> = match progressed.waves.checked_sub(1).and_then(|last| order.get(last)) {
            Some(wave) if !are_all => wave.wait_for.clone(),
            _ => progressed.placed.keys().copied().collect(),
        };
        let label = format!("{PART_OF}={}", target.spec.release.id());
        let mut subjects = Self {
            by_place: BTreeMap::new(),
            topics: Vec::new(),
            at_once: 0,
            are_all,
            found: Mutex::default(),
        };
        let mut topics: BTreeMap<Topic, BTreeSet<String>> = BTreeMap::new();
        for place in waited {
            let (Some(manifest), Some(placed)) = (set.objects().get(place), progressed.placed.get(&place))
            else {
                continue;
            };
            if at_once(manifest) && !target.spec.rules.fit(manifest) {
                subjects.at_once += 1;
                continue;
            }
            let at = carry::at(cx, &target.api, manifest).await?;
            let labelled = manifest.label(PART_OF).is_some();
            let selector = match labelled {
                true => Selector::labels(label.clone()),
                // What the release had taken in and has put back is not labelled as its own.
                false => Selector::fields(format!("metadata.name={}", manifest.name())),
            };
            let resource = Arc::clone(at.resource());
            let topic = Topic { resource, namespace: at.namespace().map(str::to_owned), selector };
            topics.entry(topic.clone()).or_default().insert(manifest.name().to_owned());
            subjects.by_place.insert(place, Subject { at, topic, applied: applied(placed), manifest });
        }
        subjects.topics = topics.into_iter().collect();
        Ok(subjects)
    }

    /// Why a subject cannot be seen at present.
    pub(super) fn trouble(&self, target: &Manifests) -> Option<Error> {
        self.topics.iter().find_map(|(topic, _)| target.feeds.shown(topic, |shown| shown.trouble.clone()))
    }

    /// Asks for subjects that are not shown: what was made a moment ago may not be shown yet.
    pub(super) async fn confirm_gone(&self, cx: &Context, target: &Manifests) -> Result<()> {
        for (place, subject) in &self.by_place {
            let shown = target.feeds.shown(&subject.topic, |shown| shown.find(subject.at.name()).is_some());
            if shown || self.is_gone(*place) {
                continue;
            }
            match target.api.read(cx, &subject.at).await.map_err(Error::from)? {
                Some(live) => target.feeds.put(&subject.topic, subject.at.name(), Some(live)),
                None => {
                    self.found().gone.insert(*place);
                }
            }
        }
        Ok(())
    }

    /// Whether a subject is gone, as the server has confirmed.
    pub(super) fn is_gone(&self, place: usize) -> bool {
        self.found().gone.contains(&place)
    }

    /// What has to be read below subjects that are not ready, and below all workloads when they have to stay ready.
    pub(super) async fn topics_below(
        &self,
        target: &Manifests,
        cx: &Context,
        verdict: &Verdict,
    ) -> Result<Vec<Wanted>> {
        let all = !target.spec.stable_for.is_zero();
        let mut topics: BTreeMap<Topic, BTreeSet<String>> = BTreeMap::new();
        for (place, subject) in &self.by_place {
            if verdict.is_ready_at(*place) && !all {
                continue;
            }
            for (version, kind) in below(subject.at.resource()) {
                let resource =
                    target.api.resource(cx, version, kind, Duration::ZERO).await.map_err(Error::from)?;
                let namespace = subject.at.namespace().map(str::to_owned).filter(|_| resource.namespaced);
                topics.entry(Topic { resource, namespace, selector: Selector::all() }).or_default();
            }
        }
        Ok(topics.into_iter().collect())
    }

    /// Notes what is to be read below; gives whether any of it is new.
    pub(super) fn learn(&self, below: &[Wanted]) -> bool {
        let mut found = self.found();
        let mut new = false;
        for (topic, _) in below {
            new |= found.below.insert(topic.clone());
        }
        new
    }

    /// The topics of what lies below, as far as it was read.
    pub(super) fn below(&self) -> Vec<Topic> {
        self.found().below.iter().cloned().collect()
    }

    /// All that is read.
    pub(super) fn all_topics(&self) -> Vec<Topic> {
        let mut all: Vec<Topic> = self.topics.iter().map(|(topic, _)| topic.clone()).collect();
        all.extend(self.below());
        all
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subject<'_> {
    /// The object as it was last, or else as it was written.
    pub(super) fn last(&self, target: &Manifests) -> Value {
        let last = target.feeds.shown(&self.topic, |shown| shown.last(self.at.name()).cloned());
        let written = || serde_json::from_str(&self.manifest.to_json()).unwrap_or_default();
        last.map_or_else(written, |last| Value::clone(&last))
    }
}

fn applied(placed: &Placed) -> Applied {
    Applied {
        uid: Some(placed.uid.clone()),
        generation: placed.generation,
        at: placed.at,
        changed: placed.effect != Placing::Unchanged,
        within_deadline: false,
    }
}

/// Whether an object is ready as soon as it is there.
fn at_once(manifest: &Manifest) -> bool {
    let plain_service =
        manifest.is("", "Service") && manifest.text_at(&["spec", "type"]) != Some("LoadBalancer");
    plain_service || is_ready_at_once(manifest.group(), manifest.kind())
}

/// Which kinds lie below a kind, or say something about it.
fn below(resource: &ApiResource) -> &'static [(&'static str, &'static str)] {
    const EVENTS: (&str, &str) = ("v1", "Event");
    const PODS: (&str, &str) = ("v1", "Pod");
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => &[("apps/v1", "ReplicaSet"), PODS, EVENTS],
        ("apps", "DaemonSet") => &[("apps/v1", "ControllerRevision"), PODS, EVENTS],
        ("apps", "StatefulSet" | "ReplicaSet") | ("", "ReplicationController") | ("batch", "Job") => {
            &[PODS, EVENTS]
        }
        ("", "PersistentVolumeClaim") => &[("storage.k8s.io/v1", "StorageClass"), EVENTS],
        ("", "Pod" | "Service") | ("networking.k8s.io", "Ingress") => &[EVENTS],
        _ => &[],
    }
}
