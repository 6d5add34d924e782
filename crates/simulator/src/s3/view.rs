//! Looking at, and meddling with, the simulated S3 from a test: as somebody else. Nothing here counts as a call.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use s3s::dto::LifecycleRule;

use super::store::{Content, S3Store, Version};
use crate::Simulator;
use crate::ids::Ids;

/// A handle on S3. Bucket names are unique over accounts and regions.
#[derive(Debug, Clone)]
pub struct S3 {
    simulator: Simulator,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectView {
    /// Its key.
    pub key: String,
    /// Its version; `null` in a bucket without versioning.
    pub version_id: String,
    /// True for a delete marker, which has none of what follows.
    pub deleted: bool,
    /// Its eTag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum: the algorithm's name and the base64 text.
    pub checksum: Option<(String, String)>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its tags, as `x-amz-tagging` carries them.
    pub tagging: Option<String>,
    /// The KMS key it is encrypted with.
    pub kms_key: Option<String>,
    /// How many parts it was sent in; none for a single PutObject.
    pub parts: Option<usize>,
    /// When it was written.
    pub modified: Timestamp,
}

/// A multipart upload that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadView {
    /// The key it is for.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// Its parts: number and size in bytes.
    pub parts: Vec<(i32, u64)>,
    /// When it was begun.
    pub initiated: Timestamp,
}

/// A bucket and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketView {
    /// The account that it belongs to.
    pub owner: String,
    /// Its region.
    pub region: String,
    /// How objects are encrypted by default: `AES256`, or `aws:kms` with the key.
    pub encryption: (String, Option<String>),
    /// Whether all four blocks of public access are on.
    pub is_closed: bool,
    /// After how many days unfinished uploads are removed, by the first rule that says so.
    pub unfinished_days: Option<i32>,
}

impl Simulator {
    /// S3, from the point of view of somebody else.
    pub fn s3(&self) -> S3 {
        S3 { simulator: self.clone() }
    }
}

impl S3 {
    fn store(&self) -> S3Store {
        self.simulator.with_state(|state| state.s3.store.clone())
    }

    /// A bucket; none when there is none of this name.
    pub fn bucket(&self, name: &str) -> Option<BucketView> {
        let store = self.store();
        let store = store.lock();
        let bucket = store.buckets.get(name)?;
        let abort =
            |rule: &LifecycleRule| rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation;
        Some(BucketView {
            owner: bucket.owner.clone(),
            region: bucket.region.clone(),
            encryption: bucket.default_encryption(),
            is_closed: bucket.public_access.as_ref() == Some(&super::settings::all_blocked()),
            unfinished_days: bucket.lifecycle.iter().find_map(abort),
        })
    }

    /// All versions of all objects of a bucket, by key, oldest first.
    pub fn versions(&self, bucket: &str) -> Vec<ObjectView> {
        let store = self.store();
        let store = store.lock();
        let keys = store.buckets.get(bucket).into_iter().flat_map(|bucket| &bucket.keys);
        keys.flat_map(|(key, versions)| versions.iter().map(move |version| object_view(key, version)))
            .collect()
    }

    /// The newest version of an object; none when there is none or it is deleted.
    pub fn object(&self, bucket: &str, key: &str) -> Option<ObjectView> {
        let newest = self.versions(bucket).into_iter().rfind(|version| version.key == key);
        newest.filter(|version| !version.deleted)
    }

    /// The bytes of an object's newest version.
    pub fn read(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.store().read(bucket, key, None).map(|(bytes, _)| bytes)
    }

    /// The multipart uploads of a bucket that are under way.
    pub fn uploads(&self, bucket: &str) -> Vec<UploadView> {
        let store = self.store();
        let store = store.lock();
        let uploads = store.buckets.get(bucket).into_iter().flat_map(|bucket| &bucket.uploads);
        uploads
            .map(|(id, upload)| UploadView {
                key: upload.key.clone(),
                upload_id: id.clone(),
                parts: upload.parts.iter().map(|(number, part)| (*number, part.blob.length())).collect(),
                initiated: upload.initiated,
            })
            .collect()
    }

    /// Somebody else removes a multipart upload. False if there is no such upload.
    pub fn abort_as_other(&self, bucket: &str, upload_id: &str) -> bool {
        let store = self.store();
        let mut store = store.lock();
        store.buckets.get_mut(bucket).is_some_and(|bucket| bucket.uploads.remove(upload_id).is_some())
    }

    /// Somebody else writes an object. False if there is no such bucket.
    pub fn put_as_other(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> bool {
        let now = self.simulator.now();
        let store = self.store();
        let mut store = store.lock();
        let Ok(content) = Content::whole(bytes.into(), &mut store.spool) else { return false };
        let mut ids: Ids = store.ids.clone();
        let found = store.buckets.get_mut(bucket);
        let added = found.map(|bucket| bucket.add(key, Some(content), now, &mut ids)).is_some();
        store.ids = ids;
        added
    }

    /// Bytes of objects and parts that have arrived so far, whatever became of them.
    pub fn bytes_received(&self) -> u64 {
        self.store().lock().received
    }
}

fn object_view(key: &str, version: &Version) -> ObjectView {
    let content = version.content.as_ref();
    let checksum = content.and_then(|content| content.checksum.as_ref());
    let attributes = content.map(|content| &content.attributes);
    ObjectView {
        key: key.to_owned(),
        version_id: version.id.clone(),
        deleted: content.is_none(),
        etag: content.map(|content| content.etag.clone()).unwrap_or_default(),
        size: content.map_or(0, |content| content.blob.length()),
        checksum: checksum.map(|checksum| (checksum.algorithm.name().to_owned(), checksum.text.clone())),
        metadata: attributes.map(|found| found.metadata.clone().into_iter().collect()).unwrap_or_default(),
        tagging: attributes.and_then(|found| found.tagging.clone()),
        kms_key: attributes.and_then(|found| found.kms_key.clone()),
        parts: content.and_then(|content| content.parts),
        modified: version.modified,
    }
}
