//! A text, compressed and cut into pieces that fit into Secrets.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use landfall_core::{Error, Result};
use sha2::{Digest, Sha256};

/// Bytes of one piece before base64: a Secret holds 1 MiB
/// (<https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>), and a request to etcd 1.5 MiB.
const PIECE: usize = 700 * 1024;

/// As much as is unpacked: more than a cluster's manifests, less than a machine's memory.
const LARGEST: u64 = 512 * 1024 * 1024;

/// A text in pieces.
pub(super) struct Packed {
    /// Each behind base64; one at least.
    pub(super) parts: Vec<String>,
    /// Of the text.
    pub(super) sha256: String,
}

pub(super) fn pack(text: &str) -> Result<Packed> {
    let failed = |error: std::io::Error| Error::internal("the record cannot be packed").with_source(&error);
    let mut packing = GzEncoder::new(Vec::new(), Compression::default());
    packing.write_all(text.as_bytes()).map_err(failed)?;
    let packed = packing.finish().map_err(failed)?;
    let parts = packed.chunks(PIECE).map(|piece| STANDARD.encode(piece)).collect();
    Ok(Packed { parts, sha256: digest(text.as_bytes()) })
}

/// The text of pieces; none when it is not the one of this digest.
pub(super) fn unpack(parts: &[String], sha256: &str) -> Option<String> {
    let mut packed = Vec::new();
    for part in parts {
        packed.extend(STANDARD.decode(part).ok()?);
    }
    let mut text = Vec::new();
    GzDecoder::new(packed.as_slice()).take(LARGEST).read_to_end(&mut text).ok()?;
    if digest(&text) != sha256 {
        return None;
    }
    String::from_utf8(text).ok()
}

pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{pack, unpack};

    #[test]
    fn a_text_of_any_size_comes_back_and_a_changed_one_does_not() {
        // Numbers of a simple generator: what compresses well would fit into one piece.
        let mut state = 1_u32;
        let large: String = (0..2_000_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b' ' + (state >> 24) as u8 % 95)
            })
            .collect();
        for (text, pieces) in [("", 1), ("{\"a\":1.10}", 1), (large.as_str(), 3)] {
            let packed = pack(text).unwrap();
            assert_eq!(packed.parts.len(), pieces);
            assert!(packed.parts.iter().all(|part| part.len() < 1_000_000));
            assert_eq!(unpack(&packed.parts, &packed.sha256).as_deref(), Some(text));
            assert_eq!(unpack(&packed.parts, "0"), None);
            assert_eq!(unpack(&packed.parts[1..], &packed.sha256), None);
        }
    }
}
