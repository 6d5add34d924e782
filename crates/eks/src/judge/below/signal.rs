//! Signals: what is wrong below a workload.

use jiff::Timestamp;

use super::pull::PullFailure;
use crate::facts::{Exit, Pod};

/// Something that keeps a workload from becoming ready.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Signal {
    /// How grave it is at this age.
    pub severity: Severity,
    /// What it is.
    pub trouble: Trouble,
    /// The pod in which it is; none where there is no pod because of it.
    pub pod: Option<PodName>,
    /// The container in which it is.
    pub container: Option<String>,
    /// Since when it is so, as far as the server or earlier looks tell.
    pub since: Option<Timestamp>,
}

/// How grave a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It happens in the ordinary course.
    Passing,
    /// Somebody should know, and it may pass.
    Warning,
    /// It will not pass by itself.
    Fatal,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodName {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The node it is on.
    pub node: Option<String>,
}

impl PodName {
    pub(crate) fn of(pod: Pod<'_>) -> Self {
        Self {
            name: pod.name().to_owned(),
            uid: pod.object.uid().unwrap_or_default().to_owned(),
            node: pod.node().map(str::to_owned),
        }
    }
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exited {
    /// Its exit code.
    pub code: i64,
    /// The signal that ended it, where the runtime says so.
    pub signal: Option<i64>,
    /// `Error`, `OOMKilled`, `Completed` and so on.
    pub reason: String,
}

impl From<Exit<'_>> for Exited {
    fn from(exit: Exit<'_>) -> Self {
        Self { code: exit.code, signal: exit.signal, reason: exit.reason.to_owned() }
    }
}

/// What is wrong. Messages are those of the cluster.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// An image is not pulled.
    Pull {
        /// The image.
        image: String,
        /// What kubelet and registry say.
        message: String,
        /// `InvalidImageName` and so on.
        reason: String,
    },
    /// A container's configuration names something that is not there.
    Config {
        /// What kubelet says.
        message: String,
    },
    /// A container is not started.
    Start {
        /// What the runtime says.
        message: String,
        /// With what the runtime gave up; 128 where the container never ran.
        code: Option<i64>,
        /// How often it was tried again.
        restarts: i64,
        /// It was tried since the object was applied.
        tried: bool,
    },
    /// A container ends again and again.
    Crash {
        /// How often it was started again.
        restarts: i64,
        /// How it ended last.
        exit: Option<Exited>,
        /// The probe that had it killed, in kubelet's words.
        probe: Option<String>,
        /// It is an init container.
        init: bool,
        /// It does not run now.
        down: bool,
        /// It has ended since the object was applied.
        tried: bool,
    },
    /// No node takes the pod.
    Unschedulable {
        /// What the scheduler says.
        message: String,
        /// What an autoscaler says that cannot make a node for it.
        refused: Option<String>,
        /// It waits for something else than a node: a scheduling gate.
        gated: bool,
    },
    /// Pods may not be made, or cannot.
    NotCreated {
        /// What the API server says.
        message: String,
        /// The rollout itself may free what is missing.
        may_pass: bool,
    },
    /// A volume is not mounted.
    Mount {
        /// What kubelet says.
        message: String,
    },
    /// The pod gets no network.
    Network {
        /// What kubelet says.
        message: String,
    },
    /// Somebody outside of the pod does not call it ready: a load balancer, mostly.
    Gates {
        /// The types of the conditions that are missing.
        gates: Vec<String>,
    },
    /// A container runs and is not ready.
    Probe {
        /// What kubelet says of the probe.
        message: String,
        /// How often it failed.
        count: i64,
    },
    /// The pod was taken away: evicted, preempted, shut down with its node.
    TakenAway {
        /// `Evicted` and so on.
        reason: String,
        /// What is said of it.
        message: String,
    },
    /// No volume is made for a claim.
    Provisioning {
        /// What the provisioner says.
        message: String,
    },
    /// A controller does not make a load balancer.
    Balancer {
        /// The event's reason.
        reason: String,
        /// What the controller says.
        message: String,
    },
}

impl Trouble {
    /// How often a container that ends, or does not start, was tried again; nothing while it was not since the apply.
    pub(super) fn restarts(&self) -> Option<i64> {
        match self {
            Self::Crash { restarts, tried: true, .. } | Self::Start { restarts, tried: true, .. } => {
                Some(*restarts)
            }
            _ => None,
        }
    }

    /// Whether the container does not run now.
    pub(super) fn is_down(&self) -> bool {
        matches!(self, Self::Crash { down: true, .. } | Self::Start { .. })
    }

    /// Why an image is not pulled.
    pub(crate) fn pull_failure(&self) -> Option<PullFailure> {
        match self {
            Self::Pull { reason, message, .. } => Some(PullFailure::of(reason, message)),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Pull { .. } => "pull",
            Self::Config { .. } => "config",
            Self::Start { .. } => "start",
            Self::Crash { .. } => "crash",
            Self::Unschedulable { .. } => "unschedulable",
            Self::NotCreated { .. } => "not-created",
            Self::Mount { .. } => "mount",
            Self::Network { .. } => "network",
            Self::Gates { .. } => "gates",
            Self::Probe { .. } => "probe",
            Self::TakenAway { .. } => "taken-away",
            Self::Provisioning { .. } => "provisioning",
            Self::Balancer { .. } => "balancer",
        }
    }
}

impl Signal {
    /// The same trouble at the same place has the same key.
    pub(super) fn key(&self) -> String {
        let pod = self.pod.as_ref().map_or("", |pod| pod.uid.as_str());
        format!("{pod}/{}/{}", self.container.as_deref().unwrap_or_default(), self.trouble.name())
    }
}
