//! Values that are never told, wherever a line shows them.

/// What is put in place of a secret.
const HIDDEN: &[u8] = b"***";

/// How long what is looked for must be, in bytes; less would be found everywhere.
const SHORTEST: usize = 4;

/// The forms in which secrets may stand in a line.
#[derive(Clone, Default)]
pub(super) struct Masks(Vec<String>);

impl Masks {
    /// What is to be looked for: each line of a value, because an output is told line by line, without the blanks around it,
    /// because those of an output are cut off; and the same as it is written in JSON.
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for line in secrets.into_iter().flat_map(lines) {
            let json = serde_json::Value::from(line).to_string();
            forms.push(json[1..json.len() - 1].to_owned());
            forms.push(line.to_owned());
        }
        forms.sort();
        forms.dedup();
        Self(forms)
    }

    /// Whether anything of a value can be found again.
    pub(super) fn can_hide(secret: &str) -> bool {
        lines(secret).next().is_some()
    }

    /// The text without the secrets.
    pub(super) fn hide(&self, text: &[u8]) -> String {
        let mut clean = Vec::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in self.found(text) {
            clean.extend_from_slice(&text[from..start]);
            clean.extend_from_slice(HIDDEN);
            from = end;
        }
        clean.extend_from_slice(&text[from..]);
        String::from_utf8_lossy(&clean).into_owned()
    }

    /// The length of the longest form, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.0.iter().map(String::len).max().unwrap_or(0)
    }

    /// Where a text that is longer than `limit` is cut, so that neither a secret nor a character is cut in two. There must be
    /// [`longest`](Self::longest) bytes behind the limit, or the end of the line.
    pub(super) fn cut(&self, text: &[u8], limit: usize) -> usize {
        let inside = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
        let mut at = limit.min(text.len());
        while at > limit.saturating_sub(3) && text.get(at).is_some_and(inside) {
            at -= 1;
        }
        let split = self.found(text).into_iter().find(|(start, end)| *start < at && at < *end);
        match split {
            Some((0, end)) => end,
            Some((start, _)) => start,
            None => at,
        }
    }

    /// Where secrets are, in order and apart from each other.
    fn found(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for start in 0..text.len() {
            let here = self.0.iter().filter(|form| text[start..].starts_with(form.as_bytes()));
            let Some(length) = here.map(String::len).max() else { continue };
            match found.last_mut() {
                Some((_, end)) if start <= *end => *end = (*end).max(start + length),
                _ => found.push((start, start + length)),
            }
        }
        found
    }
}

fn lines(secret: &str) -> impl Iterator<Item = &str> {
    secret.split(['\n', '\r']).map(str::trim).filter(|line| line.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_secret_is_hidden_and_blanks_around_it_do_not_matter() {
        let masks = Masks::of(["hunter22\n", "-----BEGIN-----\nMIIEvQIB\r\n=\n"]);
        assert_eq!(masks.hide(b"hunter22 and MIIEvQIB, = stays"), "*** and ***, = stays");
        assert!(!Masks::can_hide("ab\ncd\n"));
    }

    #[test]
    fn a_secret_is_hidden_as_json_writes_it_too() {
        let masks = Masks::of(["say \"friend\""]);
        assert_eq!(masks.hide(br#"{"door":"say \"friend\""}"#), r#"{"door":"***"}"#);
    }

    #[test]
    fn of_secrets_that_overlap_nothing_is_left() {
        let masks = Masks::of(["abcdef", "defghi", "abcd"]);
        assert_eq!(masks.hide(b"<abcdefghi>"), "<***>");
        assert_eq!(Masks::of(["aaaa"]).hide(b"aaaaaa"), "***");
    }

    #[test]
    fn a_text_is_cut_beside_secrets_and_characters() {
        let masks = Masks::of(["hunter22"]);
        assert_eq!(masks.cut(b"0123hunter22", 8), 4);
        assert_eq!(masks.cut(b"hunter22xxxx", 5), 8, "a secret at the start is not cut either");
        assert_eq!(masks.cut(b"0123456789", 4), 4);
        assert_eq!(masks.cut("012\u{20ac}456".as_bytes(), 5), 3);
    }
}
