//! What this target refuses, and why. Failures of calls are [`landfall_aws::failure::Failure`]; these are the
//! findings of landfall itself.

use jiff::Timestamp;
use landfall_core::{Error, ErrorKind, Place};
use thiserror::Error as ThisError;

use crate::facts::{Deployment, short};

/// Reasons to refuse a deployment.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error("there is no cluster `{cluster}` in account {place}{}", seen("clusters there", .clusters))]
    ClusterNotFound { cluster: String, place: Place, clusters: Vec<String> },

    #[error("there is no service `{service}` in cluster `{cluster}` in account {place}{}", seen("services there", .services))]
    ServiceNotFound { service: String, cluster: String, place: Place, services: Vec<String> },

    #[error("service `{service}` in cluster `{cluster}` is {status}, not ACTIVE: it cannot be deployed to")]
    ServiceNotActive { service: String, cluster: String, status: String },

    #[error(
        "service `{service}` has the deployment controller {controller}; landfall deploys to services with the controller ECS"
    )]
    Controller { service: String, controller: String },

    #[error(
        "service `{service}` has no primary deployment, which a service with the controller ECS always has"
    )]
    NoPrimary { service: String },

    #[error("there is no task definition `{name}` in account {place}")]
    TaskDefinitionNotFound { name: String, place: Place },

    #[error("task definition {} is INACTIVE: somebody has deregistered it", short(.arn))]
    TaskDefinitionInactive { arn: String },

    #[error("another deployment of service `{service}` is under way: {deployment}, {status}, rolls out {}{}", short(.task_definition), age(*.began, *.now))]
    Busy {
        service: String,
        deployment: String,
        status: String,
        task_definition: String,
        began: Timestamp,
        now: Option<Timestamp>,
    },

    #[error("the deployment under way, {deployment} of {}, is not what is wanted and cannot be adopted", short(.task_definition))]
    NotAdoptable { deployment: String, task_definition: String, differences: Vec<String> },

    #[error("this run's own deployment {deployment} of {} is under way, and this call wants something else", short(.task_definition))]
    OtherContent { deployment: String, task_definition: String, differences: Vec<String> },

    #[error("somebody else has deployed service `{service}` since the plan was made: its primary deployment is {found} of {}, and {expected} was expected", short(.task_definition))]
    Moved { service: String, found: String, task_definition: String, expected: String },

    #[error("{deployment} starts the tasks of {} anew, and it could not be stopped", short(.task_definition))]
    NotStopped { deployment: String, task_definition: String },

    #[error("what is asked for now is not what the recorded plan was made for")]
    OtherSpecification,

    #[error("it cannot be told whether this run has deployed {} already: {why}", short(.task_definition))]
    CannotTell { task_definition: String, why: String },

    #[error("UpdateService accepted {}, and yet service `{service}` shows no new deployment: its primary deployment is still {primary} of {}", short(.wanted), short(.shown))]
    NoNewDeployment { service: String, wanted: String, primary: String, shown: String },
}

impl Refusal {
    /// Another deployment is primary than the one that was `expected`, by id and task definition.
    pub(crate) fn moved(service: &str, primary: &Deployment, (id, task_definition): (&str, &str)) -> Self {
        Self::Moved {
            service: service.to_owned(),
            found: primary.id.clone(),
            task_definition: primary.task_definition.clone(),
            expected: format!("{id} of {}", short(task_definition)),
        }
    }

