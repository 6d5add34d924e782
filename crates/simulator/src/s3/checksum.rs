//! The checksums of S3: what a request claims, what its bytes have, and what a multipart object has as a whole.
//!
//! "Checking object integrity in Amazon S3", user guide: CRC64NVME is always of the full object, SHA-1 and SHA-256 of a
//! multipart object are composite, CRC32 and CRC32C may be either.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};

/// An algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// A checksum as requests and answers carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    /// Base64; of a composite one with `-` and the number of parts behind it.
    pub(crate) text: String,
}

/// The five checksum fields that inputs and outputs share, as pairs.
macro_rules! claimed {
    ($input:expr) => {
        $crate::s3::checksum::present([
            (Algorithm::Crc32, $input.checksum_crc32.clone()),
            (Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            (Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            (Algorithm::Sha1, $input.checksum_sha1.clone()),
            (Algorithm::Sha256, $input.checksum_sha256.clone()),
        ])
    };
}

/// Writes a checksum into the field of its algorithm.
macro_rules! show {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let text = Some(checksum.text.clone());
            match checksum.algorithm {
                Algorithm::Crc32 => $output.checksum_crc32 = text,
                Algorithm::Crc32c => $output.checksum_crc32c = text,
                Algorithm::Crc64Nvme => $output.checksum_crc64nvme = text,
                Algorithm::Sha1 => $output.checksum_sha1 = text,
                Algorithm::Sha256 => $output.checksum_sha256 = text,
            }
        }
    };
}

pub(crate) use {claimed, show};

/// Those that are there.
pub(crate) fn present(fields: [(Algorithm, Option<String>); 5]) -> Vec<Checksum> {
    let with_text =
        |(algorithm, text): (Algorithm, Option<String>)| text.map(|text| Checksum { algorithm, text });
    fields.into_iter().filter_map(with_text).collect()
}

const ALL: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

impl Algorithm {
    /// As `x-amz-checksum-algorithm` writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn raw(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Crc32 => Crc32::checksum(bytes).to_vec(),
            Self::Crc32c => Crc32c::checksum(bytes).to_vec(),
            Self::Crc64Nvme => Crc64Nvme::checksum(bytes).to_vec(),
            Self::Sha1 => Sha1::checksum(bytes).to_vec(),
            Self::Sha256 => Sha256::checksum(bytes).to_vec(),
        }
    }

    /// Of these bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> Checksum {
        Checksum { algorithm: self, text: STANDARD.encode(self.raw(bytes)) }
    }

    /// The checksum of a whole object, from those of its parts and their lengths. None when there is no such thing for
    /// this algorithm.
    pub(crate) fn of_whole<'a>(self, parts: impl Iterator<Item = (&'a Checksum, u64)>) -> Option<Checksum> {
        let crc = self.crc()?;
        let width = if self == Self::Crc64Nvme { 8 } else { 4 };
        let mut whole: Option<u64> = None;
        for (part, length) in parts {
            let value =
                STANDARD.decode(&part.text).ok()?.into_iter().fold(0, |sum, byte| sum << 8 | u64::from(byte));
            whole = Some(match whole {
                Some(before) => crc_fast::checksum_combine(crc, before, value, length),
                None => value,
            });
        }
        let text = STANDARD.encode(&whole?.to_be_bytes()[8 - width..]);
        Some(Checksum { algorithm: self, text })
    }

    /// The checksum of the parts' checksums.
    pub(crate) fn of_parts<'a>(self, parts: impl Iterator<Item = &'a Checksum>) -> Option<Checksum> {
        let (mut all, mut count) = (Vec::new(), 0);
        for part in parts {
            all.extend(STANDARD.decode(&part.text).ok()?);
            count += 1;
        }
        Some(Checksum { algorithm: self, text: format!("{}-{count}", STANDARD.encode(self.raw(&all))) })
    }
}

/// The checksums in the trailer of a chunked body.
pub(crate) fn in_trailer(headers: &HeaderMap) -> Vec<Checksum> {
    let value = |algorithm: Algorithm| {
        let name = format!("x-amz-checksum-{}", algorithm.name().to_ascii_lowercase());
        let text = headers.get(name)?.to_str().ok()?.to_owned();
        Some(Checksum { algorithm, text })
    };
    ALL.into_iter().filter_map(value).collect()
}
