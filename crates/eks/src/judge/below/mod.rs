//! What lies below a workload, and whether it is beyond hope.
//!
//! A rollout that cannot succeed is seen in its pods long before its deadline: an image that does not exist, a Secret that
//! is missing, a container that crashes. [`judge`] finds such signals and grades each: passing, worth a warning, or fatal.
//!
//! - `revision`: only pods of the new revision count. Old pods may be broken for reasons of their own.
//! - `containers`, `pods`, `creation`, `around`: where signals come from.
//! - `pull`: what the words of registries mean.
//!
//! Some signals turn fatal with time. Times are the server's, from conditions and events; where neither tells since when
//! something is so, [`Sightings`] do, which the caller keeps from look to look.

mod around;
mod containers;
mod creation;
mod pods;
mod pull;
mod revision;
mod signal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use pull::PullFailure;
pub(crate) use revision::{Current, current};
pub use signal::{Exited, PodName, Severity, Signal, Trouble};

use super::{Applied, Patience, Seen};
use crate::facts::{Object, Pod};

/// What was found below an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Below {
    /// The signals, the gravest first.
    pub signals: Vec<Signal>,
    /// Pods of the new revision, without those that are being deleted or were evicted.
    pub pods: usize,
    /// How often their containers were restarted, in all. A rise after the object became ready means that it is not
    /// stable.
    pub restarts: i64,
}

impl Below {
    /// Whether something is beyond hope.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.signals.first().is_some_and(|signal| signal.severity == Severity::Fatal)
    }
}

/// When signals were first seen by a look, for those that the server gives no time to. The caller keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sightings(BTreeMap<String, Timestamp>);

impl Sightings {
    /// With what a look at `now` has found; what is over is forgotten.
    #[must_use]
    pub fn after(&self, below: &Below, now: Timestamp) -> Self {
        let keys = below.signals.iter().map(Signal::key);
        Self(keys.map(|key| (key.clone(), self.0.get(&key).copied().unwrap_or(now))).collect())
    }
}

/// What is found below an object. Empty for kinds that have nothing below them, and while the controller has not looked at
/// what was applied: the new revision is not known then.
#[must_use]
pub fn judge(seen: &Seen<'_>, applied: &Applied, sightings: &Sightings, patience: &Patience) -> Below {
    let object = Object::of(seen.object);
    let mut search = Search { object, seen, applied, sightings, patience, signals: Vec::new() };
    let mut below = Below::default();
    if !revision::is_behind(object, applied) {
        let current = current(seen);
        for pod in &current.pods {
            search.pod(*pod);
        }
        let alive: Vec<Pod<'_>> = current.pods.iter().copied().filter(|pod| pods::is_alive(*pod)).collect();
        below.pods = alive.len();
        below.restarts = alive.iter().flat_map(|pod| pod.containers()).map(|one| one.restarts).sum();
        search.creation(&current);
        search.crashes(alive.len());
    }
    search.around();
    below.signals = search.signals;
    below.signals.sort_by_key(|signal| std::cmp::Reverse(signal.severity));
    below
}

/// One search for signals.
struct Search<'s, 'a> {
    object: Object<'a>,
    seen: &'s Seen<'a>,
    applied: &'s Applied,
    sightings: &'s Sightings,
    patience: &'s Patience,
    signals: Vec<Signal>,
}

impl<'a> Search<'_, 'a> {
    /// Adds a signal. `since` is when the server says it began; `grade` makes of its age how grave it is. Patience begins
    /// with the apply: what was broken before may have been mended by it.
    fn add(
        &mut self,
        trouble: Trouble,
        place: (Option<Pod<'a>>, Option<&str>),
        since: Option<Timestamp>,
        grade: impl FnOnce(SignedDuration) -> Severity,
    ) {
        let (pod, container) = place;
        let mut signal = Signal {
            severity: Severity::Passing,
            trouble,
            pod: pod.map(PodName::of),
            container: container.map(str::to_owned),
            since,
        };
        let seen_first = self.sightings.0.get(&signal.key()).copied();
        signal.since = [since, seen_first, self.seen.now].into_iter().flatten().min();
        let age = self.seen.since(signal.since.max(self.applied.at)).unwrap_or_default();
        signal.severity = grade(age);
        self.signals.push(signal);
    }

    /// Whether a pod from before the apply has not been tried again since; `tried` is when it last was. What kept it from
    /// starting may have been mended meanwhile, and kubelet waits up to five minutes between tries.
    fn is_untried(&self, pod: Pod<'a>, tried: Option<Timestamp>) -> bool {
        self.applied.at.is_some_and(|at| pod.object.created() < Some(at) && tried < Some(at))
    }

    /// Turns crashes fatal where they stand in the way of the rollout: of a Deployment when half of the new pods crash,
    /// for one of them may have a bad node; of a StatefulSet or DaemonSet when any does, for the next pod waits for it. A
    /// Job counts by itself how often it tries.
    fn crashes(&mut self, pods: usize) {
        let least = self.patience.restarts;
        let is_crashing =
            |signal: &Signal| signal.trouble.restarts().is_some_and(|restarts| restarts >= least);
        let crashing: Vec<&Signal> = self.signals.iter().filter(|signal| is_crashing(signal)).collect();
        let names: BTreeSet<&str> =
            crashing.iter().filter_map(|signal| Some(signal.pod.as_ref()?.uid.as_str())).collect();
        let is_down = crashing.iter().any(|signal| signal.trouble.is_down());
        let enough = match (self.object.group(), self.object.kind()) {
            ("batch", _) => false,
            ("apps", "StatefulSet" | "DaemonSet") => !names.is_empty(),
            _ => !names.is_empty() && names.len() * 2 >= pods,
        };
        if is_down && enough {
            for signal in self.signals.iter_mut().filter(|signal| is_crashing(signal)) {
                signal.severity = Severity::Fatal;
            }
        }
    }
}
