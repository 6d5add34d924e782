//! Whether a role's trust policy lets somebody assume it: the part of IAM's policy language that trust policies use
//! for OIDC and for other accounts (Principal, Action, StringEquals, StringLike; both operators take lists).

use std::collections::BTreeMap;

use serde_json::Value;

use super::wildcard_match;

/// Who asks, and with what.
pub(crate) struct TrustRequest<'a> {
    /// `sts:AssumeRole` or `sts:AssumeRoleWithWebIdentity`.
    pub(crate) action: &'a str,
    /// The principal's type: `AWS` or `Federated`.
    pub(crate) principal_type: &'a str,
    /// The forms in which the policy may name the principal.
    pub(crate) principals: Vec<String>,
    /// Condition keys and their values.
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

/// True if a statement allows it and none denies it.
pub(crate) fn trusts(policy: &Value, request: &TrustRequest<'_>) -> bool {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    let fitting = |effect: &str| {
        statements.iter().any(|statement| statement["Effect"] == effect && statement_fits(statement, request))
    };
    fitting("Allow") && !fitting("Deny")
}

fn statement_fits(statement: &Value, request: &TrustRequest<'_>) -> bool {
    let action = strings(&statement["Action"]).iter().any(|action| wildcard_match(action, request.action));
    let principal = match &statement["Principal"] {
        Value::String(everybody) => everybody == "*",
        by_type => strings(&by_type[request.principal_type])
            .iter()
            .any(|named| named == "*" || request.principals.contains(named)),
    };
    action && principal && conditions_hold(&statement["Condition"], request)
}

fn conditions_hold(conditions: &Value, request: &TrustRequest<'_>) -> bool {
    conditions.as_object().into_iter().flatten().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, wanted)| {
            let wanted = strings(wanted);
            let found = request.context.get(key).map(Vec::as_slice).unwrap_or_default();
            match operator.as_str() {
                // True for a request without the key as well:
                // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
                "ForAllValues:StringEquals" => found.iter().all(|value| wanted.contains(value)),
                "ForAllValues:StringLike" => {
                    found.iter().all(|value| wanted.iter().any(|like| wildcard_match(like, value)))
                }
                "StringEquals" => found.iter().any(|value| wanted.contains(value)),
                "StringLike" => {
                    found.iter().any(|value| wanted.iter().any(|like| wildcard_match(like, value)))
                }
                "StringNotEquals" => !found.iter().any(|value| wanted.contains(value)),
                // An operator that is not modelled never holds: better refused than wrongly allowed.
                _ => false,
            }
        })
    })
}

pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
