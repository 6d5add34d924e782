//! AssumeRoleWithWebIdentity:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.

use std::collections::BTreeMap;

use super::Sts;
use super::passed::Passed;
use super::session::{required, validation, wanted};
use crate::Account;
use crate::iam::{TrustRequest, trusts};
use crate::oidc::{Rejected, VerifiedToken, verify};
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

impl Sts<'_> {
    pub(super) fn assume_role_with_web_identity(&mut self, form: &Form) -> Result<String, ServiceError> {
        let token = required(form, "WebIdentityToken", "webIdentityToken")?;
        if !(4..=20_000).contains(&token.len()) {
            return Err(validation(
                "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must \
                 have length less than or equal to 20000",
            ));
        }
        let wanted = wanted(form)?;
        let nobody = Account::default();
        let account = self.directory.accounts.get(&wanted.role.account).unwrap_or(&nobody);
        let passed = Passed::policies_only(form, account)?;
        let verified = verify(token, self.issuer, account, self.now).map_err(rejected)?;
        let request = trust_request(&verified, &wanted.role.account);
        let trusted = self.role(&wanted.role).is_some_and(|role| trusts(&role.trust_policy, &request));
        if !trusted {
            let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
            return Err(ServiceError::new(403, "AccessDenied", message));
        }
        let percent = passed.packed_percent;
        let limits = passed.into_limits(BTreeMap::new(), None);
        let mut text = self.open_session(&wanted, limits)?;
        if let Some(percent) = percent {
            element(&mut text, "PackedPolicySize", &percent.to_string());
        }
        element(&mut text, "SubjectFromWebIdentityToken", &verified.subject);
        element(&mut text, "Audience", &verified.audience);
        let provider = format!("arn:aws:iam::{}:oidc-provider/{}", wanted.role.account, verified.host);
        element(&mut text, "Provider", &provider);
        Ok(text)
    }
}

fn rejected(reason: Rejected) -> ServiceError {
    match reason {
        Rejected::Invalid(message) => ServiceError::new(400, "InvalidIdentityToken", message),
        Rejected::Expired(message) => ServiceError::new(400, "ExpiredTokenException", message),
    }
}

/// Condition keys for identity providers that are not one of the well-known ones: only `aud` and `sub` ("Available keys
/// for AWS OIDC federation" in the IAM user guide).
fn trust_request<'a>(token: &VerifiedToken, account: &str) -> TrustRequest<'a> {
    let host = &token.host;
    let context = BTreeMap::from([
        (format!("{host}:sub"), vec![token.subject.clone()]),
        (format!("{host}:aud"), token.audiences.clone()),
    ]);
    TrustRequest {
        action: "sts:AssumeRoleWithWebIdentity",
        principal_type: "Federated",
        principals: vec![format!("arn:aws:iam::{account}:oidc-provider/{host}")],
        context,
    }
}
