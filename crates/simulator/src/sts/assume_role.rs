//! AssumeRole: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use std::collections::BTreeMap;

use super::Sts;
use super::passed::Passed;
use super::session::{Wanted, validation, wanted};
use crate::iam::{Principal, SessionLimits, TrustRequest, trusts};
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// "Role chaining limits your session to a maximum of one hour."
const LONGEST_CHAINED: u32 = 3_600;

impl Sts<'_> {
    pub(super) fn assume_role(&mut self, form: &Form, principal: &Principal) -> Result<String, ServiceError> {
        let wanted = wanted(form)?;
        let earlier = principal.session.clone().unwrap_or_default();
        let nobody = crate::Account::default();
        let account = self.directory.accounts.get(&wanted.role.account).unwrap_or(&nobody);
        let passed = Passed::read(form, account, &earlier.transitive)?;
        // The source identity of a session stays: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html.
        // The words are not documented.
        let other = |name: &String| passed.source_identity.as_ref().is_some_and(|new| new != name);
        if earlier.source_identity.as_ref().is_some_and(other) {
            return Err(validation("The source identity of a session cannot be changed"));
        }
        self.check_trust(form, principal, &wanted, &passed, &earlier)?;
        if principal.session.is_some() && wanted.seconds > LONGEST_CHAINED {
            return Err(validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        let (percent, source) = (passed.packed_percent, passed.source_identity.clone());
        let limits = passed.into_limits(earlier.transitive, earlier.source_identity);
        let mut text = self.open_session(&wanted, limits)?;
        if let Some(percent) = percent {
            element(&mut text, "PackedPolicySize", &percent.to_string());
        }
        if let Some(name) = source {
            element(&mut text, "SourceIdentity", &name);
        }
        Ok(text)
    }

    /// Every action of the request must be in the role's trust policy: the session itself, its tags (those it inherits
    /// too), its source identity.
    fn check_trust(
        &self,
        form: &Form,
        principal: &Principal,
        wanted: &Wanted,
        passed: &Passed,
        earlier: &SessionLimits,
    ) -> Result<(), ServiceError> {
        let context = context(form, wanted, passed);
        for action in actions(form, principal) {
            let request = TrustRequest {
                action,
                principal_type: "AWS",
                principals: names(principal),
                context: with_inherited(&context, earlier),
            };
            if !self.role(&wanted.role).is_some_and(|role| trusts(&role.trust_policy, &request)) {
                // A role that does not exist is refused with the same words: STS does not tell which roles there are.
                let (arn, role) = (&principal.arn, form.text("RoleArn").unwrap_or_default());
                let message =
                    format!("User: {arn} is not authorized to perform: {action} on resource: {role}");
                return Err(ServiceError::new(403, "AccessDenied", message));
            }
        }
        Ok(())
    }
}

/// The actions that a request needs, both of the caller's policies and of the role's trust policy:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required>.
pub(super) fn actions(form: &Form, principal: &Principal) -> Vec<&'static str> {
    let session = principal.session.as_ref();
    let inherits = session.is_some_and(|session| !session.transitive.is_empty());
    let keeps = session.is_some_and(|session| session.source_identity.is_some());
    let mut actions = vec!["sts:AssumeRole"];
    if inherits || form.members("Tags", ".Key").next().is_some() {
        actions.push("sts:TagSession");
    }
    if keeps || form.text("SourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    actions
}

/// The condition keys of a request: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>.
fn context(form: &Form, wanted: &Wanted, passed: &Passed) -> BTreeMap<String, Vec<String>> {
    let mut context: BTreeMap<String, Vec<String>> = passed
        .tags
        .iter()
        .map(|(key, value)| (format!("aws:RequestTag/{key}"), vec![value.clone()]))
        .collect();
    context.insert("sts:RoleSessionName".to_owned(), vec![wanted.session_name.clone()]);
    context.insert("aws:TagKeys".to_owned(), passed.tags.keys().cloned().collect());
    context.insert("sts:TransitiveTagKeys".to_owned(), passed.transitive_keys.clone());
    let texts =
        [("sts:ExternalId", form.text("ExternalId")), ("sts:SourceIdentity", form.text("SourceIdentity"))];
    for (key, value) in texts {
        context.extend(value.map(|value| (key.to_owned(), vec![value.to_owned()])));
    }
    context
}

fn with_inherited(
    context: &BTreeMap<String, Vec<String>>,
    earlier: &SessionLimits,
) -> BTreeMap<String, Vec<String>> {
    let tags = earlier.transitive.iter();
    let tags = tags.map(|(key, value)| (format!("aws:PrincipalTag/{key}"), vec![value.clone()]));
    context.clone().into_iter().chain(tags).collect()
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
