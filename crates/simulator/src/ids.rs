//! Identifiers that look like AWS's and are the same on every run, so that a failing test fails alike twice.

/// A source of identifiers. Two sources with the same seed give the same sequence.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    /// A source whose sequence depends on `seed` only.
    pub(crate) fn seeded(seed: &str) -> Self {
        // FNV-1a: short, and good enough to give every region its own sequence.
        let state = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { state }
    }

    /// The next 64 bits (splitmix64).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// 32 hexadecimal digits: the form of a task id.
    pub(crate) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// The form of a request id or an event id.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex32();
        format!("{}-{}-4{}-a{}-{}", &hex[0..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
    }

    /// 19 decimal digits: the form of the number in `ecs-svc/<number>`.
    pub(crate) fn digits19(&mut self) -> String {
        (1_000_000_000_000_000_000 + self.next() % 8_000_000_000_000_000_000).to_string()
    }

    /// 21 characters: the form of the last segment of a service deployment's ARN.
    pub(crate) fn word21(&mut self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..21).map(|_| char::from(ALPHABET[(self.next() % 64) as usize])).collect()
    }

    /// `length` characters out of capitals and digits: the tail of an access key id.
    pub(crate) fn capitals(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        (0..length).map(|_| char::from(ALPHABET[(self.next() % 32) as usize])).collect()
    }
}
