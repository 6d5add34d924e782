//! The lines of a run's file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::Entry;

/// The version of the format that is written. What a reader of version 1 may not leave out makes it 2; members and
/// kinds of lines that it may pass over do not.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Version of the format.
    pub(super) landfall_journal: u32,
    /// The run's id.
    pub(super) run: String,
    /// When it was begun.
    pub(super) began: Timestamp,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub(super) enum Line {
    /// A recorded value.
    Record(Entry),
    /// Something that a later version wrote and that this one may pass over.
    #[serde(other)]
    Unknown,
}
