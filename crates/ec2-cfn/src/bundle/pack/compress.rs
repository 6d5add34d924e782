//! Deflate, block by block.

use flate2::{Compress, Compression, FlushCompress, Status};
use landfall_core::{Error, Result};

/// How far deflate looks back.
pub(super) const WINDOW: usize = 32 * 1024;

/// Compresses with the state of one thread.
#[derive(Debug)]
pub(super) struct Deflate {
    compress: Compress,
}

impl Deflate {
    pub(super) fn new(level: u32) -> Self {
        Self { compress: Compress::new(Compression::new(level), false) }
    }

    /// One block of a raw deflate stream. `before` is what came before it in the stream; at least 32 KiB of it, if there
    /// is as much. A block that is not the last ends at a byte, so that the next one can be made without it.
    pub(super) fn block(&mut self, before: &[u8], raw: &[u8], last: bool) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::error::Error| Error::internal("deflate failed").with_source(error);
        self.compress.reset();
        let window = &before[before.len().saturating_sub(WINDOW)..];
        if !window.is_empty() {
            self.compress.set_dictionary(window).map_err(|error| failed(&error))?;
        }
        let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
        // Incompressible bytes grow by 5 bytes in 16 KiB at most, and the flush adds a few.
        let mut out = Vec::with_capacity(raw.len() + raw.len() / 1_000 + 64);
        loop {
            let read = usize::try_from(self.compress.total_in()).unwrap_or(usize::MAX);
            let status =
                self.compress.compress_vec(&raw[read..], &mut out, flush).map_err(|error| failed(&error))?;
            let all_read = self.compress.total_in() == raw.len() as u64;
            if status == Status::StreamEnd || (!last && all_read && out.len() < out.capacity()) {
                return Ok(out);
            }
            out.reserve(out.capacity().max(1_024));
        }
    }
}
