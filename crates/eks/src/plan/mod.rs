//! What would change: every object read and applied by a dry run, which the server carries out up to the write,
//! admission webhooks included. Nothing is changed.
//!
//! For each object there is what would be done and the differences, a line for each field. Values of Secrets, of
//! environments and of fields that are named like secrets are not shown. All objects that cannot be applied are told at
//! once.
//!
//! What comes with the release itself cannot be asked of the server: objects of a kind whose CustomResourceDefinition
//! is among the manifests, and objects in a namespace that is. They are planned as new, and the server judges them when
//! they are applied.
//!
//! Many objects of a kind are read by one list, by the label of their release, where listing is allowed; the others at
//! the same time one by one. No dry run is made of an object that the server's own account of it shows to be as its
//! manifest says.

mod diff;
mod known;
mod owners;
mod release;
mod same;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::api::{Api, At, Key, Live, Meaning};
use crate::apply::{
    Attempt, Before, Consent, Options, Stuck, attempt, cause_of, concerns_all, conflict_error, consent,
    kinds_of,
};
use crate::conflict::{self, ConflictPolicy};
use crate::input::{DEFAULT_NAMESPACE, Manifest, Scope};

pub use diff::diff;
use known::Known;
pub use owners::{Owner, owner};
pub(crate) use release::{release, some};

/// How often an object is looked at that somebody else changes meanwhile.
const TRIES: u32 = 4;

/// Why nothing is known of an object.
const NAMESPACE_COMES: &str = "its namespace comes with this release, and the server judges it then";

/// What would be done with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which object.
    pub key: Key,
    /// What is done; nothing when it is as it is to be.
    pub effect: Option<Effect>,
    /// The differences, a line each. No secrets.
    pub details: Vec<String>,
    /// What is there now; nothing for what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Who else cares for the object, and may put back what is changed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// The plan of each manifest, in their order.
///
/// # Errors
/// One error with every object that cannot be applied as a cause, at its place in the files.
///
/// # Cancellation
/// Read-only; may be dropped at any time.
pub async fn plan(cx: &Context, api: &Api, manifests: &[Manifest], options: Options) -> Result<Vec<Planned>> {
    let at_once = options.at_once.clamp(1, 90);
    let scene = Scene::of(cx, api, manifests, at_once).await?;
    let is_shut = AtomicBool::new(false);
    let looks = manifests.iter().enumerate().map(|(place, manifest)| {
        let (scene, is_shut) = (&scene, &is_shut);
        async move {
            if is_shut.load(Ordering::Relaxed) {
                return None;
            }
            let looked = scene.look(cx, api, manifest, options).await;
            is_shut.fetch_or(looked.as_ref().is_err_and(concerns_all), Ordering::Relaxed);
            Some((place, looked))
        }
    });
    let mut looked: Vec<_> = stream::iter(looks.collect::<Vec<_>>())
        .buffer_unordered(at_once)
        .filter_map(std::future::ready)
        .collect()
        .await;
    looked.sort_by_key(|(place, _)| *place);
    let (mut planned, mut failed) = (Vec::new(), Vec::new());
    for (place, look) in looked {
        match look {
            Ok(one) => planned.push(one),
            Err(error) => failed.push((&manifests[place], error)),
        }
    }
    if let Some(error) = refused(&failed) {
        return Err(error);
    }
    warn(cx, manifests, &planned);
    Ok(planned)
}

/// The changes of a plan, for people.
#[must_use]
pub fn changes(manifests: &[Manifest], planned: &[Planned]) -> Vec<Change> {
    let changed = manifests.iter().zip(planned).filter_map(|(manifest, planned)| {
        Some(Change::new(planned.effect?, manifest.to_string()).with_details(planned.details.clone()))
    });
    changed.collect()
}

/// All objects that cannot be applied, as one error.
fn refused(failed: &[(&Manifest, Error)]) -> Option<Error> {
    let (_, first) = failed.first()?;
    // What concerns all objects alike is told once, as it is.
    if failed.iter().all(|(_, error)| error.kind() == first.kind())
        && (first.kind().is_passing() || first.kind() == ErrorKind::Auth)
    {
        return Some(first.clone());
    }
    let message = match failed.len() {
        1 => "an object cannot be applied; nothing was changed".to_owned(),
        more => format!("{more} objects cannot be applied; nothing was changed"),
    };
    let lasting = failed.iter().map(|(_, error)| error.kind()).find(|kind| !kind.is_passing());
    let error = Error::new(lasting.unwrap_or(first.kind()), message);
    Some(error.with_causes(failed.iter().map(|(manifest, error)| cause_of(manifest, error))))
}

