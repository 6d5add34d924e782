//! What a scalar of YAML means.
//!
//! Everybody who writes manifests has tried them with `kubectl`, which reads YAML by `sigs.k8s.io/yaml`: the rules of
//! YAML 1.1 for truth values and octal numbers, and some of 1.2 (<https://pkg.go.dev/sigs.k8s.io/yaml>, its `goyaml.v2`
//! beneath, `resolve.go`). So `no` is false and `0644` is 420 here too, and nothing that works there is refused here.
//! Two things are better: a number keeps its digits (`kubectl` sends `1.10` as `1.1` and rounds what has more than 17),
//! and what would change its meaning on the way, a key such as `on:` that becomes `true`, is refused.

use saphyr_parser::Tag;

use super::Value;

/// The value of a scalar; `plain` says that it stands without quotes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn resolve(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return if plain { implicit(text) } else { Ok(Value::Text(text.to_owned())) };
    };
    let known = if is_plain_mark(tag) { "str" } else { core_name(tag).ok_or_else(|| unknown(tag))? };
    let value = match known {
        "str" | "timestamp" => return Ok(Value::Text(text.to_owned())),
        "int" | "float" | "bool" | "null" => implicit(text)?,
        _ => return Err(unknown(tag)),
    };
    let fits = match (known, &value) {
        ("null", Value::Null) | ("bool", Value::Bool(_)) | ("float", Value::Number(_)) => true,
        ("int", Value::Number(digits)) => digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        _ => false,
    };
    if fits { Ok(value) } else { Err(format!("the tag `!!{known}` does not fit what follows it")) }
}

/// `!` alone: a scalar behind it is text, a list a list.
fn is_plain_mark(tag: &Tag) -> bool {
    tag.handle.is_empty() && tag.suffix == "!"
}

/// The name of one of YAML's own tags, `!!str` or in full `!<tag:yaml.org,2002:str>`.
fn core_name(tag: &Tag) -> Option<&str> {
    if tag.is_yaml_core_schema() { Some(&tag.suffix) } else { tag.suffix.strip_prefix("tag:yaml.org,2002:") }
}

fn unknown(tag: &Tag) -> String {
    let name = match core_name(tag) {
        Some(name) => format!("!!{name}"),
        None => format!("!{}", tag.suffix),
    };
    format!("the tag `{name}` has no meaning in a manifest")
}

/// Whether a tag fits a list or a map, of which `own` is the name.
pub(super) fn check_collection(tag: Option<&Tag>, own: &str) -> Result<(), String> {
    match tag {
        Some(tag) if core_name(tag) != Some(own) && !is_plain_mark(tag) => Err(unknown(tag)),
        _ => Ok(()),
    }
}

/// The key that `kubectl` would send for a scalar in the place of one; none when that is not what is written.
pub(super) fn key(text: &str, value: &Value) -> Option<String> {
    let same = match value {
        Value::Text(text) => return Some(text.clone()),
        Value::Bool(value) => value.to_string(),
        Value::Number(digits) if is_short_integer(digits) => digits.clone(),
        // In the shortest form that a float of 32 bits has.
        Value::Number(digits) if digits.contains('.') && !digits.contains(['e', 'E']) => {
            digits.parse::<f32>().ok()?.to_string()
        }
        _ => return None,
    };
    (same == text).then_some(same)
}

/// Whole numbers of up to 18 digits, which every integer of 64 bits holds.
fn is_short_integer(digits: &str) -> bool {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    unsigned.len() <= 18 && unsigned.bytes().all(|byte| byte.is_ascii_digit()) && digits != "-0"
}

/// What stands without quotes and without a tag.
fn implicit(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => {
            return Err(format!("`{text}` is a number that JSON, and so Kubernetes, does not have"));
        }
        _ => match text.as_bytes().first() {
            Some(b'0'..=b'9' | b'+' | b'-') => signed_or_digit(text)?,
            Some(b'.') => decimal(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
            _ => Value::Text(text.to_owned()),
        },
    })
}

fn signed_or_digit(text: &str) -> Result<Value, String> {
    let joined = text.replace('_', "");
    if let Some(number) = with_base(&joined)? {
        return Ok(Value::Number(number));
    }
    Ok(decimal(&joined).map_or_else(|| Value::Text(text.to_owned()), Value::Number))
}

/// Hexadecimal, octal (`0o17` and `017`) and binary integers, in decimal; none for what is none of them.
fn with_base(text: &str) -> Result<Option<String>, String> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => ("-", &text[1..]),
        Some(b'+') => ("", &text[1..]),
        _ => ("", text),
    };
    let Some(rest) = digits.strip_prefix('0').filter(|rest| !rest.is_empty()) else { return Ok(None) };
    let (base, digits) = match rest.as_bytes()[0] {
        b'x' | b'X' => (16, &rest[1..]),
        b'o' | b'O' => (8, &rest[1..]),
        b'b' | b'B' => (2, &rest[1..]),
        _ => (8, rest),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return Ok(None);
    }
    match u64::from_str_radix(digits, base) {
        Ok(0) => Ok(Some("0".to_owned())),
        Ok(value) if sign.is_empty() || value <= i64::MIN.unsigned_abs() => {
            Ok(Some(format!("{sign}{value}")))
        }
        _ => Err("this number does not fit into 64 bits".to_owned()),
    }
}

