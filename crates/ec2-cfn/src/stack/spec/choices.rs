//! What a person decides about a deployment beforehand.

/// What to do when another operation of the stack is under way. An operation of this run is always followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IfBusy {
    /// Refuse; nothing is changed.
    #[default]
    Fail,
    /// Wait for its end, then look anew and deploy.
    Wait,
}

/// What CloudFormation does when an operation fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStackFailure {
    /// It puts back what was there before. A new stack stays behind empty, and can only be deleted.
    #[default]
    Rollback,
    /// It leaves everything as it is, for a person to look at. The next deployment may then mend it from there.
    Keep,
    /// It deletes a new stack, and puts back what was there before in one that exists.
    Delete,
}

impl OnStackFailure {
    /// AWS's name, as `OnStackFailure` of CreateChangeSet takes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::Keep => "DO_NOTHING",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a stack whose creation failed, and that can only be deleted, is deleted and created anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecreateFailed {
    /// No: the deployment is refused, and the way out is said.
    #[default]
    Never,
    /// If landfall created it: its newest change set has a name of landfall's, and no creation of it ever came to its
    /// end.
    IfOurs,
    /// Yes, whoever created it, as long as no creation of it ever came to its end.
    Always,
}
