//! What there is to pack, piece by piece in order, and the threads that take pieces and compress them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crc_fast::CrcAlgorithm;
use landfall_core::{Error, Result};

use super::How;
use super::compress::{Deflate, WINDOW, block_room};
use super::order::{self, Ordered};
use super::tar::{self, BLOCK};
use super::tree::{Entry, Kind, Tree, changed, unreadable};
use super::zip::Method;
use crate::bundle::spec::Format;

/// Up to this size a file is compressed as a whole: better and in less time than in pieces.
pub(super) const WHOLE: u64 = 8 * 1024 * 1024;
/// Larger files are packed in pieces of this size.
const PIECE: u64 = 1024 * 1024;
/// Small files are handed out together: so many bytes, or so many files.
const TOGETHER: (u64, usize) = (512 * 1024, 64);
/// What saves less than three hundredths is stored: unpacking it would cost more.
const WORTH: (u64, u64) = (97, 100);
/// How much of a large file is tried, in three places, to see whether it can be compressed.
const SAMPLE: u64 = 64 * 1024;

/// What a [`Piece`] takes beside its bytes.
const FORM: usize = size_of::<Piece>();
/// The most that a block of a tar file has: one that is nearly full takes another mebibyte of a file. Names of headers are
/// short against what is left over.
const TAR_BLOCK: usize = 2 * PIECE as usize + 64 * 1024;
/// What is held while it is compressed.
const TAR_ROOM: usize = WINDOW + TAR_BLOCK + block_room(TAR_BLOCK);

/// What a thread gives.
#[derive(Debug)]
pub(super) enum Output {
    /// Pieces of entries of a zip file.
    Pieces(Vec<Piece>),
    /// A block of a tar file, perhaps compressed, and the raw bytes' length and CRC-32.
    Block { packed: Vec<u8>, raw: u64, crc32: u32 },
}

/// A piece of an entry.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) entry: usize,
    pub(super) last: bool,
    pub(super) method: Method,
    pub(super) raw: u64,
    pub(super) crc32: u32,
    pub(super) packed: Vec<u8>,
}

impl order::Sized for Output {
    fn size(&self) -> usize {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.packed.capacity() + FORM).sum(),
            Self::Block { packed, .. } => packed.capacity(),
        }
    }
}

/// What a thread takes.
pub(super) struct Taken {
    number: u64,
    /// Bytes that are reserved for it.
    pub(super) room: usize,
    pub(super) work: Work,
}

/// What there is to do.
pub(super) enum Work {
    /// Entries and the piece of each.
    Pieces(Vec<(usize, u64)>),
    /// The next bytes of a tar file, those before them, and whether they are the last.
    Block { before: Vec<u8>, raw: Vec<u8>, last: bool },
}

/// What all threads share.
pub(super) struct Shared {
    tree: Arc<Tree>,
    how: How,
    queue: Mutex<Queue>,
    /// Of large files: whether they are stored.
    stored: Vec<OnceLock<bool>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("how", &self.how).finish_non_exhaustive()
    }
}

/// Where handing out has got to.
#[derive(Default)]
struct Queue {
    entry: usize,
    piece: u64,
    ended: bool,
    tar: TarReader,
}

impl Shared {
    pub(super) fn new(tree: Arc<Tree>, how: How) -> Self {
        let stored = tree.entries.iter().map(|_| OnceLock::new()).collect();
        Self { tree, how, queue: Mutex::default(), stored }
    }

    /// What each thread does: takes, compresses, gives, until there is nothing left or something fails.
    pub(super) fn work(&self, ordered: &Ordered<Output>) {
        let _alarm = ordered.alarm();
        let mut deflate = Deflate::new(self.how.level);
        loop {
            let Taken { number, room, work } = match self.take(ordered) {
                Ok(Some(taken)) => taken,
                Ok(None) => return,
                Err(error) => return ordered.fail(error),
            };
            match self.pack(work, &mut deflate) {
                Ok(output) => ordered.put(number, room, output),
                Err(error) => return ordered.fail(error),
            }
        }
    }

