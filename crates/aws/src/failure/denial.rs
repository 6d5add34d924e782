//! What AWS says when it denies something.

use landfall_core::Cause;

/// What kind of policy stood in the way.
///
/// The texts are those of
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeniedBy {
    /// Nothing allows it. The ordinary case: a policy of the role lacks the action.
    NothingAllows,
    /// A statement with `"Effect": "Deny"` in a policy of the identity or the resource.
    ExplicitDeny,
    /// A policy of the organisation: service control or resource control policy.
    Organization,
    /// A permissions boundary or a session policy, which caps what the role's policies allow.
    Boundary,
}

/// Who may not do what, on what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// ARN of the caller, if AWS named it.
    pub principal: Option<String>,
    /// The action: `ecs:UpdateService`.
    pub action: String,
    /// ARN of the resource, if AWS named it.
    pub resource: Option<String>,
    /// What stood in the way.
    pub by: DeniedBy,
}

impl Denial {
    /// Reads it out of AWS's message; `None` when the message does not name an action.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        let action = word_after(message, "to perform: ").or_else(|| word_after(message, "to perform "))?;
        action.contains(':').then(|| Self {
            principal: word_after(message, "User: "),
            resource: word_after(message, "on resource: ").filter(|resource| resource != "*"),
            by: policy(message),
            action,
        })
    }

    /// Whether the missing permission is the one to hand a role to a service.
    #[must_use]
    pub fn is_pass_role(&self) -> bool {
        self.action == "iam:PassRole"
    }

    pub(super) fn cause(&self) -> Cause {
        let who = self.principal.as_deref().unwrap_or("the caller");
        let on = self.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        Cause::new("missing-permission", format!("{who} may not {}{on}", self.action))
    }

    pub(super) fn hint(&self) -> String {
        let action = &self.action;
        let resource = self.resource.as_deref().unwrap_or("*");
        match self.by {
            DeniedBy::NothingAllows if self.is_pass_role() => format!(
                "allow iam:PassRole on {resource} in a policy of the role that deploys; the condition \
                 iam:PassedToService = ecs-tasks.amazonaws.com keeps it narrow"
            ),
            DeniedBy::NothingAllows => {
                format!("allow {action} on {resource} in a policy of the role that deploys")
            }
            DeniedBy::ExplicitDeny => format!(
                "a policy denies {action} outright, which no allow can lift: find the statement with \"Effect\": \
                 \"Deny\" that matches {resource}"
            ),
            DeniedBy::Organization => format!(
                "a policy of the organization (SCP or RCP) denies {action}; only those who run the organization can \
                 change it. It may ask for a region, a tag or a kind of caller"
            ),
            DeniedBy::Boundary => format!(
                "the role's own policies are capped by a permissions boundary or a session policy: allow {action} on \
                 {resource} there too"
            ),
        }
    }
}

fn policy(message: &str) -> DeniedBy {
    if message.contains("service control policy") || message.contains("resource control policy") {
        DeniedBy::Organization
    } else if message.contains("explicit deny") {
        DeniedBy::ExplicitDeny
    } else if message.contains("permissions boundary") || message.contains("session policy") {
        DeniedBy::Boundary
    } else {
        DeniedBy::NothingAllows
    }
}

/// The word behind a marker, without the punctuation that ends a sentence.
fn word_after(message: &str, marker: &str) -> Option<String> {
    let (_, rest) = message.split_once(marker)?;
    let word = rest.split_whitespace().next()?.trim_end_matches(['.', ',', ';']);
    (!word.is_empty()).then(|| word.trim_matches('"').to_owned())
}
