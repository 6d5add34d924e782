//! What can be wrong with the input of a bundle, found without a call.

use jiff::tz::Offset;
use landfall_core::Cause;

use super::pack::MIB;
use super::spec::{BundleSpec, Format, Owner, Platform};

/// Metadata of S3 objects has at most 2 KB in all ("Working with object metadata"); landfall's own takes a part of it.
const MOST_METADATA: usize = 1_500;
/// "You can associate up to 10 tags with an object."
const MOST_TAGS: usize = 10;

/// "Bucket naming rules", user guide, as far as a name alone can break them.
pub(crate) fn check_bucket(problems: &mut Vec<Cause>, bucket: &str) {
    if bucket.is_empty() {
        problems.push(Cause::invalid("bucket", "the name of the bucket is empty"));
        return;
    }
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let ends =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = bucket.as_bytes();
    let fits = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| allowed(*byte))
        && ends(bytes.first())
        && ends(bytes.last())
        && !bucket.contains("..");
    if !fits {
        let rule = "3 to 63 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends";
        let hint = if bucket.starts_with("s3://") || bucket.starts_with("arn:") {
            "give the bucket's name alone, and what is behind it as key or prefix"
        } else {
            "check the bucket's name"
        };
        let message = format!("`{bucket}` is no name of a bucket: those have {rule}");
        problems.push(Cause::invalid("bucket", message).with_hint(hint));
    }
}

pub(crate) fn check_key(problems: &mut Vec<Cause>, key: &str, longest: usize, whole: bool) {
    let field = if whole { "key" } else { "prefix" };
    if whole && key.is_empty() {
        problems.push(Cause::invalid(field, "the key is empty"));
    }
    if key.len() > longest {
        problems
            .push(Cause::invalid(field, format!("it has {} bytes, and {longest} is the most", key.len())));
    }
    if key.starts_with('/') {
        let message = format!("`{key}` begins with `/`, which S3 takes for a part of the name");
        problems.push(Cause::invalid(field, message).with_hint("leave the `/` at the begin out"));
    }
    if key.chars().any(char::is_control) {
        problems.push(Cause::invalid(field, "it has control characters"));
    }
}

pub(crate) fn check_numbers(problems: &mut Vec<Cause>, spec: &BundleSpec) {
    if spec.level > 9 {
        problems.push(Cause::invalid("level", format!("{} is no level: those are 0 to 9", spec.level)));
    }
    if !(5 * MIB..=128 * MIB).contains(&spec.part_size) {
        let message = format!("{} bytes is no size of a part: those have 5 MiB to 128 MiB", spec.part_size);
        problems.push(Cause::invalid("part_size", message));
    }
    let written = Offset::UTC.to_datetime(spec.modified).year();
    if !(1980..=2107).contains(&written) {
        let message = format!("{} cannot be written into a zip file: those know 1980 to 2107", spec.modified);
        problems.push(Cause::invalid("modified", message));
    }
    if let Owner::Account(account) = &spec.owner
        && !(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let message = format!("`{account}` is no account: those have 12 digits");
        problems.push(Cause::invalid("expected_bucket_owner", message));
    }
    if spec.format == Format::Tgz && spec.platform == Platform::Windows {
        let message = "the CodeDeploy agent on Windows does not unpack tgz";
        problems.push(Cause::invalid("format", message).with_hint("use the format zip"));
    }
}

pub(crate) fn check_attributes(problems: &mut Vec<Cause>, spec: &BundleSpec) {
    let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    for (name, value) in &spec.metadata {
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) || !plain(value) {
            let rule = "names have lower-case letters, digits, `-`, `_` and `.`, values printable ASCII";
            problems.push(Cause::invalid("metadata", format!("`{name}` cannot be metadata: {rule}")));
        }
        if name.starts_with("landfall-") {
            problems.push(Cause::invalid("metadata", format!("`{name}` is a name of landfall's own")));
        }
    }
    let size: usize = spec.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_METADATA {
        problems.push(Cause::invalid(
            "metadata",
            format!("it has {size} bytes, and {MOST_METADATA} is the most"),
        ));
    }
    if spec.tags.len() > MOST_TAGS {
        let message = format!("there are {} tags, and an object has {MOST_TAGS} at most", spec.tags.len());
        problems.push(Cause::invalid("tag", message));
    }
    for (key, value) in &spec.tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            let message = format!("`{key}`: keys have 1 to 128 characters, values up to 256");
            problems.push(Cause::invalid("tag", message));
        }
    }
}