    /// The next work, with room for all that is held while it is done. None: there is no more, or nobody wants it.
    pub(super) fn take(&self, ordered: &Ordered<Output>) -> Result<Option<Taken>> {
        // Held while there is no room: room is reserved in order.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if self.how.format == Format::Zip {
            let Some(pieces) = self.next_pieces(&mut queue) else {
                ordered.end();
                return Ok(None);
            };
            let room = self.room(&pieces);
            return Ok(ordered.reserve(room).map(|number| Taken {
                number,
                room,
                work: Work::Pieces(pieces),
            }));
        }
        if queue.ended {
            ordered.end();
            return Ok(None);
        }
        let Some(number) = ordered.reserve(TAR_ROOM) else { return Ok(None) };
        let before = std::mem::take(&mut queue.tar.before);
        let (raw, last) = queue.tar.block(&self.tree)?;
        queue.ended = last;
        Ok(Some(Taken { number, room: TAR_ROOM, work: Work::Block { before, raw, last } }))
    }

    fn next_pieces(&self, queue: &mut Queue) -> Option<Vec<(usize, u64)>> {
        let (mut pieces, mut bytes) = (Vec::new(), 0);
        while let Some(entry) = self.tree.entries.get(queue.entry) {
            let size = entry.size();
            if size > WHOLE {
                if !pieces.is_empty() {
                    break;
                }
                let piece = (queue.entry, queue.piece);
                queue.piece += 1;
                if queue.piece * PIECE >= size {
                    (queue.entry, queue.piece) = (queue.entry + 1, 0);
                }
                return Some(vec![piece]);
            }
            // A file that is no small one goes by itself.
            if bytes + size > TOGETHER.0 && !pieces.is_empty() || pieces.len() >= TOGETHER.1 {
                break;
            }
            bytes += size;
            pieces.push((queue.entry, 0));
            queue.entry += 1;
        }
        (!pieces.is_empty()).then_some(pieces)
    }

    /// What is held at most while these are packed: what came of those before, what is read, and what comes of it.
    fn room(&self, pieces: &[(usize, u64)]) -> usize {
        let (mut made, mut read) = (0, 0);
        for (entry, _) in pieces {
            let size = self.tree.entries.get(*entry).map_or(0, Entry::size);
            if size > WHOLE {
                return FORM + WINDOW + PIECE as usize + block_room(PIECE as usize);
            }
            made += size as usize + FORM;
            read = read.max(size as usize);
        }
        made + read
    }

    pub(super) fn pack(&self, work: Work, deflate: &mut Deflate) -> Result<Output> {
        match work {
            Work::Pieces(pieces) => {
                let made: Result<Vec<Piece>> =
                    pieces.into_iter().map(|(entry, piece)| self.piece(entry, piece, deflate)).collect();
                made.map(Output::Pieces)
            }
            Work::Block { before, raw, last } => {
                let crc32 = crc32(&raw);
                let length = raw.len() as u64;
                let packed =
                    if self.how.format == Format::Tgz { deflate.block(&before, &raw, last)? } else { raw };
                Ok(Output::Block { packed, raw: length, crc32 })
            }
        }
    }

    fn piece(&self, index: usize, number: u64, deflate: &mut Deflate) -> Result<Piece> {
        let entry = &self.tree.entries[index];
        let whole = |packed: Vec<u8>, method, raw: &[u8]| Piece {
            entry: index,
            last: true,
            method,
            raw: raw.len() as u64,
            crc32: crc32(raw),
            packed,
        };
        let size = match &entry.kind {
            Kind::Folder => return Ok(whole(Vec::new(), Method::Stored, &[])),
            Kind::Symlink { target } => {
                return Ok(whole(target.clone().into_bytes(), Method::Stored, target.as_bytes()));
            }
            Kind::File { size, .. } => *size,
        };
        if size <= WHOLE {
            let raw = read(entry, 0, size)?;
            return Ok(match self.whole(&raw, deflate) {
                Some(packed) => whole(packed, Method::Deflated, &raw),
                None => {
                    let crc32 = crc32(&raw);
                    Piece { entry: index, last: true, method: Method::Stored, raw: size, crc32, packed: raw }
                }
            });
        }
        let offset = number * PIECE;
        let length = PIECE.min(size - offset);
        let last = offset + length == size;
        let piece = |method, crc32, packed| Piece { entry: index, last, method, raw: length, crc32, packed };
        if self.is_stored(index, size, deflate)? {
            let raw = read(entry, offset, length)?;
            return Ok(piece(Method::Stored, crc32(&raw), raw));
        }
        let before = offset.min(WINDOW as u64);
        let bytes = read(entry, offset - before, before + length)?;
        let (window, raw) = bytes.split_at(before as usize);
        Ok(piece(Method::Deflated, crc32(raw), deflate.block(window, raw, last)?))
    }

    /// A file compressed, if that is worth it.
    fn whole(&self, raw: &[u8], deflate: &mut Deflate) -> Option<Vec<u8>> {
        let most = (raw.len() as u64 * WORTH.0).div_ceil(WORTH.1).saturating_sub(1);
        if self.how.level == 0 || most == 0 { None } else { deflate.whole(raw, most as usize) }
    }

    /// Whether a large file is stored: decided once, by samples of its begin, its middle and its end.
    fn is_stored(&self, index: usize, size: u64, deflate: &Deflate) -> Result<bool> {
        if self.how.level == 0 {
            return Ok(true);
        }
        if let Some(known) = self.stored[index].get() {
            return Ok(*known);
        }
        let mut packed = 0;
        for at in [0, size / 2, size - SAMPLE] {
            let sample = read(&self.tree.entries[index], at.min(size - SAMPLE), SAMPLE)?;
            packed += deflate.block(&[], &sample, true)?.len() as u64;
        }
        Ok(*self.stored[index].get_or_init(|| !is_worth(packed, 3 * SAMPLE)))
    }
}

