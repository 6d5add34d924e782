//! Where the bytes of objects are: small ones in memory, larger ones in one temporary file that has no name.
//!
//! A test or a benchmark may upload gigabytes, and the simulator runs inside the very process whose memory is measured.
//! Keeping only digests would be smaller still, but then GetObject could not give back what was sent, and nobody could
//! check what the simulator makes of parts. Space of deleted objects is not used again: the file ends with the simulator.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Pieces that are no longer than this stay in memory.
const IN_MEMORY: usize = 1024 * 1024;

/// The bytes of an object or a part, as pieces in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blob {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Memory(Bytes),
    Spooled { at: u64, length: u64 },
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Spooled { length, .. } => *length,
        }
    }
}

impl Blob {
    /// How many bytes it has.
    pub(crate) fn length(&self) -> u64 {
        self.pieces.iter().map(Piece::length).sum()
    }

    /// One behind the other; nothing is copied.
    pub(crate) fn joined<'a>(blobs: impl Iterator<Item = &'a Blob>) -> Self {
        Self { pieces: blobs.flat_map(|blob| blob.pieces.iter().cloned()).collect() }
    }
}

/// The temporary file, made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<File>,
    end: u64,
}

impl Spool {
    /// Keeps bytes.
    pub(crate) fn keep(&mut self, bytes: Bytes) -> io::Result<Blob> {
        if bytes.len() <= IN_MEMORY {
            return Ok(Blob { pieces: vec![Piece::Memory(bytes)] });
        }
        let at = self.end;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        Ok(Blob { pieces: vec![Piece::Spooled { at, length: bytes.len() as u64 }] })
    }

    /// Reads a range of a blob; what lies behind its end is left out.
    pub(crate) fn read(&mut self, blob: &Blob, range: Range<u64>) -> io::Result<Bytes> {
        let mut out = BytesMut::new();
        let mut start = 0;
        for piece in &blob.pieces {
            let (from, to) = (range.start.max(start), range.end.min(start + piece.length()));
            if from < to {
                let (from, length) = (from - start, to - from);
                match piece {
                    Piece::Memory(bytes) => out.extend_from_slice(&bytes[from as usize..][..length as usize]),
                    Piece::Spooled { at, .. } => self.copy(at + from, length, &mut out)?,
                }
            }
            start += piece.length();
        }
        Ok(out.freeze())
    }

    fn copy(&mut self, at: u64, length: u64, out: &mut BytesMut) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(at))?;
        let begin = out.len();
        out.resize(begin + length as usize, 0);
        file.read_exact(&mut out[begin..])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn what_is_kept_in_memory_and_on_disk_reads_as_one() {
        let mut spool = Spool::default();
        let (small, large) = (vec![7; 10], (0..3_000_000_u32).map(|n| n as u8).collect::<Vec<u8>>());
        let blobs = [spool.keep(small.clone().into()).unwrap(), spool.keep(large.clone().into()).unwrap()];
        let blob = Blob::joined(blobs.iter());
        let whole = [small, large].concat();
        assert_eq!(blob.length(), whole.len() as u64);
        assert_eq!(spool.read(&blob, 0..u64::MAX).unwrap(), whole);
        assert_eq!(spool.read(&blob, 5..1_000_005).unwrap(), whole[5..1_000_005]);
        assert_eq!(spool.read(&blob, 2_000_000..2_000_001).unwrap(), whole[2_000_000..2_000_001]);
    }
}
