//! Writes what the threads give, in order, as a file of the format.

use std::sync::Arc;

use landfall_core::Result;

use super::source::{Output, Piece, crc32_of_both};
use super::tree::{Kind, Tree};
use super::zip::{Method, Record, Records};
use crate::bundle::spec::Format;

/// Up to this size a file's packed content is held back until its size is known, so that it stands before it.
const HOLD: u64 = 4 * 1024 * 1024;

/// A gzip header without name and time, made on Unix: RFC 1952.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A writer of one of the formats.
#[derive(Debug)]
pub(super) struct Sink {
    tree: Arc<Tree>,
    format: Format,
    records: Records,
    /// The entry that is being written.
    open: Option<Open>,
    begun: bool,
    raw: u64,
    crc32: u32,
}

#[derive(Debug)]
struct Open {
    record: Record,
    held: Vec<Vec<u8>>,
}

impl Sink {
    pub(super) fn new(tree: Arc<Tree>, format: Format) -> Self {
        Self { tree, format, records: Records::default(), open: None, begun: false, raw: 0, crc32: 0 }
    }

    /// Writes the next output.
    pub(super) fn take(&mut self, output: Output, out: &mut Vec<u8>) -> Result<()> {
        match output {
            Output::Pieces(pieces) => pieces.into_iter().try_for_each(|piece| self.piece(piece, out)),
            Output::Block { packed, raw, crc32 } => {
                self.begin(out);
                self.crc32 = crc32_of_both(self.crc32, crc32, raw);
                self.raw += raw;
                out.extend_from_slice(&packed);
                Ok(())
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Tgz {
            out.extend_from_slice(&GZIP);
        }
    }

    /// Writes the end of the file.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.format {
            Format::Zip => self.records.finish(out),
            Format::Tar => {}
            Format::Tgz => {
                self.begin(out);
                out.extend_from_slice(&self.crc32.to_le_bytes());
                // "The size of the original input data modulo 2^32."
                out.extend_from_slice(&(self.raw as u32).to_le_bytes());
            }
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece, out: &mut Vec<u8>) -> Result<()> {
        let last = piece.last;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open(&piece, out),
        };
        let record = &mut open.record;
        if piece.raw > 0 && record.raw > 0 {
            record.crc32 = crc32_of_both(record.crc32, piece.crc32, piece.raw);
        } else if piece.raw > 0 {
            record.crc32 = piece.crc32;
        }
        record.raw += piece.raw;
        record.packed += piece.packed.len() as u64;
        if self.is_held(piece.entry, piece.method) {
            open.held.push(piece.packed);
        } else {
            self.records.content(&piece.packed, out);
        }
        if !last {
            self.open = Some(open);
            return Ok(());
        }
        self.tree.entries[piece.entry].check(open.record.crc32)?;
        if self.is_held(piece.entry, piece.method) {
            self.records.begin(&open.record, out);
            open.held.iter().for_each(|packed| self.records.content(packed, out));
        }
        self.records.end(&open.record, out);
        Ok(())
    }

    /// Small files are held until all is known; of large ones that are stored all is known beforehand.
    fn is_held(&self, entry: usize, method: Method) -> bool {
        method == Method::Deflated && self.tree.entries[entry].size() <= HOLD
            || method == Method::Stored && self.tree.entries[entry].size() <= super::source::PIECE
    }

    fn open(&mut self, piece: &Piece, out: &mut Vec<u8>) -> Open {
        let entry = &self.tree.entries[piece.entry];
        let name = match entry.kind {
            Kind::Folder => format!("{}/", entry.name),
            _ => entry.name.clone(),
        };
        let kind = match entry.kind {
            Kind::Folder => 0o040_000,
            Kind::Symlink { .. } => 0o120_000,
            Kind::File { .. } => 0o100_000,
        };
        let method = piece.method;
        let mut record =
            Record { name, mode: kind | entry.mode, method, crc32: 0, raw: 0, packed: 0, described: false };
        if !self.is_held(piece.entry, method) {
            record.described = method == Method::Deflated;
            // Only files are as large as that; what is counted piece by piece must come to the same.
            if let Kind::File { size, crc32 } = entry.kind {
                let known = Record { crc32, raw: size, packed: size, ..record.clone() };
                self.records.begin(&known, out);
            }
        }
        Open { record, held: Vec::new() }
    }
}