/// Says whose objects are changed here that others care for.
fn warn(cx: &Context, manifests: &[Manifest], planned: &[Planned]) {
    for (manifest, planned) in manifests.iter().zip(planned) {
        if let Some(owner) = planned.owner.as_ref().filter(|_| planned.effect.is_some()) {
            cx.note(Level::Warning, "other-owner", format!("{manifest}: {owner}"));
        }
    }
}

/// What the release brings itself, and what is known of its objects.
struct Scene {
    kinds: HashSet<(String, String)>,
    namespaces: HashSet<String>,
    known: Known,
    /// When the plan was begun. What kinds there are is asked for once.
    since: Instant,
}

impl Scene {
    async fn of(cx: &Context, api: &Api, manifests: &[Manifest], at_once: usize) -> Result<Self> {
        let since = Instant::now();
        let known = Known::of(cx, api, manifests, since, at_once).await?;
        let namespaces = manifests.iter().filter(|one| one.is("", "Namespace"));
        Ok(Self {
            kinds: kinds_of(manifests),
            namespaces: namespaces.map(|namespace| namespace.name().to_owned()).collect(),
            known,
            since,
        })
    }

    async fn look(&self, cx: &Context, api: &Api, manifest: &Manifest, options: Options) -> Result<Planned> {
        let found = api.resource_as_of(cx, manifest.api_version(), manifest.kind(), self.since).await;
        let resource = match found.map_err(Error::from) {
            Ok(resource) => resource,
            Err(error) if error.kind() == ErrorKind::NotFound && self.brings_kind(manifest) => {
                return Ok(new(
                    unasked(manifest),
                    vec!["its kind comes with this release, and the server judges it then".to_owned()],
                ));
            }
            Err(error) => return Err(error),
        };
        let at = At::new(resource, manifest.namespace(), manifest.name());
        if self.known.namespace_comes(&at) {
            return Ok(new(at.key(), vec![NAMESPACE_COMES.to_owned()]));
        }
        let mut tries = 0;
        let (live, tried) = loop {
            let live = match self.known.take(&at) {
                Some(known) => known,
                None => api.read(cx, &at).await?,
            };
            if let Some(before) = live.as_ref().and_then(|live| unchanged(live, manifest, options.conflicts))
            {
                let owner = live.as_ref().and_then(owner);
                return Ok(Planned {
                    key: at.key(),
                    effect: None,
                    details: Vec::new(),
                    before: Some(before),
                    owner,
                });
            }
            let tried = attempt(cx, api, &at, manifest, options.conflicts, true).await;
            tries += 1;
            if tries == TRIES || !has_moved(live.as_ref(), &tried) {
                break (live, tried);
            }
        };
        match tried {
            Ok(attempt) => Ok(compared(&at, live.as_ref(), &attempt, options.conflicts)),
            Err(Stuck::Conflict(refused)) => {
                let theirs = live.map(|live| live.value().clone()).unwrap_or_default();
                Err(conflict_error(&at, manifest, &refused, &theirs))
            }
            Err(Stuck::Fault(fault)) => match (fault.meaning().cloned(), live) {
                (Some(Meaning::NamespaceMissing(name)), None) if self.namespaces.contains(&name) => {
                    Ok(new(at.key(), vec![NAMESPACE_COMES.to_owned()]))
                }
                (Some(Meaning::NoDryRun), live) => {
                    let why =
                        format!("{}: what is changed is not known beforehand", Error::from(fault).message());
                    Ok(match live {
                        None => new(at.key(), vec![why]),
                        Some(live) => update(&at, &live, vec![why], options.conflicts),
                    })
                }
                (Some(Meaning::Immutable), Some(live)) => match consent(manifest) {
                    Consent::Given => Ok(anew(&at, &live, options.conflicts)),
                    Consent::Missing(why) => Err(Error::from(fault).with_hint(why)),
                },
                _ => Err(fault.into()),
            },
        }
    }

