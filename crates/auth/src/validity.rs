//! Until when credentials are good, and what to do when that is too short for a wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::LONGEST;
use crate::token::words;

/// Credentials are renewed this long before they end, at the most: the SDK's own.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// Until when credentials are good, renewals counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Validity {
    /// They have no end, or are renewed whenever it comes: a long-term key, a token that is fetched or replaced by itself.
    Lasting,
    /// Nobody said: a session token without a known end, the SDK's chain, a provider of the caller's own.
    Unknown,
    /// They end then, because what they are renewed with ends.
    Until(Timestamp),
}

impl Validity {
    /// Of a session that ends at `ends` and lasts `length`, and is renewed as long as `base` is good.
    pub(crate) fn renewed_with(base: Self, ends: Option<Timestamp>, length: SignedDuration) -> Self {
        let (Self::Until(base), Some(ends)) = (base, ends) else { return base };
        let step = length.saturating_sub(RENEWED_BEFORE).as_secs().max(1);
        let first = ends.saturating_sub(RENEWED_BEFORE).unwrap_or(ends);
        // Renewed at `first`, at `first + step` and so on, for the last time before `base`.
        let left = base.duration_since(first).as_secs();
        let renewals = if left > 0 { (left - 1) / step + 1 } else { 0 };
        let more = SignedDuration::from_secs(renewals.saturating_mul(step));
        Self::Until(ends.checked_add(more).unwrap_or(Timestamp::MAX))
    }

    /// Whether they are good until `at`; none when that is not known.
    #[must_use]
    pub fn covers(self, at: Timestamp) -> Option<bool> {
        match self {
            Self::Lasting => Some(true),
            Self::Unknown => None,
            Self::Until(end) => Some(end >= at),
        }
    }
}

/// What bounds credentials that end too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// When the identity token ends that sessions are renewed with, if it is one of a job's.
    pub(crate) token: Option<Timestamp>,
    /// The role whose session could be longer, if a longer one is possible.
    pub(crate) role: Option<String>,
}

/// What to tell when credentials that are good until `end` have to hold from `now` for `needed`.
pub(crate) fn too_short(end: Timestamp, now: Timestamp, needed: Duration, bounds: &Bounds) -> String {
    let needed = SignedDuration::try_from(needed).unwrap_or(SignedDuration::MAX);
    let left = end.duration_since(now);
    let mut fixes = Vec::new();
    if let Some(expires) = bounds.token {
        fixes.push(format!(
            "set `timeout:` in the job to more than {}, since a token of GitLab lives as long as its job's timeout (five \
             minutes without one) and cannot be renewed in it; this one ends at {expires}",
            words(needed)
        ));
    }
    if let Some(role) = &bounds.role
        && needed <= SignedDuration::from_secs(i64::from(LONGEST))
    {
        fixes.push(format!("raise the maximum session duration of {role} to {} or more", words(needed)));
    }
    fixes.push(format!("shorten --timeout: wait and undo together must fit into {}", words(left)));
    format!(
        "these credentials end at {end}, in {}, and the wait with an undo may take {}: what goes on after that would go on \
         unseen. Do one of these: {}",
        words(left),
        words(needed),
        fixes.join("; or ")
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Bounds, Validity, too_short};

    const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

    fn after(minutes: i64) -> Timestamp {
        NOW.checked_add(SignedDuration::from_mins(minutes)).unwrap()
    }

    #[test]
    fn a_session_is_good_for_one_length_more_than_the_last_renewal() {
        // (session ends, base ends) -> good until, with sessions of 15 minutes that are renewed 10 seconds early.
        for (ends, base, until) in [
            (15, 5, Duration::from_secs(15 * 60)),
            (15, 15, Duration::from_secs(15 * 60 + 890)),
            (15, 16, Duration::from_secs(15 * 60 + 890)),
            (15, 30, Duration::from_secs(15 * 60 + 2 * 890)),
            (60, 15, Duration::from_secs(60 * 60)),
        ] {
            let found = Validity::renewed_with(
                Validity::Until(after(base)),
                Some(after(ends)),
                SignedDuration::from_mins(15),
            );
            let until = NOW.checked_add(until).unwrap();
            assert_eq!(found, Validity::Until(until), "session {ends} min, base {base} min");
        }
    }

    #[test]
    fn what_is_renewed_for_ever_or_nobody_knows_stays_so() {
        let hour = SignedDuration::from_hours(1);
        for base in [Validity::Lasting, Validity::Unknown] {
            assert_eq!(Validity::renewed_with(base, Some(after(60)), hour), base);
        }
        assert_eq!(Validity::Lasting.covers(after(9_999)), Some(true));
        assert_eq!(Validity::Unknown.covers(after(1)), None);
        assert_eq!(Validity::Until(after(5)).covers(after(5)), Some(true));
        assert_eq!(Validity::Until(after(5)).covers(after(6)), Some(false));
    }

    #[test]
    fn a_token_that_never_ends_is_no_trouble() {
        let found = Validity::renewed_with(
            Validity::Until(Timestamp::MAX),
            Some(after(15)),
            SignedDuration::from_mins(15),
        );
        assert_eq!(found.covers(after(1_000_000)), Some(true));
        let odd = Validity::renewed_with(Validity::Until(after(60)), Some(after(1)), SignedDuration::ZERO);
        assert!(odd.covers(after(59)).unwrap());
    }

    #[test]
    fn only_fixes_that_help_are_named() {
        let needed = Duration::from_secs(2 * 3600);
        let told = |token: Option<Timestamp>, role: Option<&str>, needed: Duration| {
            let bounds = Bounds { token, role: role.map(str::to_owned) };
            too_short(after(60), NOW, needed, &bounds)
        };
        let all = told(Some(after(5)), Some("arn:role"), needed);
        for words in [
            "2026-01-01T01:00:00Z",
            "in 1 h 0 min",
            "`timeout:`",
            "2026-01-01T00:05:00Z",
            "arn:role to 2 h 0 min",
            "--timeout",
        ] {
            assert!(all.contains(words), "{words:?} is not in {all}");
        }
        let chained = told(None, None, needed);
        assert!(!chained.contains("`timeout:`") && !chained.contains("maximum session"), "{chained}");
        // No role's session is longer than twelve hours.
        let long = told(None, Some("arn:role"), Duration::from_secs(13 * 3600));
        assert!(!long.contains("maximum session"), "{long}");
    }
}
