//! Values that may not be told, taken out of texts that others wrote.

/// What stands in the place of a value.
const HIDDEN: &str = "****";

/// Values shorter than this, in characters, are hidden only where they stand alone: a secret of one letter would make
/// every text unreadable, and hide nothing.
const SHORT: usize = 4;

/// The text with every occurrence of a value replaced by `****`. A value of less than four characters is replaced only
/// where no letter and no digit stands beside it; an empty one nowhere. Of several values the longest has to be hidden
/// first, since one may be a part of another.
#[must_use]
pub fn hide(text: &str, value: &str) -> String {
    if value.is_empty() {
        return text.to_owned();
    }
    if value.chars().count() >= SHORT {
        return text.replace(value, HIDDEN);
    }
    let (mut hidden, mut rest, mut before) = (String::with_capacity(text.len()), text, None);
    while let Some(at) = rest.find(value) {
        let (skipped, after) = (&rest[..at], &rest[at + value.len()..]);
        before = skipped.chars().next_back().or(before);
        let alone = |letter: Option<char>| !letter.is_some_and(char::is_alphanumeric);
        let shown = if alone(before) && alone(after.chars().next()) { HIDDEN } else { value };
        hidden.push_str(skipped);
        hidden.push_str(shown);
        before = value.chars().next_back();
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn long_values_vanish_wherever_they_stand_and_short_ones_where_they_stand_alone() {
        for (text, value, told) in [
            ("x hunter2y", "hunter2", "x ****y"),
            ("a cat ate a", "a", "**** cat ate ****"),
            ("aa a", "a", "aa ****"),
            ("-1- 11 1", "1", "-****- 11 ****"),
            ("as it is", "", "as it is"),
        ] {
            assert_eq!(hide(text, value), told);
        }
    }
}
