//! Brings the archive into the bucket, part after part. Repeatable: it first looks for what it has done already.
//!
//! The parts of the contract and the parts of an upload are not the same: the first `apply` stores a small archive, or
//! begins an upload; each later one sends for five seconds, and the last completes it. What each gave is recorded before
//! the next begins, the upload's id before its first part.

use std::collections::VecDeque;
use std::sync::Arc;

use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::{Context, Error, ErrorKind, Result, Token};

use super::client::{Condition, Head, Labels, base64};
use super::error::Refusal;
use super::memory::{Back, Forward, Object, Watch, mark};
use super::pack::{How, MIB, Packing, Part, Tree};
use super::plan::{other_owner, told};
use super::session::{Session, came_back, pull};
use super::{Bundle, bucket};

/// Below this size an archive is sent by one request.
const SMALL: u64 = 16 * MIB;

/// Uploads that are older are told of.
const OLD: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// A clock of ours and one of S3's are no further apart.
const CLOCKS: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// What was started, in words.
pub(crate) fn summary(target: &Bundle, watch: &Watch) -> String {
    match watch {
        Watch::Uploading { key, sent, kept, .. } => {
            format!(
                "an upload to {}: {} sent, {} there before",
                target.address(key),
                told(*sent),
                told(*kept)
            )
        }
        Watch::Stored { object, found: true, .. } => {
            format!("{} is there already", target.address(&object.key))
        }
        Watch::Stored { object, sent, kept, .. } => {
            let (key, size) = (target.address(&object.key), told(object.size));
            format!("{key}: {size}, {} sent, {} there before", told(*sent), told(*kept))
        }
        Watch::Removed { key, .. } => format!("what this run brought to {} is removed", target.address(key)),
    }
}

/// The next part of the way forward.
pub(crate) async fn forward(
    target: &Bundle,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    so_far: Option<Watch>,
) -> Result<Watch> {
    if let Some(object) = &forward.unchanged {
        let (object, manifest) = (object.clone(), forward.manifest.clone());
        return Ok(Watch::Stored { object, manifest, found: true, sent: 0, kept: 0 });
    }
    let way = Way { target, cx, forward, mark: mark(token) };
    match so_far {
        None => {
            if forward.makes_bucket {
                bucket::make(target, cx).await?;
            }
            way.begin().await
        }
        Some(Watch::Uploading { upload_id, ours, sent, .. }) => way.go_on(&upload_id, ours, sent).await,
        Some(other) => Ok(other),
    }
}

/// Takes away what a run has brought.
pub(crate) async fn back(target: &Bundle, cx: &Context, back: &Back) -> Result<Watch> {
    match back {
        Back::Upload { key, upload_id } => {
            target.client.abort(cx, key, upload_id).await?;
            Ok(Watch::Removed { key: key.clone(), etag: None })
        }
        Back::Object { object, hide } => {
            let there = target.client.head(cx, &object.key, None).await?;
            if there
                .is_some_and(|head| head.object.etag == object.etag && head.object.version == object.version)
            {
                let version = object.version.as_deref().filter(|_| !hide);
                target.client.delete(cx, &object.key, version).await?;
            }
            Ok(Watch::Removed { key: object.key.clone(), etag: Some(object.etag.clone()) })
        }
    }
}

struct Way<'a> {
    target: &'a Bundle,
    cx: &'a Context,
    forward: &'a Forward,
    mark: String,
}

