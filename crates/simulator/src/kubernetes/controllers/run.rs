//! What a pod does, stage by stage.

use jiff::Timestamp;

use crate::kubernetes::setup::PodBehaviour;

/// How long a container that crashes runs, in milliseconds.
const CRASHES_AFTER: u64 = 20;
/// The longest pause before a restart, as a multiple of the first.
const LONGEST_PAUSE: u64 = 32;
/// The exit code of a container that was killed: 128 and the number of SIGKILL.
const KILLED: u8 = 137;

/// What a pod does.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(super) behaviour: PodBehaviour,
    /// It belongs to a Job: it ends by itself.
    pub(super) ends: bool,
    pub(super) stage: Stage,
    /// When the stage began.
    pub(super) since: Timestamp,
    pub(super) restarts: u32,
    /// When it became ready.
    pub(super) ready_at: Option<Timestamp>,
    pub(super) started: String,
    pub(super) finished: String,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Created,
    Unscheduled,
    Starting,
    PullFailed,
    PullBackOff,
    Waiting,
    Running,
    Ready,
    CrashBackOff,
    Succeeded,
    Failed,
}

impl Run {
    fn ready_after(&self) -> u64 {
        match self.behaviour {
            PodBehaviour::Good { ready_after_ms } => ready_after_ms,
            _ => 100,
        }
    }

    fn crashes(&self) -> bool {
        match &self.behaviour {
            PodBehaviour::CrashLoop { recovers_after, .. } => {
                recovers_after.is_none_or(|recovers| self.restarts < recovers)
            }
            PodBehaviour::InitCrashLoop { .. }
            | PodBehaviour::FailsLiveness { .. }
            | PodBehaviour::Fails { .. } => true,
            _ => false,
        }
    }

    /// The trouble is in the first init container: the others have not begun.
    pub(super) fn in_init(&self) -> bool {
        matches!(self.behaviour, PodBehaviour::InitCrashLoop { .. })
    }

    /// With what its container ends, and the reason that is told for it.
    pub(super) fn exit(&self) -> (u8, &'static str) {
        match self.behaviour {
            PodBehaviour::CrashLoop { exit_code: KILLED, .. }
            | PodBehaviour::Fails { exit_code: KILLED, .. } => (KILLED, "OOMKilled"),
            PodBehaviour::CrashLoop { exit_code, .. }
            | PodBehaviour::InitCrashLoop { exit_code, .. }
            | PodBehaviour::Fails { exit_code, .. } => (exit_code, "Error"),
            PodBehaviour::FailsLiveness { .. } | PodBehaviour::Evicted { .. } => (KILLED, "Error"),
            _ => (0, "Completed"),
        }
    }

    /// What the container with the trouble writes, where its rule says so.
    pub(super) fn logs(&self) -> Option<&[String]> {
        match &self.behaviour {
            PodBehaviour::CrashLoop { logs, .. }
            | PodBehaviour::InitCrashLoop { logs, .. }
            | PodBehaviour::FailsLiveness { logs }
            | PodBehaviour::Fails { logs, .. } => Some(logs),
            _ => None,
        }
    }

    /// What comes next, and after how long in this stage; none when nothing more happens.
    pub(super) fn next(&self, restarts_pod: bool, restart_after: u64) -> Option<(Stage, u64)> {
        let half = self.ready_after() / 2;
        match self.stage {
            Stage::Created => match self.behaviour {
                PodBehaviour::Unschedulable { .. } => Some((Stage::Unscheduled, 0)),
                _ => Some((Stage::Starting, 0)),
            },
            Stage::Unscheduled => match self.behaviour {
                PodBehaviour::Unschedulable { for_ms: Some(length) } => Some((Stage::Starting, length)),
                _ => None,
            },
            Stage::Starting => match self.behaviour {
                PodBehaviour::ImageNotFound | PodBehaviour::PullFails { .. } => {
                    Some((Stage::PullFailed, half))
                }
                PodBehaviour::Waits { .. } => Some((Stage::Waiting, half)),
                _ => Some((Stage::Running, half)),
            },
            Stage::PullFailed => Some((Stage::PullBackOff, half)),
            Stage::PullBackOff | Stage::Waiting | Stage::Succeeded | Stage::Failed => None,
            Stage::Running if self.crashes() => {
                let next = match self.restarts {
                    _ if !restarts_pod => Stage::Failed,
                    // The first restart is without a pause.
                    0 => Stage::Running,
                    _ => Stage::CrashBackOff,
                };
                Some((next, CRASHES_AFTER))
            }
            Stage::Running if self.behaviour == PodBehaviour::NeverReady => None,
            Stage::Running => Some((Stage::Ready, half)),
            Stage::Ready if self.ends => Some((Stage::Succeeded, self.ready_after())),
            Stage::Ready if matches!(self.behaviour, PodBehaviour::Evicted { .. }) => {
                Some((Stage::Failed, self.ready_after()))
            }
            Stage::Ready => None,
            Stage::CrashBackOff => {
                let doubled = 1_u64.checked_shl(self.restarts.saturating_sub(1)).unwrap_or(LONGEST_PAUSE);
                let doubled = doubled.min(LONGEST_PAUSE);
                Some((Stage::Running, restart_after * doubled))
            }
        }
    }
}
