//! Where a server is known to differ from AWS, and why that is the server's mistake and not ours.

use super::Difference;

/// The recorded differences.
pub(crate) const DIFFERENCES: &[Difference] = &[];
