//! How fast an upload goes, and how long the rest of it takes. Pure: times come from outside.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// The pace is taken from so many arrivals: as many as there are parts in flight at most, so that a slow start is soon
/// forgotten, and one quick part decides nothing.
const LAST: usize = 32;

/// The pace of what arrives.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    /// When something arrived, and how many bytes there were then. What the first one says is only where counting begins.
    seen: VecDeque<(Timestamp, u64)>,
}

impl Speed {
    /// Counts from now on, unless it counts already.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        if self.seen.is_empty() {
            self.seen.push_back((now, 0));
        }
    }

    /// So many bytes have arrived.
    pub(crate) fn arrived(&mut self, now: Timestamp, bytes: u64) {
        let before = self.seen.back().map_or(0, |(_, before)| *before);
        self.seen.push_back((now, before.saturating_add(bytes)));
        if self.seen.len() > LAST + 1 {
            self.seen.pop_front();
        }
    }

    /// Bytes a second at present; the longer nothing arrives, the fewer. None before anything has arrived, or within a
    /// millisecond.
    pub(crate) fn per_second(&self, now: Timestamp) -> Option<u64> {
        let ((began, first), (_, last)) = (self.seen.front()?, self.seen.back()?);
        let passed =
            u128::try_from(now.duration_since(*began).as_millis()).ok().filter(|passed| *passed > 0)?;
        let bytes = u128::from(last.saturating_sub(*first));
        u64::try_from(bytes * 1_000 / passed).ok().filter(|rate| *rate > 0)
    }
}

/// How long so many bytes take at this pace.
pub(crate) fn time_for(bytes: u64, per_second: u64) -> Duration {
    let milliseconds = u128::from(bytes) * 1_000 / u128::from(per_second.max(1));
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

/// The size of a whole archive of which `written` bytes hold `done` of the folder's `total` bytes: what is left is taken to
/// pack as what there was. None before anything is packed.
pub(crate) fn whole(written: u64, (done, total): (u64, u64)) -> Option<u64> {
    let estimate = (u128::from(written) * u128::from(total.max(done))).checked_div(u128::from(done))?;
    Some(u64::try_from(estimate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{LAST, Speed, time_for, whole};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(milliseconds)
    }

    #[test]
    fn the_pace_is_that_of_the_last_arrivals_and_falls_while_nothing_comes() {
        let mut speed = Speed::default();
        assert_eq!(speed.per_second(at(1_000)), None, "nothing was begun");
        speed.begin(at(0));
        assert_eq!(speed.per_second(at(1_000)), None, "nothing has come");
        speed.arrived(at(2_000), 8_000);
        speed.begin(at(2_000));
        assert_eq!(speed.per_second(at(2_000)), Some(4_000));
        assert_eq!(speed.per_second(at(8_000)), Some(1_000), "it stands still");
        // Ten times as fast from then on: the slow start is forgotten.
        for number in 1..=LAST as i64 {
            speed.arrived(at(2_000 + 200 * number), 8_000);
        }
        assert_eq!(speed.per_second(at(2_000 + 200 * LAST as i64)), Some(40_000));
    }

    #[test]
    fn no_time_and_a_clock_that_goes_back_are_no_pace() {
        let mut speed = Speed::default();
        speed.begin(at(1_000));
        speed.arrived(at(1_000), 5);
        assert_eq!((speed.per_second(at(1_000)), speed.per_second(at(0))), (None, None));
    }

    #[test]
    fn what_is_left_is_taken_to_pack_as_what_there_was() {
        assert_eq!(whole(0, (0, 100)), None);
        assert_eq!(whole(30, (100, 400)), Some(120));
        assert_eq!(whole(30, (100, 0)), Some(30), "more is done than there was said to be");
        assert_eq!(whole(u64::MAX, (1, u64::MAX)), Some(u64::MAX));
        assert_eq!(time_for(90, 1_000).as_millis(), 90);
        assert_eq!(time_for(0, 0).as_millis(), 0);
    }
}
