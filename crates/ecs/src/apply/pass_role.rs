//! A registration that was refused because the caller may not hand a role of the task definition to ECS.

use landfall_aws::failure::{DeniedBy, Failure};
use landfall_core::{Cause, Error};
use serde_json::{Value, json};

use crate::document::Document;

/// Members of a task definition that name a role which is passed (`iam:PassRole` in the service authorization reference).
const ROLES: [&str; 2] = ["executionRoleArn", "taskRoleArn"];

/// The error, with the statement that is missing when it is `iam:PassRole`.
pub(super) fn not_registered(failure: Failure, document: &Document) -> Error {
    let denial = failure.denial().filter(|denial| denial.is_pass_role()).cloned();
    let error = Error::from(failure);
    let Some(role) = denial.as_ref().and_then(|denial| denial.resource.clone()) else { return error };
    let body: Value = serde_json::from_str(&document.to_body()).unwrap_or_default();
    let members: Vec<&str> = ROLES.into_iter().filter(|member| names(&body[*member], &role)).collect();
    let what = if members.is_empty() { "a role".to_owned() } else { members.join(" and ") };
    let cause =
        Cause::new("pass-role", format!("{what} of the task definition is {role}, which ECS is to take on"));
    // An allow cannot lift what a deny or a boundary forbids; the error says so itself.
    let allowable = denial.is_some_and(|denial| denial.by == DeniedBy::NothingAllows);
    let cause = if allowable {
        cause
            .with_evidence(statement(&role))
            .with_hint("add this statement to a policy of the role that deploys")
    } else {
        cause
    };
    error.with_cause(cause)
}

/// Whether a member names the role, by ARN or, as ECS allows it, by name.
fn names(member: &Value, role: &str) -> bool {
    let value = member.as_str().unwrap_or_default();
    !value.is_empty() && (value == role || role.ends_with(&format!("/{value}")))
}

fn statement(role: &str) -> Vec<String> {
    let statement = json!({
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
    let text = serde_json::to_string_pretty(&statement).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
