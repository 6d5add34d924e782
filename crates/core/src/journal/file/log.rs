//! Appends to a run's file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::Mutex as Gate;

use super::line::{Header, Line, VERSION};
use super::lock::Lock;
use super::{blocking, read, sync_folder, unusable};
use crate::context::Clock;
use crate::error::{Error, Result};
use crate::journal::{Entry, RunLog};

/// The file of a run that this process has open.
///
/// Steps that record at the same time share a write and an `fdatasync`: each adds its line to the queue, and whoever has
/// the file next writes all that wait. What thousands of steps that end together have to say is so on the disk at once.
#[derive(Debug)]
pub(super) struct FileLog {
    queue: Mutex<Queue>,
    open: Arc<Gate<Open>>,
}

/// Lines that are to be written next.
#[derive(Debug, Default)]
struct Queue {
    text: Vec<u8>,
    /// How many lines were ever added.
    lines: u64,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    whole: u64,
    /// How many lines of the queue were written.
    lines: u64,
    /// Why nothing can be appended any more. After a failed write or sync nobody can tell what is on the disk.
    broken: Option<Error>,
    _lock: Lock,
}

impl FileLog {
    /// Opens the file, makes it if need be, and cuts off a torn last line.
    pub(super) fn open(path: &Path, run: &str, lock: Lock) -> Result<(Vec<Entry>, Self)> {
        let cannot = |error: io::Error| unusable(path, "cannot be opened for writing", &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(cannot)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot)?;
        let content = read::parse(path, &bytes, Some(run))?;
        let whole = content.whole as u64;
        let mut open = Open { path: path.to_owned(), file, whole, lines: 0, broken: None, _lock: lock };
        if content.whole < bytes.len() {
            open.cut().map_err(cannot)?;
        }
        if content.header.is_none() {
            let header =
                Header { landfall_journal: VERSION, run: run.to_owned(), began: Clock::start().now() };
            open.append(&line(&header)?)?;
            path.parent().map_or(Ok(()), sync_folder).map_err(cannot)?;
        }
        Ok((content.entries, Self::of(open)))
    }

    fn of(open: Open) -> Self {
        Self { queue: Mutex::default(), open: Arc::new(Gate::new(open)) }
    }

    /// Adds a line and says which it is, from 1.
    fn add(&self, line: &[u8]) -> u64 {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.text.extend_from_slice(line);
        queue.lines += 1;
        queue.lines
    }

    /// What waits, and the number of its last line.
    fn take(&self) -> (Vec<u8>, u64) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut queue.text), queue.lines)
    }
}

/// A line as it is in the file, with its end.
fn line<L: Serialize>(line: &L) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)
        .map_err(|error| Error::internal("a record cannot be written").with_source(&error))?;
    text.push(b'\n');
    Ok(text)
}

impl Open {
    /// Writes whole lines and has them on the disk.
    fn append(&mut self, text: &[u8]) -> Result<()> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if let Err(error) = self.write(text) {
            // What a later process reads ends with the last line that is known to be whole.
            let _ = self.cut();
            let error = unusable(&self.path, "cannot be written", &error);
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.whole += text.len() as u64;
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.whole))?;
        self.file.write_all(text)?;
        self.file.sync_data()
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.whole)?;
        self.file.sync_data()
    }
}

#[async_trait]
impl RunLog for FileLog {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let number = self.add(&line(&Line::Record(entry.clone()))?);
        let mut open = Arc::clone(&self.open).lock_owned().await;
        if number <= open.lines {
            return Ok(()); // Somebody else wrote it, and it is on the disk.
        }
        let (text, last) = self.take();
        blocking(move || {
            open.append(&text)?;
            open.lines = last;
            Ok(())
        })
        .await
    }
}

#[cfg(all(test, target_os = "linux"))]
impl FileLog {
    /// A log whose writes fail because there is no room.
    #[expect(clippy::unwrap_used, reason = "a helper of tests")]
    pub(super) fn on_full_disk(lock: Lock) -> Self {
        let path = PathBuf::from("/dev/full");
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Self::of(Open { path, file, whole: 0, lines: 0, broken: None, _lock: lock })
    }
}
