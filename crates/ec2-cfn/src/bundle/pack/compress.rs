//! Deflate: whole files by libdeflate, blocks of larger ones and of tar files by zlib-rs.

use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};
use landfall_core::{Error, Result};
use libdeflater::{CompressionLvl, Compressor};

/// How far deflate looks back.
pub(super) const WINDOW: usize = 32 * 1024;

/// What a [`Deflate`] holds for as long as there is one: libdeflate's tables, which have most at levels 2 to 9.
pub(super) const STATE: usize = 768 * 1024;

/// What is held while a block of so many bytes is compressed, beside those: zlib-rs's tables, and what comes out.
pub(super) const fn block_room(raw: usize) -> usize {
    512 * 1024 + most_of_block(raw)
}

/// The most that comes of a block: incompressible bytes grow by 5 bytes in 16 KiB, and the flush adds a few.
const fn most_of_block(raw: usize) -> usize {
    raw + raw / 1_000 + 64
}

/// Compresses with the state of one thread.
pub(super) struct Deflate {
    block: u32,
    whole: Compressor,
}

impl fmt::Debug for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflate").field("block", &self.block).finish_non_exhaustive()
    }
}

impl Deflate {
    /// Level 0 to 9, of libdeflate. Blocks take the level of zlib-rs that packs about as small.
    pub(super) fn new(level: u32) -> Self {
        let whole = i32::try_from(level).ok().and_then(|level| CompressionLvl::new(level).ok());
        let block = if level == 0 { 0 } else { (level + 4).min(9) };
        Self { block, whole: Compressor::new(whole.unwrap_or_default()) }
    }

    /// A raw deflate stream of all of a file, unless it has more than `most` bytes.
    pub(super) fn whole(&mut self, raw: &[u8], most: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; most];
        let length = self.whole.deflate_compress(raw, &mut out).ok()?;
        out.truncate(length);
        out.shrink_to_fit();
        Some(out)
    }

    /// One block of a raw deflate stream. `before` is what came before it in the stream; at least 32 KiB of it, if there
    /// is as much. A block that is not the last ends at a byte, so that the next one can be made without it.
    pub(super) fn block(&self, before: &[u8], raw: &[u8], last: bool) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::error::Error| Error::internal("deflate failed").with_source(error);
        // A new one each time: after a reset, what comes out depends on what was compressed before
        // (trifectatechfoundation/zlib-rs#459).
        let mut compress = Compress::new(Compression::new(self.block), false);
        let window = &before[before.len().saturating_sub(WINDOW)..];
        if !window.is_empty() {
            compress.set_dictionary(window).map_err(|error| failed(&error))?;
        }
        let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
        let mut out = Vec::with_capacity(most_of_block(raw.len()));
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
            let status =
                compress.compress_vec(&raw[read..], &mut out, flush).map_err(|error| failed(&error))?;
            let all_read = compress.total_in() == raw.len() as u64;
            if status == Status::StreamEnd || (!last && all_read && out.len() < out.capacity()) {
                out.shrink_to_fit();
                return Ok(out);
            }
            out.reserve(out.capacity().max(1_024));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and noise in turn.
    fn sample(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let words: Vec<Vec<u8>> = (0..2_000)
            .map(|_| {
                let letters = 2 + next() % 9;
                (0..letters).map(|_| b'a' + (next() % 26) as u8).collect()
            })
            .collect();
        let mut out = Vec::with_capacity(length + 1_000);
        while out.len() < length {
            if out.len() / 100_000 % 3 == 2 {
                out.extend((0..1_000).map(|_| next() as u8));
            } else {
                out.extend_from_slice(&words[(next() % 2_000) as usize]);
                out.push(b' ');
            }
        }
        out.truncate(length);
        out
    }

    #[test]
    fn what_a_thread_compressed_before_changes_nothing() {
        let samples: Vec<Vec<u8>> = (0..24).map(|number| sample(77 + number, 1 << 20)).collect();
        let mut used = Deflate::new(5);
        for raw in &samples {
            let (before, rest) = raw.split_at(WINDOW);
            let mut new = Deflate::new(5);
            let block = new.block(before, rest, false).unwrap();
            assert!(block == used.block(before, rest, false).unwrap(), "a block");
            assert!(new.whole(raw, raw.len()) == used.whole(raw, raw.len()), "a whole file");
            used.block(&[], &raw[..1 << 16], true).unwrap();
        }
    }

    #[test]
    fn what_is_larger_than_asked_for_is_not_made() {
        let raw = sample(5, 50_000);
        let length = Deflate::new(5).whole(&raw, raw.len()).unwrap().len();
        assert_eq!(Deflate::new(5).whole(&raw, length - 1), None);
        assert_eq!(Deflate::new(5).whole(&raw, length).map(|packed| packed.len()), Some(length));
    }
}