/// A decimal number in the syntax of JSON: no sign `+`, no needless zeros in front, a digit on both sides of a point.
/// None for what is no number, and for floats beyond what 64 bits hold, which `kubectl` takes for text.
fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], &unsigned[at..]),
        None => (unsigned, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let power = exponent.get(1..).map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    if !digits(whole)
        || !fraction.is_none_or(digits)
        || (whole.is_empty() && fraction.is_none_or(str::is_empty))
        || power.is_some_and(|power| power.is_empty() || !digits(power))
    {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let number = match fraction {
        Some("") => format!("{sign}{whole}.0{exponent}"),
        Some(fraction) => format!("{sign}{whole}.{fraction}{exponent}"),
        None => format!("{sign}{whole}{exponent}"),
    };
    let is_integer = fraction.is_none() && exponent.is_empty();
    (is_integer || number.parse::<f64>().is_ok_and(f64::is_finite)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{Value, implicit, key};

    fn meaning(text: &str) -> String {
        match implicit(text) {
            Ok(Value::Null) => "null".to_owned(),
            Ok(Value::Bool(value)) => value.to_string(),
            Ok(Value::Number(number)) => number,
            Ok(Value::Text(text)) => format!("'{text}'"),
            Ok(_) => "a collection".to_owned(),
            Err(_) => "refused".to_owned(),
        }
    }

    /// The meanings on the right are those of `sigs.k8s.io/yaml`, with the digits kept.
    #[test]
    fn plain_scalars_mean_what_kubectl_takes_them_for() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("null", "null"),
            ("Null", "null"),
            ("nULL", "'nULL'"),
            ("true", "true"),
            ("yes", "true"),
            ("on", "true"),
            ("y", "true"),
            ("Y", "true"),
            ("tRue", "'tRue'"),
            ("false", "false"),
            ("no", "false"),
            ("NO", "false"),
            ("off", "false"),
            ("n", "false"),
            ("nO", "'nO'"),
            ("0", "0"),
            ("-0", "-0"),
            ("+5", "5"),
            ("8080", "8080"),
            ("1_000", "1000"),
            ("2026_01", "202601"),
            ("_1", "'_1'"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("9007199254740993", "9007199254740993"),
            ("-9223372036854775809", "-9223372036854775809"),
            ("0644", "420"),
            ("0o7", "7"),
            ("0O17", "15"),
            ("-010", "-8"),
            ("0x1F", "31"),
            ("-0x10", "-16"),
            ("0b101", "5"),
            ("-0b11", "-3"),
            ("00", "0"),
            ("089", "89"),
            ("08", "8"),
            ("0o8", "'0o8'"),
            ("0x", "'0x'"),
            ("0b2", "'0b2'"),
            ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
            ("0x10000000000000000", "refused"),
            ("-0x8000000000000000", "-9223372036854775808"),
            ("-0x8000000000000001", "refused"),
            ("1e3", "1e3"),
            ("1E+3", "1E+3"),
            ("1.10", "1.10"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("-.5", "-0.5"),
            ("+1.5", "1.5"),
            ("00.5", "0.5"),
            ("1.e3", "1.0e3"),
            ("1e", "'1e'"),
            (".", "'.'"),
            ("-", "'-'"),
            ("1e400", "'1e400'"),
            (".e3", "'.e3'"),
            ("1.2.3", "'1.2.3'"),
            ("1-2", "'1-2'"),
            ("--1", "'--1'"),
            (".inf", "refused"),
            ("-.INF", "refused"),
            (".nan", "refused"),
            ("inf", "'inf'"),
            ("NaN", "'NaN'"),
            ("2001-12-14", "'2001-12-14'"),
            ("12:30", "'12:30'"),
            ("1:2", "'1:2'"),
            ("100m", "'100m'"),
            ("1Gi", "'1Gi'"),
            ("0.1.0", "'0.1.0'"),
            ("v1", "'v1'"),
            ("é", "'é'"),
            ("١", "'١'"),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_that_kubectl_would_write_otherwise_are_none() {
        for (text, expected) in [
            ("a.b/c", Some("a.b/c")),
            ("8080", Some("8080")),
            ("-1", Some("-1")),
            ("true", Some("true")),
            ("1.5", Some("1.5")),
            ("on", None),
            ("True", None),
            ("0644", None),
            ("1.10", None),
            ("1e3", None),
            ("~", None),
            ("+1", None),
            ("1_0", None),
            ("-0", None),
            ("12345678901234567890", None),
        ] {
            assert_eq!(key(text, &implicit(text).unwrap()).as_deref(), expected, "{text}");
        }
    }
}
