//! Calls that a test holds, so that it can do something to the client at that very moment.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{Phase, Simulator};

/// A call that will be held, or is. Dropping it takes the order back; a call that is held already stays so until its
/// connection ends.
#[derive(Debug)]
pub struct HeldCall {
    simulator: Simulator,
    reached: Arc<Notify>,
}

impl HeldCall {
    /// Resolves when the call is there: with [`Phase::Before`] it has arrived and nothing has come of it yet, with
    /// [`Phase::After`] it has taken effect and its answer is kept back.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }
}

impl Drop for HeldCall {
    fn drop(&mut self) {
        self.simulator.with_state(|state| state.hold = None);
    }
}

/// The order to hold a call.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    /// Calls until it; 0 when it has come.
    left: u64,
    pub(crate) phase: Phase,
    reached: Arc<Notify>,
}

impl Hold {
    /// Counts a call. Something, when it is the one.
    pub(crate) fn next(&mut self) -> Option<Self> {
        let is_it = self.left == 1;
        self.left = self.left.saturating_sub(1);
        is_it.then(|| self.clone())
    }

    /// Tells that the call is here, and never comes back.
    pub(crate) async fn forever(&self) {
        self.reached.notify_one();
        std::future::pending::<()>().await;
    }
}

impl Simulator {
    /// Holds the `nth` call from now, from 1, whatever its service and operation. One order at a time: a second replaces
    /// the first.
    pub fn hold_call(&self, nth: u64, phase: Phase) -> HeldCall {
        let reached = Arc::new(Notify::new());
        let hold = Hold { left: nth, phase, reached: Arc::clone(&reached) };
        self.with_state(|state| state.hold = Some(hold));
        HeldCall { simulator: self.clone(), reached }
    }
}
