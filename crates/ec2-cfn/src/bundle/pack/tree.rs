//! What is in the folder, and the digest of all of it.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use jiff::Timestamp;
use landfall_core::{Cause, Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use super::{PACKER, appspec, walk};
use crate::bundle::spec::{BundleSpec, MODIFIED};

/// The content of a folder, in the order of the archive: by the bytes of the names.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) entries: Vec<Entry>,
    /// The digest: 32 hexadecimal digits of a SHA-256 over names, permissions, contents and the options that decide how
    /// it is packed.
    pub(crate) manifest: String,
    /// The bytes of all files.
    pub(crate) bytes: u64,
    /// When every entry was modified, as the archive has it.
    pub(crate) modified: Timestamp,
    /// What was left out or may be meant otherwise: stable name and text.
    pub(crate) notes: Vec<(&'static str, String)>,
}

/// A thing in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path within the folder, with `/` on every system.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// The permissions that are packed: the lower twelve bits of `st_mode`.
    pub(crate) mode: u32,
    pub(crate) kind: Kind,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One with nothing in it: others come to be with their content.
    Folder,
    Symlink {
        target: String,
    },
    File {
        size: u64,
        crc32: u32,
    },
}

impl Entry {
    /// The bytes of its content.
    pub(crate) fn size(&self) -> u64 {
        match &self.kind {
            Kind::Folder => 0,
            Kind::Symlink { target } => target.len() as u64,
            Kind::File { size, .. } => *size,
        }
    }
}

/// A file has become another one while it was read or packed.
pub(super) fn changed(name: &str) -> Error {
    let cause = Cause::new("file-changed", format!("`{name}` changed while it was read"));
    let hint = "let nothing write to the folder while it is packed, and run again";
    Error::new(ErrorKind::Conflict, format!("the folder changes: `{name}` is not what it was a moment ago"))
        .with_cause(cause.with_hint(hint))
        .with_hint(hint)
}

/// A file cannot be read.
pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let cause = Cause::new("unreadable", format!("`{name}` cannot be read: {error}"));
    Error::invalid(format!("`{name}` cannot be read")).with_cause(cause.with_hint(UNREADABLE))
}

pub(super) const UNREADABLE: &str =
    "let the user who runs this read it, or name it in .deployignore if it does not belong into the bundle";

impl Tree {
    /// Walks the folder, checks it, and hashes its content. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with a cause for each thing that cannot be packed or that the application specification has
    /// wrong; [`ErrorKind::Conflict`] when something changes meanwhile.
    pub(crate) fn read(spec: &BundleSpec) -> Result<Self> {
        let walk::Walked { mut entries, mut problems, mut notes } = walk::walk(spec)?;
        if spec.check_appspec && problems.is_empty() {
            appspec::check(spec, &entries, &mut problems, &mut notes);
        }
        let what = format!("`{}` cannot be packed as it is", spec.source.display());
        Error::all(what, problems)?;
        let digests = hash(&mut entries, spec.threads)?;
        let manifest = manifest(spec, &entries, &digests);
        let bytes = entries.iter().map(Entry::size).sum();
        Ok(Self { entries, manifest, bytes, modified: spec.modified, notes })
    }
}

fn manifest(spec: &BundleSpec, entries: &[Entry], digests: &[[u8; 32]]) -> String {
    let mut digest = Sha256::new();
    let level = if spec.format == crate::bundle::spec::Format::Tar { 0 } else { spec.level };
    digest.update(format!("landfall-bundle {PACKER} {} {level}\n", spec.format.name()));
    if spec.modified != MODIFIED {
        digest.update(format!("modified {}\n", spec.modified.as_second()));
    }
    for (entry, content) in entries.iter().zip(digests) {
        let kind = match entry.kind {
            Kind::Folder => "folder",
            Kind::Symlink { .. } => "symlink",
            Kind::File { .. } => "file",
        };
        digest.update(format!(
            "{kind} {:o} {} {} {}\0",
            entry.mode,
            entry.name.len(),
            entry.name,
            entry.size()
        ));
        digest.update(content);
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads every file once: SHA-256 for the manifest, CRC-32 for the archive. Several threads at once.
fn hash(entries: &mut [Entry], threads: Option<NonZero<usize>>) -> Result<Vec<[u8; 32]>> {
    let count = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let shared: &[Entry] = entries;
    let work = || -> Result<Vec<(usize, [u8; 32], u32)>> {
        let (mut found, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = shared.get(index) else { return Ok(found) };
            let (sha256, crc32) = hash_one(entry, &mut buffer)?;
            found.push((index, sha256, crc32));
        }
    };
    let gathered: Vec<Result<Vec<_>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        let lost = |_| Err(Error::internal("a thread that hashes files panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
    });
    let mut digests = vec![[0; 32]; entries.len()];
    for found in gathered {
        for (index, sha256, crc) in found? {
            digests[index] = sha256;
            if let Kind::File { crc32, .. } = &mut entries[index].kind {
                *crc32 = crc;
            }
        }
    }
    Ok(digests)
}

fn hash_one(entry: &Entry, buffer: &mut [u8]) -> Result<([u8; 32], u32)> {
    let mut sha256 = Sha256::new();
    let size = match &entry.kind {
        Kind::Folder => return Ok((sha256.finalize().into(), 0)),
        Kind::Symlink { target } => {
            sha256.update(target);
            return Ok((sha256.finalize().into(), 0));
        }
        Kind::File { size, .. } => *size,
    };
    let failed = |error: std::io::Error| unreadable(&entry.name, &error);
    let mut file = File::open(&entry.path).map_err(failed)?;
    let (mut crc32, mut length) = (Crc::new(CrcAlgorithm::Crc32IsoHdlc), 0);
    loop {
        let read = match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        sha256.update(&buffer[..read]);
        crc32.update(&buffer[..read]);
        length += read as u64;
    }
    if length != size {
        return Err(changed(&entry.name));
    }
    Ok((sha256.finalize().into(), crc32.finalize() as u32))
}
