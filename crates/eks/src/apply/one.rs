//! One object: migrated, applied, conflicts decided, made anew where it cannot be changed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use landfall_core::event::Level;
use landfall_core::wait::Delays;
use landfall_core::{Context, Error, ErrorKind, Result};
use tokio::time::Instant;

use super::recreate::{Consent, consent};
use super::{Before, Placed, Placing};
use crate::api::{
    Answered, Api, ApiResource, Applied, ApplyOptions, At, Deleted, Fault, LOOK_AGAIN, Live, Meaning,
    Propagation,
};
use crate::conflict::{self, ConflictPolicy, Decision, FieldConflict, REPLICAS};
use crate::input::Manifest;

/// How long an object that is made anew may take to go; `apply` is to be short, and the life cycle does it again.
const GOES_IN: Duration = Duration::from_secs(20);

/// How often an object that changes meanwhile is read again.
const MIGRATIONS: u32 = 3;

/// What came of applying an object, or of asking what would.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) applied: Applied,
    /// Fields that were taken over.
    pub(crate) taken: Vec<FieldConflict>,
    /// `spec.replicas` was left to an autoscaler.
    pub(crate) without_replicas: bool,
}

/// Why an object is not applied.
#[derive(Debug)]
pub(crate) enum Stuck {
    /// The server says no.
    Fault(Fault),
    /// Others own these fields.
    Conflict(Vec<FieldConflict>),
}

