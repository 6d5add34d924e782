//! AWS STS: GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

mod assume_role;
mod passed;
mod session;
mod web_identity;

use jiff::Timestamp;

use crate::iam::{Directory, Principal};
use crate::ids::Ids;
use crate::oidc::Issuer;
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// The operations, so that an unknown one is refused before anything else.
pub(crate) const OPERATIONS: [&str; 3] = ["GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"];

/// What STS works on.
pub(crate) struct Sts<'a> {
    pub(crate) directory: &'a mut Directory,
    pub(crate) issuer: &'a Issuer,
    pub(crate) ids: &'a mut Ids,
    pub(crate) now: Timestamp,
}

impl Sts<'_> {
    /// Answers with the inner XML of the result.
    pub(crate) fn call(
        &mut self,
        operation: &str,
        form: &Form,
        principal: Option<&Principal>,
    ) -> Result<String, ServiceError> {
        match (operation, principal) {
            ("GetCallerIdentity", Some(principal)) => Ok(caller_identity(principal)),
            ("AssumeRole", Some(principal)) => self.assume_role(form, principal),
            ("AssumeRoleWithWebIdentity", _) => self.assume_role_with_web_identity(form),
            _ => Err(unknown_operation(operation)),
        }
    }
}

/// awsQuery's answer to an action it does not know.
pub(crate) fn unknown_operation(operation: &str) -> ServiceError {
    ServiceError::new(
        400,
        "InvalidAction",
        format!("Could not find operation {operation} for version 2011-06-15"),
    )
}

/// The actions a caller needs. GetCallerIdentity needs none and cannot be denied.
pub(crate) fn required(operation: &str, form: &Form, principal: &Principal) -> Vec<(String, String)> {
    if operation != "AssumeRole" {
        return Vec::new();
    }
    let role = form.text("RoleArn").unwrap_or_default();
    let actions = assume_role::actions(form, principal);
    actions.into_iter().map(|action| (action.to_owned(), role.to_owned())).collect()
}

fn caller_identity(principal: &Principal) -> String {
    let mut text = String::new();
    element(&mut text, "Arn", &principal.arn);
    element(&mut text, "UserId", &principal.user_id);
    element(&mut text, "Account", &principal.account);
    text
}
