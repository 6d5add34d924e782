//! How a region comes out of the world's data.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::agenda::{Agenda, Due};
use super::definition::Tags;
use super::model::{
    ClusterState, Deployment, Event, Rollout, ServiceDeployment, ServiceKey, ServiceRevision, ServiceState,
};
use super::{RegionState, Setup};
use crate::clock::{earlier, later, ms};
use crate::ids::Ids;
use crate::wire::Object;
use crate::{Cluster, PastDeployment, Service, Trigger};

/// How long the deployments of the past took.
const PAST_ROLLOUT: Duration = Duration::from_secs(120);
/// How long before the start a service was deployed whose data say nothing about it.
const LONG_AGO: u64 = 86_400;

impl RegionState {
    pub(crate) fn new(setup: Setup<'_>) -> Self {
        let mut state = Self {
            account: setup.account.to_owned(),
            region: setup.region.to_owned(),
            now: setup.now,
            clusters: IndexMap::new(),
            families: IndexMap::new(),
            services: IndexMap::new(),
            tasks: IndexMap::new(),
            logs: crate::logs::LogGroups::default(),
            target_groups: setup.world.target_groups.clone(),
            ids: Ids::seeded(&format!("{}/{}", setup.account, setup.region)),
            agenda: Agenda::default(),
            behaviours: setup.behaviours,
            actions: setup.actions,
            forgotten_members: setup.forgotten_members,
            effects: BTreeMap::new(),
            snapshots: Vec::new(),
        };
        for (family, documents) in &setup.world.task_definitions {
            for document in documents {
                state.seed_task_definition(family, document);
            }
        }
        for (name, cluster) in setup.world.clusters {
            state.seed_cluster(&name, &cluster);
        }
        for scripted in state.actions.clone() {
            if let Trigger::AfterStart { ms: after } = scripted.when {
                state.later(ms(after), Due::Act(scripted.action));
            }
        }
        // What is due at once (a deployment of somebody else, say) is done before the first request.
        state.advance(setup.now);
        state
    }

    fn seed_task_definition(&mut self, family: &str, document: &Value) {
        let mut object = Object::from_value(document);
        object.put("family", family);
        let inactive = document["status"] == "INACTIVE";
        object.remove("status");
        let registered_by = format!("arn:aws:iam::{}:root", self.account);
        let revision = self.add_revision(object, &registered_by, true);
        for container in revision.containers() {
            if let Some(log) = container.log {
                self.logs.create(&log.group);
            }
        }
        if inactive
            && let Some(last) = self.families.get_mut(family).and_then(|revisions| revisions.last_mut())
        {
            last.active = false;
        }
    }

    fn seed_cluster(&mut self, name: &str, cluster: &Cluster) {
        let tags = Tags(cluster.tags.clone().into_iter().collect());
        let state = ClusterState { name: name.to_owned(), status: cluster.status.clone(), tags };
        self.clusters.insert(name.to_owned(), state);
        for (service_name, service) in &cluster.services {
            self.seed_service(&ServiceKey::new(name, service_name), service);
        }
    }

    fn seed_service(&mut self, key: &ServiceKey, service: &Service) {
        let arn = self.revision(&service.task_definition).map_or_else(
            // A service may run a task definition that the world does not describe.
            || self.task_definition_arn_of(&service.task_definition),
            |revision| revision.arn.clone(),
        );
        let settings = Object::from_value(&service.settings);
        let mut state = ServiceState {
            key: key.clone(),
            status: service.status.clone(),
            controller: service.controller.clone(),
            desired: service.desired_count,
            task_definition: arn.clone(),
            configuration: Object::from_value(&service.deployment_configuration),
            settings,
            deployments: Vec::new(),
            history: Vec::new(),
            revisions: Vec::new(),
            events: Vec::new(),
            created_at: earlier(self.now, Duration::from_secs(30 * LONG_AGO)),
            tags: Tags(service.tags.clone().into_iter().collect()),
        };
        for past in &service.history {
            self.seed_history(&mut state, past);
        }
        let running = state
            .revisions
            .iter()
            .rposition(|revision| revision.successful && revision.task_definition == arn);
        let running = running.unwrap_or_else(|| {
            let past = PastDeployment {
                task_definition: service.task_definition.clone(),
                status: "SUCCESSFUL".to_owned(),
                status_reason: None,
                seconds_ago: LONG_AGO,
            };
            self.seed_history(&mut state, &past);
            state.revisions.len() - 1
        });
        self.seed_deployment(&mut state, running);
        self.services.insert(key.clone(), state);
        self.seed_tasks(key);
    }

    fn task_definition_arn_of(&self, name: &str) -> String {
        let (family, number) = name.rsplit_once(':').unwrap_or((name, "1"));
        self.task_definition_arn(family, number.parse().unwrap_or(1))
    }

    fn seed_history(&mut self, service: &mut ServiceState, past: &PastDeployment) {
        let created_at = earlier(self.now, Duration::from_secs(past.seconds_ago));
        let finished_at = later(created_at, PAST_ROLLOUT);
        let digits = self.ids.digits19();
        let successful = past.status == "SUCCESSFUL";
        let source = service.revisions.iter().rev().find(|revision| revision.successful);
        let sources: Vec<String> = source.map(|revision| revision.digits.clone()).into_iter().collect();
        let mut deployment =
            ServiceDeployment::new(self.ids.word21(), &digits, created_at, service.configuration.clone());
        deployment.finish(&past.status, past.status_reason.as_deref(), finished_at);
        deployment.started_at = Some(created_at);
        if past.status.starts_with("ROLLBACK") {
            deployment.rollback = sources.first().map(|source| super::model::Rollback {
                reason: past.status_reason.clone().unwrap_or_default(),
                started_at: later(created_at, PAST_ROLLOUT / 2),
                digits: source.clone(),
            });
        }
        deployment.sources = sources;
        service.history.push(deployment);
        service.revisions.push(ServiceRevision {
            digits,
            task_definition: self.task_definition_arn_of(&past.task_definition),
            settings: service.settings.clone(),
            created_at,
            successful,
        });
    }

    fn seed_deployment(&mut self, service: &mut ServiceState, index: usize) {
        let revision = &service.revisions[index];
        let at = later(revision.created_at, PAST_ROLLOUT);
        let deployment = Deployment {
            digits: revision.digits.clone(),
            primary: true,
            begun: true,
            task_definition: revision.task_definition.clone(),
            created_at: revision.created_at,
            updated_at: at,
            rollout: Rollout::Completed,
            reason: format!("ECS deployment ecs-svc/{} completed.", revision.digits),
            failed_tasks: 0,
            desired: service.desired,
        };
        let message = format!("(service {}) has reached a steady state.", service.key.service);
        service.events.push(Event { id: self.ids.uuid(), at, message });
        service.deployments.push(deployment);
    }

    fn seed_tasks(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get(key).filter(|service| service.status != "INACTIVE") else {
            return;
        };
        let Some(deployment) = service.primary() else { return };
        let (digits, task_definition) = (deployment.digits.clone(), deployment.task_definition.clone());
        let (started_at, count): (Timestamp, u32) = (deployment.created_at, service.desired);
        for _ in 0..count {
            self.add_running_task(key, &digits, &task_definition, started_at);
        }
    }
}