    fn brings_kind(&self, manifest: &Manifest) -> bool {
        self.kinds.contains(&(manifest.group().to_owned(), manifest.kind().to_owned()))
    }
}

/// Whether the object changed between the look at it and the dry run, which gives the version that it was tried on: a
/// controller's work would be told as a difference of ours.
fn has_moved(live: Option<&Live>, tried: &Result<Attempt, Stuck>) -> bool {
    match (live, tried) {
        (Some(live), Ok(attempt)) => live.resource_version() != attempt.applied.object.resource_version(),
        _ => false,
    }
}

/// An object of a kind that the cluster does not know yet.
fn unasked(manifest: &Manifest) -> Key {
    let namespace = (manifest.scope() != Scope::Cluster)
        .then(|| manifest.namespace().unwrap_or(DEFAULT_NAMESPACE).to_owned());
    let (group, kind) = (manifest.group().to_owned(), manifest.kind().to_owned());
    Key { group, kind, namespace, name: manifest.name().to_owned() }
}

fn new(key: Key, details: Vec<String>) -> Planned {
    Planned { key, effect: Some(Effect::Create), details, before: None, owner: None }
}

/// What is there. Where nothing is to be taken over from people, what they set with kubectl stays theirs too.
fn before(live: &Live, policy: ConflictPolicy) -> Before {
    Before {
        uid: live.uid().to_owned(),
        resource_version: live.resource_version().to_owned(),
        generation: live.generation(),
        unchanged: false,
        migrate: policy != ConflictPolicy::Refuse && conflict::migrate(live).is_some(),
    }
}

/// An object that is deleted and made anew.
fn anew(at: &At, live: &Live, policy: ConflictPolicy) -> Planned {
    let details = vec![format!(
        "a field of this {} cannot be changed: it is deleted and made anew",
        at.resource().kind
    )];
    Planned {
        key: at.key(),
        effect: Some(Effect::Replace),
        details,
        before: Some(before(live, policy)),
        owner: owner(live),
    }
}

fn update(at: &At, live: &Live, details: Vec<String>, policy: ConflictPolicy) -> Planned {
    let (effect, before) = (Some(Effect::Update), Some(before(live, policy)));
    Planned { key: at.key(), effect, details, before, owner: owner(live) }
}

/// What is there, when it is certainly as it is to be.
fn unchanged(live: &Live, manifest: &Manifest, policy: ConflictPolicy) -> Option<Before> {
    let before = before(live, policy);
    let same = !before.migrate && same::is_as_wanted(manifest, live);
    same.then_some(Before { unchanged: true, ..before })
}

/// What the dry run would change.
fn compared(at: &At, live: Option<&Live>, attempt: &Attempt, policy: ConflictPolicy) -> Planned {
    let Some(live) = live else { return new(at.key(), Vec::new()) };
    let wanted = &attempt.applied.object;
    let mut before = before(live, policy);
    let mut details = diff(live, wanted);
    for taken in &attempt.taken {
        details.push(format!("takes over {} from {}", taken.field, taken.manager));
    }
    if before.migrate {
        details
            .push("takes over what kubectl has set, and removes what the manifest does not have".to_owned());
    } else if details.is_empty() && !same_ownership(live, wanted) {
        details.push("landfall becomes the manager of what the manifest sets".to_owned());
    }
    let effect = (!details.is_empty()).then_some(Effect::Update);
    before.unchanged = effect.is_none();
    if attempt.without_replicas {
        details.push("spec.replicas is left to the autoscaler that sets it".to_owned());
    }
    Planned { key: at.key(), effect, details, before: Some(before), owner: owner(live) }
}

/// Whether landfall owns the same fields in both.
fn same_ownership(live: &Live, wanted: &Live) -> bool {
    let ours = |object: &Live| {
        let entry = object.managers().find(|manager| {
            manager.name == crate::api::FIELD_MANAGER
                && manager.operation == "Apply"
                && manager.subresource.is_empty()
        });
        entry.map(|entry| entry.fields.clone())
    };
    ours(live) == ours(wanted)
}