    pub(crate) fn no_new_deployment(service: &str, wanted: &str, primary: &Deployment) -> Self {
        Self::NoNewDeployment {
            service: service.to_owned(),
            wanted: wanted.to_owned(),
            primary: primary.id.clone(),
            shown: primary.task_definition.clone(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::ClusterNotFound { .. }
            | Self::ServiceNotFound { .. }
            | Self::TaskDefinitionNotFound { .. } => ErrorKind::NotFound,
            Self::ServiceNotActive { .. } | Self::TaskDefinitionInactive { .. } => ErrorKind::Rejected,
            Self::Controller { .. } => ErrorKind::Unsupported,
            Self::NoPrimary { .. } | Self::NoNewDeployment { .. } => ErrorKind::Internal,
            Self::Busy { .. }
            | Self::NotAdoptable { .. }
            | Self::OtherContent { .. }
            | Self::Moved { .. }
            | Self::NotStopped { .. }
            | Self::OtherSpecification
            | Self::CannotTell { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::ClusterNotFound { .. } => "check the cluster's name, the account and the region",
            Self::ServiceNotFound { .. } => {
                "check the service's name and the cluster; landfall does not create services"
            }
            Self::ServiceNotActive { status, .. } if status == "DRAINING" => {
                "somebody deletes it (CloudTrail names who called DeleteService): once it is INACTIVE, create it again, then \
                 deploy"
            }
            Self::ServiceNotActive { .. } => {
                "it was deleted (CloudTrail names who called DeleteService): create it again, then deploy; landfall does not \
                 create services"
            }
            Self::Controller { controller, .. } if controller == "CODE_DEPLOY" => {
                "make the deployment with CodeDeploy (CreateDeployment with an AppSpec), or recreate the service with \
                 the controller ECS, whose BLUE_GREEN strategy does the same"
            }
            Self::Controller { .. } => {
                "deploy it with what manages its task sets, or recreate the service with the controller ECS"
            }
            Self::NoPrimary { .. } => {
                "run again in a moment; if it stays so, look at the service in the console"
            }
            Self::TaskDefinitionNotFound { .. } => {
                "check the family and revision, the account and the region; a new family is registered from a file"
            }
            Self::TaskDefinitionInactive { .. } => {
                "choose an active revision, or register it again from a file"
            }
            Self::Busy { .. } => {
                "wait for its end and run again, or choose to wait for it, adopt it or supersede it (--if-busy)"
            }
            Self::NotAdoptable { .. } => "wait for its end and run again, or supersede it (--if-busy)",
            Self::OtherContent { .. } => "let it end, or use another run id for another release",
            Self::Moved { .. } => "look at that deployment; run again if yours is the one that should win",
            Self::NotStopped { .. } => {
                "stop it with StopServiceDeployment; landfall does so itself when it may call that, \
                 ecs:ListServiceDeployments, ecs:DescribeServiceDeployments and ecs:DescribeServiceRevisions"
            }
            Self::OtherSpecification => "finish the run with the input it began with, or begin a new run id",
            Self::CannotTell { .. } => {
                "look at the service's deployments; run with a new run id to deploy in any case. With \
                 ecs:ListServiceDeployments and ecs:DescribeServiceRevisions landfall can find out by itself"
            }
            Self::NoNewDeployment { .. } => {
                "nothing is known to have been rolled out: look at the service's events and deployments"
            }
        }
    }

    fn details(&self) -> &[String] {
        match self {
            Self::NotAdoptable { differences, .. } | Self::OtherContent { differences, .. } => differences,
            _ => &[],
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::new(refusal.kind(), refusal.to_string()).with_hint(refusal.hint());
        if !refusal.details().is_empty() {
            error = error.with_cause(
                landfall_core::Cause::new("different-content", "it differs from what is wanted")
                    .with_evidence(refusal.details()),
            );
        }
        error
    }
}

/// At most as many names as a person reads.
fn seen(what: &str, arns: &[String]) -> String {
    const MOST: usize = 10;
    if arns.is_empty() {
        return String::new();
    }
    let mut names: Vec<&str> = arns.iter().map(|arn| crate::facts::last_segment(arn)).collect();
    names.sort_unstable();
    let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
    names.truncate(MOST);
    format!("; {what}: {}{more}", names.join(", "))
}

fn age(began: Timestamp, now: Option<Timestamp>) -> String {
    match now.map(|now| now.duration_since(began).as_secs().max(0)) {
        Some(seconds) if seconds < 120 => format!(", and began {seconds} s ago"),
        Some(seconds) => format!(", and began {} minutes ago", seconds / 60),
        None => format!(", and began at {began}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, age, seen};
    use jiff::Timestamp;
    use landfall_core::{Error, ErrorKind, Place};

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        let clusters = [
            "arn:aws:ecs:eu-central-1:111122223333:cluster/live",
            "arn:aws:ecs:eu-central-1:111122223333:cluster/demo",
        ];
        let error = Error::from(Refusal::ClusterNotFound {
            cluster: "production".to_owned(),
            place: Place::new("aws", "111122223333", "eu-central-1"),
            clusters: clusters.map(str::to_owned).to_vec(),
        });
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.message(),
            "there is no cluster `production` in account 111122223333 eu-central-1; clusters there: demo, live"
        );
    }

    #[test]
    fn only_as_many_names_are_told_as_a_person_reads() {
        let many: Vec<String> = (10..40).map(|number| format!("service/demo/s{number}")).collect();
        assert!(
            seen("services there", &many).ends_with("s18, s19 and 20 more"),
            "{}",
            seen("services there", &many)
        );
        assert_eq!(seen("services there", &[]), "");
    }

    #[test]
    fn an_age_is_told_in_seconds_then_in_minutes_and_without_a_clock_as_a_time() {
        let began = Timestamp::constant(1_786_000_000, 0);
        assert_eq!(age(began, Timestamp::from_second(1_786_000_090).ok()), ", and began 90 s ago");
        assert_eq!(age(began, Timestamp::from_second(1_786_000_600).ok()), ", and began 10 minutes ago");
        assert!(age(began, None).contains("2026-08-06T"), "{}", age(began, None));
    }
}
