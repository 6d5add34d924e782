//! A buffer that gives out in order what many threads put in as they finish it, and makes them wait when it is full.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use landfall_core::{Error, Result};

/// Something that is kept by its size.
pub(super) trait Sized {
    fn size(&self) -> usize;
}

/// The buffer.
#[derive(Debug)]
pub(super) struct Ordered<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    room: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct State<T> {
    /// The number that is given out next.
    next: u64,
    held: BTreeMap<u64, T>,
    /// Bytes that are held, or reserved for what is being made.
    bytes: usize,
    /// How many there will be, once that is known.
    total: Option<u64>,
    failed: Option<Error>,
    closed: bool,
}

impl<T: Sized> Ordered<T> {
    /// A buffer of so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let state =
            State { next: 0, held: BTreeMap::new(), bytes: 0, total: None, failed: None, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room for `bytes`. What is to be given out next never waits: everything else waits for it. False: nobody
    /// takes anything any more.
    pub(super) fn reserve(&self, number: u64, bytes: usize) -> bool {
        let mut state = self.lock();
        while !state.closed
            && state.failed.is_none()
            && number != state.next
            && state.bytes.saturating_add(bytes) > self.limit
        {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes += bytes;
        !state.closed && state.failed.is_none()
    }

    /// Puts in what room was reserved for.
    pub(super) fn put(&self, number: u64, reserved: usize, value: T) {
        let mut state = self.lock();
        state.bytes = (state.bytes + value.size()).saturating_sub(reserved);
        state.held.insert(number, value);
        self.arrived.notify_all();
        self.room.notify_all();
    }

    /// There is no number from `total` on.
    pub(super) fn end(&self, total: u64) {
        self.lock().total = Some(total);
        self.arrived.notify_all();
    }

    /// Nothing more will come.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failed.get_or_insert(error);
        self.arrived.notify_all();
        self.room.notify_all();
    }

    /// Nobody takes anything any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    /// The next one in order; none at the end. Blocks.
    pub(super) fn next(&self) -> Result<Option<T>> {
        let mut state = self.lock();
        loop {
            let number = state.next;
            if let Some(value) = state.held.remove(&number) {
                state.next += 1;
                state.bytes = state.bytes.saturating_sub(value.size());
                self.room.notify_all();
                return Ok(Some(value));
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.total == Some(number) {
                return Ok(None);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
