//! From what is written to parts: the bytes are copied once, into buffers of the size of a part that are used again.
//!
//! A buffer that grows has up to twice the size of a part, and what the allocator is given back by other threads it keeps:
//! both together took more memory than the parts themselves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// What is written and not yet in a part. Nothing is copied here.
#[derive(Debug, Default)]
pub(super) struct Written {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first is in a part.
    cut: usize,
    length: usize,
}

impl Written {
    /// Puts bytes behind what is there.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        self.length += bytes.len();
        if !bytes.is_empty() {
            self.chunks.push_back(bytes);
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Moves as much as there is, or as fits, into the buffer.
    fn fill(&mut self, buffer: &mut Vec<u8>, size: usize) {
        while let Some(first) = self.chunks.front() {
            let rest = &first[self.cut..];
            let taken = rest.len().min(size - buffer.len());
            buffer.extend_from_slice(&rest[..taken]);
            self.length -= taken;
            if taken < rest.len() {
                self.cut += taken;
                return;
            }
            self.chunks.pop_front();
            self.cut = 0;
        }
    }
}

/// The buffers that are not in use, for as many as are in use at once.
#[derive(Debug)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
    size: usize,
    most: usize,
}

impl Buffers {
    /// Buffers of this size; no more are kept than are needed at once.
    pub(super) fn new(size: usize, most: usize) -> Self {
        Self { free: Mutex::default(), size, most }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty one.
    pub(super) fn take(self: &Arc<Self>) -> Buffer {
        let free = self.lock().pop();
        let bytes = free.unwrap_or_else(|| {
            let mut bytes = Vec::new();
            // Where there is no room for a whole part there may be for what the archive has.
            let _ = bytes.try_reserve_exact(self.size);
            bytes
        });
        Buffer { bytes, home: Arc::clone(self) }
    }
}

/// A part's bytes. Goes back when the last of those who send it has let go.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Buffers>,
}

impl Buffer {
    /// Takes as much of what is written as fits. True: it is full.
    pub(super) fn fill(&mut self, written: &mut Written) -> bool {
        written.fill(&mut self.bytes, self.home.size);
        self.bytes.len() >= self.home.size
    }

    /// The bytes, to be shared; none if there are none.
    pub(super) fn done(self) -> Option<Bytes> {
        (!self.bytes.is_empty()).then(|| Bytes::from_owner(self))
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut free = self.home.lock();
        if free.len() < self.home.most {
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn parts_are_cut_anywhere_and_take_no_more_memory_than_those_that_are_in_use_at_once() {
        let (size, at_once) = (1_000, 3);
        let buffers = Arc::new(Buffers::new(size, at_once));
        let chunk = |number: usize| vec![number as u8; (number * 397 + 600) % 2_500];
        let (mut written, mut expected) = (Written::default(), Vec::new());
        let (mut out, mut sending, mut seen) = (Vec::new(), VecDeque::new(), BTreeSet::new());
        let mut number = 0;
        while number < 60 || !written.is_empty() {
            let mut buffer = buffers.take();
            while !buffer.fill(&mut written) && number < 60 {
                expected.extend(chunk(number));
                written.push(chunk(number));
                number += 1;
            }
            assert!(buffer.bytes.capacity() == size, "a part of {} bytes", buffer.bytes.capacity());
            let part = buffer.done().unwrap();
            seen.insert(part.as_ptr() as usize);
            out.extend_from_slice(&part);
            sending.push_back(part);
            if sending.len() == at_once {
                sending.pop_front();
            }
        }
        assert!(out == expected);
        assert_eq!(written.len(), 0);
        assert_eq!(seen.len(), at_once, "buffers for {} parts", out.len().div_ceil(size));
    }

    #[test]
    fn no_more_buffers_are_kept_than_are_needed_at_once() {
        let buffers = Arc::new(Buffers::new(10, 2));
        let taken: Vec<Buffer> = (0..5).map(|_| buffers.take()).collect();
        drop(taken);
        assert_eq!(buffers.lock().len(), 2);
        assert!(buffers.take().done().is_none(), "there is nothing in it");
    }
}
