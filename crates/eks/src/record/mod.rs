//! What was applied last and was good, kept in the cluster, so that any later run, of any machine, can put it back.
//!
//! Kubernetes keeps the templates of workloads (`kubectl rollout undo`), but not the ConfigMaps, Services and owners
//! that went with them (<https://github.com/kubernetes/kubernetes/issues/22368>). So landfall keeps the whole set of
//! manifests as they were applied: compressed, in as many Secrets as it takes, since it may hold Secrets itself. Which
//! of them count is said by one entry of the release's inventory ([`RecordRef`]), which is written after them: a run
//! that is killed in between leaves the old record in force, and the next one overwrites what was begun.

mod chunk;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use landfall_core::{Context, Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::api::{Api, ApplyOptions, At, Live, Propagation, Selector};
use crate::input::{Manifest, ManifestSet};
use crate::inventory::{RecordRef, Release};

/// What parts of records are labelled with; the value is the id of the release.
const RECORD_OF: &str = "landfall/record-of";

/// Where the content stands in a Secret.
const CONTENT: &str = "content";

/// What a record is made of.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Manifests that were applied.
    Applied(&'a [Manifest]),
    /// Objects of the cluster that a release is about to take in, as [`restorable`] gives them.
    Found(&'a [Value]),
}

impl Content<'_> {
    /// The documents as JSON: of manifests, numbers with their digits and fields in their order.
    fn text(self) -> String {
        let documents: Vec<String> = match self {
            Self::Applied(manifests) => manifests.iter().map(Manifest::to_json).collect(),
            Self::Found(objects) => objects.iter().map(Value::to_string).collect(),
        };
        documents.join("\n---\n")
    }
}

/// Keeps a content under this revision. What is there of it already is overwritten.
///
/// # Errors
/// The refusal or the failure of a request.
///
/// # Cancellation
/// Dropping the future leaves parts behind that count for nothing; to do it again is safe.
pub async fn keep(
    cx: &Context,
    api: &Api,
    release: &Release,
    revision: u64,
    content: Content<'_>,
) -> Result<RecordRef> {
    let packed = chunk::pack(&content.text())?;
    let found = matches!(content, Content::Found(_));
    let parts = u32::try_from(packed.parts.len()).unwrap_or(u32::MAX);
    let kept = RecordRef { revision, parts, sha256: packed.sha256, found };
    for (number, content) in packed.parts.iter().enumerate() {
        let at = place(cx, api, release, &kept, number).await?;
        let body = Bytes::from(secret(release, &at, content).to_string());
        api.apply(cx, &at, body, ApplyOptions { force: true, dry_run: false }).await?;
    }
    Ok(kept)
}

/// Whether a record is one of exactly this content.
#[must_use]
pub fn is_of(kept: &RecordRef, content: Content<'_>) -> bool {
    chunk::digest(content.text().as_bytes()) == kept.sha256
}

/// An object of the cluster as a manifest that puts it back: without what the server and controllers write.
#[must_use]
pub fn restorable(live: &Live) -> Value {
    let mut object = live.value().clone();
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    // The Deployment controller's own.
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("deployment.kubernetes.io/revision");
    }
    object
}

/// The manifests of a record.
///
/// # Errors
/// [`ErrorKind::NotFound`] when a part of it is gone, [`ErrorKind::Conflict`] when it is not what was kept; the refusal
/// or the failure of a request.
///
/// # Cancellation
/// Read-only; may be dropped at any time.
pub async fn recall(cx: &Context, api: &Api, release: &Release, kept: &RecordRef) -> Result<ManifestSet> {
    let mut parts = Vec::new();
    for number in 0..kept.parts as usize {
        let at = place(cx, api, release, kept, number).await?;
        let Some(live) = api.read(cx, &at).await? else {
            let message = format!("{at}, a part of what release {release} had applied before, is gone");
            let error = Error::new(ErrorKind::NotFound, message);
            return Err(error.with_hint(
                "deploy the manifests of before again: what they were is not known here any more",
            ));
        };
        parts.push(live.value()["data"][CONTENT].as_str().unwrap_or_default().to_owned());
    }
    let text = chunk::unpack(&parts, &kept.sha256).ok_or_else(|| {
        let message =
            format!("what is kept of release {release} is not what was kept: somebody has changed it");
        Error::new(ErrorKind::Conflict, message).with_hint("deploy the manifests of before again")
    })?;
    ManifestSet::builder().text(format!("release {release}, revision {}", kept.revision), text).read()
}

/// Deletes a record that does not count any more. What is gone already is no error.
///
/// # Errors
/// The refusal or the failure of a request.
///
/// # Cancellation
/// To do it again is safe.
pub async fn forget(cx: &Context, api: &Api, release: &Release, kept: &RecordRef) -> Result<()> {
    for number in 0..kept.parts as usize {
        let at = place(cx, api, release, kept, number).await?;
        // Only what is labelled as a part of it: a Secret of that name may be somebody else's.
        if let Some(live) = api.read(cx, &at).await?
            && live.label(RECORD_OF) == Some(release.id().as_str())
        {
            api.delete(cx, &at, live.uid(), Propagation::Background).await?;
        }
    }
    Ok(())
}

/// Deletes all parts of records of the release but of those that count: also what a run that was killed has left.
///
/// # Errors
/// The refusal or the failure of a request; [`ErrorKind::Denied`] where Secrets may not be listed.
///
/// # Cancellation
/// To do it again is safe.
pub async fn sweep<'a>(
    cx: &Context,
    api: &Api,
    release: &Release,
    count: impl IntoIterator<Item = &'a RecordRef>,
) -> Result<()> {
    let parts =
        count.into_iter().flat_map(|kept| (0..kept.parts).map(|part| name(release, kept, part as usize)));
    let count: HashSet<String> = parts.collect();
    let secrets = api.resource(cx, "v1", "Secret", Duration::ZERO).await?;
    let ours = Selector::labels(format!("{RECORD_OF}={}", release.id()));
    let listed = api.list(cx, &secrets, Some(&release.namespace), &ours).await?;
    for old in listed.items.iter().filter(|live| !count.contains(live.name())) {
        let at = At::new(Arc::clone(&secrets), Some(&release.namespace), old.name());
        api.delete(cx, &at, old.uid(), Propagation::Background).await?;
    }
    Ok(())
}

async fn place(cx: &Context, api: &Api, release: &Release, kept: &RecordRef, number: usize) -> Result<At> {
    let secrets = api.resource(cx, "v1", "Secret", Duration::ZERO).await?;
    Ok(At::new(secrets, Some(&release.namespace), &name(release, kept, number)))
}

/// The name of a part. What was found is named by what it is, too: a later try to reach the same revision may find more,
/// and must not write over what an undo would put back.
fn name(release: &Release, kept: &RecordRef, number: usize) -> String {
    let found = kept.sha256.get(..8).filter(|_| kept.found).map(|digest| format!("-found-{digest}"));
    format!("{}.{}{}.{number}", release.secret(), kept.revision, found.unwrap_or_default())
}

fn secret(release: &Release, at: &At, content: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": at.name(),
            "namespace": release.namespace,
            "labels": {RECORD_OF: release.id(), "app.kubernetes.io/managed-by": "landfall"},
        },
        "type": "landfall/record.v1",
        "data": {CONTENT: content},
    })
}
