//! The JSON file by which GitLab's `gl-ec2 push-to-s3` is told what to send: `CI_AWS_S3_PUSH_FILE`
//! (<https://docs.gitlab.com/ci/cloud_deployment/>).

use std::path::PathBuf;

use landfall_core::{Cause, Error, Location, Result};
use serde_json::{Map, Value};

const FIELD: &str = "push file";
const MEMBERS: [&str; 3] = ["applicationName", "source", "s3Location"];

/// What a push file says.
///
/// ```
/// use landfall_ec2_cfn::bundle::PushFile;
///
/// let text = r#"{"applicationName": "demo", "source": "build", "s3Location": "s3://demo-bucket/demo.zip"}"#;
/// let file = PushFile::parse("push.json", text)?;
/// assert_eq!(file.s3_location, "s3://demo-bucket/demo.zip");
/// # Ok::<(), landfall_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushFile {
    /// The application of CodeDeploy that the bundle is a revision of.
    pub application: String,
    /// The folder to pack.
    pub source: PathBuf,
    /// Where it goes: `s3://bucket/key`.
    pub s3_location: String,
}

impl PushFile {
    /// Reads the text of a push file; `name` stands for it in messages.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem: no JSON, a member that is missing, empty or no
    /// string, a member that would be left out of account.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let refused = || format!("{name} is no push file");
        let members = members(name, text).map_err(|cause| Error::invalid(refused()).with_cause(*cause))?;
        let mut problems = Vec::new();
        let [application, source, s3_location] = MEMBERS.map(|member| {
            let found = members.get(member);
            match found.and_then(Value::as_str).filter(|text| !text.is_empty()) {
                Some(text) => text.to_owned(),
                None => {
                    problems.push(wrong(name, member, found));
                    String::new()
                }
            }
        });
        let others: Vec<&str> =
            members.keys().map(String::as_str).filter(|known| !MEMBERS.contains(known)).collect();
        if !others.is_empty() {
            let message = format!("{name} has members that nothing is done with: {}", others.join(", "));
            let hint = format!("a push file has {}", MEMBERS.join(", "));
            problems.push(Cause::invalid(FIELD, message).with_hint(hint));
        }
        Error::all(refused(), problems)?;
        Ok(Self { application, source: PathBuf::from(source), s3_location })
    }
}

fn members(name: &str, text: &str) -> Result<Map<String, Value>, Box<Cause>> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => {
            let message = format!("{name} is no JSON object: one with {} was expected", MEMBERS.join(", "));
            Err(Box::new(Cause::invalid(FIELD, message)))
        }
        Err(error) => {
            let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let place =
                Location { file: name.to_owned(), line: at(error.line()), column: at(error.column()) };
            Err(Box::new(Cause::invalid(FIELD, format!("{name} is not valid JSON: {error}")).at(place)))
        }
    }
}

fn wrong(name: &str, member: &str, found: Option<&Value>) -> Cause {
    let why = match found {
        None => "is missing".to_owned(),
        Some(Value::String(_)) => "is empty".to_owned(),
        Some(other) => format!("is {other}, not a string"),
    };
    Cause::invalid(FIELD, format!("{member} in {name} {why}"))
}

#[cfg(test)]
mod tests {
    use super::PushFile;

    #[test]
    fn the_three_members_are_read() {
        let text =
            r#"{"applicationName": "demo", "source": "build", "s3Location": "s3://demo-bucket/demo.zip"}"#;
        let file = PushFile::parse("push.json", text).unwrap();
        assert_eq!((file.application.as_str(), file.source.to_str()), ("demo", Some("build")));
        assert_eq!(file.s3_location, "s3://demo-bucket/demo.zip");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = r#"{"source": "", "s3Location": 7, "region": "eu-central-1", "bucket": "b"}"#;
        let error = PushFile::parse("push.json", text).unwrap_err();
        let all: Vec<String> = error.causes().iter().map(|cause| cause.report()).collect();
        for words in [
            "applicationName in push.json is missing",
            "source in push.json is empty",
            "s3Location in push.json is 7, not a string",
            "nothing is done with: region, bucket",
        ] {
            assert!(all.iter().any(|told| told.contains(words)), "{words}: {all:#?}");
        }
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn broken_json_is_told_with_its_line() {
        for (text, words) in
            [("{\n  \"source\": }", "push.json:2:"), ("[]", "is no JSON object"), ("", "not valid JSON")]
        {
            let error = PushFile::parse("push.json", text).unwrap_err();
            assert!(error.report().contains(words), "{words}: {}", error.report());
        }
    }
}
