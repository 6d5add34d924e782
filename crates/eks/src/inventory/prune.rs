//! Deletes what is not wanted any more, as far as that is landfall's to do.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use landfall_core::{Context, Error, ErrorKind, Result};

use super::{PART_OF, Release};
use crate::api::{Answered, Api, At, Deleted, Fault, Key, Live, Propagation};

/// The annotation that keeps an object (`"true"`) though it is not among the manifests any more.
pub const KEEP: &str = "landfall/keep";

/// What to do with an object that is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is deleted, if it has this UID.
    Delete {
        /// The UID.
        uid: String,
    },
    /// It is not, and why.
    Keep(Kept),
    /// It is gone, or going.
    Gone,
}

/// Why an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Somebody has made it anew since it was applied.
    Another,
    /// It does not say that it belongs to this release, and it is not known whether this release made it.
    Stranger,
    /// Everything in it would go too, and nobody said that it may.
    Precious,
    /// It is annotated so.
    Annotated,
}

/// What became of an object that was not wanted any more.
#[derive(Debug, Clone)]
pub enum Pruned {
    /// The server deletes it, or it is gone.
    Deleted,
    /// It is kept.
    Kept(Kept),
    /// It could not be deleted.
    Failed(Error),
}

/// Whether an object that is not wanted any more is deleted. `uid` is what the inventory knows it by; `consent`:
/// Namespaces, CustomResourceDefinitions and PersistentVolumeClaims may go too, with everything in them.
#[must_use]
pub fn judge(release: &Release, key: &Key, uid: Option<&str>, live: Option<&Live>, consent: bool) -> Verdict {
    let Some(live) = live.filter(|live| !live.is_ending()) else { return Verdict::Gone };
    match uid {
        Some(uid) if uid != live.uid() => return Verdict::Keep(Kept::Another),
        None if live.label(PART_OF) != Some(release.id().as_str()) => {
            return Verdict::Keep(Kept::Stranger);
        }
        _ => {}
    }
    if live.annotation(KEEP) == Some("true") {
        Verdict::Keep(Kept::Annotated)
    } else if !consent && is_precious(key) {
        Verdict::Keep(Kept::Precious)
    } else {
        Verdict::Delete { uid: live.uid().to_owned() }
    }
}

/// What takes other things with it that no manifest brings back.
fn is_precious(key: &Key) -> bool {
    matches!(
        (key.group.as_str(), key.kind.as_str()),
        ("", "Namespace" | "PersistentVolumeClaim") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Another => "somebody has made it anew since: it is not this release's any more",
            Self::Stranger => "it is not known whether this release made it",
            Self::Precious => "everything in it would go too, and that was not asked for",
            Self::Annotated => "it is annotated to be kept",
        })
    }
}

/// Looks at each of these objects and deletes those that may be, up to `at_once` at a time, in the order given. Gives
/// what became of each, in that order. What belongs to a deleted object goes after it.
///
/// # Cancellation
/// Once a stop was asked for nothing more is deleted, which is told as a failure. Dropping the future abandons requests
/// that may have been carried out; to do it again is safe.
pub async fn prune(
    cx: &Context,
    api: &Api,
    release: &Release,
    unwanted: &[(Key, Option<String>)],
    consent: bool,
    at_once: usize,
) -> Vec<Pruned> {
    let pruning = unwanted.iter().map(|(key, uid)| async move {
        if cx.is_cancelled() {
            let message = format!("{key} is not deleted: a stop was asked for");
            return Pruned::Failed(Error::new(ErrorKind::Transient, message));
        }
        let pruned = delete(cx, api, release, key, uid.as_deref(), consent).await;
        pruned.unwrap_or_else(|fault| Pruned::Failed(fault.into()))
    });
    stream::iter(pruning.collect::<Vec<_>>()).buffered(at_once.clamp(1, 90)).collect().await
}

/// Says what would become of each of these objects, in the order given. Read-only.
///
/// # Errors
/// The refusal or the failure of a request.
///
/// # Cancellation
/// May be dropped at any time.
pub async fn preview(
    cx: &Context,
    api: &Api,
    release: &Release,
    unwanted: &[(Key, Option<String>)],
    consent: bool,
    at_once: usize,
) -> Result<Vec<Verdict>> {
    let looks = unwanted.iter().map(|(key, uid)| async move {
        let (_, verdict) = look(cx, api, release, key, uid.as_deref(), consent).await?;
        Ok::<_, Fault>(verdict)
    });
    let looks = stream::iter(looks.collect::<Vec<_>>()).buffered(at_once.clamp(1, 90));
    Ok(looks.try_collect().await?)
}

async fn delete(
    cx: &Context,
    api: &Api,
    release: &Release,
    key: &Key,
    uid: Option<&str>,
    consent: bool,
) -> Answered<Pruned> {
    Ok(match look(cx, api, release, key, uid, consent).await? {
        (Some(at), Verdict::Delete { uid }) => {
            match api.delete(cx, &at, &uid, Propagation::Background).await? {
                Deleted::Begun | Deleted::Gone => Pruned::Deleted,
                Deleted::Another => Pruned::Kept(Kept::Another),
            }
        }
        (_, Verdict::Keep(kept)) => Pruned::Kept(kept),
        _ => Pruned::Deleted,
    })
}

/// What is to be done with an object, and where it is; nowhere when its kind is not served any more, and so it has
/// none.
async fn look(
    cx: &Context,
    api: &Api,
    release: &Release,
    key: &Key,
    uid: Option<&str>,
    consent: bool,
) -> Answered<(Option<At>, Verdict)> {
    let kinds = api.kinds(cx).await?;
    let Some(resource) = kinds.preferred(&key.group, &key.kind) else { return Ok((None, Verdict::Gone)) };
    let at = At::new(Arc::clone(resource), key.namespace.as_deref(), &key.name);
    let live = api.read(cx, &at).await?;
    let verdict = judge(release, key, uid, live.as_ref(), consent);
    Ok((Some(at), verdict))
}
