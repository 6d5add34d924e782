//! S3 buckets.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use serde::{Deserialize, Serialize};

/// An S3 bucket. It belongs to the account and the region that it stands in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// `Enabled`, `Suspended`, or empty when versioning was never switched on.
    pub versioning: String,
    /// Other accounts that may use it: all of its policy that there is here.
    pub shared_with: Vec<String>,
    /// What is in it at the start, by key, written a day ago.
    pub objects: BTreeMap<String, StoredObject>,
    /// Keys of multipart uploads that nobody has completed, and how many days ago each was begun.
    pub unfinished: BTreeMap<String, u64>,
}

/// An object that is in a bucket at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoredObject {
    /// Its bytes, unless it is an archive.
    pub text: String,
    /// With files, by name, it is an archive of them: tar or tgz when the key ends so, else zip.
    pub files: BTreeMap<String, String>,
    /// The KMS key it is encrypted with; empty: by S3's own.
    pub kms_key: String,
}

impl StoredObject {
    /// An archive of one version of an application: an application specification, and a page.
    pub(super) fn revision(page: &str) -> Self {
        let appspec = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\n";
        let files = [("appspec.yml", appspec), ("index.html", page)];
        Self { files: files.map(|(name, text)| (name.to_owned(), text.to_owned())).into(), ..Self::default() }
    }

    /// The bytes of the object under this key.
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        if self.files.is_empty() {
            return self.text.clone().into_bytes();
        }
        // Writing to memory does not fail, and a scenario whose archive came out empty fails its test.
        let tar = || self.tar().unwrap_or_default();
        if key.ends_with(".tar") {
            return tar();
        }
        if key.ends_with(".tgz") || key.ends_with(".tar.gz") {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            return gzip.write_all(&tar()).and_then(|()| gzip.finish()).unwrap_or_default();
        }
        self.zip().unwrap_or_default()
    }

    fn tar(&self) -> std::io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, text.as_bytes())?;
        }
        archive.into_inner()
    }

    fn zip(&self) -> zip::result::ZipResult<Vec<u8>> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in &self.files {
            archive.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o644))?;
            archive.write_all(text.as_bytes())?;
        }
        Ok(archive.finish()?.into_inner())
    }
}

impl Bucket {
    /// An empty bucket that keeps versions.
    pub fn versioned() -> Self {
        Self { versioning: "Enabled".to_owned(), ..Self::default() }
    }
}
