//! The tag in a deployment's description by which a run finds its deployment again, since CreateDeployment knows no token.
//!
//! `[landfall run=shop/81/deploy try=1 rev=0123456789ab]`: run and step, the attempt (`undo` for an undo), and what is
//! deployed. CodeDeploy allows 256 characters; the tag takes at most 115 of them.

use landfall_core::Token;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::spec::hex;

/// Most characters of run and step. A longer name is cut, with a digest behind it.
const NAME: usize = 60;

/// The description with the tag of this token.
pub(crate) fn described(description: Option<&str>, token: &Token, revision: &Value) -> String {
    let tag = tag(token, revision);
    match description {
        Some(text) if !text.is_empty() => format!("{text} {tag}"),
        _ => tag,
    }
}

fn tag(token: &Token, revision: &Value) -> String {
    format!("{} rev={}]", attempt_of(token), digest(revision))
}

/// Whether a description holds the tag of this very token.
pub(crate) fn is_of_token(description: &str, token: &Token) -> bool {
    description.contains(&format!("{} ", attempt_of(token)))
}

/// Whether a description holds the tag of a deployment of this run and step, whatever the attempt; undos are not meant.
pub(crate) fn is_of_run(description: &str, token: &Token) -> bool {
    description.contains(&format!("[landfall run={} try=", name(&parts(token).0)))
}

/// Whether the tag in a description is of this revision.
pub(crate) fn is_of_revision(description: &str, revision: &Value) -> bool {
    description.contains(&format!("rev={}]", digest(revision)))
}

fn attempt_of(token: &Token) -> String {
    let (run, attempt) = parts(token);
    let word = if token.is_undo() { "undo" } else { "try" };
    format!("[landfall run={} {word}={attempt}", name(&run))
}

/// Run and step, and the attempt.
fn parts(token: &Token) -> (String, String) {
    let text = token.as_str();
    let forward = text.strip_suffix("/undo").unwrap_or(text);
    let (name, attempt) = forward.rsplit_once('/').unwrap_or((forward, "1"));
    (name.to_owned(), attempt.to_owned())
}

fn name(name: &str) -> String {
    let fits = |character: char| character.is_ascii_graphic() && !"[]=".contains(character);
    let clean: String = name.chars().map(|character| if fits(character) { character } else { '-' }).collect();
    if clean == name && clean.len() <= NAME {
        return clean;
    }
    let mark: String = hex(&Sha256::digest(name.as_bytes())).chars().take(12).collect();
    let kept: String = clean.chars().take(NAME - mark.len() - 1).collect();
    format!("{kept}-{mark}")
}

fn digest(revision: &Value) -> String {
    hex(&Sha256::digest(revision.to_string().as_bytes())).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use landfall_core::Token;
    use serde_json::json;

    use super::{described, is_of_revision, is_of_run, is_of_token};

    #[test]
    fn a_description_is_known_again_by_run_attempt_and_revision() {
        let (first, second) = (Token::new("shop/81/deploy/1"), Token::new("shop/81/deploy/2"));
        let text = described(Some("release 81"), &first, &json!({ "a": 1 }));
        assert!(text.starts_with("release 81 [landfall run=shop/81/deploy try=1 rev="), "{text}");
        assert!(is_of_token(&text, &first) && !is_of_token(&text, &second));
        assert!(is_of_run(&text, &second) && !is_of_run(&text, &Token::new("shop/8/deploy/1")));
        assert!(is_of_revision(&text, &json!({ "a": 1 })) && !is_of_revision(&text, &json!({ "a": 2 })));
    }

    #[test]
    fn an_undo_is_not_taken_for_what_it_undoes() {
        let (forward, undo) = (Token::new("r/s/1"), Token::new("r/s/1/undo"));
        let text = described(None, &undo, &json!({}));
        assert!(is_of_token(&text, &undo) && !is_of_token(&text, &forward) && !is_of_run(&text, &forward));
    }

    #[test]
    fn the_longest_name_leaves_room_and_two_long_names_stay_apart() {
        let (one, other) =
            (Token::new(format!("{}/a/1", "x".repeat(300))), Token::new(format!("{}/b/1", "x".repeat(300))));
        let text = described(Some(&"d".repeat(140)), &one, &json!({}));
        assert!(text.chars().count() <= 256, "{}", text.len());
        assert!(is_of_token(&text, &one) && !is_of_token(&text, &other));
    }
}
