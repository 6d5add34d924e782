//! Whether a caller may do something, and the words in which AWS refuses it.
//!
//! The wording is that of "Troubleshoot access denied error messages" in the IAM user guide.

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
    let for_all = directory.accounts.get(&principal.account).map(|account| account.denied.as_slice());
    for (action, resource) in wanted {
        let denial = principal
            .denied
            .iter()
            .chain(for_all.unwrap_or_default())
            .find(|denial| wildcard_match(&denial.action, action));
        let Some(denial) = denial else { continue };
        let because = match denial.by {
            DeniedBy::MissingAllow => format!("because no identity-based policy allows the {action} action"),
            DeniedBy::ServiceControlPolicy => "with an explicit deny in a service control policy".to_owned(),
        };
        let arn = &principal.arn;
        let message =
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {because}");
        return Err(match protocol {
            Protocol::Json => ServiceError::new(400, "AccessDeniedException", message),
            Protocol::Query => ServiceError::new(403, "AccessDenied", message),
        });
    }
    Ok(())
}
