//! What can be wrong with the input, found without a call.

use aws_types::SdkConfig;
use landfall_core::{Cause, Place};

use super::{OnStackFailure, Options};
use crate::stack::template::{Capability, LARGEST_BODY, Needed, Template, TemplateBucket};

/// At most so many tags (CreateChangeSet).
const MOST_TAGS: usize = 50;

/// At most so many topics (CreateChangeSet).
const MOST_TOPICS: usize = 5;

/// A stack policy has at most so many bytes (SetStackPolicy).
const LARGEST_POLICY: usize = 16_384;

/// "A stack name can contain only alphanumeric characters (case-sensitive) and hyphens. It must start with an alphabetical
/// character and can't be longer than 128 characters" (CreateStack).
pub(crate) fn name(problems: &mut Vec<Cause>, name: &str) {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if name.is_empty() {
        problems.push(Cause::invalid("name", "the name of the stack is empty"));
    } else if name.starts_with("arn:") {
        problems.push(
            Cause::invalid("name", format!("`{name}` is an ARN, and a stack is deployed by its name"))
                .with_hint("give the part between `stack/` and the next `/`"),
        );
    } else if !plain || !begins || name.len() > 128 {
        let rule = "up to 128 letters, digits and `-`, a letter first";
        problems.push(Cause::invalid("name", format!("`{name}` is no name of a stack: those have {rule}")));
    }
}

pub(super) fn options(problems: &mut Vec<Cause>, options: &Options) {
    tags(problems, &options.tags);
    if let Some(arn) = &options.role_arn
        && !(arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":role/"))
    {
        let text =
            format!("`{arn}` is no ARN of a role: those look like arn:aws:iam::111122223333:role/deploy");
        problems.push(Cause::invalid("role_arn", text));
    }
    let topics = options.notification_arns.as_deref().unwrap_or_default();
    if topics.len() > MOST_TOPICS {
        let text = format!("{} topics are given, and a stack has at most {MOST_TOPICS}", topics.len());
        problems.push(Cause::invalid("notification_arns", text));
    }
    for topic in topics.iter().filter(|topic| !(topic.starts_with("arn:") && topic.contains(":sns:"))) {
        problems.push(Cause::invalid("notification_arns", format!("`{topic}` is no ARN of a topic of SNS")));
    }
    if let Some(policy) = &options.stack_policy {
        stack_policy(problems, policy);
    }
    if options.express && options.on_stack_failure == OnStackFailure::Delete {
        let text = "express mode is asked for, and that a failed new stack is deleted: CloudFormation documents nothing about both";
        problems.push(Cause::invalid("express", text).with_hint("say on-stack-failure=rollback or keep"));
    }
}

fn tags(problems: &mut Vec<Cause>, tags: &[(String, String)]) {
    if tags.len() > MOST_TAGS {
        let text = format!("{} tags are given, and a stack has at most {MOST_TAGS}", tags.len());
        problems.push(Cause::invalid("tags", text));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            let text = format!("tag `{key}`: a key has 1 to 128 characters, a value at most 256");
            problems.push(Cause::invalid("tags", text));
        } else if key.starts_with("aws:") {
            problems
                .push(Cause::invalid("tags", format!("tag `{key}`: keys with aws: in front are AWS's own")));
        }
        if tags.iter().take(index).any(|(other, _)| other == key) {
            problems.push(Cause::invalid("tags", format!("tag `{key}` is given twice")));
        }
    }
}

fn stack_policy(problems: &mut Vec<Cause>, policy: &str) {
    if policy.len() > LARGEST_POLICY {
        let text = format!("the stack policy has {} bytes, and {LARGEST_POLICY} is the most", policy.len());
        problems.push(Cause::invalid("stack_policy", text));
    }
    match serde_json::from_str::<serde_json::Value>(policy) {
        Ok(document) if document.get("Statement").is_some_and(serde_json::Value::is_array) => {}
        Ok(_) => problems.push(Cause::invalid("stack_policy", "the stack policy has no list `Statement`")),
        Err(error) => {
            problems.push(Cause::invalid("stack_policy", format!("the stack policy is no JSON: {error}")));
        }
    }
}

/// What the template needs beyond what it may be given.
pub(crate) fn capabilities(needed: &[Needed], most: Option<&[Capability]>) -> Vec<Cause> {
    let Some(most) = most else { return Vec::new() };
    let beyond = needed.iter().filter(|needed| !needed.capability.is_within(most));
    beyond
        .map(|needed| {
            let text =
                format!("the template needs {} because of {}", needed.capability, needed.by.join(", "));
            Cause::new("capability-missing", text).in_field("capabilities").with_hint(format!(
                "allow {} if that is meant, or take those resources out of the template",
                needed.capability
            ))
        })
        .collect()
}

/// A change set that looks at drift does not look into nested stacks: what it would delete there cannot be refused.
pub(crate) fn drift<'a>(options: &Options, kinds: impl IntoIterator<Item = &'a str>) -> Option<Cause> {
    let consents = options.allow_replacement && options.allow_deletion;
    let nested = kinds.into_iter().any(|kind| kind == "AWS::CloudFormation::Stack");
    (options.revert_drift && nested && !consents).then(|| {
        let text = "the template has nested stacks, and a change set that puts drift back does not show what it replaces or \
                    deletes in them";
        Cause::invalid("revert_drift", text).with_hint(
            "deploy without revert-drift; or say allow-replacement and allow-deletion, if whatever happens there is meant",
        )
    })
}

pub(super) fn size(template: &Template, bucket: Option<&TemplateBucket>) -> Option<Cause> {
    let bytes = template.text.len();
    (bytes > LARGEST_BODY && bucket.is_none()).then(|| {
        let text = format!(
            "the template {} has {bytes} bytes; more than {LARGEST_BODY} are read by CloudFormation from S3 only, and no \
             bucket is given",
            template.file
        );
        Cause::invalid("template_bucket", text).with_hint("give a bucket for templates, or split the template")
    })
}

pub(crate) fn place(problems: &mut Vec<Cause>, config: &SdkConfig, place: &Place, role_arn: Option<&str>) {
    let region = config.region().map(|region| region.as_ref().to_owned());
    if region.as_deref() != Some(place.region.as_str()) {
        let seen = region.unwrap_or_else(|| "none".to_owned());
        let message = format!("the SDK configuration is for region {seen} and the place is {place}");
        let hint = "sign in for the region that is meant (--region, AWS_REGION), and make the place of the same session";
        problems.push(Cause::invalid("region", message).with_hint(hint));
    }
    let account = role_arn.and_then(|arn| arn.split(':').nth(4));
    if let Some(account) = account.filter(|account| *account != place.account) {
        let text =
            format!("the role is one of account {account}, and the stack is deployed to {}", place.account);
        problems.push(Cause::invalid("role_arn", text));
    }
}
