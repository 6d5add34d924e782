//! What was observed, as plain data.
//!
//! Answers of ECS are read leniently from their JSON: members that are not needed are skipped, missing ones
//! take their empty value, and statuses stay text, because AWS adds values (and a value that nobody knows must
//! never be taken for success). Meaning is given to these facts by [`crate::judge`] and nowhere else.

pub(crate) mod epoch;
mod revision;
mod rollout;
mod service;
mod target;
mod task;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use revision::{Container, Secret, ServiceRevision, TaskDefinition};
pub(crate) use rollout::{Brief, Hook, MOVING, RolloutStatus, ServiceDeployment};
pub(crate) use service::{Deployment, LoadBalancer, Service, ServiceEvent};
pub(crate) use target::{Target, TargetGroup};
pub(crate) use task::{Task, TaskContainer};

/// Reads facts from an answer. Members that are `null` count as missing, as everywhere in AWS's JSON protocols, and
/// `2.0` is 2: a server that counts in floats must not make a deployment look like one that failed.
pub(crate) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(plain(answer))
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name, plain(member)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Number(number) => whole(&number).map_or(Value::Number(number), Value::from),
        other => other,
    }
}

/// The integer that a float stands for. Times keep their value: whole seconds are read as well.
#[expect(clippy::cast_possible_truncation, reason = "whole and well within 64 bits")]
fn whole(number: &serde_json::Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    (float.abs() < 1e15).then_some(float as i64)
}

/// The last segment of an ARN or id: `ecs-svc/123` and `…:service-revision/demo/web/123` both end in `123`.
pub(crate) fn last_segment(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether a service revision is the target of a deployment.
///
/// `UpdateService` answers with the deployment's id and not with the ARN of the service deployment. The number in
/// the id is the number of the service revision it rolls out: the whole segment must be equal, since one number
/// may be a part of another.
pub(crate) fn is_revision_of(service_revision_arn: &str, deployment_id: &str) -> bool {
    let revision = last_segment(service_revision_arn);
    !revision.is_empty() && revision == last_segment(deployment_id)
}

/// `web:7` of `arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7`: short enough for a sentence.
pub(crate) fn short(task_definition_arn: &str) -> &str {
    last_segment(task_definition_arn)
}

/// Family and revision number of a task definition's ARN or `family:revision`.
pub(crate) fn family_and_revision(task_definition: &str) -> Option<(&str, u64)> {
    let (family, revision) = short(task_definition).rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{family_and_revision, is_revision_of};

    #[test]
    fn a_revision_belongs_to_a_deployment_only_if_the_whole_number_is_equal() {
        let arn = "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/web/5434307699940903438";
        assert!(is_revision_of(arn, "ecs-svc/5434307699940903438"));
        assert!(!is_revision_of(arn, "ecs-svc/543430769994090343"));
        assert!(!is_revision_of("", "ecs-svc/"));
    }

    #[test]
    fn family_and_revision_are_read_from_an_arn_and_from_the_short_form() {
        let arn = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7";
        assert_eq!(family_and_revision(arn), Some(("web", 7)));
        assert_eq!(family_and_revision("web:7"), Some(("web", 7)));
        assert_eq!(family_and_revision("web"), None);
    }
}
