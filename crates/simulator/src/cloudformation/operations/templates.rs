//! Templates: read back, summed up.

use serde_json::Value;

use super::super::{CloudFormation, template};
use super::invalid;
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// `TemplateBody`: "Length Constraints: Minimum length of 1. Maximum length of 51200" (CreateChangeSet).
const LARGEST_BODY: usize = 51_200;

impl CloudFormation {
    /// The template of a request; `before` is what `UsePreviousTemplate` means.
    pub(super) fn body(&self, form: &Form, before: Option<&str>) -> Result<String, ServiceError> {
        if form.text("UsePreviousTemplate") == Some("true") {
            return before
                .map(str::to_owned)
                .ok_or_else(|| invalid("UsePreviousTemplate cannot be set to true for new stacks"));
        }
        match (form.text("TemplateBody"), form.text("TemplateURL")) {
            (Some(body), None) if body.len() > LARGEST_BODY => Err(invalid(format!(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {LARGEST_BODY}"
            ))),
            (Some(body), None) => Ok(body.to_owned()),
            (None, Some(url)) => self
                .template_at(url)
                .ok_or_else(|| invalid(format!("S3 error: The specified key does not exist. ({url})"))),
            _ => Err(invalid("Either Template URL or Template Body must be specified.")),
        }
    }

    /// The template that a URL names: of an object in S3, by path or by host
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>), or one that the world has put there.
    pub(in super::super) fn template_at(&self, url: &str) -> Option<String> {
        if let Some(known) = self.templates.get(url) {
            return Some(known.clone());
        }
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let (bucket, key) = match host.split_once(".s3.") {
            Some((bucket, _)) => (bucket, path),
            None => path.split_once('/')?,
        };
        let (bytes, _) = self.s3.read(bucket, key, None)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// "The name or Amazon Resource Name (ARN) of a change set for which CloudFormation returns the associated template"
    /// (GetTemplate).
    pub(super) fn get_template(&self, form: &Form) -> Result<String, ServiceError> {
        let body = if form.text("ChangeSetName").is_some() {
            let (at, index) = self.change_set(form)?;
            &self.stacks[at].change_sets[index].desired.body
        } else {
            let stack = &self.stacks[self.named(form)?];
            if stack.status == "REVIEW_IN_PROGRESS" {
                return Err(invalid(format!("Stack with id {} does not exist", stack.name)));
            }
            &stack.desired.body
        };
        let mut text = String::new();
        element(&mut text, "TemplateBody", body);
        text.push_str(
            "<StagesAvailable><member>Original</member><member>Processed</member></StagesAvailable>",
        );
        Ok(text)
    }

    fn parsed(&self, form: &Form) -> Result<Value, ServiceError> {
        let of_stack = form.text("StackName").and_then(|name| self.find(name));
        let body = match of_stack {
            Some(at) => self.stacks[at].desired.body.clone(),
            None => self.body(form, None)?,
        };
        let parsed = template::parse(&body).map_err(invalid)?;
        if parsed.get("Resources").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
            return Err(invalid("Template format error: At least one Resources member must be defined."));
        }
        Ok(parsed)
    }

    pub(super) fn get_template_summary(&self, form: &Form) -> Result<String, ServiceError> {
        let parsed = self.parsed(form)?;
        let mut text = String::new();
        parameters(&mut text, &parsed, true);
        capabilities(&mut text, &parsed);
        text.push_str("<ResourceTypes>");
        let mut kinds: Vec<&str> = parsed
            .get("Resources")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(_, resource)| resource.get("Type").and_then(Value::as_str))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.iter().for_each(|kind| element(&mut text, "member", kind));
        text.push_str("</ResourceTypes>");
        transforms(&mut text, &parsed);
        Ok(text)
    }

    pub(super) fn validate_template(&self, form: &Form) -> Result<String, ServiceError> {
        let parsed = self.parsed(form)?;
        let mut text = String::new();
        parameters(&mut text, &parsed, false);
        capabilities(&mut text, &parsed);
        transforms(&mut text, &parsed);
        Ok(text)
    }
}

fn parameters(text: &mut String, template: &Value, with_types: bool) {
    text.push_str("<Parameters>");
    for (name, parameter) in template.get("Parameters").and_then(Value::as_object).into_iter().flatten() {
        text.push_str("<member>");
        element(text, "ParameterKey", name);
        if let Some(default) = parameter.get("Default") {
            element(text, "DefaultValue", default.as_str().unwrap_or(&default.to_string()));
        }
        let no_echo = parameter
            .get("NoEcho")
            .is_some_and(|value| value == &Value::Bool(true) || value.as_str() == Some("true"));
        element(text, "NoEcho", if no_echo { "true" } else { "false" });
        if with_types {
            element(text, "ParameterType", parameter.get("Type").and_then(Value::as_str).unwrap_or("String"));
            text.push_str("<ParameterConstraints>");
            if let Some(allowed) = parameter.get("AllowedValues").and_then(Value::as_array) {
                text.push_str("<AllowedValues>");
                allowed
                    .iter()
                    .for_each(|one| element(text, "member", one.as_str().unwrap_or(&one.to_string())));
                text.push_str("</AllowedValues>");
            }
            text.push_str("</ParameterConstraints>");
        }
        text.push_str("</member>");
    }
    text.push_str("</Parameters>");
}

fn capabilities(text: &mut String, template: &Value) {
    let needed = template::capabilities(template);
    if needed.is_empty() {
        return;
    }
    text.push_str("<Capabilities>");
    needed.iter().for_each(|one| element(text, "member", one));
    text.push_str("</Capabilities>");
    element(text, "CapabilitiesReason", "The following resource(s) require capabilities: [AWS::IAM::Role]");
}

fn transforms(text: &mut String, template: &Value) {
    let declared: Vec<&str> = match template.get("Transform") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    text.push_str("<DeclaredTransforms>");
    declared.iter().for_each(|name| element(text, "member", name));
    text.push_str("</DeclaredTransforms>");
}