impl Way<'_> {
    fn labels(&self) -> Labels<'_> {
        Labels { manifest: &self.forward.manifest, mark: &self.mark }
    }

    fn condition(&self) -> Condition<'_> {
        match &self.forward.before {
            Some(before) => Condition::Is(&before.etag),
            None => Condition::Absent,
        }
    }

    fn stored(&self, object: Object, found: bool, (sent, kept): (u64, u64)) -> Watch {
        Watch::Stored { object, manifest: self.forward.manifest.clone(), found, sent, kept }
    }

    fn uploading(&self, upload_id: &str, ours: bool, (sent, kept): (u64, u64)) -> Watch {
        let (key, upload_id) = (self.forward.key.clone(), upload_id.to_owned());
        Watch::Uploading { key, upload_id, ours, sent, kept }
    }

    /// The folder, if it still is what the plan was made of.
    async fn tree(&self) -> Result<Arc<Tree>> {
        let tree = self.target.tree(self.cx).await?;
        if tree.manifest != self.forward.manifest {
            let (expected, found) = (self.forward.manifest.clone(), tree.manifest.clone());
            return Err(Refusal::OtherContent { expected, found }.into());
        }
        Ok(tree)
    }

    async fn pack(&self) -> Result<Packing> {
        let tree = self.tree().await?;
        let spec = &self.target.spec;
        let how = How {
            format: spec.format,
            level: spec.level,
            threads: spec.threads,
            part_size: self.forward.part_size,
        };
        Ok(Packing::start(tree, how))
    }

    /// What of this is there already: stored by this attempt, or the same content by somebody else.
    async fn found(&self) -> Result<Option<Watch>> {
        let key = &self.forward.key;
        let head = match self.target.client.head(self.cx, key, None).await {
            Ok(head) => head,
            // The plan has found out that it may not be told; the write's condition decides.
            Err(failure) if failure.status() == Some(403) => None,
            Err(failure) => return Err(failure.into()),
        };
        let Some(head) = head else { return Ok(None) };
        if head.mark.as_deref() == Some(self.mark.as_str()) || self.is_same(&head) {
            let sent = if head.mark.as_deref() == Some(self.mark.as_str()) { head.object.size } else { 0 };
            return Ok(Some(self.stored(head.object, false, (sent, 0))));
        }
        let expected = self.forward.before.as_ref().map(|before| before.etag.as_str());
        if expected == Some(head.object.etag.as_str()) {
            return Ok(None);
        }
        Err(Refusal::Moved { bucket: self.target.spec.bucket.clone(), key: key.clone() }.into())
    }

    fn is_same(&self, head: &Head) -> bool {
        head.manifest.as_deref() == Some(self.forward.manifest.as_str())
    }

    /// Stores a small archive, or finds or begins the upload of a large one.
    async fn begin(&self) -> Result<Watch> {
        if let Some(found) = self.found().await? {
            return Ok(found);
        }
        let mut packing = self.pack().await?;
        let mut ready = VecDeque::new();
        let mut size = 0;
        loop {
            let (back, part) = came_back(pull(packing).await)?;
            packing = back;
            let Some(part) = part? else { break };
            size += part.bytes.len() as u64;
            ready.push_back(part);
            if size >= SMALL {
                return self.begin_upload(packing, ready).await;
            }
        }
        self.put(joined(ready)).await
    }

    async fn put(&self, part: Part) -> Result<Watch> {
        let (cx, key, client) = (self.cx, &self.forward.key, &self.target.client);
        let size = part.bytes.len() as u64;
        match client.put(cx, key, &part, self.labels(), self.condition()).await {
            Ok(object) => Ok(self.stored(object, false, (size, 0))),
            Err(failure) if failure.status() == Some(412) => self.taken().await,
            Err(failure) => Err(self.denied(failure).await),
        }
    }

    /// Somebody has written the key first: if it is the same content, it will do.
    async fn taken(&self) -> Result<Watch> {
        let moved =
            || Refusal::Moved { bucket: self.target.spec.bucket.clone(), key: self.forward.key.clone() };
        match self.target.client.head(self.cx, &self.forward.key, None).await? {
            Some(head) if self.is_same(&head) => {
                let text = "the same content was stored meanwhile by somebody else: it is used as it is";
                self.cx.note(Level::Info, "stored-meanwhile", text);
                Ok(self.stored(head.object, false, (0, 0)))
            }
            _ => Err(moved().into()),
        }
    }

    /// A refusal, with what can be found out about it.
    async fn denied(&self, failure: Failure) -> Error {
        if failure.code() == Some("NoSuchBucket") {
            return Refusal::NoBucket { bucket: self.target.spec.bucket.clone() }.into();
        }
        if failure.kind() == ErrorKind::Denied
            && failure.denial().is_none()
            && let Some(other) = other_owner(self.target, self.cx).await
        {
            return other;
        }
        failure.into()
    }

    async fn begin_upload(&self, packing: Packing, ready: VecDeque<Part>) -> Result<Watch> {
        let (cx, key, client) = (self.cx, &self.forward.key, &self.target.client);
        let (upload_id, ours) = match self.open_upload().await? {
            Some(id) => (id, false),
            None => match client.create(cx, key, self.labels()).await {
                Ok(id) => (id, true),
                Err(failure) => return Err(self.denied(failure).await),
            },
        };
        let had = if ours { Default::default() } else { client.list_parts(cx, key, &upload_id).await? };
        let part_size = self.forward.part_size;
        let session = Session::new(client, (key, &upload_id), (packing, ready), had, part_size);
        *self.target.session.lock().await = Some(session);
        Ok(self.uploading(&upload_id, ours, (0, 0)))
    }

    /// An upload to go on with. Where the key says what the content is, any will do: its parts are compared. Under a fixed
    /// key only one that is no older than the plan.
    async fn open_upload(&self) -> Result<Option<String>> {
        let key = &self.forward.key;
        let open = match self.target.client.list_uploads(self.cx, key).await {
            Ok(open) => open,
            Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
                let text =
                    "unfinished uploads cannot be listed (s3:ListBucketMultipartUploads): a new one is begun";
                self.cx.note(Level::Debug, "permission-missing", text);
                return Ok(None);
            }
            Err(failure) => return Err(failure.into()),
        };
        let made_at = self.forward.made_at.checked_sub(CLOCKS).unwrap_or(self.forward.made_at);
        let fits = |initiated: Option<jiff::Timestamp>| {
            self.target.spec.is_addressed() || initiated.is_some_and(|at| at >= made_at)
        };
        let old = |at: jiff::Timestamp| self.cx.clock().now().duration_since(at) > OLD;
        let count = open.iter().filter(|upload| upload.initiated.is_some_and(old)).count();
        if count > 0 {
            let text = format!(
                "{count} unfinished uploads to {} are older than a week and cost storage: add a lifecycle rule \
                 (AbortIncompleteMultipartUpload) to the bucket",
                self.target.address(key)
            );
            self.cx.note(Level::Warning, "old-uploads", text);
        }
        let found = open.into_iter().rfind(|upload| upload.key == *key && fits(upload.initiated));
        Ok(found.map(|upload| upload.id))
    }

    /// Sends for a while, and completes the upload when all is sent.
    async fn go_on(&self, upload_id: &str, ours: bool, sent_before: u64) -> Result<Watch> {
        // The lock is not held meanwhile: what follows may begin another session.
        let session = self.target.session.lock().await.take();
        let session = session.filter(|session| session.upload_id == upload_id);
        let mut session = match session {
            Some(session) => session,
            None => match self.resumed(upload_id).await {
                Ok(session) => session,
                Err(failure) => return self.gone_or(failure).await,
            },
        };
        // A session is given back only when all went well: after an error the next try asks S3 what it has.
        let all = match session.batch(self.cx).await {
            Ok(all) => all,
            Err(failure) => return self.gone_or(failure).await,
        };
        let bytes = (sent_before.max(session.sent), session.kept);
        if !all || self.cx.is_cancelled() {
            *self.target.session.lock().await = Some(session);
            return Ok(self.uploading(upload_id, ours, bytes));
        }
        self.complete(&session, ours, bytes).await
    }

    async fn resumed(&self, upload_id: &str) -> Result<Session, Failure> {
        let client = &self.target.client;
        let had = client.list_parts(self.cx, &self.forward.key, upload_id).await?;
        let packing = self.pack().await?;
        let place = (self.forward.key.as_str(), upload_id);
        Ok(Session::new(client, place, (packing, VecDeque::new()), had, self.forward.part_size))
    }

    /// The upload is gone: completed without our hearing of it, or removed. Any other failure stays one.
    async fn gone_or(&self, failure: Failure) -> Result<Watch> {
        if failure.code() != Some("NoSuchUpload") {
            return Err(self.denied(failure).await);
        }
        if let Some(found) = self.found().await? {
            return Ok(found);
        }
        let text = "the upload is gone: somebody or a lifecycle rule has removed it; it is begun anew";
        self.cx.note(Level::Warning, "upload-gone", text);
        self.begin().await
    }

    async fn complete(&self, session: &Session, ours: bool, bytes: (u64, u64)) -> Result<Watch> {
        let (cx, client, key) = (self.cx, &self.target.client, &self.forward.key);
        let upload = (key.as_str(), session.upload_id.as_str());
        let sums = (session.size, session.checksum);
        let (object, remote) =
            match client.complete(cx, upload, &session.arrived, sums, self.condition()).await {
                Ok(done) => done,
                Err(failure) if failure.status() == Some(412) => {
                    let taken = self.taken().await?;
                    if ours {
                        client.abort(cx, key, &session.upload_id).await?;
                    }
                    return Ok(taken);
                }
                Err(failure) => return self.gone_or(failure).await,
            };
        if client.is_modern() {
            self.compare(&object, remote, &base64(session.checksum)).await?;
        }
        Ok(self.stored(object, false, bytes))
    }

    /// Compares the object's checksum with that of what was packed.
    async fn compare(&self, object: &Object, told: Option<String>, local: &str) -> Result<()> {
        let (bucket, key) = (self.target.spec.bucket.clone(), object.key.clone());
        let remote = match told {
            Some(told) => Some(told),
            None => {
                let head = self.target.client.head(self.cx, &key, object.version.as_deref()).await?;
                head.and_then(|head| head.checksum)
            }
        };
        match remote {
            None => Err(Refusal::NoChecksum { bucket, key }.into()),
            Some(remote) if remote != local => {
                Err(Refusal::Checksum { key, local: local.to_owned(), remote }.into())
            }
            Some(_) => Ok(()),
        }
    }
}

/// One part of all of them.
fn joined(mut parts: VecDeque<Part>) -> Part {
    match (parts.pop_front(), parts.is_empty()) {
        (Some(only), true) => only,
        (first, _) => {
            let slices: Vec<&[u8]> = first.iter().chain(&parts).map(|part| &*part.bytes).collect();
            let bytes = slices.concat();
            let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &bytes);
            Part { bytes: bytes.into(), checksum }
        }
    }
}
