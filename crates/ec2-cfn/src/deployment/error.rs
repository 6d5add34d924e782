//! What this target refuses, and why.

use landfall_aws::failure::Failure;
use landfall_core::{Error, ErrorKind, Place};
use thiserror::Error as ThisError;

use super::facts::Info;
use super::spec::in_words;

/// Reasons to refuse a deployment.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error("there is no application `{application}` in CodeDeploy in account {place}")]
    ApplicationNotFound { application: String, place: Place },

    #[error("there is no deployment group `{group}` in application `{application}` in account {place}")]
    GroupNotFound { application: String, group: String, place: Place },

    #[error(
        "application `{application}` is of compute platform {platform}; landfall deploys to instances (Server)"
    )]
    Platform { application: String, platform: String },

    #[error(
        "another deployment of group `{group}` is under way: {deployment} by {creator}, {status}, deploys {revision}{began}"
    )]
    Busy {
        group: String,
        deployment: String,
        creator: String,
        status: String,
        revision: String,
        began: String,
    },

    #[error(
        "the deployment under way, {deployment} of {revision}, does not deploy {wanted} and cannot be adopted"
    )]
    NotAdoptable { deployment: String, revision: String, wanted: String },

    #[error(
        "this run's own deployment {deployment} of {revision} is under way, and this call wants {wanted}"
    )]
    OtherContent { deployment: String, revision: String, wanted: String },

    #[error("somebody else has deployed to group `{group}` since: {found}")]
    Moved { group: String, found: String },

    #[error(
        "release {number} is older than what is on group `{group}`: {deployment} of {revision} ({status}) is release {newer} of \
         the same project"
    )]
    Older { group: String, number: u64, newer: u64, deployment: String, revision: String, status: String },

    #[error("group `{group}` is deployed to blue/green, and CodeDeploy restarts in place only")]
    RestartBlueGreen { group: String },

    #[error("there is nothing to restart: no revision has been deployed to group `{group}` with success")]
    NothingToRestart { group: String },

    #[error("processes of Auto Scaling groups are to be suspended, and group `{group}` {why}")]
    NothingToSuspend { group: String, why: &'static str },

    #[error("what is asked for now is not what the recorded plan was made for")]
    OtherSpecification,

    #[error("no revision is given: this target can undo what was recorded, and not deploy")]
    NoRevision,
}

impl Refusal {
    pub(crate) fn busy(group: &str, other: &Info) -> Self {
        Self::Busy {
            group: group.to_owned(),
            deployment: other.deployment_id.clone(),
            creator: if other.creator.is_empty() { "somebody".to_owned() } else { other.creator.clone() },
            status: other.status.clone(),
            revision: in_words(&other.revision),
            began: other.create_time.map(|at| format!(", made at {at}")).unwrap_or_default(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::ApplicationNotFound { .. } | Self::GroupNotFound { .. } => ErrorKind::NotFound,
            Self::Platform { .. } => ErrorKind::Unsupported,
            Self::NoRevision | Self::RestartBlueGreen { .. } | Self::NothingToSuspend { .. } => {
                ErrorKind::Invalid
            }
            _ => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::ApplicationNotFound { .. } => {
                "check the application's name, the account and the region; landfall does not create applications"
            }
            Self::GroupNotFound { .. } => {
                "check the deployment group's name and its application; landfall does not create groups"
            }
            Self::Platform { .. } => {
                "deploy an ECS service by landfall's ECS target, and functions by what manages them"
            }
            Self::Busy { .. } => {
                "CodeDeploy runs one deployment of a group at a time: wait for its end and run again, or choose to wait for \
                 it or to adopt it (--if-busy); landfall never stops somebody else's"
            }
            Self::NotAdoptable { .. } => "wait for its end (--if-busy wait), or run again later",
            Self::OtherContent { .. } => "let it end, or use another run id for another release",
            Self::Moved { .. } => "look at that deployment; run again if yours is the one that should win",
            Self::Older { .. } => {
                "run the newest release again if it is to be there; to go back to this one on purpose, allow an older release \
                 (--allow-older)"
            }
            Self::RestartBlueGreen { .. } => "deploy the revision again instead (--redeploy)",
            Self::NothingToRestart { .. } => "deploy a revision first",
            Self::NothingToSuspend { .. } => {
                "leave the processes out: CodeDeploy suspends them only for groups that have Auto Scaling groups and are \
                 deployed to in place"
            }
            Self::OtherSpecification => "finish the run with the input it began with, or begin a new run id",
            Self::NoRevision => "say what to deploy",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.kind(), refusal.to_string()).with_hint(refusal.hint())
    }
}

/// A failure of a call about the group, with the names that do not exist.
pub(crate) fn about_group(failure: Failure, application: &str, group: &str, place: &Place) -> Error {
    match failure.code() {
        Some("ApplicationDoesNotExistException") => {
            Refusal::ApplicationNotFound { application: application.to_owned(), place: place.clone() }.into()
        }
        Some("DeploymentGroupDoesNotExistException") => Refusal::GroupNotFound {
            application: application.to_owned(),
            group: group.to_owned(),
            place: place.clone(),
        }
        .into(),
        _ => failure.into(),
    }
}

/// The id of the active deployment in the message of a DeploymentLimitExceededException, whose wording has changed before
/// (webfactory/create-aws-codedeploy-deployment #24).
pub(crate) fn deployment_in(message: &str) -> Option<&str> {
    let words = message.split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'));
    words.into_iter().find(|word| {
        word.strip_prefix("d-").is_some_and(|id| {
            id.len() >= 9 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::deployment_in;

    #[test]
    fn the_active_deployment_is_found_in_either_wording() {
        let texts = [
            "The Deployment Group 'demo' already has an active Deployment 'd-ABCDEFGH1'",
            "Deployment group demo is already deploying deployment 'd-ABCDEFGH1'.",
        ];
        for text in texts {
            assert_eq!(deployment_in(text), Some("d-ABCDEFGH1"), "{text}");
        }
        assert_eq!(deployment_in("the account has 100 deployments; d-day"), None);
    }
}