fn is_worth(packed: u64, raw: u64) -> bool {
    packed * WORTH.1 < raw * WORTH.0
}

pub(super) fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32
}

/// CRC-32 of two runs of bytes, one behind the other.
pub(super) fn crc32_of_both(first: u32, second: u32, second_length: u64) -> u32 {
    crc_fast::checksum_combine(CrcAlgorithm::Crc32IsoHdlc, first.into(), second.into(), second_length) as u32
}

/// A range of a file that still has the size that the tree has.
fn read(entry: &Entry, offset: u64, length: u64) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| unreadable(&entry.name, &error);
    let mut file = File::open(&entry.path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() != entry.size() {
        return Err(changed(&entry.name));
    }
    if offset > 0 {
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(changed(&entry.name)) }
}

/// Reads the entries as one tar file.
#[derive(Default)]
struct TarReader {
    entry: usize,
    /// The file that is being read, how much of it is left, and the CRC-32 of what was read.
    open: Option<(File, u64, u32)>,
    ended: bool,
    /// The end of what was read before.
    before: Vec<u8>,
}

impl TarReader {
    /// The next block, and whether it is the last.
    fn block(&mut self, tree: &Tree) -> Result<(Vec<u8>, bool)> {
        let mut raw = Vec::with_capacity(TAR_BLOCK);
        while raw.len() < PIECE as usize && !self.ended {
            match self.open.take() {
                Some(open) => self.go_on(open, tree, &mut raw)?,
                None => self.begin(tree, &mut raw)?,
            }
        }
        raw.shrink_to_fit();
        self.before = raw[raw.len().saturating_sub(WINDOW)..].to_vec();
        Ok((raw, self.ended))
    }

    fn begin(&mut self, tree: &Tree, raw: &mut Vec<u8>) -> Result<()> {
        let Some(entry) = tree.entries.get(self.entry) else {
            raw.resize(raw.len() + 2 * BLOCK as usize, 0);
            self.ended = true;
            return Ok(());
        };
        raw.extend(tar::header(entry, tree.modified)?);
        if let Kind::File { size, .. } = entry.kind {
            let failed = |error: std::io::Error| unreadable(&entry.name, &error);
            let file = File::open(&entry.path).map_err(failed)?;
            if file.metadata().map_err(failed)?.len() != size {
                return Err(changed(&entry.name));
            }
            self.open = Some((file, size, 0));
        } else {
            self.entry += 1;
        }
        Ok(())
    }

    fn go_on(
        &mut self,
        (mut file, left, crc): (File, u64, u32),
        tree: &Tree,
        raw: &mut Vec<u8>,
    ) -> Result<()> {
        let entry = &tree.entries[self.entry];
        let (begin, take) = (raw.len(), left.min(PIECE) as usize);
        raw.resize(begin + take, 0);
        file.read_exact(&mut raw[begin..]).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => changed(&entry.name),
            _ => unreadable(&entry.name, &error),
        })?;
        let crc = crc32_of_both(crc, crc32(&raw[begin..]), take as u64);
        let left = left - take as u64;
        if left > 0 {
            self.open = Some((file, left, crc));
            return Ok(());
        }
        entry.check(crc)?;
        raw.resize(raw.len() + tar::padding(entry.size()), 0);
        self.entry += 1;
        Ok(())
    }
}

impl Entry {
    /// Refuses content that is not the one the manifest is of.
    pub(super) fn check(&self, crc32: u32) -> Result<(), Error> {
        match self.kind {
            Kind::File { crc32: expected, .. } if expected != crc32 => Err(changed(&self.name)),
            _ => Ok(()),
        }
    }
}
