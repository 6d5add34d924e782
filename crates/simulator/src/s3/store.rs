//! What S3 remembers: buckets, the versions of their objects, and uploads that are under way.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{LifecycleRule, PublicAccessBlockConfiguration, ServerSideEncryptionConfiguration};

use super::blob::{Blob, Spool};
use super::checksum::{Algorithm, Checksum};
use crate::clock::{earlier, ms};
use crate::ids::Ids;
use crate::{Account, Bucket};

/// All of S3. Bucket names are unique over all accounts and regions of a partition.
#[derive(Debug, Clone)]
pub(crate) struct S3Store(Arc<Mutex<Store>>);

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) buckets: BTreeMap<String, BucketState>,
    pub(crate) spool: Spool,
    pub(crate) ids: Ids,
    /// Bytes of objects and parts that arrived, whatever became of them.
    pub(crate) received: u64,
}

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct BucketState {
    pub(crate) owner: String,
    pub(crate) region: String,
    /// `Enabled`, `Suspended`, or none when versioning was never switched on.
    pub(crate) versioning: Option<String>,
    pub(crate) shared_with: Vec<String>,
    /// None: never said.
    pub(crate) encryption: Option<ServerSideEncryptionConfiguration>,
    pub(crate) public_access: Option<PublicAccessBlockConfiguration>,
    pub(crate) lifecycle: Vec<LifecycleRule>,
    /// The versions of each key, oldest first.
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
    /// Uploads by their id.
    pub(crate) uploads: BTreeMap<String, Upload>,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// `null` for one that was made without versioning.
    pub(crate) id: String,
    /// None for a delete marker.
    pub(crate) content: Option<Content>,
    pub(crate) modified: Timestamp,
}

/// The content of a version.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) blob: Blob,
    pub(crate) etag: String,
    pub(crate) checksum: Option<Checksum>,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) checksum_type: &'static str,
    pub(crate) attributes: Attributes,
    /// The number of parts of a multipart upload.
    pub(crate) parts: Option<usize>,
}

/// What a request says about an object besides its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) content_type: Option<String>,
    pub(crate) server_side_encryption: Option<String>,
    pub(crate) kms_key: Option<String>,
    /// As `x-amz-tagging` carries them.
    pub(crate) tagging: Option<String>,
}

/// A multipart upload.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    pub(crate) initiator: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) checksum_type: &'static str,
    pub(crate) attributes: Attributes,
    pub(crate) parts: BTreeMap<i32, PartState>,
}

/// A part that has arrived.
#[derive(Debug, Clone)]
pub(crate) struct PartState {
    pub(crate) blob: Blob,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
    pub(crate) modified: Timestamp,
}

impl S3Store {
    /// What the world has at the start.
    pub(crate) fn new(accounts: &BTreeMap<String, Account>, start: Timestamp) -> Self {
        let (buckets, ids) = (BTreeMap::new(), Ids::seeded("s3"));
        let mut store = Store { buckets, spool: Spool::default(), ids, received: 0 };
        for (owner, account) in accounts {
            for (region, contents) in &account.regions {
                for (name, bucket) in &contents.buckets {
                    store.seed(name, BucketState::seeded(owner, region, bucket), bucket, start);
                }
            }
        }
        Self(Arc::new(Mutex::new(store)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes and the eTag of an object, for services that read S3 themselves. None when there is no such thing.
    pub(crate) fn read(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<(Bytes, String)> {
        let mut store = self.lock();
        let content = store.buckets.get(bucket)?.version(key, version)?.content.clone()?;
        let bytes = store.spool.read(&content.blob, 0..u64::MAX).ok()?;
        Some((bytes, content.etag))
    }
}

impl Content {
    /// An object that came in one piece, with SSE-S3.
    pub(crate) fn whole(bytes: Bytes, spool: &mut Spool) -> io::Result<Self> {
        let (etag, checksum) = (etag(&bytes), Some(Algorithm::Crc64Nvme.of(&bytes)));
        let (blob, attributes) = (spool.keep(bytes)?, Attributes::default());
        Ok(Self { blob, etag, checksum, checksum_type: "FULL_OBJECT", attributes, parts: None })
    }
}

/// The eTag of an object that came in one piece: MD5.
pub(crate) fn etag(bytes: &[u8]) -> String {
    super::object::hex(Md5::checksum(bytes).as_ref())
}

impl Store {
    fn seed(&mut self, name: &str, mut state: BucketState, bucket: &Bucket, start: Timestamp) {
        let day_ago = earlier(start, ms(86_400_000));
        for (key, object) in &bucket.objects {
            // What cannot be kept is not there, and its scenario fails its test.
            if let Ok(mut content) = Content::whole(object.bytes(key).into(), &mut self.spool) {
                if !object.kms_key.is_empty() {
                    content.etag = self.ids.hex32();
                    content.attributes.server_side_encryption = Some("aws:kms".to_owned());
                    content.attributes.kms_key = Some(object.kms_key.clone());
                }
                state.add(key, Some(content), day_ago, &mut self.ids);
            }
        }
        for (key, days) in &bucket.unfinished {
            let upload = Upload {
                key: key.clone(),
                initiated: earlier(start, ms(days.saturating_mul(86_400_000))),
                initiator: format!("arn:aws:iam::{}:root", state.owner),
                algorithm: Algorithm::Crc64Nvme,
                checksum_type: "FULL_OBJECT",
                attributes: Attributes::default(),
                parts: BTreeMap::new(),
            };
            state.uploads.insert(self.ids.word21(), upload);
        }
        self.buckets.insert(name.to_owned(), state);
    }
}

impl BucketState {
    fn seeded(owner: &str, region: &str, bucket: &Bucket) -> Self {
        Self {
            owner: owner.to_owned(),
            region: region.to_owned(),
            versioning: (!bucket.versioning.is_empty()).then(|| bucket.versioning.clone()),
            shared_with: bucket.shared_with.clone(),
            ..Self::default()
        }
    }

    /// A version by its id, or the newest one. A delete marker counts as one.
    pub(crate) fn version(&self, key: &str, id: Option<&str>) -> Option<&Version> {
        let versions = self.keys.get(key)?;
        match id {
            Some(id) => versions.iter().find(|version| version.id == id),
            None => versions.last(),
        }
    }

    /// The newest content of a key; none when there is none or it is deleted.
    pub(crate) fn current(&self, key: &str) -> Option<&Content> {
        self.version(key, None)?.content.as_ref()
    }

    /// Adds a version, and answers its id if the bucket tells it. Without versioning the `null` version is replaced.
    pub(crate) fn add(
        &mut self,
        key: &str,
        content: Option<Content>,
        now: Timestamp,
        ids: &mut Ids,
    ) -> Option<String> {
        let enabled = self.versioning.as_deref() == Some("Enabled");
        let id = if enabled { ids.capitals(32) } else { "null".to_owned() };
        let versions = self.keys.entry(key.to_owned()).or_default();
        versions.retain(|version| enabled || version.id != "null");
        versions.push(Version { id: id.clone(), content, modified: now });
        self.versioning.is_some().then_some(id)
    }
}
