//! What CodeDeploy holds.

use jiff::Timestamp;
use serde_json::Value;

use crate::HookFailure;

/// What changes about a deployment group.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The deployment that succeeded last.
    pub(super) last_successful: Option<String>,
    pub(super) last_attempted: Option<String>,
}

/// A deployment.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) application: String,
    pub(super) group: String,
    /// The input of CreateDeployment.
    pub(super) input: Value,
    pub(super) revision: Value,
    pub(super) previous: Value,
    pub(super) config: String,
    pub(super) creator: String,
    pub(super) status: &'static str,
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) completed: Option<Timestamp>,
    pub(super) error: Option<(String, String)>,
    /// `rollbackDeploymentId`, `rollbackTriggeringDeploymentId` and `rollbackMessage`.
    pub(super) rollback: Value,
    pub(super) targets: Vec<Target>,
    /// What a blue/green deployment has come to.
    pub(super) phase: Phase,
    pub(super) terminating: bool,
    /// How much longer than usual each event takes, in milliseconds.
    pub(super) slower_ms: u64,
}

/// Where a blue/green deployment stands. One in place installs, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Install,
    /// Waits for ContinueDeployment with READY_WAIT.
    Ready,
    Reroute,
    /// The original instances are taken out of the traffic.
    Block,
    /// Waits until the old instances are terminated.
    Termination,
}

/// An instance of a deployment.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) label: Option<&'static str>,
    pub(super) updated: Option<Timestamp>,
    pub(super) events: Vec<Event>,
}

/// A lifecycle event of an instance.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) status: &'static str,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) failure: Option<HookFailure>,
}

/// Something that happens on its own.
#[derive(Debug, Clone)]
pub(super) enum Due {
    Queue(String),
    Begin(String),
    /// The agent of an instance takes up its next event.
    EventBegins(String, String),
    EventEnds(String, String),
    /// CodeDeploy gives up on a silent agent.
    GiveUp(String, String),
    End {
        id: String,
        status: &'static str,
        code: String,
        message: String,
    },
    /// The wait before the traffic is moved is over.
    ReadyTimeout(String),
    /// The wait before the old instances are terminated is over.
    Terminated(String),
    Rollback(String),
}

impl Deployment {
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.status, "Succeeded" | "Failed" | "Stopped")
    }

    pub(super) fn is_rollback(&self) -> bool {
        self.creator == "codeDeployRollback"
    }

    pub(super) fn is_restart(&self) -> bool {
        self.input["deploymentMode"] == "RESTART"
    }

    pub(super) fn target_mut(&mut self, id: &str) -> Option<&mut Target> {
        self.targets.iter_mut().find(|target| target.id == id)
    }

    /// The instances that the phase is about: the original ones when they are taken out of the traffic, else the others.
    pub(super) fn of_phase(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.is_of(self.phase))
    }

    pub(super) fn count(&self, status: &str) -> usize {
        self.targets.iter().filter(|target| target.status == status).count()
    }
}

impl Target {
    pub(super) fn is_of(&self, phase: Phase) -> bool {
        (self.label == Some("Blue")) == (phase == Phase::Block)
    }
}

impl Event {
    pub(super) fn pending(name: &'static str) -> Self {
        Self { name, status: "Pending", started: None, ended: None, failure: None }
    }
}
