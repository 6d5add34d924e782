//! What is asked for, pinned: as a whole, for records, and name by name, so that a saved plan can say what has become
//! different.

use std::collections::BTreeMap;

use serde_json::json;

use super::{OnStackFailure, Source, StackSpec};
use crate::stack::parameters::{Parameters, Wanted};
use crate::stack::saved::DIGEST;
use crate::stack::template::digest;

/// What values of parameters are told under that are not to be shown, all of them together.
const HIDDEN: &str = "parameters that are not to be shown";

impl StackSpec {
    /// Pins what is wanted: the same on resume, or it is another deployment.
    pub(crate) fn digest(&self) -> String {
        let template = match &self.template {
            Source::Text(template) => json!({ "sha256": template.digest() }),
            Source::Url(url) => json!({ "url": url }),
            Source::Missing => json!(null),
        };
        let options = &self.options;
        let mut pinned = json!({
            "name": self.name,
            "template": template,
            "parameters": self.parameters.digest(),
            "tags": options.tags,
            "role_arn": options.role_arn,
            "notification_arns": options.notification_arns,
            "stack_policy": options.stack_policy.as_ref().map(|policy| digest(policy.as_bytes())),
            "termination_protection": options.termination_protection,
            "import_existing": options.import_existing,
            "on_stack_failure": options.on_stack_failure.as_str(),
            "retain_except_on_create": options.retain_except_on_create,
            "disable_validation": options.disable_validation,
        });
        // What is not asked for does not change the digest of what was recorded before it could be.
        if options.revert_drift {
            pinned["revert_drift"] = true.into();
        }
        if options.express {
            pinned["express"] = true.into();
        }
        if let Some(saved) = &options.saved {
            pinned["saved_plan"] = json!({ "stack_id": saved.stack_id, "change_set": saved.change_set });
        }
        digest(pinned.to_string().as_bytes())
    }

    /// What decides what is deployed, as it is or by its digest; what is not asked for is left out. Consent (to replacements,
    /// say) does not belong to it: that is asked for when the plan is carried out.
    pub(crate) fn asked(&self) -> BTreeMap<String, String> {
        let options = &self.options;
        let mut asked = self.values();
        let mut say =
            |name: &str, value: Option<String>| asked.extend(value.map(|value| (name.to_owned(), value)));
        let digested = |text: &str| format!("{DIGEST}{}", digest(text.as_bytes()));
        let yes = |said: bool| said.then(|| "true".to_owned());
        say(
            "template",
            match &self.template {
                Source::Text(template) => Some(digested(&template.text)),
                Source::Url(url) => Some(url.clone()),
                Source::Missing => None,
            },
        );
        let mut tags = options.tags.clone();
        tags.sort();
        say("tags", (!tags.is_empty()).then(|| digested(&json!(tags).to_string())));
        say("role_arn", options.role_arn.clone());
        say("notification_arns", options.notification_arns.as_ref().map(|topics| topics.join(", ")));
        say("stack_policy", options.stack_policy.as_deref().map(digested));
        say("termination_protection", options.termination_protection.map(|on| on.to_string()));
        say("import_existing", yes(options.import_existing));
        let on_failure = options.on_stack_failure;
        say(
            "on_stack_failure",
            (on_failure != OnStackFailure::Rollback).then(|| on_failure.as_str().to_owned()),
        );
        say("retain_except_on_create", yes(options.retain_except_on_create));
        say("disable_validation", yes(options.disable_validation));
        say("revert_drift", yes(options.revert_drift));
        say("express", yes(options.express));
        asked
    }

    /// A digest of each value that may be shown, and one of all the others.
    fn values(&self) -> BTreeMap<String, String> {
        let declared = self.text().map(super::Template::parameters);
        let is_secret = |name: &str| {
            declared.as_ref().is_none_or(|all| all.iter().any(|one| one.name == name && one.no_echo))
        };
        let (hidden, shown): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.parameters.0.clone().into_iter().partition(|(name, _)| is_secret(name));
        let mut values: BTreeMap<String, String> = shown
            .into_iter()
            .map(|(name, given)| {
                let value = match given.value {
                    Wanted::Value(value) => format!("{DIGEST}{}", digest(value.as_bytes())),
                    Wanted::Previous => "the previous value".to_owned(),
                };
                (format!("parameter {name}"), value)
            })
            .collect();
        if !hidden.is_empty() {
            values.insert(HIDDEN.to_owned(), format!("{DIGEST}{}", Parameters(hidden).digest()));
        }
        values
    }
}
