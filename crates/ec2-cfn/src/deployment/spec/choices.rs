//! What can be chosen about a deployment.

/// What to do when another deployment of the group is under way: CodeDeploy runs one at a time.
///
/// A deployment of the same run is always followed, whatever this says. Somebody else's is never stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IfBusy {
    /// Refuse; nothing is changed.
    #[default]
    Fail,
    /// Wait for its end, then deploy.
    Wait,
    /// Follow it instead of deploying, if it deploys the wanted revision; refuse otherwise. It is never undone.
    Adopt,
}

/// What to do when a blue/green deployment is `Ready`: its new instances wait to get the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenReady {
    /// Wait for a person; at the deadline that is what is told.
    #[default]
    Wait,
    /// Call ContinueDeployment: the traffic goes to the new instances.
    Continue,
    /// Call StopDeployment.
    Stop,
}

/// What an agent does about a file that a new revision wants to write and that it did not write itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileExists {
    /// The deployment fails on that instance: what CodeDeploy does by default.
    Disallow,
    /// The file of the revision takes its place.
    Overwrite,
    /// The file on the instance stays.
    Retain,
}

impl FileExists {
    /// As the API writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Disallow => "DISALLOW",
            Self::Overwrite => "OVERWRITE",
            Self::Retain => "RETAIN",
        }
    }
}

/// What makes CodeDeploy roll back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RollbackOn {
    /// The deployment failed.
    Failure,
    /// An alarm stopped it.
    Alarm,
    /// Somebody stopped it.
    Stop,
}

impl RollbackOn {
    /// As the API writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Failure => "DEPLOYMENT_FAILURE",
            Self::Alarm => "DEPLOYMENT_STOP_ON_ALARM",
            Self::Stop => "DEPLOYMENT_STOP_ON_REQUEST",
        }
    }
}

/// A process of an Auto Scaling group that CodeDeploy can suspend while it deploys: `EC2DeploymentOptions` in the API
/// reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalingProcess {
    /// Instances are not terminated, unhealthy ones neither.
    Terminate,
    /// Instances are not moved between Availability Zones.
    AzRebalance,
    /// No instance refresh takes place.
    InstanceRefresh,
    /// Scheduled actions do not run; those that begin meanwhile are not made up for.
    ScheduledActions,
}

impl ScalingProcess {
    /// All of them.
    pub(super) const ALL: [Self; 4] =
        [Self::Terminate, Self::AzRebalance, Self::InstanceRefresh, Self::ScheduledActions];

    /// As Auto Scaling writes it; capitals count.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "Terminate",
            Self::AzRebalance => "AZRebalance",
            Self::InstanceRefresh => "InstanceRefresh",
            Self::ScheduledActions => "ScheduledActions",
        }
    }
}

/// Where a release stands among those of its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) project: String,
    pub(crate) number: u64,
}
