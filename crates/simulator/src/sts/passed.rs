//! What a caller may pass with a session: session policies, session tags, a source identity.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>.

use std::collections::BTreeMap;

use serde_json::Value;

use super::session::{constraint, validation};
use crate::Account;
use crate::iam::{SessionLimits, parse_session_policy};
use crate::wire::{Form, ServiceError};

/// "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters."
const LONGEST_POLICIES: usize = 2_048;
/// "You can provide up to 10 managed policy ARNs."
const MOST_ARNS: usize = 10;
/// "You can pass up to 50 session tags."
const MOST_TAGS: usize = 50;

/// Characters of session tags that fill the packed form. The packing is not documented; nine tags of 252 characters were
/// seen to take 498 % (<https://github.com/aws-actions/configure-aws-credentials/issues/1898>).
const PACKED_TAGS: usize = 456;
/// Characters of session policies that fill the packed form: policies are compressed, and the longest plaintext fits in
/// most cases. How much room one takes is not documented; half of it is made up.
const PACKED_POLICIES: usize = 4_096;

/// Everything that was passed, checked.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) policies: Vec<Value>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) transitive_keys: Vec<String>,
    pub(super) source_identity: Option<String>,
    /// `PackedPolicySize`, when there is something to pack.
    pub(super) packed_percent: Option<usize>,
}

impl Passed {
    /// What AssumeRoleWithWebIdentity takes: its session tags and source identity are claims of the token
    /// (`https://aws.amazon.com/tags`), which are not modelled.
    pub(super) fn policies_only(form: &Form, account: &Account) -> Result<Self, ServiceError> {
        let (policies, plain) = policies(form, account)?;
        let packed_percent = packed(plain, &BTreeMap::new())?;
        Ok(Self { policies, packed_percent, ..Self::default() })
    }

    /// What AssumeRole takes. `account` is that of the role, where managed policies must be; `inherited` are the transitive
    /// tags of the caller's session.
    pub(super) fn read(
        form: &Form,
        account: &Account,
        inherited: &BTreeMap<String, String>,
    ) -> Result<Self, ServiceError> {
        let (policies, plain) = policies(form, account)?;
        let tags = tags(form, inherited)?;
        let packed_percent = packed(plain, &tags)?;
        Ok(Self {
            policies,
            transitive_keys: transitive_keys(form, &tags)?,
            source_identity: source_identity(form)?,
            tags,
            packed_percent,
        })
    }

    /// What becomes of it in the session.
    pub(super) fn into_limits(
        self,
        inherited: BTreeMap<String, String>,
        earlier: Option<String>,
    ) -> SessionLimits {
        let own = self.tags.into_iter().filter(|(key, _)| self.transitive_keys.contains(key));
        SessionLimits {
            policies: self.policies,
            transitive: inherited.into_iter().chain(own).collect(),
            source_identity: earlier.or(self.source_identity),
        }
    }
}

/// The session policies, and the characters of their plaintext.
fn policies(form: &Form, account: &Account) -> Result<(Vec<Value>, usize), ServiceError> {
    let inline = form.text("Policy");
    let arns: Vec<&str> = form.members("PolicyArns", ".arn").collect();
    let plain =
        inline.map_or(0, |text| text.chars().count()) + arns.iter().map(|arn| arn.len()).sum::<usize>();
    let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if let Some(text) = inline.filter(|text| text.is_empty() || !text.chars().all(allowed)) {
        let pattern = r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+";
        return Err(constraint(text, "policy", pattern));
    }
    if plain > LONGEST_POLICIES {
        let text = inline.unwrap_or_default();
        return Err(constraint(text, "policy", "Member must have length less than or equal to 2048"));
    }
    if arns.len() > MOST_ARNS {
        return Err(constraint("", "policyArns", "Member must have length less than or equal to 10"));
    }
    let malformed = |message: &str| ServiceError::new(400, "MalformedPolicyDocument", message);
    let inline = inline.map(|text| parse_session_policy(text).map_err(malformed)).transpose()?;
    // What STS says of a policy that does not exist is not documented.
    let managed = arns.iter().map(|arn| {
        let found = account.policies.get(*arn).cloned();
        found.ok_or_else(|| validation(format!("The specified policy ARN {arn} does not exist")))
    });
    let policies: Result<Vec<Value>, ServiceError> = inline.into_iter().map(Ok).chain(managed).collect();
    Ok((policies?, plain))
}

fn tags(form: &Form, inherited: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ServiceError> {
    let keys: Vec<&str> = form.members("Tags", ".Key").collect();
    if keys.len() > MOST_TAGS {
        return Err(constraint("", "tags", "Member must have length less than or equal to 50"));
    }
    let mut tags = BTreeMap::new();
    for (key, value) in keys.into_iter().zip(form.members("Tags", ".Value")) {
        check_text("tagKey", key, 1, 128)?;
        check_text("tagValue", value, 0, 256)?;
        // "Tag key-value pairs are not case sensitive, but case is preserved." The words are not documented.
        let same = |other: &String| other.to_lowercase() == key.to_lowercase();
        if tags.keys().any(same) {
            return Err(validation(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(validation(format!("System tag keys such as {key} cannot be passed")));
        }
        // "If you pass a session tag with the same key as an inherited tag, the operation fails."
        if inherited.keys().any(same) {
            return Err(validation(format!("The tag key {key} is inherited and cannot be passed again")));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

fn check_text(member: &str, text: &str, shortest: usize, longest: usize) -> Result<(), ServiceError> {
    let allowed = |letter: char| letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter);
    if !text.chars().all(allowed) {
        let pattern = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+";
        return Err(constraint(text, member, pattern));
    }
    if !(shortest..=longest).contains(&text.chars().count()) {
        let what = format!("Member must have length less than or equal to {longest}");
        return Err(constraint(text, member, &what));
    }
    Ok(())
}

fn transitive_keys(form: &Form, tags: &BTreeMap<String, String>) -> Result<Vec<String>, ServiceError> {
    let keys: Vec<String> = form.members("TransitiveTagKeys", "").map(str::to_owned).collect();
    match keys.iter().find(|key| !tags.contains_key(*key)) {
        Some(key) => Err(validation(format!(
            "The specified transitive tag key must be included in the requested tags: {key}"
        ))),
        None => Ok(keys),
    }
}

fn source_identity(form: &Form) -> Result<Option<String>, ServiceError> {
    let Some(name) = form.text("SourceIdentity") else { return Ok(None) };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) || name.starts_with("aws:") {
        let pattern = r"Member must satisfy regular expression pattern: [\w+=,.@-]*";
        return Err(constraint(name, "sourceIdentity", pattern));
    }
    Ok(Some(name.to_owned()))
}

fn packed(policies: usize, tags: &BTreeMap<String, String>) -> Result<Option<usize>, ServiceError> {
    let tags: usize = tags.iter().map(|(key, value)| key.chars().count() + value.chars().count()).sum();
    if policies == 0 && tags == 0 {
        return Ok(None);
    }
    let percent = (policies * 100).div_ceil(PACKED_POLICIES) + (tags * 100).div_ceil(PACKED_TAGS);
    let message = match policies {
        0 => format!("Packed size of session tags consumes {percent}% of allotted space."),
        _ => format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
    };
    if percent > 100 {
        Err(ServiceError::new(400, "PackedPolicyTooLarge", message))
    } else {
        Ok(Some(percent))
    }
}
