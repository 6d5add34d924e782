//! The records of a tar file, by the crate `tar`: owner 0, one time for all entries, as in zip files.

use jiff::Timestamp;
use landfall_core::{Error, Result};
use tar::{Builder, EntryType, Header};

use super::tree::{Entry, Kind};

/// Tar is written in blocks of so many bytes.
pub(super) const BLOCK: u64 = 512;

/// The header of an entry, with those before it that a long name needs.
pub(super) fn header(entry: &Entry, modified: Timestamp) -> Result<Vec<u8>> {
    let bad = |error: std::io::Error| {
        Error::invalid(format!("`{}` cannot be written to a tar file", entry.name)).with_source(&error)
    };
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(modified.as_second().unsigned_abs());
    header.set_size(0);
    // Nothing is read here: the builder writes headers alone, and content and padding follow.
    let mut builder = Builder::new(Vec::new());
    match &entry.kind {
        Kind::Folder => {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{}/", entry.name), std::io::empty()).map_err(bad)?;
        }
        Kind::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            builder.append_link(&mut header, &entry.name, target).map_err(bad)?;
        }
        Kind::File { size, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            builder.append_data(&mut header, &entry.name, std::io::empty()).map_err(bad)?;
        }
    }
    let written = builder.get_ref().clone();
    // Dropping the builder would write the end of a tar file, into a copy that nobody reads.
    drop(builder);
    Ok(written)
}

/// How many zeros follow a content of this size.
pub(super) fn padding(size: u64) -> usize {
    (size.next_multiple_of(BLOCK) - size) as usize
}
