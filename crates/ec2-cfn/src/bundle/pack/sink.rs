//! Writes what the threads give, in order, as a file of the format.

use std::sync::Arc;

use landfall_core::Result;

use super::Packed;
use super::cut::Written;
use super::source::{Output, Piece, crc32_of_both};
use super::tree::{Kind, Tree};
use super::zip::{Method, Record, Records};
use crate::bundle::spec::Format;

/// A gzip header without name and time, made on Unix: RFC 1952.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A writer of one of the formats.
#[derive(Debug)]
pub(super) struct Sink {
    tree: Arc<Tree>,
    format: Format,
    records: Records,
    /// The entry that is being written, as far as it is.
    open: Option<Record>,
    begun: bool,
    raw: u64,
    crc32: u32,
}

impl Sink {
    pub(super) fn new(tree: Arc<Tree>, format: Format) -> Self {
        let records = Records::new(tree.modified);
        Self { tree, format, records, open: None, begun: false, raw: 0, crc32: 0 }
    }

    /// Writes the next output.
    pub(super) fn take(&mut self, output: Output, out: &mut Written) -> Result<()> {
        match output {
            Output::Pieces(pieces) => pieces.into_iter().try_for_each(|piece| self.piece(piece, out)),
            Output::Block { packed, raw, crc32 } => {
                self.begin(out);
                self.crc32 = crc32_of_both(self.crc32, crc32, raw);
                self.raw += raw;
                out.push(packed);
                Ok(())
            }
        }
    }

    /// How much is written of how much there is, in bytes of the folder's files; for tar roughly, as it counts its own
    /// headers. `counted` spares counting the same entries again.
    pub(super) fn share(&self, counted: &mut Packed) -> (u64, u64) {
        let entries = &self.tree.entries;
        if self.format != Format::Zip {
            return (self.raw, self.tree.bytes + entries.len() as u64 * 2 * super::tar::BLOCK);
        }
        let whole = usize::try_from(self.records.count()).unwrap_or(usize::MAX);
        for entry in entries.iter().take(whole).skip(counted.entries) {
            counted.bytes += entry.size();
        }
        counted.entries = whole;
        let open = self.open.as_ref().map_or(0, |open| open.raw);
        (counted.bytes + open, self.tree.bytes)
    }

    fn begin(&mut self, out: &mut Written) {
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Tgz {
            out.push(GZIP.to_vec());
        }
    }

    /// Writes the end of the file.
    pub(super) fn finish(&mut self, out: &mut Written) {
        match self.format {
            Format::Zip => out.push(self.records.finish()),
            Format::Tar => {}
            Format::Tgz => {
                self.begin(out);
                // "The size of the original input data modulo 2^32."
                let length = self.raw as u32;
                out.push([self.crc32.to_le_bytes(), length.to_le_bytes()].concat());
            }
        }
    }

    fn piece(&mut self, piece: Piece, out: &mut Written) -> Result<()> {
        let mut record = match self.open.take() {
            Some(open) => open,
            None => self.open(&piece, out),
        };
        record.crc32 = match record.raw {
            0 => piece.crc32,
            _ => crc32_of_both(record.crc32, piece.crc32, piece.raw),
        };
        record.raw += piece.raw;
        record.packed += piece.packed.len() as u64;
        self.records.content(&piece.packed);
        out.push(piece.packed);
        if piece.last {
            self.tree.entries[piece.entry].check(record.crc32)?;
            let mut behind = Vec::new();
            self.records.end(&record, &mut behind);
            out.push(behind);
        } else {
            self.open = Some(record);
        }
        Ok(())
    }

    /// Writes what stands before an entry's content, and begins to count.
    fn open(&mut self, first: &Piece, out: &mut Written) -> Record {
        let entry = &self.tree.entries[first.entry];
        let name = match entry.kind {
            Kind::Folder => format!("{}/", entry.name),
            _ => entry.name.clone(),
        };
        let kind = match entry.kind {
            Kind::Folder => 0o040_000,
            Kind::Symlink { .. } => 0o120_000,
            Kind::File { .. } => 0o100_000,
        };
        let (mode, method) = (kind | entry.mode, first.method);
        let mut record = Record { name, mode, method, crc32: 0, raw: 0, packed: 0, described: false };
        let before = match entry.kind {
            // Of what comes in pieces all is known if it is stored, and else stands behind it.
            Kind::File { size, crc32 } if !first.last => {
                record.described = method == Method::Deflated;
                Record { crc32, raw: size, packed: size, ..record.clone() }
            }
            _ => {
                let packed = first.packed.len() as u64;
                Record { crc32: first.crc32, raw: first.raw, packed, ..record.clone() }
            }
        };
        let mut header = Vec::new();
        self.records.begin(&before, &mut header);
        out.push(header);
        record
    }
}
