//! Packing: from a folder to the parts of an archive. Knows nothing of AWS.
//!
//! [`Tree::read`] walks the folder and hashes what is in it: that is the *manifest*, the same for the same content
//! whatever the time of the checkout. [`Packing::start`] makes the archive of it: threads compress, [`order`] puts what
//! they give into its order within a bound of memory, a [`sink`] writes the format, and [`Packing::next_part`] [`cut`]s it
//! into parts. The bytes depend on the content and the options only: not on the number of threads, on times or on the umask.
//!
//! In a zip file, files up to 8 MiB are compressed as a whole. Larger ones, and tar files, are compressed in blocks of a
//! mebibyte, each with the 32 KiB before it as its dictionary, so that one large file keeps all threads at work and none is
//! ever in memory as a whole.
//!
//! Memory is bounded whatever there is to pack and however slowly it is sent: [`HELD`] by the threads and what waits for its
//! turn, [`SENT`] by parts, which whoever sends them keeps to with [`parts_at_once`].

mod appspec;
mod compress;
mod cut;
mod order;
mod sink;
mod source;
mod tar;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod tree;
mod walk;
mod yaml;
mod zip;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use landfall_core::Result;

use cut::{Buffers, Written};
use order::Ordered;
use sink::Sink;
use source::Output;

pub(crate) use tree::Tree;

use super::spec::Format;

/// A mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// The version of what is packed how: a part of the manifest, so that an archive of another version has another key.
pub(crate) const PACKER: u32 = 2;

/// Bytes at most that the threads hold: their tables, what they read, what they make of it, and what waits for its turn.
const HELD: usize = 64 * 1024 * 1024;
/// More threads would have more than half of that for their tables, and pack faster than any line sends.
const MOST_THREADS: usize = 32;

/// Bytes of parts at most that there are at once, and parts. One part there always is.
const SENT: u64 = 128 * MIB;
const MOST_AT_ONCE: usize = 32;

/// How many parts of a size there may be at once: the one that is packed and those that are sent.
pub(crate) fn parts_at_once(part_size: u64) -> usize {
    usize::try_from(SENT / part_size).unwrap_or(1).clamp(1, MOST_AT_ONCE)
}

/// How to pack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) format: Format,
    pub(crate) level: u32,
    pub(crate) threads: Option<NonZero<usize>>,
    pub(crate) part_size: u64,
}

/// A part of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    /// CRC-64/NVME.
    pub(crate) checksum: u64,
}

/// An archive that is being made. Dropping it ends its threads.
#[derive(Debug)]
pub(crate) struct Packing {
    ordered: Arc<Ordered<Output>>,
    threads: Vec<JoinHandle<()>>,
    sink: Sink,
    written: Written,
    buffers: Arc<Buffers>,
    ended: bool,
}

/// Entries of the folder that are in what was packed so far, and their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Packed {
    entries: usize,
    bytes: u64,
}

impl Packing {
    /// How much of the folder's bytes has been packed, and how many there are: for estimates.
    pub(crate) fn share(&self, counted: &mut Packed) -> (u64, u64) {
        self.sink.share(counted)
    }

    /// Bytes that are packed and not yet cut into a part.
    pub(crate) fn uncut(&self) -> u64 {
        self.written.len() as u64
    }

    /// Begins to pack.
    pub(crate) fn start(tree: Arc<Tree>, how: How) -> Self {
        let count = how.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
        let count = count.min(MOST_THREADS);
        let ordered = Arc::new(Ordered::new(HELD - count * compress::STATE));
        let shared = Arc::new(source::Shared::new(Arc::clone(&tree), how));
        let part_size = usize::try_from(how.part_size).unwrap_or(usize::MAX);
        let worker = || {
            let (shared, ordered) = (Arc::clone(&shared), Arc::clone(&ordered));
            std::thread::spawn(move || shared.work(&ordered))
        };
        Self {
            threads: (0..count).map(|_| worker()).collect(),
            ordered,
            sink: Sink::new(tree, how.format),
            written: Written::default(),
            buffers: Arc::new(Buffers::new(part_size, parts_at_once(how.part_size))),
            ended: false,
        }
    }

    /// The next part: all but the last are as long as asked for. None at the end. Blocks.
    ///
    /// # Errors
    /// A file cannot be read, or is another one than when the tree was read.
    pub(crate) fn next_part(&mut self) -> Result<Option<Part>> {
        if self.ended && self.written.is_empty() {
            return Ok(None);
        }
        let mut buffer = self.buffers.take();
        while !buffer.fill(&mut self.written) && !self.ended {
            match self.ordered.next()? {
                Some(output) => self.sink.take(output, &mut self.written)?,
                None => {
                    self.sink.finish(&mut self.written);
                    self.ended = true;
                }
            }
        }
        let Some(bytes) = buffer.done() else { return Ok(None) };
        let checksum = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &bytes);
        Ok(Some(Part { bytes, checksum }))
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.ordered.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has told its failure through the buffer.
            let _ = thread.join();
        }
    }
}
