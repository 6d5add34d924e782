//! AssumeRole: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use std::collections::BTreeMap;

use super::Sts;
use super::session::wanted;
use crate::iam::{Principal, TrustRequest, trusts};
use crate::wire::{Form, ServiceError};

impl Sts<'_> {
    pub(super) fn assume_role(&mut self, form: &Form, principal: &Principal) -> Result<String, ServiceError> {
        let wanted = wanted(form)?;
        let mut context = BTreeMap::new();
        if let Some(external_id) = form.text("ExternalId") {
            context.insert("sts:ExternalId".to_owned(), vec![external_id.to_owned()]);
        }
        let request = TrustRequest {
            action: "sts:AssumeRole",
            principal_type: "AWS",
            principals: names(principal),
            context,
        };
        let trusted = self.role(&wanted.role).is_some_and(|role| trusts(&role.trust_policy, &request));
        if !trusted {
            // A role that does not exist is refused with the same words: STS does not tell which roles there are.
            let (arn, role) = (&principal.arn, form.text("RoleArn").unwrap_or_default());
            let message =
                format!("User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role}");
            return Err(ServiceError::new(403, "AccessDenied", message));
        }
        self.open_session(&wanted)
    }
}

/// The forms in which a trust policy may name the caller: the account (two spellings), the user or session, the role.
fn names(principal: &Principal) -> Vec<String> {
    let account = &principal.account;
    let mut names = vec![account.clone(), format!("arn:aws:iam::{account}:root"), principal.arn.clone()];
    if let Some(rest) = principal.arn.split_once(":assumed-role/").map(|(_, rest)| rest) {
        let role = rest.split('/').next().unwrap_or_default();
        names.push(format!("arn:aws:iam::{account}:role/{role}"));
    }
    names
}
