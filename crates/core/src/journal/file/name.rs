//! File names for run ids and resources.

use sha2::{Digest, Sha256};

/// Most bytes of the readable part: with digest and ending it stays far below the 255 that file systems allow.
const READABLE: usize = 100;

/// A file name for a run's id.
pub(super) fn of(id: &str) -> String {
    of_parts(id, id)
}

/// What can be read of `readable`, and a digest of `whole`. The digest also keeps names apart that differ in case only,
/// which some file systems do not tell from each other.
pub(super) fn of_parts(readable: &str, whole: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let readable: String = readable.chars().map(plain).take(READABLE).collect();
    let digest = Sha256::digest(whole.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{digest}", readable.trim_matches('-'))
}
