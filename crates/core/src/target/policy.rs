//! How long to wait, and what to do when it goes wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wait::Pace;

/// What becomes of a change that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// It stays as it is.
    Keep,
    /// What was there before is put back.
    Revert,
}

/// How one step is run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// From the plan to the verdict, or from when a later process went on. After it no part is begun and no call is
    /// repeated. 30 minutes by default, as long as the deploy action of
    /// `aws-actions/amazon-ecs-deploy-task-definition` waits. It may be overrun by one look.
    pub timeout: Duration,
    /// How long an undo may take, counted by itself and not against the deadline of the run; 15 minutes by default.
    pub grace: Duration,
    /// After a failure; [`Undo::Revert`] by default.
    pub on_failure: Undo,
    /// After a cancellation; [`Undo::Keep`] by default. An undo itself is not cancelled; `grace` bounds it.
    pub on_cancel: Undo,
    /// Whether to wait for the end; true by default. Without, the outcome is [`crate::Outcome::Started`].
    pub wait: bool,
    /// Whether to wait while another step deploys to the same resource; false by default: it is refused, and told who
    /// does. The wait is at most as long as `timeout`.
    pub wait_for_resource: bool,
    /// How many passing errors in a row are tolerated while looking; 10 by default, which at the slowest pace
    /// is more than a minute of an unreachable service.
    pub tolerated: u32,
    /// How often to look.
    pub pace: Pace,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30 * 60),
            grace: Duration::from_secs(15 * 60),
            on_failure: Undo::Revert,
            on_cancel: Undo::Keep,
            wait: true,
            wait_for_resource: false,
            tolerated: 10,
            pace: Pace::default(),
        }
    }
}

impl Policy {
    /// The longest that a step can take by this policy: its wait, and an undo where one may follow. Nothing when nobody
    /// waits. Credentials should hold that long.
    #[must_use]
    pub fn longest(&self) -> Duration {
        if !self.wait {
            return Duration::ZERO;
        }
        let undone = self.on_failure == Undo::Revert || self.on_cancel == Undo::Revert;
        self.timeout.saturating_add(if undone { self.grace } else { Duration::ZERO })
    }

    /// Sets how long the step may take from its plan to its verdict.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long an undo may take.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets what is done after a failure.
    #[must_use]
    pub fn on_failure(mut self, undo: Undo) -> Self {
        self.on_failure = undo;
        self
    }

    /// Sets what is done after a cancellation.
    #[must_use]
    pub fn on_cancel(mut self, undo: Undo) -> Self {
        self.on_cancel = undo;
        self
    }

    /// Starts the change and does not wait for its end.
    #[must_use]
    pub fn without_wait(mut self) -> Self {
        self.wait = false;
        self
    }

    /// Waits while another step deploys to the same resource.
    #[must_use]
    pub fn waiting_for_resource(mut self) -> Self {
        self.wait_for_resource = true;
        self
    }

    /// Sets how many passing errors in a row are tolerated while looking; 0 and more.
    #[must_use]
    pub fn tolerated(mut self, errors: u32) -> Self {
        self.tolerated = errors;
        self
    }

    /// Sets how often to look.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}
