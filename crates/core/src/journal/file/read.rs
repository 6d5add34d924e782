//! Reads a run's file. A line that was torn when its writer died can only be the last one: what was written before is
//! on the disk before anything is written after it.

use std::fs;
use std::io;
use std::path::Path;

use super::line::{Header, Line, VERSION};
use super::{lock, lock_of, unusable};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Entry, History};

/// What a file holds.
pub(super) struct Content {
    /// None when not even the first line was written to its end.
    pub(super) header: Option<Header>,
    pub(super) entries: Vec<Entry>,
    /// How many bytes of it hold whole lines; what follows is torn.
    pub(super) whole: usize,
}

/// The history in a file; nothing when there is no such file, or its first line was never written.
pub(super) fn history(path: &Path, run: Option<&str>) -> Result<Option<History>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, "cannot be read", &error)),
    };
    let content = parse(path, &bytes, run)?;
    let entries = content.entries;
    Ok(content.header.map(|header| History {
        run: header.run,
        began: header.began,
        entries,
        holder: lock::holder(&lock_of(path)),
    }))
}

/// Takes the lines apart.
pub(super) fn parse(path: &Path, bytes: &[u8], run: Option<&str>) -> Result<Content> {
    let mut content = Content { header: None, entries: Vec::new(), whole: 0 };
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        let is_last = number == lines.len();
        // Without its end it was not on the disk when its writer died; a power cut may leave holes in it as well.
        let torn = is_last && (!line.ends_with(b"\n") || !is_json(line));
        if torn {
            break;
        }
        match &content.header {
            None => content.header = Some(header(path, line, run)?),
            Some(_) => match serde_json::from_slice(line) {
                Ok(Line::Record(entry)) => content.entries.push(entry),
                Ok(Line::Unknown) => {}
                Err(error) => return Err(broken(path, number, &error)),
            },
        }
        content.whole += line.len();
    }
    Ok(content)
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn header(path: &Path, line: &[u8], run: Option<&str>) -> Result<Header> {
    #[derive(serde::Deserialize)]
    struct Format {
        landfall_journal: u32,
    }
    let format: Format = serde_json::from_slice(line).map_err(|error| broken(path, 1, &error))?;
    if format.landfall_journal > VERSION {
        let found = format.landfall_journal;
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{} is of journal format {found}; this landfall reads up to {VERSION}", path.display()),
        )
        .with_hint("finish this run with the newer landfall that began it, or begin a new run id"));
    }
    let header: Header = serde_json::from_slice(line).map_err(|error| broken(path, 1, &error))?;
    if let Some(run) = run.filter(|run| *run != header.run) {
        return Err(Error::invalid(format!(
            "{} should hold run {run}, and holds run {}",
            path.display(),
            header.run
        ))
        .with_hint("the file was renamed or copied: put it back, or begin a new run id"));
    }
    Ok(header)
}

/// A line that cannot be understood, and is not the last one.
fn broken(path: &Path, number: usize, error: &serde_json::Error) -> Error {
    Error::invalid(format!("line {number} of {} cannot be read", path.display())).with_source(error).with_hint(
        "the file was changed or its disk has failed: put back a copy of it, or move it away and run again; landfall \
         then looks in AWS for what this run has done",
    )
}
