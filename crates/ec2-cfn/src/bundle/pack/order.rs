//! What threads make and what waits for its turn: given out in order, within a bound of bytes.
//!
//! Room is reserved before something is made, for all that is held meanwhile, and what came of it counts until it is done
//! with. It is reserved in the order of the numbers: what everything else waits for has its room before what comes after it,
//! and need not go beyond the bound.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use landfall_core::{Error, Result};

/// Something that is kept by its size.
pub(super) trait Sized {
    /// The bytes that it holds.
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
    /// How many have room reserved: the number of the next that asks for it.
    reserved: u64,
    /// The number that is given out next.
    next: u64,
    held: BTreeMap<u64, T>,
    /// Bytes that are held, lent, or reserved for what is being made.
    bytes: usize,
    /// Bytes of what was given out last: it is still being written.
    lent: usize,
    /// There will be no more than have room reserved.
    ended: bool,
    failed: Option<Error>,
    closed: bool,
}

/// Held by a thread that puts in: who waits for it hears of its panic.
#[derive(Debug)]
pub(super) struct Alarm<'a, T: Sized>(&'a Ordered<T>);

impl<T: Sized> Drop for Alarm<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::internal("a thread that packs the bundle panicked"));
        }
    }
}

impl<T: Sized> Ordered<T> {
    /// For a thread that puts in.
    pub(super) fn alarm(&self) -> Alarm<'_, T> {
        Alarm(self)
    }

    /// A buffer of so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let state = State {
            reserved: 0,
            next: 0,
            held: BTreeMap::new(),
            bytes: 0,
            lent: 0,
            ended: false,
            failed: None,
            closed: false,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room for `bytes`, and answers the number of what is to be made: calls that wait at the same time have no
    /// order, so the caller lets one in at a time. What is larger than the bound has to be alone. None: nobody takes anything
    /// any more.
    pub(super) fn reserve(&self, bytes: usize) -> Option<u64> {
        let mut state = self.lock();
        while !state.is_over() && state.bytes > 0 && state.bytes.saturating_add(bytes) > self.limit {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over() {
            return None;
        }
        state.bytes += bytes;
        state.reserved += 1;
        Some(state.reserved - 1)
    }

    /// Puts in what room was reserved for. It is no larger than that.
    pub(super) fn put(&self, number: u64, reserved: usize, value: T) {
        let mut state = self.lock();
        state.bytes = (state.bytes + value.size()).saturating_sub(reserved);
        state.held.insert(number, value);
        self.arrived.notify_all();
        self.room.notify_all();
    }

    /// No more room will be reserved.
    pub(super) fn end(&self) {
        self.lock().ended = true;
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

    /// The next one in order; none at the end. Blocks. The caller has let go of the one before.
    pub(super) fn next(&self) -> Result<Option<T>> {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(std::mem::take(&mut state.lent));
        self.room.notify_all();
        loop {
            let number = state.next;
            if let Some(value) = state.held.remove(&number) {
                state.next += 1;
                state.lent = value.size();
                return Ok(Some(value));
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.ended && number == state.reserved {
                return Ok(None);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> State<T> {
    fn is_over(&self) -> bool {
        self.closed || self.failed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::yield_now;
    use std::time::Duration;

    use landfall_core::ErrorKind;

    use super::*;

    /// Bytes that are there at once, and the most of them.
    #[derive(Debug, Default)]
    struct Account {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    /// So many bytes, counted from when they come to be until they are dropped.
    #[derive(Debug)]
    struct Bytes(usize, Arc<Account>);

    impl Bytes {
        fn new(count: usize, account: &Arc<Account>) -> Self {
            let now = account.now.fetch_add(count, Ordering::SeqCst) + count;
            account.most.fetch_max(now, Ordering::SeqCst);
            Self(count, Arc::clone(account))
        }
    }

    impl Drop for Bytes {
        fn drop(&mut self) {
            self.1.now.fetch_sub(self.0, Ordering::SeqCst);
        }
    }

    impl Sized for (u64, Bytes) {
        fn size(&self) -> usize {
            self.1.0
        }
    }

    const LIMIT: usize = 1_000;
    const COUNT: u64 = 400;

    /// Sizes from 1 to 300, no two alike beside each other.
    fn size(number: u64) -> usize {
        (number * 7_919 % 300) as usize + 1
    }

    /// Makes numbers until there are enough: each from as many bytes as come of it.
    fn work(ordered: &Ordered<(u64, Bytes)>, turn: &Mutex<u64>, account: &Arc<Account>) {
        loop {
            let mut turn = turn.lock().unwrap();
            if *turn == COUNT {
                return ordered.end();
            }
            let reserved = 2 * size(*turn);
            let Some(number) = ordered.reserve(reserved) else { return };
            assert_eq!(number, *turn);
            *turn += 1;
            drop(turn);
            let read = Bytes::new(size(number), account);
            let made = Bytes::new(size(number), account);
            // Later numbers are done before this one.
            (0..20 - number % 20).for_each(|_| yield_now());
            drop(read);
            ordered.put(number, reserved, (number, made));
        }
    }

    #[test]
    fn what_is_held_at_once_stays_below_the_bound_when_all_is_made_faster_than_it_is_taken() {
        for threads in [1, 2, 16] {
            let (ordered, turn, account) = (Ordered::new(LIMIT), Mutex::new(0), Arc::new(Account::default()));
            let taken = std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| work(&ordered, &turn, &account));
                }
                let mut taken = Vec::new();
                while let Some((number, bytes)) = ordered.next().unwrap() {
                    // As slow as it takes for the buffer to be full.
                    (0..200).for_each(|_| yield_now());
                    taken.push(number);
                    drop(bytes);
                }
                taken
            });
            assert_eq!(taken, (0..COUNT).collect::<Vec<_>>());
            let most = account.most.load(Ordering::SeqCst);
            assert!(most <= LIMIT, "{most} bytes at once, by {threads} threads");
            assert!(most > LIMIT / 4, "{most} bytes at most: the buffer is not made use of");
        }
    }

    #[test]
    fn what_is_given_out_counts_until_the_next_is_asked_for() {
        let (ordered, account) = (Ordered::new(100), Arc::new(Account::default()));
        assert_eq!(ordered.reserve(60), Some(0));
        ordered.put(0, 60, (0, Bytes::new(40, &account)));
        let lent = ordered.next().unwrap();
        assert_eq!(ordered.lock().bytes, 40, "it is still being written");
        drop(lent);
        ordered.end();
        assert!(ordered.next().unwrap().is_none());
        assert_eq!(ordered.lock().bytes, 0);
    }

    #[test]
    fn who_waits_hears_of_a_thread_that_panics() {
        let ordered = Arc::new(Ordered::<(u64, Bytes)>::new(100));
        let shared = Arc::clone(&ordered);
        let worker = std::thread::spawn(move || {
            let _alarm = shared.alarm();
            assert_eq!(shared.reserve(10), None, "nothing is put in");
        });
        let error = ordered.next().unwrap_err();
        assert_eq!((error.kind(), ordered.reserve(10)), (ErrorKind::Internal, None));
        assert!(worker.join().is_err());
    }

    #[test]
    fn what_is_larger_than_the_bound_is_let_in_alone() {
        let (ordered, account) = (Ordered::new(100), Arc::new(Account::default()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..3 {
                    let number = ordered.reserve(1_000).unwrap();
                    ordered.put(number, 1_000, (number, Bytes::new(900, &account)));
                }
                ordered.end();
            });
            // Time for a second one that does not wait for its turn.
            let alone = |state: &mut State<_>| state.held.len() < 2;
            drop(ordered.arrived.wait_timeout_while(ordered.lock(), Duration::from_millis(20), alone));
            let mut count = 0;
            while ordered.next().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, 3);
        });
        assert_eq!(account.most.load(Ordering::SeqCst), 900);
    }
}
