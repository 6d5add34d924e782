//! The names that are asked for: who waits, what was answered last, and who goes into the next call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::ErrorKind;
use tokio::time::Instant;

use super::Found;

/// After so many refused calls of which no name turned out to be the reason, names are asked for one by one: the
/// server does not take several.
const BLIND: u32 = 3;

/// A name that nobody has asked for in this time is forgotten; well above the pauses of a wait.
const IDLE: Duration = Duration::from_secs(60);

/// No look comes sooner after another: the first pause of a wait.
const SHORTEST: Duration = Duration::from_secs(1);

/// Nor in so many of its own pauses, for waits whose pauses are long: a pause grows by half at most.
const GONE: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Line {
    places: HashMap<String, Place>,
    /// Calls that have begun and not ended.
    pub(super) under_way: usize,
    /// Refused calls since the last one for which a single name was found to be the reason.
    refused: u32,
}

/// What is known of one name.
#[derive(Debug)]
pub(super) struct Place {
    waiting: usize,
    /// When a look asked for it last.
    asked: Instant,
    /// When the call began whose answer was told last; at first, when the name was new.
    told: Instant,
    /// The number of that call.
    pub(super) told_number: u64,
    /// From one told answer to the next.
    interval: Duration,
    /// Answers of calls up to this number are out of date.
    pub(super) floor: u64,
    /// The call that asks for it now.
    pub(super) in_call: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    /// A call for it and others was refused, and none for it alone has been answered since.
    alone: bool,
}

/// How the last call that asked for a name ended.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) number: u64,
    pub(super) asked: Instant,
    pub(super) said: Said,
}

#[derive(Debug, Clone)]
pub(super) enum Said {
    Answer { json: Option<Arc<str>>, at: Option<Timestamp> },
    Failed(Failure),
}

impl Place {
    fn new(before: u64, now: Instant) -> Self {
        Self {
            waiting: 0,
            asked: now,
            told: now,
            told_number: before,
            interval: Duration::ZERO,
            floor: before,
            in_call: None,
            outcome: None,
            alone: false,
        }
    }

    /// The answer of the call with this number, that began at `asked`, is told.
    pub(super) fn tell(&mut self, number: u64, asked: Instant) {
        self.told_number = self.told_number.max(number);
        self.interval = asked.saturating_duration_since(self.told).max(SHORTEST);
        self.told = self.told.max(asked);
    }

    /// How long ago the call began whose answer was told last.
    pub(super) fn since_told(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.told)
    }

    fn waits_for_a_call(&self) -> bool {
        self.waiting > 0 && self.in_call.is_none()
    }

    /// How soon its next look is due; more is sooner.
    fn urgency(&self, now: Instant) -> f64 {
        if self.waiting > 0 {
            return f64::INFINITY;
        }
        // An answer that its owner has not come for yet counts as told.
        let kept = self.outcome.as_ref().map_or(self.told, |outcome| outcome.asked.max(self.told));
        now.saturating_duration_since(kept).as_secs_f64() / self.interval.max(SHORTEST).as_secs_f64()
    }

    fn is_idle(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(self.asked);
        self.waiting == 0 && self.in_call.is_none() && idle > IDLE.max(self.interval * GONE)
    }
}

impl Line {
    /// Somebody begins to wait for a name. `before` is the last call that has begun.
    pub(super) fn enter(&mut self, name: &str, before: u64, now: Instant) {
        let place = self.place(name, before, now);
        place.waiting += 1;
        place.asked = now;
    }

    /// Somebody does not wait any more.
    pub(super) fn exit(&mut self, name: &str) {
        if let Some(place) = self.places.get_mut(name) {
            place.waiting = place.waiting.saturating_sub(1);
        }
    }

    pub(super) fn place(&mut self, name: &str, before: u64, now: Instant) -> &mut Place {
        self.places.entry(name.to_owned()).or_insert_with(|| Place::new(before, now))
    }

    /// Calls that began up to the number `floor` say nothing about the name any more.
    pub(super) fn forget(&mut self, name: &str, floor: u64) {
        if let Some(place) = self.places.get_mut(name) {
            place.floor = floor;
        }
    }

    pub(super) fn leave(&mut self, name: &str) {
        if self.places.get(name).is_some_and(|place| place.waiting == 0) {
            self.places.remove(name);
        }
    }

    /// Whether a name is to be asked for without others.
    pub(super) fn is_alone(&self, name: &str) -> bool {
        self.refused >= BLIND || self.places.get(name).is_some_and(|place| place.alone)
    }

    /// How many names wait for a call to begin.
    pub(super) fn unserved(&self) -> usize {
        self.places.values().filter(|place| place.waits_for_a_call()).count()
    }

    /// Begins a call for `name`, and says which names are in it.
    pub(super) fn begin(&mut self, name: &str, number: u64, most: usize, now: Instant) -> Vec<String> {
        self.places.retain(|_, place| !place.is_idle(now));
        let mut names = vec![name.to_owned()];
        if !self.is_alone(name) {
            let others = self.places.iter();
            let others =
                others.filter(|(other, place)| *other != name && place.in_call.is_none() && !place.alone);
            let mut others: Vec<(f64, &String)> =
                others.map(|(other, place)| (place.urgency(now), other)).collect();
            others.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1)));
            names.extend(others.into_iter().take(most.saturating_sub(1)).map(|(_, other)| other.clone()));
        }
        self.under_way += 1;
        for name in &names {
            if let Some(place) = self.places.get_mut(name) {
                place.in_call = Some(number);
            }
        }
        names
    }

    /// The call has ended, or nobody waits for its end any more.
    pub(super) fn end(&mut self, names: &[String], number: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        for name in names {
            if let Some(place) = self.places.get_mut(name).filter(|place| place.in_call == Some(number)) {
                place.in_call = None;
            }
        }
    }

    /// Keeps what a call has given for each of its names.
    pub(super) fn keep(
        &mut self,
        names: &[String],
        number: u64,
        asked: Instant,
        made: &Result<Found, Failure>,
    ) {
        let several = names.len() > 1;
        let of_one = made.as_ref().is_err_and(may_be_of_one);
        if of_one && several {
            self.refused += 1;
        }
        for name in names {
            let Some(place) = self.places.get_mut(name) else { continue };
            if place.outcome.as_ref().is_some_and(|outcome| outcome.number > number) {
                continue;
            }
            let said = match made {
                Ok(found) => Said::Answer { json: found.of(name), at: found.at },
                Err(_) if of_one && several => {
                    place.alone = true;
                    continue;
                }
                Err(failure) => Said::Failed(failure.clone()),
            };
            if !several && place.alone {
                // Either it was not the reason, or now it is known to be.
                place.alone = of_one;
                self.refused = if of_one { 0 } else { self.refused };
            }
            place.outcome = Some(Outcome { number, asked, said });
        }
    }
}

/// Whether a refusal may be about one of the things that were asked for, and not about all of them.
fn may_be_of_one(failure: &Failure) -> bool {
    !matches!(
        failure.kind(),
        ErrorKind::Transient | ErrorKind::Throttled | ErrorKind::Auth | ErrorKind::Unsupported
    )
}
