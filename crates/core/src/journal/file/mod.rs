//! A journal in a directory: one file of JSON lines for each run.
//!
//! ```text
//! DIR/runs/shop-81-deploy-production.1f0c6a2e9b7d4c35.jsonl    what was recorded
//! DIR/runs/shop-81-deploy-production.1f0c6a2e9b7d4c35.lock     held while a process has the run open
//! DIR/resources/ecs-service-demo-web.7a21d0ce4b9f8e16.lock     held while a step deploys to the resource
//! ```
//!
//! A name is what can be read of the run's id, and a digest that keeps two ids apart that would look alike. Locks are
//! the operating system's: they end with their process, however it ends, and are never stale. `docs/journal.md`
//! describes the format.

mod line;
mod lock;
mod log;
mod name;
mod read;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{Held, History, Holder, Journal, Opened, resource_is_held, run_is_open};
use crate::error::{Error, ErrorKind, Result};
use crate::target::Resource;
use lock::{Lock, Locked};
use log::FileLog;

/// A journal in a directory, which several processes may share, also on several hosts when their file system passes
/// locks on.
///
/// Files are read and written on threads for blocking work, never on the one that drives the deployment.
#[derive(Debug, Clone)]
pub struct FileJournal {
    directory: PathBuf,
}

impl FileJournal {
    /// The journal in this directory. Nothing is read or made yet: the directory is made when the first run is opened.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn runs_folder(&self) -> PathBuf {
        self.directory.join("runs")
    }

    fn run_file(&self, run: &str) -> PathBuf {
        self.runs_folder().join(format!("{}.jsonl", name::of(run)))
    }

    fn resource_lock(&self, resource: &Resource) -> PathBuf {
        let readable = format!("{} {}", resource.kind, resource.names.join(" "));
        let whole = serde_json::to_string(resource).unwrap_or_else(|_| resource.to_string());
        self.directory.join("resources").join(format!("{}.lock", name::of_parts(&readable, &whole)))
    }

    fn open_now(&self, run: &str) -> Result<Opened> {
        make_folder(&self.directory, &self.runs_folder())?;
        let path = self.run_file(run);
        let lock = match lock(&lock_of(&path), &Holder::this_process(run))? {
            Locked::Here(lock) => lock,
            Locked::Elsewhere(holder) => return Err(run_is_open(run, holder.as_ref())),
        };
        let (entries, log) = FileLog::open(&path, run, lock)?;
        Ok(Opened { entries, log: Box::new(log) })
    }

    fn hold_now(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        let path = self.resource_lock(resource);
        make_folder(&self.directory, &self.directory.join("resources"))?;
        match lock(&path, &Holder::this_process(run))? {
            Locked::Here(lock) => Ok(Box::new(lock)),
            Locked::Elsewhere(holder) => Err(resource_is_held(resource, holder.as_ref())),
        }
    }

    fn runs_now(&self) -> Result<Vec<Result<History>>> {
        let folder = self.existing_runs_folder()?;
        let Some(folder) = folder else { return Ok(Vec::new()) };
        let unreadable = |error: io::Error| unusable(&self.directory, "cannot be read", &error);
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths.iter().filter_map(|path| read::history(path, None).transpose()).collect())
    }

    /// The folder of runs; none in a journal that nothing was recorded in.
    fn existing_runs_folder(&self) -> Result<Option<PathBuf>> {
        let unreadable = |error: io::Error| unusable(&self.directory, "cannot be read", &error);
        fs::read_dir(&self.directory).map_err(unreadable)?;
        let folder = self.runs_folder();
        Ok(fs::exists(&folder).map_err(unreadable)?.then_some(folder))
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn open(&self, run: &str) -> Result<Opened> {
        let (journal, run) = (self.clone(), run.to_owned());
        blocking(move || journal.open_now(&run)).await
    }

    async fn read(&self, run: &str) -> Result<Option<History>> {
        let (journal, run) = (self.clone(), run.to_owned());
        blocking(move || {
            journal.existing_runs_folder()?;
            read::history(&journal.run_file(&run), Some(&run))
        })
        .await
    }

    async fn runs(&self) -> Result<Vec<Result<History>>> {
        let journal = self.clone();
        blocking(move || journal.runs_now()).await
    }

    async fn hold(&self, resource: &Resource, run: &str) -> Result<Box<dyn Held>> {
        let (journal, resource, run) = (self.clone(), resource.clone(), run.to_owned());
        blocking(move || journal.hold_now(&resource, &run)).await
    }
}

impl Held for Lock {}

/// Runs work that blocks on a thread for it. Once begun it runs to its end, also when nobody waits for it any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::internal("work on the journal did not end").with_source(&error))?
}

/// The lock that belongs to a run's file.
fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn lock(path: &Path, holder: &Holder) -> Result<Locked> {
    Lock::take(path, holder).map_err(|error| unusable(path, "cannot be locked", &error))
}

/// Makes a folder of the journal and those above it, and has their names on the disk before anything is in them.
fn make_folder(journal: &Path, folder: &Path) -> Result<()> {
    let cannot = |error: io::Error| unusable(journal, "cannot be written", &error);
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !fs::exists(path).unwrap_or(true);
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(folder).map_err(cannot)?;
    for above in missing.into_iter().filter_map(Path::parent) {
        sync_folder(above).map_err(cannot)?;
    }
    Ok(())
}

/// Has the names in a folder on the disk. Only Unix opens folders; elsewhere the file system does it by itself.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// This process, or the whole system, has as many files open as it may (EMFILE and ENFILE, the same on every Unix).
fn too_many_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// The journal cannot be used as it was asked to.
fn unusable(path: &Path, how: &str, error: &io::Error) -> Error {
    let hint = match error.kind() {
        _ if too_many_files(error) => {
            "each resource that is deployed to keeps a lock file open: allow this process more open files \
             (`ulimit -n`), or bound how many steps run at once"
        }
        io::ErrorKind::NotFound => "there is no such directory: check the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a journal is a directory: name one, or a new one"
        }
        io::ErrorKind::PermissionDenied => "let this user read and write there, or name another directory",
        io::ErrorKind::ReadOnlyFilesystem => "name a directory on a file system that can be written",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room there, or name another directory"
        }
        _ => "name a directory that can be read and written",
    };
    Error::new(ErrorKind::Invalid, format!("the journal {} {how}", path.display()))
        .with_hint(hint)
        .with_source(error)
}
