//! One deployment at a time per resource.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Direction, Early, Life, without_effect};
use crate::error::ErrorKind;
use crate::event::Level;
use crate::journal::Held;
use crate::runtime::Interrupted;
use crate::target::{DeployTarget, Outcome};

/// Between two tries to take a resource that somebody else holds. The end of a deployment is not announced to others,
/// and a try costs no call to AWS.
const PAUSE: Duration = Duration::from_secs(2);

impl<T: DeployTarget + ?Sized> Life<'_, T> {
    /// Takes the resource until the step is over. Nothing is taken for a step that is over already.
    ///
    /// A try is a look, so that an engine that replays makes as many pauses as it made first. It answers such a try
    /// from its log and holds nothing: it has its own means to keep two invocations apart.
    pub(super) async fn hold(&self) -> Result<Option<Box<dyn Held>>, Early> {
        if self.is_over() { Ok(None) } else { self.hold_always().await }
    }

    /// Takes the resource, also of a step that is over: it is going to be undone. What is only looked at is not taken.
    pub(super) async fn hold_always(&self) -> Result<Option<Box<dyn Held>>, Early> {
        let cancelled = |_: Interrupted| without_effect(Outcome::Cancelled { waiting_for: String::new() });
        let cx = self.cx.at_record("hold");
        let resource = self.target.resource();
        if resource.read_only {
            return Ok(None);
        }
        let mut deadline: Option<Timestamp> = None;
        loop {
            let taken = Mutex::new(None);
            let work = async {
                let held = cx.journal().hold(&resource, cx.run()).await?;
                *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(Value::Null)
            };
            let tried = self.runtime.look("hold", Box::pin(work)).await.map_err(cancelled)?;
            let Err(error) = tried.value else {
                return Ok(taken.into_inner().unwrap_or_else(PoisonError::into_inner));
            };
            let first = deadline.is_none();
            let deadline = *deadline.get_or_insert_with(|| self.deadline(Direction::Forward, tried.at));
            let waits = self.policy.wait_for_resource && error.kind() == ErrorKind::Conflict;
            if !waits || tried.at >= deadline {
                return Err(without_effect(Outcome::Refused { error }));
            }
            if first {
                cx.note(Level::Info, "resource-taken", format!("{}; it is waited for", error.message()));
            }
            self.runtime.sleep(PAUSE).await.map_err(cancelled)?;
        }
    }

    /// An earlier process has seen the end.
    pub(super) fn is_over(&self) -> bool {
        ["settled", "closed"].iter().any(|record| self.runtime.earlier(record).is_some())
    }
}
