//! How long a session is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// The shortest session that STS gives, and the longest; a role's own maximum is at least an hour:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html#id_roles_update-session-duration>.
const SHORTEST: u64 = 900;
const LONGEST: u64 = 43_200;
const OF_ANY_ROLE: i32 = 3_600;

/// What is tried when a length is refused: the maximums that IAM's console offers (1, 2, 4, 8 and 12 hours). STS does not
/// say what a role's maximum is.
const OFFERED: [i32; 4] = [28_800, 14_400, 7_200, OF_ANY_ROLE];

/// Between signing in and the first call, and past the deadline: one look that hangs takes 30 seconds, a retried call
/// most of a minute, and credentials are renewed some seconds before they end.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// `DurationSeconds` of the sessions of one provider.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    /// Not sent: STS gives an hour.
    Default,
    /// As somebody wants it; a role that does not allow it is an error.
    Exactly(i32),
    /// What a wait takes, or less when the role does not allow it. Shared, so that a role is found out about once.
    Wished(Arc<AtomicI32>),
}

impl Length {
    /// Of the settings: a length wins over a time that the credentials have to hold.
    pub(crate) fn of(duration: Option<Duration>, lasting: Option<Duration>) -> Self {
        match (duration, lasting) {
            (Some(exact), _) => Self::Exactly(i32::try_from(exact.as_secs()).unwrap_or(i32::MAX)),
            (None, Some(lasting)) => {
                let wished = lasting.saturating_add(MARGIN).as_secs().clamp(SHORTEST, LONGEST);
                Self::Wished(Arc::new(AtomicI32::new(i32::try_from(wished).unwrap_or(OF_ANY_ROLE))))
            }
            (None, None) => Self::Default,
        }
    }

    /// The same wish, for another role.
    pub(crate) fn anew(&self) -> Self {
        match self {
            Self::Wished(seconds) => Self::Wished(Arc::new(AtomicI32::new(seconds.load(Ordering::Relaxed)))),
            other => other.clone(),
        }
    }

    pub(crate) fn seconds(&self) -> Option<i32> {
        match self {
            Self::Default => None,
            Self::Exactly(seconds) => Some(*seconds),
            Self::Wished(seconds) => Some(seconds.load(Ordering::Relaxed)),
        }
    }

    /// What to ask for after `refused` seconds were too many, from now on; none when there is nothing shorter to try, since
    /// every role allows an hour.
    pub(crate) fn shorten(&self, refused: i32) -> Option<i32> {
        let Self::Wished(seconds) = self else { return None };
        let shorter = OFFERED.into_iter().find(|offered| *offered < refused)?;
        seconds.store(shorter, Ordering::Relaxed);
        Some(shorter)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Length;

    #[test]
    fn what_a_wait_takes_is_asked_for_within_the_bounds_of_sts() {
        let seconds = |minutes: u64| Length::of(None, Some(Duration::from_secs(minutes * 60))).seconds();
        for (minutes, asked) in
            [(0, 900), (10, 900), (45, 3_000), (120, 7_500), (716, 43_200), (1_440, 43_200)]
        {
            assert_eq!(seconds(minutes), Some(asked), "{minutes} min");
        }
        assert_eq!(Length::of(None, None).seconds(), None);
    }

    #[test]
    fn a_wish_is_shortened_to_what_every_role_allows_and_a_demand_is_not() {
        let wish = Length::of(None, Some(Duration::from_secs(7_200)));
        let other = wish.anew();
        assert_eq!((wish.shorten(7_500), wish.seconds()), (Some(7_200), Some(7_200)));
        assert_eq!((wish.shorten(7_200), wish.seconds()), (Some(3_600), Some(3_600)));
        assert_eq!(other.seconds(), Some(7_500), "another role may allow more");
        assert_eq!(wish.shorten(3_600), None);
        let demand = Length::of(Some(Duration::from_secs(7_200)), Some(Duration::from_secs(60)));
        assert_eq!((demand.seconds(), demand.shorten(7_200)), (Some(7_200), None));
    }
}
