//! Checks of an input of CreateDeployment, by the API reference.

use landfall_core::{Cause, Location};
use serde_json::{Map, Value};

use super::choices::ScalingProcess;

/// Most characters of a user's description: CodeDeploy allows 256, and the run's tag takes the rest, more of it with a
/// sequence.
pub(crate) const DESCRIPTION: usize = 140;
pub(crate) const WITH_SEQUENCE: usize = 110;

/// Members that are needed, with what they are called.
const NAMES: [(&str, &str); 2] =
    [("applicationName", "application"), ("deploymentGroupName", "deployment group")];

/// Members that take one of a few words.
const WORDS: [(&str, &str, &[&str]); 2] = [
    ("fileExistsBehavior", "file exists", &["DISALLOW", "OVERWRITE", "RETAIN"]),
    ("deploymentMode", "deployment mode", &["STANDARD", "RESTART"]),
];

/// Reads a file with an input of CreateDeployment.
pub(super) fn read_input(name: &str, text: &str) -> Result<Map<String, Value>, Vec<Cause>> {
    let field = "deployment file";
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(input)) => Ok(input),
        Ok(_) => {
            let message = format!(
                "{name} is no JSON object: an input of CreateDeployment was expected, with applicationName"
            );
            Err(vec![Cause::invalid(field, message)])
        }
        Err(error) => {
            let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let place =
                Location { file: name.to_owned(), line: at(error.line()), column: at(error.column()) };
            let cause = Cause::invalid(field, format!("{name} is not valid JSON: {error}"));
            Err(vec![cause.at(place)])
        }
    }
}

/// Checks the names of application and group.
pub(super) fn names(input: &Map<String, Value>, problems: &mut Vec<Cause>) {
    for (member, what) in NAMES {
        name(input.get(member), what, problems);
    }
}

/// Finds all problems of an input.
pub(super) fn input(input: &Map<String, Value>, with_sequence: bool, problems: &mut Vec<Cause>) {
    names(input, problems);
    if input.get("deploymentMode").is_some_and(|mode| mode == "RESTART") {
        restart(input, problems);
    } else {
        revision(input.get("revision"), problems);
    }
    let options = input.get("ec2DeploymentOptions").unwrap_or(&Value::Null);
    suspended(&options["autoScalingGroupProcessesToSuspend"], problems);
    if let Some(config) = input.get("deploymentConfigName") {
        name(Some(config), "deployment config", problems);
    }
    for (member, what, words) in WORDS {
        if let Some(value) = input.get(member)
            && !value.as_str().is_some_and(|value| words.contains(&value))
        {
            problems.push(Cause::invalid(
                what,
                format!("{member} is {value}, and {} are allowed", words.join(", ")),
            ));
        }
    }
    for member in ["ignoreApplicationStopFailures", "updateOutdatedInstancesOnly"] {
        if input.get(member).is_some_and(|value| !value.is_boolean()) {
            problems.push(Cause::invalid(member, format!("{member} is neither true nor false")));
        }
    }
    description(input.get("description"), if with_sequence { WITH_SEQUENCE } else { DESCRIPTION }, problems);
}

/// "When deploymentMode is RESTART": CreateDeployment in the API reference.
fn restart(input: &Map<String, Value>, problems: &mut Vec<Cause>) {
    if input.contains_key("revision") {
        let message = "a revision is given, and a restart takes the one that was deployed last with success";
        problems.push(Cause::invalid("revision", message).with_hint("leave the revision out, or deploy it"));
    }
    if input.get("updateOutdatedInstancesOnly").is_some_and(|only| only == true) {
        let message = "a restart is of all instances, and updateOutdatedInstancesOnly is true";
        problems.push(Cause::invalid("updateOutdatedInstancesOnly", message));
    }
}

/// Names of processes are case sensitive: `EC2DeploymentOptions` in the API reference.
fn suspended(given: &Value, problems: &mut Vec<Cause>) {
    let field = "suspended processes";
    let Value::Array(names) = given else {
        if !given.is_null() {
            let message = format!("autoScalingGroupProcessesToSuspend is {given}, and a list is expected");
            problems.push(Cause::invalid(field, message));
        }
        return;
    };
    let known = ScalingProcess::ALL.map(ScalingProcess::as_str);
    let is_known = |name: &&Value| name.as_str().is_some_and(|name| known.contains(&name));
    let unknown: Vec<String> = names.iter().filter(|name| !is_known(name)).map(Value::to_string).collect();
    if !unknown.is_empty() {
        let message = format!("{} cannot be suspended; these can: {}", unknown.join(", "), known.join(", "));
        problems.push(Cause::invalid(field, message));
    }
}

/// "Length Constraints: Minimum length of 1. Maximum length of 100" (API reference, all three names).
fn name(value: Option<&Value>, what: &str, problems: &mut Vec<Cause>) {
    match value {
        Some(Value::String(name)) if (1..=100).contains(&name.chars().count()) => {}
        Some(Value::String(name)) if !name.is_empty() => {
            let length = name.chars().count();
            problems.push(Cause::invalid(
                what,
                format!("the name of the {what} has {length} characters, and 100 are allowed"),
            ));
        }
        None | Some(Value::String(_)) => {
            problems.push(Cause::invalid(what, format!("the name of the {what} is missing")));
        }
        Some(other) => {
            problems.push(Cause::invalid(what, format!("the name of the {what} is {other}, not a string")));
        }
    }
}

fn description(value: Option<&Value>, most: usize, problems: &mut Vec<Cause>) {
    match value {
        None => {}
        Some(Value::String(text)) if text.chars().count() <= most => {}
        Some(Value::String(text)) => {
            let message = format!(
                "the description has {} characters: up to {most} fit beside the run's tag into the 256 that CodeDeploy \
                 allows",
                text.chars().count()
            );
            problems.push(Cause::invalid("description", message));
        }
        Some(_) => problems.push(Cause::invalid("description", "the description is not a string")),
    }
}

fn revision(value: Option<&Value>, problems: &mut Vec<Cause>) {
    let field = "revision";
    let Some(revision) = value else {
        problems.push(Cause::invalid(
            field,
            "it is not said what to deploy: an object in S3 or a commit on GitHub",
        ));
        return;
    };
    let needed = |part: &str, members: &[&str]| -> Vec<String> {
        let filled = |member: &&&str| revision[part][**member].as_str().is_none_or(str::is_empty);
        members.iter().filter(filled).map(|member| format!("{part}.{member}")).collect()
    };
    let missing = match revision["revisionType"].as_str() {
        Some("S3") => needed("s3Location", &["bucket", "key"]),
        Some("GitHub") => needed("gitHubLocation", &["repository", "commitId"]),
        Some(other) => {
            let message = format!("a revision of type {other} is not for instances: S3 and GitHub are");
            problems.push(Cause::invalid(field, message));
            return;
        }
        None => vec!["revisionType".to_owned()],
    };
    if !missing.is_empty() {
        problems.push(Cause::invalid(field, format!("of the revision are missing: {}", missing.join(", "))));
    }
    let s3 = &revision["s3Location"];
    if revision["revisionType"] == "S3" && missing.is_empty() {
        match s3["bundleType"].as_str() {
            Some("zip" | "tar" | "tgz") => {}
            Some(other) => {
                let message = format!("a bundle of type {other} is not for instances: zip, tar and tgz are");
                problems.push(Cause::invalid(field, message));
            }
            None => {
                let key = s3["key"].as_str().unwrap_or_default();
                let message =
                    format!("the ending of the key `{key}` does not tell the bundle's type: zip, tar or tgz");
                problems.push(Cause::invalid(field, message));
            }
        }
    }
}
