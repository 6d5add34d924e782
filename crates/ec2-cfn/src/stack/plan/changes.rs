//! The changes, for people: a comparison of template, parameters and settings with what the stack has.

use landfall_core::error::redact;
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context};
use serde_json::Value;

use super::Scene;
use crate::stack::client::RollbackOff;
use crate::stack::facts::StackFacts;
use crate::stack::memory::{Before, Forward, Origin};
use crate::stack::spec::Source;
use crate::stack::target::Stack;
use crate::stack::template::Template;

/// Longest value that is shown.
const LONGEST: usize = 80;

const IMPORTS: &str = "resources that exist already are imported, if the template retains them";

/// What changes; nothing when the stack has everything that is asked for.
pub(super) fn changes(target: &Stack, cx: &Context, scene: &Scene, forward: &mut Forward) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(id) = &forward.recreate {
        let text = format!("the failed stack {id}, to be created anew as allowed");
        changes.push(Change::new(Effect::Delete, target.subject()).with_details([text]));
    }
    let (Some(stack), Origin::Stack(before)) = (&scene.stack, &scene.origin) else {
        changes.push(created(target, scene));
        return changes;
    };
    let settings = settings(target, before);
    if forward.bring_back {
        let text = format!(
            "it is {}, and brought back first to what it was before; then it is updated, and what changes by that is known \
             once it is back",
            stack.status
        );
        let update = Change::new(Effect::Update, target.subject()).with_details([text]);
        return vec![update.with_details(settings).with_details(express(target))];
    }
    let content = content(target, scene, stack, before);
    tell_shadowed(cx, scene);
    if content.is_empty() && settings.is_empty() && forward.busy.is_none() {
        return Vec::new();
    }
    forward.settings_only = content.is_empty() && forward.busy.is_none();
    let express = express(target).filter(|_| !forward.settings_only);
    let mut update = Change::new(Effect::Update, target.subject());
    if let Some(status) = &forward.busy {
        update = update.with_details([format!("waits for the operation under way to end (it is {status})")]);
    }
    changes.push(update.with_details(content).with_details(settings).with_details(express));
    changes
}

/// This run's own operation, found under way.
pub(super) fn goes_on(target: &Stack, stack: &StackFacts) -> Change {
    let text = format!("goes on with this run's own operation, which is {}", stack.status);
    Change::new(Effect::Update, target.subject()).with_details([text])
}

fn created(target: &Stack, scene: &Scene) -> Change {
    let mut change = Change::new(Effect::Create, target.subject());
    match &target.spec.template {
        Source::Url(url) => change = change.with_details([format!("template: {url}")]),
        Source::Text(template) => {
            let resources = template.resources();
            let line = |resource: &crate::stack::template::ResourceDeclared<'_>| {
                format!("+ {} ({})", resource.id, resource.kind)
            };
            change = change.with_details(resources.iter().map(line));
        }
        Source::Missing => {}
    }
    for parameter in &scene.wanted.parameters {
        let value = if parameter.no_echo { "****" } else { parameter.value.as_deref().unwrap_or_default() };
        change = change.with_details([format!("parameter {}: {}", parameter.name, shown_text(value))]);
    }
    let capabilities: Vec<&str> = scene.wanted.capabilities.iter().map(|one| one.as_str()).collect();
    if !capabilities.is_empty() {
        change = change.with_details([format!("capabilities: {}", capabilities.join(", "))]);
    }
    if target.spec.options.import_existing {
        change = change.with_details([IMPORTS.to_owned()]);
    }
    change.with_details(express(target))
}

/// What express mode means for the operation.
fn express(target: &Stack) -> Option<String> {
    let RollbackOff(off) = target.spec.options.express()?;
    let rollback = if off {
        "rollback is off: a failure is left as it is, and replacements are refused"
    } else {
        "rollback is on"
    };
    Some(format!(
        "express mode: it ends when the configuration is applied, and what it makes may become available only afterwards; \
         {rollback}"
    ))
}

/// Differences that a change set is needed for.
fn content(target: &Stack, scene: &Scene, stack: &StackFacts, before: &Before) -> Vec<String> {
    let mut lines = Vec::new();
    match (&target.spec.template, &before.template) {
        (Source::Url(url), _) => {
            lines.push(format!("template: {url}; what it changes is known once CloudFormation compares it"));
        }
        (Source::Text(_), None) => {
            let why = before.template_missing.as_deref().unwrap_or("it is not known");
            lines.push(format!("template: cannot be compared with the stack's: {why}"));
        }
        (Source::Text(wanted), Some(text)) => lines.extend(of_templates(wanted, text)),
        (Source::Missing, _) => {}
    }
    for parameter in &scene.wanted.parameters {
        let Some(value) = &parameter.value else { continue };
        let was = before.value_of(&parameter.name);
        if parameter.no_echo {
            lines.push(format!(
                "parameter {}: given; it is not shown, so whether it differs is not known",
                parameter.name
            ));
        } else if was != Some(value) {
            let was = was.map(shown_text).unwrap_or_else(|| "(none)".to_owned());
            lines.push(format!("parameter {}: {was} -> {}", parameter.name, shown_text(value)));
        }
    }
    for parameter in scene.wanted.parameters.iter().filter(|parameter| parameter.looked_up) {
        lines.push(format!(
            "parameter {}: is looked up in Systems Manager, whose value may have changed",
            parameter.name
        ));
    }
    if !scene.wanted.transforms.is_empty() {
        let names = scene.wanted.transforms.join(", ");
        lines.push(format!("macros may make something else of the same template: {names}"));
    }
    lines.extend(of_options(target, stack));
    if matches!(before.status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED") {
        lines.push(format!("the stack is {}: what failed is tried again", before.status));
    }
    lines
}

