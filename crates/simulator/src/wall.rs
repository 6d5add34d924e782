//! The one file that reads the wall clock.
//!
//! Programs that talk to a served simulator sign with the wall clock, so a served simulator must show it too.

use jiff::Timestamp;

/// The wall clock's time.
#[expect(
    clippy::disallowed_methods,
    reason = "SDK clients outside this process sign with the wall clock; this is the one place that reads it"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
