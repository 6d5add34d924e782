//! What this target refuses, and why. Refusals of the server are [`crate::api::Refusal`]; these are the findings of landfall
//! itself.

use landfall_core::{Error, ErrorKind};
use thiserror::Error as ThisError;

use crate::inventory::Release;

/// Reasons to refuse.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error(
        "no manifests are given for release {release}: this target can undo what was recorded, and not deploy"
    )]
    NoManifests { release: Release },

    #[error(
        "release {release} was deployed by another run meanwhile: its revision is {there}, and this run's would be {ours}"
    )]
    Overtaken { release: Release, there: u64, ours: u64 },

    #[error("what is asked for now is not what the recorded plan was made for")]
    OtherSpecification,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let hint = match &refusal {
            Refusal::NoManifests { .. } => "give the manifests that the run was begun with",
            Refusal::Overtaken { .. } => "begin a new run: its plan is made from what is there now",
            Refusal::OtherSpecification => {
                "go on with what was asked for when the run was begun, or begin a new run id"
            }
        };
        let kind = match &refusal {
            Refusal::NoManifests { .. } => ErrorKind::Invalid,
            _ => ErrorKind::Conflict,
        };
        Self::new(kind, refusal.to_string()).with_hint(hint)
    }
}
