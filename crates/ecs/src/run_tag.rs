//! The tag by which a run finds the revision it registered again, even when all of its records are lost.
//!
//! The value is the plan's token in the characters that ECS allows in tags ("Tagging Amazon ECS resources":
//! letters, digits, spaces and `+ - = . _ : / @`, 256 at most). Run and step come first and the attempt last, so
//! that any attempt of a run recognises the revisions of the others.

use landfall_core::Token;
use sha2::{Digest, Sha256};

/// Most characters that run and step may take; the rest of the 256 is for the attempt.
const NAME_LIMIT: usize = 240;

/// The tag's value for the attempt of this token.
pub(crate) fn value(token: &Token) -> String {
    let text = token.as_str();
    let forward = text.strip_suffix("/undo").unwrap_or(text);
    match forward.rsplit_once('/') {
        Some((name, attempt)) => format!("{}/{}", name_value(name), allowed(attempt)),
        None => name_value(forward),
    }
}

/// Whether a tag's value is one of the attempts of this run and step.
pub(crate) fn is_of(value: &str, run: &str, step: &str) -> bool {
    let name = name_value(&format!("{run}/{step}"));
    value
        .strip_prefix(&name)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|attempt| !attempt.is_empty() && attempt.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Run and step in allowed characters. When something had to be changed, a digest keeps two runs apart that
/// would look the same.
fn name_value(name: &str) -> String {
    let clean = allowed(name);
    if clean == name && clean.len() <= NAME_LIMIT {
        return clean;
    }
    let digest = Sha256::digest(name.as_bytes());
    let mark: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = clean.chars().take(NAME_LIMIT - mark.len() - 1).collect();
    format!("{kept}-{mark}")
}

fn allowed(text: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || " +-=._:/@".contains(character);
    text.chars().map(|character| if fits(character) { character } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use landfall_core::Token;

    use super::{is_of, value};

    #[test]
    fn a_plain_token_is_its_own_tag_and_every_attempt_of_the_run_knows_it() {
        let tag = value(&Token::new("shop/1234/deploy/production/3"));
        assert_eq!(tag, "shop/1234/deploy/production/3");
        assert!(is_of(&tag, "shop/1234/deploy", "production"));
        assert!(is_of("shop/1234/deploy/production/1", "shop/1234/deploy", "production"));
        assert!(!is_of(&tag, "shop/1234/deploy", "staging"));
        assert!(!is_of(&tag, "shop/1234", "deploy"), "an attempt is a number, not another step");
    }

    #[test]
    fn an_undo_has_the_tag_of_what_it_undoes() {
        assert_eq!(value(&Token::new("r/s/1/undo")), value(&Token::new("r/s/1")));
    }

    #[test]
    fn characters_that_tags_do_not_allow_are_replaced_and_two_runs_stay_apart() {
        let (first, second) = (value(&Token::new("größe/a#b/1")), value(&Token::new("größe/a?b/1")));
        assert!(
            first.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-=._:/@ ".contains(&byte)),
            "{first}"
        );
        assert_ne!(first, second);
        assert!(is_of(&first, "größe", "a#b") && !is_of(&first, "größe", "a?b"));
    }

    #[test]
    fn a_long_run_id_still_fits_and_is_still_recognised() {
        let run = "x".repeat(400);
        let tag = value(&Token::new(format!("{run}/deploy/12")));
        assert!(tag.len() <= 256, "{}", tag.len());
        assert!(is_of(&tag, &run, "deploy"));
        assert!(!is_of(&tag, &format!("{run}y"), "deploy"));
    }
}
