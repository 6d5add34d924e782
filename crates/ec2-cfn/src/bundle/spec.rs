//! The validated input of a bundle.
//!
//! [`BundleBuilder`] takes what a person or program wants, [`BundleBuilder::build`] finds all problems that can be found
//! without a call and without reading the folder, and [`BundleSpec::target`] makes the target.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;

use aws_types::SdkConfig;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jiff::Timestamp;
use landfall_core::{Cause, Error, Place, Plan, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Bundle;
use super::check::{check_attributes, check_bucket, check_key, check_numbers};
pub(crate) use super::choices::{Checksums, Format, Modes, Platform, Symlinks};
use super::client::Client;
use super::memory::{Means, VERSION, Work};
use super::pack::MIB;
use super::target::KIND;

/// Where the archive goes within the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Prefix, digest of the content, extension.
    Addressed {
        prefix: String,
    },
    Fixed(String),
}

/// What is wanted, checked without a call. [`BundleSpec::target`] makes the target of it.
#[derive(Debug, Clone)]
pub struct BundleSpec {
    pub(crate) source: PathBuf,
    pub(crate) bucket: String,
    pub(crate) key: Key,
    pub(crate) format: Format,
    pub(crate) ignore: Vec<String>,
    pub(crate) executable: Vec<String>,
    pub(crate) symlinks: Symlinks,
    pub(crate) modes: Modes,
    pub(crate) level: u32,
    pub(crate) threads: Option<NonZero<usize>>,
    pub(crate) part_size: u64,
    pub(crate) owner: Owner,
    pub(crate) kms_key: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) checksums: Checksums,
    pub(crate) platform: Platform,
    pub(crate) check_appspec: bool,
    pub(crate) create_bucket: bool,
    pub(crate) modified: Timestamp,
}

/// Whom the bucket must belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The account that is deployed to.
    Place,
    Account(String),
    Anybody,
}

/// Makes a [`BundleSpec`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct BundleBuilder {
    spec: BundleSpec,
    prefix: String,
    fixed: Option<String>,
}

/// When every entry was modified, if nothing is said: 1980-01-01T00:00:00Z, the first time that zip files know.
pub(crate) const MODIFIED: Timestamp = Timestamp::constant(315_532_800, 0);

/// Compression level when none is asked for: as small as zlib packs at 6, in a third of the time
/// (docs/adr/0011-zip-writer.md).
const DEFAULT_LEVEL: u32 = 1;

impl BundleBuilder {
    pub(crate) fn new() -> Self {
        let spec = BundleSpec {
            source: PathBuf::new(),
            bucket: String::new(),
            key: Key::Addressed { prefix: String::new() },
            format: Format::default(),
            ignore: Vec::new(),
            executable: Vec::new(),
            symlinks: Symlinks::default(),
            modes: Modes::default(),
            level: DEFAULT_LEVEL,
            threads: None,
            part_size: 8 * MIB,
            owner: Owner::Place,
            kms_key: None,
            metadata: BTreeMap::new(),
            tags: BTreeMap::new(),
            checksums: Checksums::default(),
            platform: Platform::default(),
            check_appspec: true,
            create_bucket: false,
            modified: MODIFIED,
        };
        Self { spec, prefix: String::new(), fixed: None }
    }

    /// The folder to pack. What its `.deployignore` names, in the way of `.gitignore`, stays out, in folders below it
    /// too; so do `.git` and the `.deployignore` files themselves.
    pub fn source(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spec.source = folder.into();
        self
    }

    /// The bucket.
    pub fn bucket(mut self, bucket: impl Into<String>) -> Self {
        self.spec.bucket = bucket.into();
        self
    }

