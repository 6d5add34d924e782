//! The rules that the life cycle relies on, checked of any target.
//!
//! An author gives a [`World`]: a way to make the target, again and again, and a way to look at what it works on.
//! [`check`] asks for a new world for each rule, drives targets in it, and names every rule that is broken:
//!
//! | Rule | What is checked |
//! |---|---|
//! | `names` | two instances have the same kind, resource and specification, and plans and receipts bear the kind |
//! | `plan-is-read-only` | a plan changes nothing, and is not empty in a new world |
//! | `apply-repeats` | `apply` with the same plan, by another instance, has no second effect |
//! | `observe-is-read-only` | looks change nothing, and may be dropped anywhere |
//! | `receipt-travels` | another instance sees the end from a receipt that was written and read again |
//! | `revert-restores` | what was there before is there again, with a receipt and without |
//! | `revert-repeats` | an undo that is carried out or asked for again changes nothing more |
//! | `stops` | a stop before the plan, while it is made, between plan and `apply` and behind `apply` is heard in time, changes nothing before `apply`, and the next process goes on to one whole change |
//! | `apply-when-stopped` | `apply` of a run that is stopped before or during it does nothing, or all of its work |
//! | `errors` | plans and receipts of others are refused as a conflict, without an effect and without a panic |
//! | `refusals` | when the world refuses everything, errors are of the kind that it means, nothing is said to have ended, and the change can still be made afterwards |
//! | `secrets` | no plan, receipt, cursor, output, event or `Debug` form holds a secret of the world, as it is or escaped |
//!
//! `refusals` is checked for each way to refuse that the world offers ([`World::refusals`]), and `apply-when-stopped` for
//! a stop before `apply` and at its 1st, 2nd, 4th await and so on up to the 64th, each in a world of its own. Calls that take longer than 30 seconds break the rule that is being checked. Time is tokio's: with a paused clock a
//! suite for a simulated world takes milliseconds.

mod drive;
mod errors;
mod rules;
mod secrets;
mod stops;

use std::fmt;

use async_trait::async_trait;
use landfall_core::{DeployTarget, ErrorKind, Result};
use serde_json::Value;

use drive::Next;
pub use rules::RULES;

/// A world that a target works on, in which one change is to be made.
#[async_trait]
pub trait World: Send + Sync {
    /// A new instance of the target, as another process would make it for the same change.
    ///
    /// # Errors
    /// When it cannot be made; the suite ends with that.
    async fn target(&self) -> Result<Box<dyn DeployTarget>>;

    /// What a user sees of the part of the world that the target may change: what runs, what is there. After an undo it is
    /// compared with what it was before. Without what moves by itself, such as times.
    async fn look(&self) -> Value;

    /// Everything that was ever done to the world, if `look` cannot tell one change from two: numbers of deployments, of
    /// calls that write. What `look` gives when this is not implemented.
    async fn effects(&self) -> Value {
        self.look().await
    }

    /// Values that the target knows and must never show: keys that sign, values of parameters. Give the target some, if it
    /// can hold any; where there are none, [`knows_no_secret`](Self::knows_no_secret) has to say so.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether nothing that the target is given could ever be a secret. Without that word an empty list of
    /// [`secrets`](Self::secrets) breaks the rule: it would check nothing.
    fn knows_no_secret(&self) -> bool {
        false
    }

    /// The ways in which the world can refuse, by the kind of error that the target is to give for each: `Denied` for a
    /// permission that is missing, `Transient` for a server that is away, `Auth` for a session that has ended. Empty: it
    /// cannot, and the rule `refusals` is not checked.
    fn refusals(&self) -> Vec<ErrorKind> {
        Vec::new()
    }

    /// From now on the world refuses every call in this way, one of [`refusals`](Self::refusals); with none it answers
    /// again.
    async fn refuse(&self, _with: Option<ErrorKind>) {}
}

/// A rule that a target breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule, as the table of this module names it.
    pub rule: &'static str,
    /// What was done, what was expected and what was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Checks every rule, each in a world of its own that `fresh` makes, and gives all that are broken; none when the target
/// keeps them all.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use landfall_core::{DeployTarget, Outputs, Result, State};
/// use landfall_testkit::conformance::{World, check};
/// use landfall_testkit::{Moment, ScriptedTarget};
/// use serde_json::{Value, json};
/// use std::time::Duration;
///
/// struct Scripted(ScriptedTarget);
///
/// #[async_trait::async_trait]
/// impl World for Scripted {
///     async fn target(&self) -> Result<Box<dyn DeployTarget>> {
///         Ok(Box::new(self.0.clone()))
///     }
///     async fn look(&self) -> Value {
///         json!(self.0.effects().len() % 2) // a change and its undo leave what was there before
///     }
///     async fn effects(&self) -> Value {
///         json!(self.0.effects())
///     }
///     fn knows_no_secret(&self) -> bool {
///         true
///     }
/// }
///
/// let ready = || Moment::state(State::Ready(Outputs::new()));
/// let world = || Scripted(ScriptedTarget::new("web").at(Duration::ZERO, ready()).undo_at(Duration::ZERO, ready()));
/// let broken = check(async || Ok(world())).await;
/// assert!(broken.iter().all(|violation| violation.rule == "revert-repeats" || violation.rule == "errors"));
/// # }
/// ```
pub async fn check<W: World>(fresh: impl AsyncFn() -> Result<W>) -> Vec<Violation> {
    let mut broken = Vec::new();
    for rule in RULES {
        for round in 0.. {
            let world = match fresh().await {
                Ok(world) => world,
                Err(error) => {
                    let what = format!("a new world could not be made: {}", error.report());
                    broken.push(Violation { rule, what });
                    return broken;
                }
            };
            match rules::check(rule, round, &world).await {
                Ok(Next::Round) => {}
                Ok(Next::Rule) => break,
                Err(what) => {
                    broken.push(Violation { rule, what });
                    break;
                }
            }
        }
    }
    broken
}
