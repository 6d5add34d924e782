//! The records of a zip file: "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10.
//!
//! Nothing is patched afterwards, so that the file can be sent while it is written. Every number is that of the content: all
//! entries have one time, 1980-01-01 unless another is asked for, and owners are not written.

use jiff::Timestamp;
use jiff::tz::Offset;

/// How an entry is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored = 0,
    Deflated = 8,
}

/// What is known of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    /// Permissions and kind as `st_mode` has them.
    pub(super) mode: u32,
    pub(super) method: Method,
    pub(super) crc32: u32,
    pub(super) raw: u64,
    pub(super) packed: u64,
    /// The packed size is not known before the content: it stands behind it.
    pub(super) described: bool,
}

const UTF8: u16 = 1 << 11;
const DESCRIBED: u16 = 1 << 3;
const UNIX: u16 = 3 << 8;
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;
const FULL: u32 = u32::MAX;

impl Record {
    /// Whether sizes stand in the ZIP64 field. Of an entry whose packed size is not known yet, whether they may have to:
    /// deflate makes 5 bytes of overhead in 16 KiB at most.
    fn is_large(&self) -> bool {
        let packed = if self.described { self.raw + self.raw / 1_000 + 1_024 } else { self.packed };
        self.raw >= u64::from(FULL) || packed >= u64::from(FULL)
    }

    fn flags(&self) -> u16 {
        UTF8 | if self.described { DESCRIBED } else { 0 }
    }

    fn version(&self) -> u16 {
        if self.is_large() { ZIP64 } else { PLAIN }
    }
}

/// Writes the records and remembers what the directory at the end needs.
#[derive(Debug)]
pub(super) struct Records {
    /// Time and date of all entries in MS-DOS's form.
    modified: [u16; 2],
    directory: Vec<u8>,
    count: u64,
    /// Where the next byte goes.
    at: u64,
    entry_at: u64,
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// A number that has 32 bits, or all of them set when it is elsewhere.
fn narrow(value: u64, elsewhere: bool) -> u32 {
    if elsewhere { FULL } else { u32::try_from(value).unwrap_or(FULL) }
}

/// "Date and time fields: ... standard MS-DOS format", which has neither zone nor odd seconds; here it is UTC.
fn ms_dos(at: Timestamp) -> [u16; 2] {
    let at = Offset::UTC.to_datetime(at);
    let of = |part: i8| u16::from(part.unsigned_abs());
    let year = u16::try_from(at.year()).unwrap_or_default().saturating_sub(1980).min(127);
    [
        (of(at.hour()) << 11) | (of(at.minute()) << 5) | (of(at.second()) / 2),
        (year << 9) | (of(at.month()) << 5) | of(at.day()),
    ]
}

impl Records {
    /// Of a file whose entries were all modified at this moment.
    pub(super) fn new(modified: Timestamp) -> Self {
        Self { modified: ms_dos(modified), directory: Vec::new(), count: 0, at: 0, entry_at: 0 }
    }

    /// How many entries are written.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The header before an entry's content.
    pub(super) fn begin(&mut self, record: &Record, out: &mut Vec<u8>) {
        let begin = out.len();
        self.entry_at = self.at;
        let large = record.is_large();
        let known = |value: u64| if record.described { 0 } else { value };
        put32(out, 0x0403_4b50);
        put16(out, record.version());
        put16(out, record.flags());
        put16(out, record.method as u16);
        put16(out, self.modified[0]);
        put16(out, self.modified[1]);
        put32(out, if record.described { 0 } else { record.crc32 });
        put32(out, narrow(known(record.packed), large));
        put32(out, narrow(known(record.raw), large));
        put16(out, record.name.len() as u16);
        put16(out, if large { 20 } else { 0 });
        out.extend_from_slice(record.name.as_bytes());
        if large {
            put16(out, 1);
            put16(out, 16);
            put64(out, known(record.raw));
            put64(out, known(record.packed));
        }
        self.at += (out.len() - begin) as u64;
    }

    /// A piece of an entry's content stands next.
    pub(super) fn content(&mut self, packed: &[u8]) {
        self.at += packed.len() as u64;
    }

    /// What stands behind an entry's content, and its place in the directory.
    pub(super) fn end(&mut self, record: &Record, out: &mut Vec<u8>) {
        let begin = out.len();
        if record.described {
            put32(out, 0x0807_4b50);
            put32(out, record.crc32);
            if record.is_large() {
                put64(out, record.packed);
                put64(out, record.raw);
            } else {
                put32(out, narrow(record.packed, false));
                put32(out, narrow(record.raw, false));
            }
        }
        self.at += (out.len() - begin) as u64;
        self.count += 1;
        self.list(record);
    }