    /// What the object's key begins with, such as `web/`; empty when it is not said. The rest of the key is a digest of
    /// what is packed and how, so that an unchanged folder is found again without packing it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The whole key, instead of one that begins with [`BundleBuilder::prefix`]. An object that is there is replaced
    /// when the folder has changed since.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.fixed = Some(key.into());
        self
    }

    /// The format; [`Format::Zip`] when it is not said.
    pub fn format(mut self, format: Format) -> Self {
        self.spec.format = format;
        self
    }

    /// Leaves out what fits this glob, in the way of a line in `.gitignore`. May be called again.
    pub fn ignore(mut self, glob: impl Into<String>) -> Self {
        self.spec.ignore.push(glob.into());
        self
    }

    /// Packs files that fit this glob as executable, whatever their permissions here: a checkout on Windows has none. May
    /// be called again.
    pub fn executable(mut self, glob: impl Into<String>) -> Self {
        self.spec.executable.push(glob.into());
        self
    }

    /// What becomes of symbolic links; [`Symlinks::Preserve`] when it is not said.
    pub fn symlinks(mut self, symlinks: Symlinks) -> Self {
        self.spec.symlinks = symlinks;
        self
    }

    /// Which permissions are packed; [`Modes::Normalised`] when it is not said.
    pub fn modes(mut self, modes: Modes) -> Self {
        self.spec.modes = modes;
        self
    }

    /// The compression level, 0 (none) to 9; 1 when it is not said. Levels are libdeflate's: 1 is about as small as 6 of
    /// zlib, `zip` and `aws deploy push`. Higher ones pay where many hosts fetch a bundle that is packed once. Without
    /// meaning for [`Format::Tar`].
    pub fn level(mut self, level: u32) -> Self {
        self.spec.level = level;
        self
    }

    /// How many threads pack; as many as there are processors when it is not said, and never more than 32. The archive is
    /// the same.
    pub fn threads(mut self, threads: NonZero<usize>) -> Self {
        self.spec.threads = Some(threads);
        self
    }

    /// The size of an upload's parts in bytes, 5 MiB to 128 MiB; 8 MiB when it is not said. More where the archive would
    /// otherwise have more than 10,000 parts, which is above 80 GB.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.spec.part_size = bytes;
        self
    }

    /// The account that the bucket must belong to; the account that is deployed to when it is not said.
    pub fn expected_bucket_owner(mut self, account: impl Into<String>) -> Self {
        self.spec.owner = Owner::Account(account.into());
        self
    }

    /// Sends to the bucket whoever owns it.
    pub fn any_bucket_owner(mut self) -> Self {
        self.spec.owner = Owner::Anybody;
        self
    }

    /// Encrypts with this KMS key: its id, ARN or alias. By the bucket's default when it is not said.
    pub fn kms_key(mut self, key: impl Into<String>) -> Self {
        self.spec.kms_key = Some(key.into());
        self
    }

    /// Adds metadata to the object: a name and a value, ASCII both.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.metadata.insert(name.into(), value.into());
        self
    }

    /// Tags the object, which needs the permission `s3:PutObjectTagging`.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.tags.insert(key.into(), value.into());
        self
    }

    /// How S3 is to check what arrives; [`Checksums::Crc64Nvme`] when it is not said.
    pub fn checksums(mut self, checksums: Checksums) -> Self {
        self.spec.checksums = checksums;
        self
    }

    /// The system that is deployed to; [`Platform::Linux`] when it is not said.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.spec.platform = platform;
        self
    }

    /// Whether the application specification is checked before anything is packed: that it is there, and that its hooks
    /// are there, executable and without Windows line ends. True when it is not said.
    pub fn check_appspec(mut self, check: bool) -> Self {
        self.spec.check_appspec = check;
        self
    }

    /// Gives every entry of the archive this time of its last modification, to the second (in zip files to two seconds);
    /// 1980-01-01T00:00:00Z when it is not said. It is a part of what is packed: with another time the archive is another
    /// one, has another key, and is sent anew. From 1980 to 2107. `SOURCE_DATE_EPOCH` of
    /// <https://reproducible-builds.org/specs/source-date-epoch/> is meant for it.
    pub fn modified(mut self, at: Timestamp) -> Self {
        self.spec.modified = at;
        self
    }

    /// Whether the bucket is made when there is none: encrypted (by [`BundleBuilder::kms_key`], if that is said), closed to
    /// the public, and with a rule that removes unfinished uploads after a day. The plan says so, and a bucket that is there
    /// is never touched. An undo leaves it. False when it is not said.
    pub fn create_bucket(mut self, create: bool) -> Self {
        self.spec.create_bucket = create;
        self
    }

    /// Whether a bucket was given.
    pub(crate) fn has_bucket(&self) -> bool {
        !self.spec.bucket.is_empty()
    }

    /// Checks the input. No call is made and no file is read.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem.
    pub fn build(self) -> Result<BundleSpec> {
        let mut problems = Vec::new();
        let Self { mut spec, prefix, fixed } = self;
        if spec.source.as_os_str().is_empty() {
            problems.push(Cause::invalid("source", "there is no folder to pack"));
        }
        check_bucket(&mut problems, &spec.bucket);
        match &fixed {
            Some(_) if !prefix.is_empty() => problems.push(Cause::invalid(
                "key",
                "key and prefix are both given: a key is whole, a prefix is its begin",
            )),
            _ => {}
        }
        let longest = if fixed.is_some() { 1_024 } else { 1_024 - 80 };
        let text = fixed.as_deref().unwrap_or(&prefix);
        check_key(&mut problems, text, longest, fixed.is_some());
        for glob in spec.ignore.iter().chain(&spec.executable) {
            if let Err(error) = GitignoreBuilder::new("/").add_line(None, glob) {
                problems.push(Cause::invalid("ignore", format!("`{glob}` is no glob: {error}")));
            }
        }
        check_numbers(&mut problems, &spec);
        check_attributes(&mut problems, &spec);
        spec.key = fixed.map_or(Key::Addressed { prefix }, Key::Fixed);
        Error::all(format!("the bundle of `{}` cannot be made as asked", spec.source.display()), problems)?;
        Ok(spec)
    }
}

