//! Whether a caller may do something, and the words in which AWS refuses it.
//!
//! The wording is that of "Troubleshoot access denied error messages" in the IAM user guide.

use super::session_policy::{Says, says};
use super::{Directory, Principal, wildcard_match};
use crate::DeniedBy;
use crate::wire::{Protocol, ServiceError};

/// Refuses the first action that is denied to the caller.
pub(crate) fn authorise(
    directory: &Directory,
    principal: &Principal,
    protocol: Protocol,
    wanted: &[(String, String)],
) -> Result<(), ServiceError> {
    for (action, resource) in wanted {
        let Some(because) = refusal(directory, principal, action, resource) else { continue };
        let arn = &principal.arn;
        // S3 writes the resource in quotes, other services without.
        let resource =
            if protocol == Protocol::RestXml { format!("\"{resource}\"") } else { resource.clone() };
        let message =
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {because}");
        return Err(match protocol {
            Protocol::Json => ServiceError::new(400, "AccessDeniedException", message),
            Protocol::RestJson => ServiceError::new(403, "AccessDeniedException", message),
            Protocol::Query | Protocol::RestXml => ServiceError::new(403, "AccessDenied", message),
        });
    }
    Ok(())
}

/// Why the caller may not do it; none when it may.
fn refusal(directory: &Directory, principal: &Principal, action: &str, resource: &str) -> Option<String> {
    let for_all = directory.accounts.get(&principal.account).map(|account| account.denied.as_slice());
    let denial = principal
        .denied
        .iter()
        .chain(for_all.unwrap_or_default())
        .filter(|denial| denial.resource.is_empty() || wildcard_match(&denial.resource, resource))
        .find(|denial| wildcard_match(&denial.action, action));
    if let Some(denial) = denial {
        return Some(match denial.by {
            DeniedBy::MissingAllow => format!("because no identity-based policy allows the {action} action"),
            DeniedBy::ServiceControlPolicy => "with an explicit deny in a service control policy".to_owned(),
        });
    }
    let policies = principal.session.as_ref().map(|session| session.policies.as_slice());
    match says(policies.unwrap_or_default(), action, resource) {
        Says::Allowed => None,
        Says::Nothing => Some(format!("because no session policy allows the {action} action")),
        Says::Denied => Some("with an explicit deny in a session policy".to_owned()),
    }
}
