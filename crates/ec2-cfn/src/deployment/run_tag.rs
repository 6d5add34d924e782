//! The tag in a deployment's description by which a run finds its deployment again, since CreateDeployment knows no token.
//!
//! `[landfall run=shop/81/deploy try=1 seq=81.89abcdef rev=0123456789ab]`: run and step, the attempt (`undo` for an undo),
//! where the release stands among those of its project, if that was said, and what is deployed. CodeDeploy allows 256
//! characters; the tag takes at most 108 of them, and 34 more with a sequence.

use landfall_core::Token;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::spec::{Sequence, hex};

/// Most characters of run and step. A longer name is cut, with a digest behind it.
const NAME: usize = 60;

/// The description with the tag of this token.
pub(crate) fn described(
    description: Option<&str>,
    token: &Token,
    revision: &Value,
    sequence: Option<&Sequence>,
) -> String {
    let place = sequence.map(|sequence| format!(" seq={}.{}", sequence.number, mark(&sequence.project)));
    let tag = format!("{}{} rev={}]", attempt_of(token), place.unwrap_or_default(), digest(revision));
    match description {
        Some(text) if !text.is_empty() => format!("{text} {tag}"),
        _ => tag,
    }
}

/// The number that a release of this project has, by the tag in its description.
pub(crate) fn number_in(description: &str, project: &str) -> Option<u64> {
    let (_, tag) = description.rsplit_once("[landfall run=")?;
    let (_, place) = tag.split_once(" seq=")?;
    let (number, of) = place.split_once(' ')?.0.split_once('.')?;
    number.parse().ok().filter(|_| of == mark(project))
}

/// What a project is known by.
fn mark(project: &str) -> String {
    hex(&Sha256::digest(project.as_bytes())).chars().take(8).collect()
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

    use super::{described, is_of_revision, is_of_run, is_of_token, number_in};
    use crate::deployment::spec::Sequence;

    #[test]
    fn a_description_is_known_again_by_run_attempt_and_revision() {
        let (first, second) = (Token::new("shop/81/deploy/1"), Token::new("shop/81/deploy/2"));
        let text = described(Some("release 81"), &first, &json!({ "a": 1 }), None);
        assert!(text.starts_with("release 81 [landfall run=shop/81/deploy try=1 rev="), "{text}");
        assert!(is_of_token(&text, &first) && !is_of_token(&text, &second));
        assert!(is_of_run(&text, &second) && !is_of_run(&text, &Token::new("shop/8/deploy/1")));
        assert!(is_of_revision(&text, &json!({ "a": 1 })) && !is_of_revision(&text, &json!({ "a": 2 })));
    }

    #[test]
    fn an_undo_is_not_taken_for_what_it_undoes() {
        let (forward, undo) = (Token::new("r/s/1"), Token::new("r/s/1/undo"));
        let text = described(None, &undo, &json!({}), None);
        assert!(is_of_token(&text, &undo) && !is_of_token(&text, &forward) && !is_of_run(&text, &forward));
    }

    #[test]
    fn the_longest_name_leaves_room_and_two_long_names_stay_apart() {
        let (one, other) =
            (Token::new(format!("{}/a/1", "x".repeat(300))), Token::new(format!("{}/b/1", "x".repeat(300))));
        let text = described(Some(&"d".repeat(140)), &one, &json!({}), None);
        assert!(text.chars().count() <= 256, "{}", text.len());
        assert!(is_of_token(&text, &one) && !is_of_token(&text, &other));
        let last = Token::new(format!("{}/a/{}", "x".repeat(300), u32::MAX));
        let sequence = Sequence { project: "shop".to_owned(), number: u64::MAX };
        let text = described(Some(&"d".repeat(110)), &last, &json!({}), Some(&sequence));
        assert!(text.chars().count() <= 256, "{}", text.len());
        assert!(is_of_token(&text, &last) && is_of_revision(&text, &json!({})));
    }

    #[test]
    fn the_number_of_a_release_is_read_for_its_own_project_only() {
        let token = Token::new("shop/81/deploy/1");
        let sequence = Sequence { project: "demo/shop".to_owned(), number: 81 };
        let text = described(Some("seq=90 [landfall run=x"), &token, &json!({}), Some(&sequence));
        assert_eq!((number_in(&text, "demo/shop"), number_in(&text, "demo/other")), (Some(81), None));
        assert!(is_of_token(&text, &token) && is_of_run(&text, &Token::new("shop/81/deploy/2")));
        for other in [
            "",
            "release 82",
            "[landfall run=a try=1 rev=0]",
            "[landfall run=a try=1 seq=82",
            "[landfall run=a try=1 seq=x.y rev=0]",
        ] {
            assert_eq!(number_in(other, "demo/shop"), None, "{other}");
        }
    }
}
