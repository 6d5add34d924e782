//! Comparing numbers by value without turning them into floats.

/// A number's sign, its digits without zeros at either end, and the power of ten behind the last of them; equal
/// for `1e3`, `1000` and `1000.0`, different for two integers of 30 digits that differ in the last.
pub(in crate::document) fn canonical(text: &str) -> (bool, String, i64) {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // An exponent that does not fit is no number that anybody compares; the text still tells it from others.
    let Ok(exponent) = exponent.parse::<i64>() else { return (negative, text.to_owned(), 0) };
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    let shift = digits.len() as i64 - significant.len() as i64 - fraction.len() as i64;
    (negative, significant.to_owned(), exponent.saturating_add(shift))
}

/// Whether the number has no part after the point.
pub(in crate::document) fn is_whole(text: &str) -> bool {
    canonical(text).2 >= 0
}
