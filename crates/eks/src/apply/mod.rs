//! Applying: wave by wave, many objects at once within a wave.
//!
//! [`apply`] carries out waves until one has to be waited for, or something failed. A failure lets its wave end,
//! because what does not depend on the failed object is better in place than not, and starts no other. Each object has
//! an outcome; what was applied says by which generation and which version the wait knows it again.
//!
//! Everything here may be done again: an object that is applied twice is the same object.

mod one;
mod recreate;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use landfall_core::{Cause, Context, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::api::{Api, Key};
use crate::conflict::ConflictPolicy;
use crate::input::Manifest;
use crate::waves::Wave;

pub(crate) use one::{Attempt, Stuck, attempt, conflict_error};
pub use recreate::RECREATE;
pub(crate) use recreate::{Consent, consent};

/// Objects that are applied at once. More do not help: the server writes one after the other. Fewer than the 100
/// requests that it takes on one connection.
pub const AT_ONCE: usize = 32;

/// How long the kind of a CustomResourceDefinition of this release is waited for.
const KIND_COMES: Duration = Duration::from_secs(30);

/// How to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What is done with fields of other managers.
    pub conflicts: ConflictPolicy,
    /// Objects at once, 1 to 90; [`AT_ONCE`] by default.
    pub at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { conflicts: ConflictPolicy::default(), at_once: AT_ONCE }
    }
}

/// What is known of an object before it is applied, from its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Which object it was.
    pub uid: String,
    /// Its version. The same one after applying: nothing has changed.
    pub resource_version: String,
    /// Its generation, if its kind counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// It is as it is to be, and is not sent again: a write that changes nothing else may yet change the account of who
    /// owns what.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Fields of it were set by client-side apply, and are to become landfall's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub migrate: bool,
}

/// An object that was applied, and by what it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Which object, by name.
    pub key: Key,
    /// Which object of that name.
    pub uid: String,
    /// What is wanted of it has this number, if its kind counts. Only a status of this generation or a later one
    /// counts.
    pub generation: Option<i64>,
    /// Its version after the write.
    pub resource_version: String,
    /// When, by the server's clock: what a status says of before then is not about this change. None for what was not
    /// sent, because it was planned as unchanged.
    pub at: Option<Timestamp>,
    /// What the write did.
    pub effect: Placing,
}

/// What applying an object did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placing {
    /// It is new.
    Created,
    /// It was changed.
    Changed,
    /// It was deleted and made anew.
    Recreated,
    /// It was so already.
    Unchanged,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is as it is to be.
    Applied(Placed),
    /// It is not.
    Failed {
        /// Why.
        error: Error,
    },
    /// It was not tried: something before it failed.
    NotAttempted,
}

/// What came of one call of [`apply`].
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The waves that were carried out; the next one is `first + waves`.
    pub waves: usize,
    /// Outcomes by the place of the object among the manifests: of those waves, and after a failure of all that come
    /// after.
    pub outcomes: Vec<(usize, Outcome)>,
}

impl Part {
    /// Whether no object failed or was left out.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Applied(_)))
    }

    /// The failure of the part, with every object that failed as a cause, at its place in the files; none when all is
    /// well.
    #[must_use]
    pub fn error(&self, manifests: &[Manifest]) -> Option<Error> {
        let failed: Vec<(&Manifest, &Error)> = self
            .outcomes
            .iter()
            .filter_map(|(object, outcome)| match outcome {
                Outcome::Failed { error } => Some((&manifests[*object], error)),
                _ => None,
            })
            .collect();
        let (_, first) = failed.first()?;
        let message = match failed.len() {
            1 => "an object could not be applied".to_owned(),
            more => format!("{more} objects could not be applied"),
        };
        // One failure that does not pass is the verdict of all.
        let lasting = failed.iter().map(|(_, error)| error.kind()).find(|kind| !kind.is_passing());
        let error = Error::new(lasting.unwrap_or(first.kind()), message);
        Some(error.with_causes(failed.iter().map(|(manifest, error)| cause_of(manifest, error))))
    }
}

/// The failure of an object as a cause, at its place in the files.
pub(crate) fn cause_of(manifest: &Manifest, error: &Error) -> Cause {
    // What the message says already is not said again.
    let more = error.causes().iter().filter(|cause| !error.message().contains(&cause.message));
    let details = more.map(Cause::report);
    let cause = Cause::new("not-applied", error.message()).at(manifest.location()).with_evidence(details);
    match error.hint() {
        Some(hint) => cause.with_hint(hint),
        None => cause,
    }
}

/// Applies waves from `first` on, until one has to be waited for or one failed. `before` says for each manifest what its
/// plan found; none for what was not there.
///
/// # Cancellation
/// A stop that is asked for lets these waves end, so that no half of them is left, but no refused request is repeated any
/// more. Dropping the future abandons requests that may have been carried out; doing it all again is safe.
pub async fn apply(
    cx: &Context,
    api: &Api,
    manifests: &[Manifest],
    before: &[Option<Before>],
    waves: &[Wave],
    first: usize,
    options: Options,
) -> Part {
    let coming = kinds_of(manifests);
    let mut part = Part { waves: 0, outcomes: Vec::new() };
    // The server is overloaded or away, or does not know us: there is no use in finding that out object by object.
    let is_shut = AtomicBool::new(false);
    for wave in waves.iter().skip(first) {
        part.waves += 1;
        let placing = wave.objects.iter().copied().map(|object| {
            let (manifest, before) = (&manifests[object], before.get(object).and_then(Option::as_ref));
            let patience = match coming.contains(&(manifest.group().to_owned(), manifest.kind().to_owned())) {
                true => KIND_COMES,
                false => Duration::ZERO,
            };
            let is_shut = &is_shut;
            async move {
                if is_shut.load(Ordering::Relaxed) {
                    return (object, Outcome::NotAttempted);
                }
                let placed = one::place(cx, api, manifest, before, options.conflicts, patience).await;
                let outcome = placed.map_or_else(|error| Outcome::Failed { error }, Outcome::Applied);
                if let Outcome::Failed { error } = &outcome {
                    is_shut.fetch_or(concerns_all(error), Ordering::Relaxed);
                }
                (object, outcome)
            }
        });
        // Unordered: a slow object at the front would hold up those behind it.
        let at_once = options.at_once.clamp(1, 90);
        let mut outcomes: Vec<_> =
            stream::iter(placing.collect::<Vec<_>>()).buffer_unordered(at_once).collect().await;
        outcomes.sort_by_key(|(object, _)| *object);
        part.outcomes.extend(outcomes);
        if !part.is_good() {
            let left = waves.iter().skip(first + part.waves).flat_map(|wave| &wave.objects);
            part.outcomes.extend(left.map(|object| (*object, Outcome::NotAttempted)));
            break;
        }
        if !wave.wait_for.is_empty() {
            break;
        }
    }
    part
}

/// Whether an error has nothing to do with the object that was met with it.
pub(crate) fn concerns_all(error: &Error) -> bool {
    error.kind().is_passing() || error.kind() == ErrorKind::Auth
}

/// Group and kind of what the CustomResourceDefinitions among the manifests bring.
pub(crate) fn kinds_of(manifests: &[Manifest]) -> HashSet<(String, String)> {
    let crds = manifests.iter().filter(|manifest| manifest.kind() == "CustomResourceDefinition");
    crds.filter_map(|crd| {
        let group = crd.text_at(&["spec", "group"])?;
        Some((group.to_owned(), crd.text_at(&["spec", "names", "kind"])?.to_owned()))
    })
    .collect()
}
