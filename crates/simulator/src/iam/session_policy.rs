//! Session policies: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>.
//!
//! Modelled: Effect, Action and NotAction, Resource and NotResource, with wildcards. A statement with a Condition counts
//! as one that does not allow, or that does deny: better refused than wrongly allowed.

use serde_json::Value;

use super::trust::strings;
use super::wildcard_match;

/// What session policies say about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Allowed,
    /// No statement allows it.
    Nothing,
    /// A statement denies it.
    Denied,
}

/// What the policies of a session say together; no policies allow everything that the role may do.
pub(super) fn says(policies: &[Value], action: &str, resource: &str) -> Says {
    let fits = |effect: &str| {
        policies.iter().flat_map(statements).any(|statement| {
            let conditional = !statement["Condition"].is_null();
            statement["Effect"] == effect
                && (effect == "Deny" || !conditional)
                && names(&statement, "Action", &action.to_lowercase(), str::to_lowercase)
                && names(&statement, "Resource", resource, str::to_owned)
        })
    };
    match policies {
        [] => Says::Allowed,
        _ if fits("Deny") => Says::Denied,
        _ if fits("Allow") => Says::Allowed,
        _ => Says::Nothing,
    }
}

/// Whether a statement's element (`Action`, `Resource`) or its opposite (`NotAction`, `NotResource`) covers `text`.
fn names(statement: &Value, element: &str, text: &str, form: fn(&str) -> String) -> bool {
    let covers = |value: &Value| strings(value).iter().any(|pattern| wildcard_match(&form(pattern), text));
    match &statement[format!("Not{element}").as_str()] {
        Value::Null => covers(&statement[element]),
        but => !covers(but),
    }
}

fn statements(policy: &Value) -> Vec<Value> {
    match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    }
}

/// A document that is to be a session policy, or what is wrong with it in IAM's words. These are not documented; they are
/// from public reports.
pub(crate) fn parse_session_policy(text: &str) -> Result<Value, &'static str> {
    let Ok(policy) = serde_json::from_str::<Value>(text) else {
        return Err("This policy contains invalid Json");
    };
    if !policy.is_object() || policy["Statement"].is_null() {
        return Err("Syntax errors in policy.");
    }
    for statement in statements(&policy) {
        let has = |element: &str| {
            !statement[element].is_null() || !statement[format!("Not{element}").as_str()].is_null()
        };
        if has("Principal") {
            return Err("Policy document should not specify a principal.");
        }
        if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
            return Err("Syntax errors in policy.");
        }
        if !has("Action") {
            return Err("Policy statement must contain actions.");
        }
        if !has("Resource") {
            return Err("Policy statement must contain resources.");
        }
    }
    Ok(policy)
}
