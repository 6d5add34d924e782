//! Policy documents that are passed to STS, as far as they can be judged without it.

use std::io::Read;

use landfall_core::error::Location;
use landfall_core::{Cause, Result};
use serde_json::{Map, Value};

use super::{InlinePolicy, SessionPolicies};

/// What the problems are about.
const FIELD: &str = "session policy";

/// More of a file than this is not read: a document has 2,048 characters without white space.
const LONGEST_FILE: u64 = 64 * 1024;

/// The elements of a statement in an identity-based policy, which is what a session policy is:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.
const ELEMENTS: [&str; 7] = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Reads `--session-policy`: ARNs, and at most one file.
pub(crate) fn of_flags(given: &[String], problems: &mut Vec<Cause>) -> SessionPolicies {
    let mut policies = SessionPolicies::default();
    for text in given {
        if text.starts_with("arn:") {
            policies.arns.push(text.clone());
        } else if policies.inline.is_some() {
            let what = format!("{text} is a second file, and STS takes one policy document");
            problems.push(Cause::invalid(FIELD, what).with_hint("put all statements into one file"));
        } else {
            match read(text) {
                Ok(document) => {
                    policies.inline = Some(InlinePolicy { text: document, file: Some(text.clone()) });
                }
                Err(problem) => problems.push(*problem),
            }
        }
    }
    policies
}

fn read(path: &str) -> Result<String, Box<Cause>> {
    let problem = |what: String| {
        let hint = "give the ARN of a managed policy, or the path of a file with a policy document in JSON";
        Box::new(Cause::invalid(FIELD, what).with_hint(hint))
    };
    if path.is_empty() {
        return Err(problem("it is empty: a variable in it was probably empty".to_owned()));
    }
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text))
        .map_err(|error| problem(format!("{path} cannot be read: {error}")))?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(problem(format!("{path} is longer than {LONGEST_FILE} bytes")));
    }
    Ok(text)
}

/// The document as it is sent: without the white space between its parts.
pub(crate) fn document(text: &str) -> String {
    let mut within = false;
    let mut escaped = false;
    text.chars()
        .filter(|letter| {
            let kept = within || !matches!(letter, ' ' | '\t' | '\n' | '\r');
            if within {
                within = escaped || *letter != '"';
                escaped = !escaped && *letter == '\\';
            } else {
                within = *letter == '"';
            }
            kept
        })
        .collect()
}

/// Everything that is wrong with a document, each with its place.
pub(super) fn problems(inline: &InlinePolicy) -> Vec<Cause> {
    let name = inline.file.as_deref().unwrap_or("the session policy");
    let problem = |what: &str| Cause::invalid(FIELD, format!("{name}: {what}"));
    let policy = match serde_json::from_str::<Value>(&inline.text) {
        Ok(Value::Object(policy)) => policy,
        Ok(_) => return vec![problem("a policy is a JSON object with a `Statement`")],
        Err(error) => {
            let place = Location {
                file: name.to_owned(),
                line: u32::try_from(error.line()).unwrap_or(u32::MAX),
                column: u32::try_from(error.column()).unwrap_or(u32::MAX),
            };
            let what = Cause::invalid(FIELD, format!("the session policy is no JSON: {error}"));
            return vec![what.at(place)];
        }
    };
    let mut found = Vec::new();
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, `Policy`.
    let strange = inline.text.chars().find(|letter| !matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}'));
    if let Some(letter) = strange {
        found.push(format!("the character {letter:?} is not one that STS takes in a policy"));
    }
    found.extend(policy.keys().filter(|key| !["Version", "Id", "Statement"].contains(&key.as_str())).map(
        |key| format!("`{key}` is no element of a policy: Version, Id and Statement are (in this spelling)"),
    ));
    if let Some(version) = policy.get("Version")
        && version != "2012-10-17"
        && version != "2008-10-17"
    {
        found.push(format!("the Version {version} is not one of IAM's: write \"2012-10-17\""));
    }
    match policy.get("Statement") {
        None => found.push("it has no `Statement`".to_owned()),
        Some(Value::Array(all)) if all.is_empty() => found.push("its `Statement` is empty".to_owned()),
        Some(Value::Array(all)) => {
            for (number, statement) in all.iter().enumerate() {
                of_statement(&format!("Statement[{number}]"), statement, &mut found);
            }
        }
        Some(one) => of_statement("Statement", one, &mut found),
    }
    found.iter().map(|what| problem(what)).collect()
}

