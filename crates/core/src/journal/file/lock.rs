//! Locks that end with their process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::journal::Holder;

/// A process that only asks who holds a lock has it for an instant itself, so a second look decides.
const TRIES: u32 = 3;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(15);

/// A lock that is held. The file stays when it is given free: to remove it would let a third process lock a file that
/// a second one still waits for.
#[derive(Debug)]
pub(super) struct Lock(File);

/// Whether a lock could be taken.
pub(super) enum Locked {
    /// This process has it now.
    Here(Lock),
    /// Somebody has it; who, if that can be read.
    Elsewhere(Option<Holder>),
}

impl Lock {
    /// Takes the lock, if nobody has it, and writes down who does.
    pub(super) fn take(path: &Path, holder: &Holder) -> io::Result<Locked> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        for tries in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES => pause(),
                Err(TryLockError::WouldBlock) => return Ok(Locked::Elsewhere(read(&mut file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        file.set_len(0)?;
        serde_json::to_writer(&mut file, holder)?;
        file.flush()?;
        Ok(Locked::Here(Self(file)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock itself ends with the file; who had it is of no interest any more.
        let _ = self.0.set_len(0);
    }
}

/// Who holds a lock; nobody when it is free.
pub(super) fn holder(path: &Path) -> Option<Holder> {
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&mut file),
        _ => None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "runs on a thread for blocking work, where tokio's time does not pass"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
