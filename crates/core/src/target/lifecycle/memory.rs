//! What earlier processes left in the records of a step, and what this one adds.
//!
//! An engine that replays answers `None` to every question here, and so takes no other way than it took first.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Life;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Interrupted, Runtime};
use crate::target::{DeployTarget, Outcome, Receipt, Undone, Verdict};
use crate::wait::to_value;

/// Which process this is that works on the attempt, from 1.
pub(super) fn pass(runtime: &dyn Runtime) -> u32 {
    if runtime.earlier("plan").is_none() {
        return 1;
    }
    let before = (1_u32..).take_while(|pass| runtime.earlier(&format!("resumed.{pass}")).is_some()).count();
    u32::try_from(before).unwrap_or(u32::MAX - 2) + 2
}

/// Reads a record.
pub(super) fn read<V: DeserializeOwned>(name: &str, value: Value) -> Result<V> {
    serde_json::from_value(value).map_err(|error| {
        Error::new(ErrorKind::Conflict, format!("the record {name} of this run cannot be read"))
            .with_source(&error)
            .with_hint("finish the run with the version of landfall that began it, or begin a new run id")
    })
}

impl<T: DeployTarget + ?Sized> Life<'_, T> {
    /// What an earlier process found out already.
    pub(super) fn known_verdict(&self) -> Option<Result<Verdict>> {
        let known = |name: &str| Some(read(name, self.runtime.earlier(name)?));
        known("verdict").or_else(|| known("settled"))
    }

    /// What became of the change, if the attempt is closed. A change that was kept may have been undone later.
    pub(super) fn known_end(&self) -> Option<Undone> {
        let known = |name: &str| Some(read(name, self.runtime.earlier(name)?));
        let closed = known("reverted").or_else(|| known("closed"))?;
        Some(closed.unwrap_or_else(|error| failed(Outcome::Unknown { error })))
    }

    /// The receipt of the last part that was applied.
    pub(super) fn last_receipt(&self) -> Option<Receipt> {
        let parts = (0_u32..).map_while(|part| self.runtime.earlier(&format!("apply.{part}")));
        parts.last().and_then(|value| read("apply", value).ok())
    }

    /// When this process began to work, if it goes on where another was cut off. Recorded without regard to a
    /// stop: it is only a note of the time.
    pub(super) async fn resumed_at(&self) -> Option<Timestamp> {
        let before = self.pass.checked_sub(1).filter(|before| *before > 0)?;
        let runtime = self.runtime.cleanup();
        let name = format!("resumed.{before}");
        let noted = runtime.step(&name, Box::pin(async { Ok(Value::Null) })).await;
        noted.ok().map(|noted| noted.at)
    }

    /// Records that somebody asked to undo a step before it was known how it came out. Without that, what the undo
    /// puts back would be taken for the success of the change by a process that goes on.
    pub(super) async fn undone_before_its_end(&self) -> Result<()> {
        match self.known_verdict() {
            Some(known) => known.map(|_| ()),
            None => {
                let waiting_for = "its end, when it was to be undone".to_owned();
                self.record("verdict", &Verdict::new(Outcome::Cancelled { waiting_for })).await
            }
        }
    }

    /// Records a value that is known already, without regard to a stop.
    pub(super) async fn record<V: Serialize + Sync>(&self, name: &str, value: &V) -> Result<()> {
        let work = Box::pin(async { to_value(value) });
        match self.runtime.cleanup().step(name, work).await {
            Ok(recorded) => recorded.value.map(|_| ()),
            Err(Interrupted) => Err(Error::internal(format!("the record {name} was interrupted"))),
        }
    }
}

/// An undo that came out like this.
pub(super) fn failed(outcome: Outcome) -> Undone {
    Undone::Failed { verdict: Box::new(Verdict::new(outcome)) }
}
