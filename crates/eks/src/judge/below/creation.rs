//! Signals that there are no pods: quota, admission, a missing service account.

use jiff::Timestamp;

use super::{Current, Search, Severity, Trouble};
use crate::facts::{Event, Object};

/// What is wrong with making pods, and since when.
struct Refused {
    message: String,
    since: Option<Timestamp>,
}

impl<'a> Search<'_, 'a> {
    pub(super) fn creation(&mut self, current: &Current<'a>) {
        let Some(refused) = self.refused(current.maker) else { return };
        let quota = refused.message.contains("exceeded quota");
        let may_pass = quota && current.others && self.makes_room();
        let limit = match refused.message.contains("failed calling webhook") {
            true => self.patience.webhook,
            false => self.patience.creation,
        };
        let trouble = Trouble::NotCreated { message: refused.message, may_pass };
        self.add(trouble, (None, None), refused.since, |age| match age >= limit && !may_pass {
            true => Severity::Fatal,
            false => Severity::Warning,
        });
    }

    /// By the condition of a ReplicaSet or Deployment. Other controllers only write events, which stay when it is over; they
    /// count while pods are missing.
    fn refused(&self, maker: Option<Object<'a>>) -> Option<Refused> {
        // Of a Deployment whose ReplicaSets are not known, its own condition; else that of the new ReplicaSet alone.
        if let Some(condition) = maker.unwrap_or(self.object).has("ReplicaFailure") {
            return Some(Refused { message: condition.message.to_owned(), since: condition.changed });
        }
        let maker = maker?;
        if maker.kind() == "ReplicaSet" || !is_short_of_pods(maker) {
            return None;
        }
        let after = |event: &Event<'a>| self.applied.at.is_none_or(|at| event.last >= Some(at));
        let events: Vec<Event<'a>> = self
            .seen
            .events_about(maker.uid())
            .filter(|event| event.reason == "FailedCreate" && after(event))
            .collect();
        let last = events.iter().max_by_key(|event| event.last)?;
        let first = events.iter().filter_map(|event| event.first).min();
        Some(Refused { message: last.words().to_owned(), since: first })
    }

    /// Whether the rollout ends old pods before the new ones are ready, which gives back their part of a quota.
    fn makes_room(&self) -> bool {
        let object = self.object;
        if object.kind() != "Deployment" || object.at("spec.strategy.type").text() == Some("Recreate") {
            return true;
        }
        let wanted = object.at("spec.replicas").number().unwrap_or(1);
        let most = object.at("spec.strategy.rollingUpdate.maxUnavailable");
        // A percentage is rounded down, and 25 % where nothing is said ("Max Unavailable" in the documentation of
        // Deployments).
        let percent = match most.text() {
            Some(text) => text.strip_suffix('%').and_then(|number| number.parse::<i64>().ok()),
            None => (!most.exists()).then_some(25),
        };
        let unavailable = percent.map_or(most.count(), |percent| wanted.saturating_mul(percent) / 100);
        unavailable > 0
    }
}

/// Whether an object that makes pods has fewer than it wants.
fn is_short_of_pods(object: Object<'_>) -> bool {
    let count = |path: &str| object.at(path).count();
    match object.kind() {
        "DaemonSet" => count("status.currentNumberScheduled") < count("status.desiredNumberScheduled"),
        "Job" => {
            let wanted = object.at("spec.parallelism").number().unwrap_or(1);
            !object.at("status.completionTime").exists() && count("status.active") < wanted
        }
        _ => count("status.replicas") < object.at("spec.replicas").number().unwrap_or(1),
    }
}