fn of_options(target: &Stack, stack: &StackFacts) -> Vec<String> {
    let options = &target.spec.options;
    let mut lines = Vec::new();
    if !options.tags.is_empty() {
        let sorted = |tags: &[(String, String)]| {
            let mut tags = tags.to_vec();
            tags.sort();
            tags
        };
        let (was, wanted) = (sorted(&stack.tags), sorted(&options.tags));
        for (key, value) in wanted.iter().filter(|tag| !was.contains(tag)) {
            lines.push(format!("tag {key}: {}", shown_text(value)));
        }
        for (key, _) in was.iter().filter(|(key, _)| wanted.iter().all(|(other, _)| other != key)) {
            lines.push(format!("tag {key}: taken away"));
        }
    }
    if options.role_arn.is_some() && options.role_arn != stack.role_arn {
        let was = stack.role_arn.as_deref().unwrap_or("(none)");
        lines.push(format!("role: {was} -> {}", options.role_arn.as_deref().unwrap_or_default()));
    }
    if let Some(topics) = &options.notification_arns
        && *topics != stack.notification_arns
    {
        lines.push(format!(
            "notifications: [{}] -> [{}]",
            stack.notification_arns.join(", "),
            topics.join(", ")
        ));
    }
    if options.import_existing {
        lines.push(IMPORTS.to_owned());
    }
    if options.revert_drift {
        let text = "what was changed outside of CloudFormation is put back; which resources that are is known once it has \
                    looked at them";
        lines.push(text.to_owned());
    }
    lines
}

/// Differences that calls of their own make.
pub(super) fn settings(target: &Stack, before: &Before) -> Vec<String> {
    let mut lines = Vec::new();
    let options = &target.spec.options;
    if let Some(on) = options.termination_protection.filter(|on| *on != before.protected) {
        lines.push(format!("termination protection: {} -> {on}", before.protected));
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(policy) = &options.stack_policy
        && before.policy.as_deref().and_then(parsed) != parsed(policy)
    {
        lines.push("stack policy: set".to_owned());
    }
    lines
}

fn tell_shadowed(cx: &Context, scene: &Scene) {
    let shadowed = scene.wanted.parameters.iter().filter(|parameter| parameter.shadows_default);
    let names: Vec<&str> = shadowed.map(|parameter| parameter.name.as_str()).collect();
    if !names.is_empty() {
        let text = format!(
            "{} keep the stack's values; the template's defaults are used for new stacks only",
            names.join(", ")
        );
        cx.note(Level::Debug, "defaults-shadowed", text);
    }
}

/// Lines for resources first, then for the other sections.
fn of_templates(wanted: &Template, stack: &str) -> Vec<String> {
    let Ok(current) = Template::parse("the stack's template", stack) else {
        return vec!["template: the stack's own cannot be read by landfall".to_owned()];
    };
    let (was, now) = (current.meaning(), wanted.meaning());
    if was == now {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let empty = Value::Null;
    let of = |document: &Value, section: &str| document.get(section).unwrap_or(&empty).clone();
    let (resources_were, resources_are) = (of(&was, "Resources"), of(&now, "Resources"));
    members(&resources_were, &resources_are, |id, was, now| match (was, now) {
        (None, Some(now)) => lines.push(format!("+ {id} ({})", kind(now))),
        (Some(was), None) => lines.push(format!("- {id} ({})", kind(was))),
        (Some(was), Some(now)) => leaves(&format!("~ {id}"), was, now, &mut lines),
        (None, None) => {}
    });
    members(&was, &now, |section, was, now| {
        if section != "Resources" {
            leaves(
                &format!("~ {section}"),
                was.unwrap_or(&Value::Null),
                now.unwrap_or(&Value::Null),
                &mut lines,
            );
        }
    });
    if lines.is_empty() {
        lines.push("template: its members are in another order".to_owned());
    }
    lines
}

fn kind(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or("no type")
}

/// Calls `tell` for each member that differs.
fn members(was: &Value, now: &Value, mut tell: impl FnMut(&str, Option<&Value>, Option<&Value>)) {
    let none = serde_json::Map::new();
    let (was, now) = (was.as_object().unwrap_or(&none), now.as_object().unwrap_or(&none));
    let gone = was.keys().filter(|name| !now.contains_key(*name));
    for name in now.keys().chain(gone) {
        if was.get(name) != now.get(name) {
            tell(name, was.get(name), now.get(name));
        }
    }
}

/// A line for each smallest part that differs.
fn leaves(path: &str, was: &Value, now: &Value, lines: &mut Vec<String>) {
    if was.is_object() && now.is_object() {
        members(was, now, |name, was, now| {
            let (path, null) = (format!("{path}.{name}"), Value::Null);
            leaves(&path, was.unwrap_or(&null), now.unwrap_or(&null), lines);
        });
    } else if was != now {
        lines.push(format!("{path}: {} -> {}", shown(was), shown(now)));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => shown_text(text),
        other => shown_text(&other.to_string()),
    }
}

/// A value in one line, cut when it is long, without what looks like a secret.
fn shown_text(text: &str) -> String {
    let clean = redact(&text.replace('\n', "\\n"));
    match clean.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &clean[..at]),
        None => clean,
    }
}
