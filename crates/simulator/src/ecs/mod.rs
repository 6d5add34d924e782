//! Amazon ECS in one region of one account.
//!
//! [`RegionState`] holds everything. Requests come in through `operations`; what happens on its own (tasks start,
//! fail, drain; deployments complete, fail, roll back) stands on the [`Agenda`](agenda::Agenda) and is done by
//! `rollout` and `tasks` when its time has come.
//!
//! API: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html>. Rollouts:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.

mod agenda;
mod arn;
pub(crate) mod definition;
pub(crate) mod model;
mod operations;
mod rollout;
mod seed;
mod tasks;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::ids::Ids;
use crate::logs::LogGroups;
use crate::{Behaviour, BehaviourRule, Region, ScriptedAction, TargetGroup};
use agenda::Agenda;
use definition::Revision;
use model::{ClusterState, ServiceKey, ServiceState, TaskState};

pub(crate) use operations::OPERATIONS;

/// What a region starts with.
pub(crate) struct Setup<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) world: Region,
    pub(crate) behaviours: Vec<BehaviourRule>,
    pub(crate) actions: Vec<ScriptedAction>,
    pub(crate) forgotten_members: Vec<String>,
    pub(crate) now: Timestamp,
}

/// ECS in one region of one account.
#[derive(Debug, Clone)]
pub(crate) struct RegionState {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The time of the transition at hand; between requests, that of the last request.
    pub(crate) now: Timestamp,
    pub(crate) clusters: IndexMap<String, ClusterState>,
    pub(crate) families: IndexMap<String, Vec<Revision>>,
    pub(crate) services: IndexMap<ServiceKey, ServiceState>,
    pub(crate) tasks: IndexMap<String, TaskState>,
    pub(crate) logs: LogGroups,
    /// By the end of their ARN.
    pub(crate) target_groups: BTreeMap<String, TargetGroup>,
    ids: Ids,
    agenda: Agenda,
    behaviours: Vec<BehaviourRule>,
    actions: Vec<ScriptedAction>,
    forgotten_members: Vec<String>,
    /// How often each operation took effect: scripted actions wait for them.
    effects: BTreeMap<String, u64>,
    /// What the region was like before each of the last writes, for stale reads.
    snapshots: Vec<(Timestamp, Arc<RegionState>)>,
}

impl RegionState {
    /// How the tasks of a task definition behave.
    pub(crate) fn behaviour(&self, task_definition: &str) -> Behaviour {
        let Some(revision) = self.revision(task_definition) else { return Behaviour::default() };
        let images: Vec<String> =
            revision.containers().into_iter().map(|container| container.image).collect();
        self.behaviours
            .iter()
            .find(|rule| rule.fits(&revision.family, &images, revision.seeded))
            .map(|rule| rule.behaviour.clone())
            .unwrap_or_default()
    }

    /// Puts a rule before all others.
    pub(crate) fn add_behaviour(&mut self, rule: BehaviourRule) {
        self.behaviours.insert(0, rule);
    }

    /// A task definition by ARN, `family:revision` or family (its newest active revision).
    pub(crate) fn revision(&self, name: &str) -> Option<&Revision> {
        let name = self.task_definition_name(name)?;
        let (family, number) = match name.rsplit_once(':') {
            Some((family, number)) => (family, Some(number.parse::<u32>().ok()?)),
            None => (name, None),
        };
        let revisions = self.families.get(family)?;
        match number {
            Some(number) => revisions.iter().find(|revision| revision.number == number),
            None => revisions.iter().rev().find(|revision| revision.active),
        }
    }

    /// Remembers what the region is like, before a write changes it.
    fn remember(&mut self) {
        /// No fault hides a write for longer.
        const LONGEST: std::time::Duration = std::time::Duration::from_secs(600);
        let oldest = crate::clock::earlier(self.now, LONGEST);
        self.snapshots.retain(|(written_at, _)| *written_at >= oldest);
        let kept = std::mem::take(&mut self.snapshots);
        let copy = Arc::new(self.clone());
        self.snapshots = kept;
        self.snapshots.push((self.now, copy));
    }

    /// The region as it was before the writes of the last seconds.
    fn stale(&self, seconds: u64) -> Option<Arc<RegionState>> {
        let since = crate::clock::earlier(self.now, std::time::Duration::from_secs(seconds));
        self.snapshots
            .iter()
            .find(|(written_at, _)| *written_at > since)
            .map(|(_, before)| Arc::clone(before))
    }
}