    fn list(&mut self, record: &Record) {
        let far = self.entry_at >= u64::from(FULL);
        let large = record.raw >= u64::from(FULL) || record.packed >= u64::from(FULL);
        let mut extra = Vec::new();
        if large {
            put64(&mut extra, record.raw);
            put64(&mut extra, record.packed);
        }
        if far {
            put64(&mut extra, self.entry_at);
        }
        let version = if large || far { ZIP64 } else { record.version() };
        let (out, modified) = (&mut self.directory, self.modified);
        put32(out, 0x0201_4b50);
        put16(out, UNIX | version);
        put16(out, version);
        put16(out, record.flags());
        put16(out, record.method as u16);
        put16(out, modified[0]);
        put16(out, modified[1]);
        put32(out, record.crc32);
        put32(out, narrow(record.packed, large));
        put32(out, narrow(record.raw, large));
        put16(out, record.name.len() as u16);
        put16(out, if extra.is_empty() { 0 } else { extra.len() as u16 + 4 });
        put16(out, 0); // comment
        put16(out, 0); // disk
        put16(out, 0); // internal attributes
        let folder = if record.name.ends_with('/') { 0x10 } else { 0 };
        put32(out, record.mode << 16 | folder);
        put32(out, narrow(self.entry_at, far));
        out.extend_from_slice(record.name.as_bytes());
        if !extra.is_empty() {
            put16(out, 1);
            put16(out, extra.len() as u16);
            out.extend_from_slice(&extra);
        }
    }

    /// The directory and the end of the file.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut directory = std::mem::take(&mut self.directory);
        let (begin, size) = (self.at, directory.len() as u64);
        let out = &mut directory;
        self.at += size;
        let many = self.count >= u64::from(u16::MAX);
        let large = many || begin >= u64::from(FULL) || size >= u64::from(FULL);
        if large {
            let at = self.at;
            put32(out, 0x0606_4b50);
            put64(out, 44);
            put16(out, UNIX | ZIP64);
            put16(out, ZIP64);
            put32(out, 0);
            put32(out, 0);
            put64(out, self.count);
            put64(out, self.count);
            put64(out, size);
            put64(out, begin);
            put32(out, 0x0706_4b50);
            put32(out, 0);
            put64(out, at);
            put32(out, 1);
        }
        let count = if many { u16::MAX } else { self.count as u16 };
        put32(out, 0x0605_4b50);
        put16(out, 0);
        put16(out, 0);
        put16(out, count);
        put16(out, count);
        put32(out, narrow(size, false));
        put32(out, narrow(begin, false));
        put16(out, 0);
        directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        Records::new(Timestamp::constant(315_532_800, 0))
    }

    #[test]
    fn a_moment_is_written_as_ms_dos_writes_it_in_utc() {
        for (seconds, time, date) in [
            (315_532_800, 0, 0x21),
            // 2026-11-29T21:35:59Z: 21 h, 35 min, 58 s; year 46, month 11, day 29.
            (1_795_988_159, 21 << 11 | 35 << 5 | 29, 46 << 9 | 11 << 5 | 29),
        ] {
            assert_eq!(ms_dos(Timestamp::from_second(seconds).unwrap()), [time, date], "{seconds}");
        }
    }

    fn record(raw: u64, described: bool) -> Record {
        let name = "a".to_owned();
        Record { name, mode: 0o100_644, method: Method::Deflated, crc32: 7, raw, packed: raw / 2, described }
    }

    #[test]
    fn sizes_beyond_four_gibibytes_stand_in_the_zip64_field_of_both_records() {
        for (raw, large) in [(1 << 33, true), (1_000, false)] {
            let (mut records, mut out) = (records(), Vec::new());
            records.begin(&record(raw, true), &mut out);
            let header = out.len();
            assert_eq!(header, if large { 51 } else { 31 });
            records.end(&record(raw, true), &mut out);
            assert_eq!(out.len() - header, if large { 24 } else { 16 }, "the descriptor");
            let listed = records.directory.len();
            assert_eq!(listed, if large { 47 + 20 } else { 47 });
        }
    }

    #[test]
    fn an_entry_far_behind_is_found_by_the_zip64_field() {
        let mut records = Records { at: 1 << 32, ..records() };
        let mut out = Vec::new();
        records.begin(&record(10, false), &mut out);
        records.end(&record(10, false), &mut out);
        assert_eq!(records.directory[42..46], [255; 4]);
        assert_eq!(records.directory[51..59], (1_u64 << 32).to_le_bytes());
        assert!(records.finish().windows(4).any(|four| four == 0x0606_4b50_u32.to_le_bytes()));
    }
}