impl BundleSpec {
    /// The target in this place. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`, and when a bucket may have to
    /// be made that is expected to belong to another account.
    pub fn target(self, config: &SdkConfig, place: Place) -> Result<Bundle> {
        let region = config.region().map(|region| region.as_ref().to_owned());
        if region.as_deref() != Some(place.region.as_str()) {
            let seen = region.unwrap_or_else(|| "none".to_owned());
            let message = format!("the SDK configuration is for region {seen} and the place is {place}");
            return Err(Error::invalid(message));
        }
        if let Owner::Account(owner) = &self.owner
            && self.create_bucket
            && *owner != place.account
        {
            let message = format!("a bucket of account {owner} is not made by one who deploys to {place}");
            let cause = Cause::invalid("create_bucket", &message);
            let hint = "leave the expected owner out, or make the bucket in its account";
            return Err(Error::invalid(message).with_cause(cause.with_hint(hint)));
        }
        let client = Client::new(config, &self, &place);
        Ok(Bundle::new(place, self, client))
    }

    /// A target that can undo what `plan` recorded, and cannot send anything.
    pub(crate) fn recorded(plan: &Plan) -> Result<Self> {
        let made_for = plan.made_for.as_ref().map(|made_for| made_for.resource.names.as_slice());
        let (Some([bucket, key]), Work::Forward(forward)) = (made_for, plan.read::<Work>(KIND, VERSION)?)
        else {
            return Err(Error::internal("what the plan was made for is not recorded in it"));
        };
        let means = forward.means;
        let mut spec = BundleBuilder::new().spec;
        spec.bucket.clone_from(bucket);
        spec.key = match key.strip_suffix('*').filter(|_| means.addressed) {
            Some(prefix) => Key::Addressed { prefix: prefix.to_owned() },
            None => Key::Fixed(key.clone()),
        };
        spec.owner = means.owner.map_or(Owner::Anybody, Owner::Account);
        spec.checksums = if means.plain { Checksums::WhenRequired } else { Checksums::Crc64Nvme };
        Ok(spec)
    }

    /// What an undo needs to know.
    pub(crate) fn means(&self, place: &Place) -> Means {
        Means {
            addressed: self.is_addressed(),
            owner: self.expected_owner(place),
            plain: self.checksums == Checksums::WhenRequired,
        }
    }

    /// The account that requests expect the bucket to belong to.
    pub(crate) fn expected_owner(&self, place: &Place) -> Option<String> {
        match &self.owner {
            Owner::Place => Some(place.account.clone()),
            Owner::Account(account) => Some(account.clone()),
            Owner::Anybody => None,
        }
    }

    /// The key of an archive with this manifest.
    pub(crate) fn key_of(&self, manifest: &str) -> String {
        match &self.key {
            Key::Fixed(key) => key.clone(),
            Key::Addressed { prefix } => format!("{prefix}{manifest}.{}", self.format.name()),
        }
    }

    /// The key, where it does not depend on the content.
    pub(crate) fn fixed_key(&self) -> Option<&str> {
        match &self.key {
            Key::Fixed(key) => Some(key),
            Key::Addressed { .. } => None,
        }
    }

    /// True when the key says what is in the object.
    pub(crate) fn is_addressed(&self) -> bool {
        matches!(self.key, Key::Addressed { .. })
    }

    /// Matches paths below `root` by these globs, in the way of `.gitignore`.
    pub(crate) fn matcher(globs: &[String], root: &std::path::Path) -> Result<Gitignore> {
        let bad = |error: ignore::Error| Error::invalid("a glob cannot be used").with_source(&error);
        let mut builder = GitignoreBuilder::new(root);
        for glob in globs {
            builder.add_line(None, glob).map_err(bad)?;
        }
        builder.build().map_err(bad)
    }

    /// Pins what is wanted: the same on resume, or it is another bundle. The folder's content is pinned by the plan.
    pub(crate) fn digest(&self) -> String {
        let key = match &self.key {
            Key::Addressed { prefix } => json!({ "prefix": prefix }),
            Key::Fixed(key) => json!({ "key": key }),
        };
        let mut pinned = json!({
            "bucket": self.bucket,
            "key": key,
            "format": self.format,
            "ignore": self.ignore,
            "executable": self.executable,
            "symlinks": format!("{:?}", self.symlinks),
            "modes": format!("{:?}", self.modes),
            "level": self.level,
            "part_size": self.part_size,
            "owner": format!("{:?}", self.owner),
            "kms_key": self.kms_key,
            "metadata": self.metadata,
            "tags": self.tags,
            "checksums": format!("{:?}", self.checksums),
        });
        if self.modified != MODIFIED {
            pinned["modified"] = json!(self.modified.as_second());
        }
        Sha256::digest(pinned.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
