//! From the world to what there is at the start.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::agenda::Due;
use super::model::Desired;
use super::{CloudFormation, template};
use crate::clock::earlier;
use crate::ids::Ids;

impl CloudFormation {
    pub(crate) fn new(
        (account, region): (&str, &str),
        world: crate::Region,
        s3: crate::s3::S3Store,
        now: Timestamp,
    ) -> Self {
        let mut made = Self {
            account: account.to_owned(),
            region: region.to_owned(),
            now: earlier(now, Duration::from_secs(86_400)),
            stacks: Vec::new(),
            ids: Ids::seeded(&format!("cloudformation/{account}/{region}")),
            agenda: BTreeMap::new(),
            next: 0,
            rules: world.stack_rules.into_iter().map(|rule| (rule, 0)).collect(),
            change_set_rules: world.change_set_rules.into_iter().map(|rule| (rule, 0)).collect(),
            templates: world.templates,
            existing: world.existing_resources,
            s3,
            tokens: BTreeMap::new(),
            snapshots: Vec::new(),
        };
        for (name, stack) in &world.stacks {
            made.seed(name, stack);
        }
        made.now = now;
        for (name, stack) in &world.stacks {
            if let (Some(at), Some(ms)) = (made.find(name), stack.ends_ms) {
                let due = Due::End { stack: made.stacks[at].id.clone(), status: stack.ends_as.clone() };
                made.later(Duration::from_millis(ms), due);
            }
        }
        made
    }

    /// A stack as somebody made it a day before.
    fn seed(&mut self, name: &str, world: &crate::Stack) {
        let at = self.new_stack(name);
        let body = match &world.template {
            Value::String(text) => text.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        let parsed = template::parse(&body).unwrap_or(Value::Null);
        let parameters =
            super::operations::with_defaults(&parsed, world.parameters.clone()).unwrap_or_default();
        self.stacks[at].desired = Desired {
            body,
            parameters: parameters.clone(),
            tags: world.tags.clone().into_iter().collect(),
            capabilities: template::capabilities(&parsed).iter().map(|one| (*one).to_owned()).collect(),
            role_arn: world.role_arn.clone(),
            notification_arns: Vec::new(),
        };
        self.stacks[at].protected = world.termination_protection;
        (self.stacks[at].express, self.stacks[at].rollback_off) = (world.express, world.express);
        self.stacks[at].policy.clone_from(&world.policy);
        if let Some(change_set) = &world.change_set {
            let arn = format!(
                "arn:aws:cloudformation:{}:{}:changeSet/{change_set}/{}",
                self.region,
                self.account,
                self.ids.uuid()
            );
            self.stacks[at].change_set = Some(arn);
        }
        if world.status == "REVIEW_IN_PROGRESS" {
            return self.root_event(at, "REVIEW_IN_PROGRESS", Some("User Initiated"));
        }
        let failed = matches!(
            world.status.as_str(),
            "ROLLBACK_COMPLETE"
                | "ROLLBACK_FAILED"
                | "CREATE_FAILED"
                | "DELETE_COMPLETE"
                | "CREATE_IN_PROGRESS"
        );
        self.root_event(at, "CREATE_IN_PROGRESS", Some("User Initiated"));
        for (id, mut resource) in self.resolve(at, &parsed, &parameters) {
            resource.physical = match super::changes::own_name(&resource.properties) {
                Some((_, own)) => own,
                None => format!("{name}-{id}-{}", self.ids.capitals(12)),
            };
            if world.status != "ROLLBACK_COMPLETE" {
                self.resource_event(at, &id, &resource, "CREATE_COMPLETE", None);
            }
        }
        // Properties may refer to other resources, which have their physical ids only now.
        for (id, resolved) in self.resolve(at, &parsed, &parameters) {
            if let Some(known) = self.stacks[at].resources.get_mut(&id) {
                known.properties = resolved.properties;
            }
        }
        self.set_outputs(at);
        if !failed {
            self.root_event(at, "CREATE_COMPLETE", None);
        }
        if world.status != "CREATE_COMPLETE" {
            self.root_event(at, &world.status, world.reason.as_deref());
        }
    }
}