impl From<Fault> for Stuck {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Applies an object, or asks what would be, and decides about conflicts.
pub(crate) async fn attempt(
    cx: &Context,
    api: &Api,
    at: &At,
    manifest: &Manifest,
    policy: ConflictPolicy,
    dry_run: bool,
) -> Result<Attempt, Stuck> {
    let careful = ApplyOptions { force: false, dry_run };
    let fault = match api.apply(cx, at, Bytes::from(manifest.to_json()), careful).await {
        Ok(applied) => return Ok(Attempt { applied, taken: Vec::new(), without_replicas: false }),
        Err(fault) => fault,
    };
    let conflicts = match &fault {
        Fault::Refused(refusal) if *refusal.meaning() == Meaning::FieldConflict => {
            conflict::conflicts(refusal.status())
        }
        _ => return Err(fault.into()),
    };
    match conflict::decide(policy, &conflicts) {
        Decision::Refused(refused) => Err(Stuck::Conflict(refused)),
        Decision::Again { taken, without_replicas } => {
            let body =
                if without_replicas { manifest.to_json_without(&REPLICAS) } else { manifest.to_json() };
            let options = ApplyOptions { force: !taken.is_empty(), dry_run };
            let applied = api.apply(cx, at, Bytes::from(body), options).await?;
            Ok(Attempt { applied, taken, without_replicas })
        }
    }
}

/// Brings an object into the cluster.
pub(super) async fn place(
    cx: &Context,
    api: &Api,
    manifest: &Manifest,
    before: Option<&Before>,
    policy: ConflictPolicy,
    patience: Duration,
) -> Result<Placed> {
    let resource = api.resource(cx, manifest.api_version(), manifest.kind(), patience).await?;
    let at = At::new(resource, manifest.namespace(), manifest.name());
    if let Some(before) = before.filter(|before| before.unchanged) {
        let Before { uid, resource_version, generation, .. } = before.clone();
        let (key, effect) = (at.key(), Placing::Unchanged);
        return Ok(Placed { key, uid, generation, resource_version, at: None, effect });
    }
    let mut version = before.map(|before| before.resource_version.clone());
    if before.is_some_and(|before| before.migrate) {
        version = Some(migrated(cx, api, &at).await?);
    }
    let known = before.map(|before| before.resource_version.as_str());
    let until = Instant::now() + patience;
    let mut pauses = Delays::new(LOOK_AGAIN, at.name());
    loop {
        match attempt(cx, api, &at, manifest, policy, false).await {
            Ok(attempt) => {
                tell(cx, &at, &attempt);
                let effect = effect(&attempt.applied, version.as_deref(), known);
                return Ok(placed(&at, &attempt.applied, effect));
            }
            // One of several API servers does not serve the new kind yet.
            Err(Stuck::Fault(fault))
                if fault.meaning() == Some(&Meaning::KindMissing)
                    && Instant::now() < until
                    && !cx.is_cancelled() =>
            {
                tokio::time::sleep(pauses.next(false, false)).await;
            }
            Err(Stuck::Fault(fault)) if fault.meaning() == Some(&Meaning::Immutable) => {
                return recreated(cx, api, &at, manifest, policy, fault).await;
            }
            Err(stuck) => return Err(told(cx, api, &at, manifest, stuck).await),
        }
    }
}

/// What a write did, by the versions before it: of the object as it was planned, and as it was before the last write.
fn effect(applied: &Applied, version: Option<&str>, known: Option<&str>) -> Placing {
    let now = applied.object.resource_version();
    if applied.created {
        Placing::Created
    } else if version == Some(now) && version == known {
        Placing::Unchanged
    } else {
        Placing::Changed
    }
}

fn placed(at: &At, applied: &Applied, effect: Placing) -> Placed {
    Placed {
        key: at.key(),
        uid: applied.object.uid().to_owned(),
        generation: applied.object.generation(),
        resource_version: applied.object.resource_version().to_owned(),
        at: applied.date,
        effect,
    }
}

/// Makes landfall the owner of what client-side apply has set; gives the version of the object then.
async fn migrated(cx: &Context, api: &Api, at: &At) -> Answered<String> {
    let mut tries = 0;
    loop {
        let Some(live) = api.read(cx, at).await? else { return Ok(String::new()) };
        let Some(operations) = conflict::migrate(&live) else {
            return Ok(live.resource_version().to_owned());
        };
        tries += 1;
        match api.patch(cx, at, &operations, false).await {
            Ok(patched) => {
                let text = format!("{at}: fields that kubectl had set are landfall's from now on");
                cx.note(Level::Info, "fields-migrated", text);
                return Ok(patched.resource_version().to_owned());
            }
            Err(fault) if fault.meaning() == Some(&Meaning::Stale) && tries < MIGRATIONS => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// Deletes an object that cannot be changed as wanted, and makes it anew, when that is allowed.
async fn recreated(
    cx: &Context,
    api: &Api,
    at: &At,
    manifest: &Manifest,
    policy: ConflictPolicy,
    fault: Fault,
) -> Result<Placed> {
    if let Consent::Missing(why) = consent(manifest) {
        return Err(Error::from(fault).with_hint(why));
    }
    let Some(live) = api.read(cx, at).await? else { return Err(fault.into()) };
    let text = format!("{at} has fields that cannot be changed: it is deleted and made anew");
    cx.note(Level::Warning, "recreated", text);
    // What belongs to it goes first: two Jobs of one name must not run at once.
    if api.delete(cx, at, live.uid(), Propagation::Foreground).await? == Deleted::Another {
        let message = format!("{at} was replaced by somebody else while it was to be made anew");
        return Err(Error::new(ErrorKind::Conflict, message).with_hint("run again"));
    }
    gone(cx, api, at, &live).await?;
    match attempt(cx, api, at, manifest, policy, false).await {
        Ok(attempt) => Ok(placed(at, &attempt.applied, Placing::Recreated)),
        Err(stuck) => Err(told(cx, api, at, manifest, stuck).await),
    }
}

/// Waits until the object is gone.
async fn gone(cx: &Context, api: &Api, at: &At, live: &Live) -> Result<()> {
    let until = Instant::now() + GOES_IN;
    let mut pauses = Delays::new(LOOK_AGAIN, at.name());
    loop {
        match api.read(cx, at).await? {
            Some(now) if now.uid() == live.uid() => {}
            _ => return Ok(()),
        }
        if Instant::now() >= until || cx.is_cancelled() {
            let message = format!("{at} is being deleted, to be made anew, and is not gone yet");
            let error = Error::new(ErrorKind::Transient, message);
            return Err(error
                .with_hint("its finalizers and its pods say what it waits for; run again when it is gone"));
        }
        tokio::time::sleep(pauses.next(false, false)).await;
    }
}

/// The error of an object that is not applied.
async fn told(cx: &Context, api: &Api, at: &At, manifest: &Manifest, stuck: Stuck) -> Error {
    let refused = match stuck {
        Stuck::Fault(fault) => return fault.into(),
        Stuck::Conflict(refused) => refused,
    };
    let theirs = match api.read(cx, at).await {
        Ok(live) => live.map(|live| live.value().clone()).unwrap_or_default(),
        Err(fault) => return fault.into(),
    };
    conflict_error(at, manifest, &refused, &theirs)
}

/// The error of an object whose fields belong to others.
pub(crate) fn conflict_error(
    at: &At,
    manifest: &Manifest,
    refused: &[FieldConflict],
    theirs: &serde_json::Value,
) -> Error {
    let ours = serde_json::from_str(&manifest.to_json()).unwrap_or_default();
    conflict::refusal(&at.to_string(), refused, theirs, &ours, is_secret(at.resource()))
}

pub(crate) fn is_secret(resource: &Arc<ApiResource>) -> bool {
    resource.kind == "Secret" && resource.group.is_empty()
}

/// Warns of what was taken over, and tells what was left to others.
fn tell(cx: &Context, at: &At, attempt: &Attempt) {
    for FieldConflict { field, manager, .. } in &attempt.taken {
        let text = format!("{at}: {field} was set by {manager} and is taken over");
        cx.note(Level::Warning, "field-taken-over", text);
    }
    if attempt.without_replicas {
        let text = format!(
            "{at}: spec.replicas is left to the autoscaler that sets it; take it out of the manifest"
        );
        cx.note(Level::Info, "replicas-left", text);
    }
}