fn of_statement(path: &str, statement: &Value, found: &mut Vec<String>) {
    let Some(statement) = statement.as_object() else {
        found.push(format!("{path} is no JSON object"));
        return;
    };
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        _ => found.push(format!("{path}.Effect must be \"Allow\" or \"Deny\"")),
    }
    for (one, other) in [("Action", "NotAction"), ("Resource", "NotResource")] {
        match (statement.get(one), statement.get(other)) {
            (None, None) => found.push(format!("{path} has neither {one} nor {other}")),
            (Some(_), Some(_)) => found.push(format!("{path} has both {one} and {other}")),
            (Some(value), None) | (None, Some(value)) if !is_texts(value) => {
                found.push(format!("{path}.{one} must be a string or a list of strings"));
            }
            _ => {}
        }
    }
    found.extend(unknown(path, statement));
}

fn unknown<'a>(path: &'a str, statement: &'a Map<String, Value>) -> impl Iterator<Item = String> + 'a {
    statement.keys().filter(|key| !ELEMENTS.contains(&key.as_str())).map(move |key| match key.as_str() {
        "Principal" | "NotPrincipal" => {
            format!("{path}.{key}: a session policy names no principal, since it is about the session")
        }
        _ => format!("{path}.{key} is no element of a statement"),
    })
}

fn is_texts(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(all) => !all.is_empty() && all.iter().all(Value::is_string),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{document, problems};
    use crate::role::InlinePolicy;

    fn told(text: &str) -> Vec<String> {
        let inline = InlinePolicy { text: text.to_owned(), file: Some("narrow.json".to_owned()) };
        problems(&inline).iter().map(landfall_core::Cause::report).collect()
    }

    #[test]
    fn white_space_is_left_out_between_parts_and_kept_within_strings() {
        let text = "{ \"Sid\" : \"a b\\\" c\\\\\" ,\n\t\"x\": [ 1, 2 ]\r\n}";
        assert_eq!(document(text), "{\"Sid\":\"a b\\\" c\\\\\",\"x\":[1,2]}");
    }

    #[test]
    fn a_good_policy_has_no_problems() {
        for text in [
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecs:*"], "Resource": "*"}]}"#,
            r#"{"Statement": {"Sid": "x", "Effect": "Deny", "NotAction": "ecs:*", "NotResource": ["a"], "Condition": {}}}"#,
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn each_mistake_in_a_policy_is_named_with_its_place() {
        let statement = |inner: &str| format!(r#"{{"Statement": [{{{inner}}}]}}"#);
        for (text, words) in [
            ("{\n  \"Statement\": [,]\n}".to_owned(), "narrow.json:2:17"),
            ("[]".to_owned(), "JSON object"),
            ("{}".to_owned(), "no `Statement`"),
            (r#"{"Statement": []}"#.to_owned(), "is empty"),
            (r#"{"statement": []}"#.to_owned(), "`statement` is no element"),
            (r#"{"Version": "2012", "Statement": []}"#.to_owned(), "2012-10-17"),
            (statement(r#""Action": "a", "Resource": "*""#), "Statement[0].Effect must be"),
            (
                statement(r#""Effect": "allow", "Action": "a", "Resource": "*""#),
                "Statement[0].Effect must be",
            ),
            (statement(r#""Effect": "Allow", "Resource": "*""#), "neither Action nor NotAction"),
            (statement(r#""Effect": "Allow", "Action": "a""#), "neither Resource nor NotResource"),
            (
                statement(r#""Effect": "Allow", "Action": 5, "Resource": "*""#),
                "Statement[0].Action must be a string",
            ),
            (
                statement(r#""Effect": "Allow", "Action": "a", "NotAction": "b", "Resource": "*""#),
                "both Action",
            ),
            (
                statement(r#""Effect": "Allow", "Action": "a", "Resource": "*", "Principal": "*""#),
                "names no principal",
            ),
            (statement(r#""Effect": "Allow", "Action": "a", "Resource": "Ā""#), "'Ā'"),
        ] {
            let told = told(&text);
            assert!(told.iter().any(|line| line.contains(words)), "{text}: {told:?}");
            assert!(told.iter().all(|line| line.contains("narrow.json")), "{told:?}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let told = told(r#"{"Version": "1", "Statement": [{"Principal": "*"}, 5]}"#);
        assert_eq!(told.len(), 6, "{told:?}");
    }
}
