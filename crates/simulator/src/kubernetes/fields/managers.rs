//! `metadata.managedFields`: who owns what, and who may write.

use serde_json::{Value, json};

use super::FieldSet;
use super::walk::{compare, fields_of, merge, prune};
use crate::kubernetes::items;
use crate::kubernetes::kinds::Schema;
use crate::kubernetes::refusal::Refusal;

/// Fields that nobody owns: what identifies an object, and what the server writes.
const NOBODYS: [&[&str]; 13] = [
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:deletionTimestamp"],
    &["f:metadata", "f:deletionGracePeriodSeconds"],
    &["f:metadata", "f:selfLink"],
    &["f:metadata", "f:uid"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:managedFields"],
    &["f:metadata", "f:resourceVersion"],
    &["f:metadata", "f:generateName"],
];

/// Who writes, and how.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) api_version: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
    /// RFC 3339.
    pub(crate) now: String,
    /// Fields that this way of writing does not change: `f:status` of the object itself where it has such a subresource.
    pub(crate) reset: &'static [&'static str],
}

/// One owner.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    manager: String,
    apply: bool,
    api_version: String,
    subresource: String,
    time: String,
    fields: FieldSet,
}

impl Entry {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            manager: text("manager"),
            apply: value["operation"] == json!("Apply"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            fields: FieldSet::from_json(&value["fieldsV1"]),
        }
    }

    fn to_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager,
            "operation": if self.apply { "Apply" } else { "Update" },
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_json()
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = self.subresource.as_str().into();
        }
        entry
    }

    /// As a conflict names it.
    fn shown(&self) -> String {
        let mut shown = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            shown.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if !self.apply {
            shown.push_str(&format!(" using {}", self.api_version));
        }
        shown
    }

    fn is(&self, writer: &Writer, apply: bool) -> bool {
        let same_version = apply || self.api_version == writer.api_version;
        self.manager == writer.manager
            && self.apply == apply
            && self.subresource == writer.subresource
            && same_version
    }
}

fn read(object: &Value) -> Vec<Entry> {
    items(&object["metadata"]["managedFields"]).iter().map(Entry::read).collect()
}

/// Applied configurations first, then by time, then by name.
fn write(mut entries: Vec<Entry>, object: &mut Value) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|one, other| {
        let key = |entry: &Entry| {
            (!entry.apply, entry.time.clone(), entry.manager.clone(), entry.subresource.clone())
        };
        key(one).cmp(&key(other))
    });
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    if entries.is_empty() {
        metadata.shift_remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries.iter().map(Entry::to_json).collect());
    }
}

fn owned(mut set: FieldSet, writer: &Writer) -> FieldSet {
    for path in NOBODYS {
        set.cut(path);
    }
    for field in writer.reset {
        set.cut(&[field]);
    }
    set
}

/// Takes what was written from all others, and gives it to the writer: how POST, PUT and all patches but apply are tracked.
pub(crate) fn track_update(old: Option<&Value>, new: &mut Value, schema: &Schema, writer: &Writer) {
    let nothing = json!({});
    let mut entries = old.map(read).unwrap_or_default();
    // Whoever sends managed fields of their own edits them, and an empty list clears them.
    let sent = new["metadata"].get("managedFields").cloned();
    if let (Some(old), Some(sent)) = (old, sent)
        && sent != old["metadata"]["managedFields"]
    {
        entries = read(new);
    }
    let difference = compare(old.unwrap_or(&nothing), new, schema);
    let written = owned(difference.written, writer);
    let gone = written.union(&difference.removed);
    let mut own = None;
    for (at, entry) in entries.iter_mut().enumerate() {
        if entry.is(writer, false) {
            own = Some(at);
            entry.fields = entry.fields.difference(&difference.removed);
        } else {
            entry.fields = entry.fields.difference(&gone);
        }
    }
    match own {
        Some(at) => {
            let all = entries[at].fields.union(&written);
            if !written.is_empty() {
                entries[at].time.clone_from(&writer.now);
            }
            entries[at].fields = all;
        }
        None => entries.push(new_entry(writer, false, written)),
    }
    write(entries, new);
}

fn new_entry(writer: &Writer, apply: bool, fields: FieldSet) -> Entry {
    Entry {
        manager: writer.manager.clone(),
        apply,
        api_version: writer.api_version.clone(),
        subresource: writer.subresource.clone(),
        time: writer.now.clone(),
        fields,
    }
}

/// The live object with a configuration applied to it, and who owns what of it then.
pub(crate) fn apply(
    live: Option<&Value>,
    configuration: &Value,
    schema: &Schema,
    writer: &Writer,
    force: bool,
) -> Result<Value, Refusal> {
    let nothing = json!({});
    let before = live.unwrap_or(&nothing);
    let mut entries = live.map(read).unwrap_or_default();
    if let Some(live) = live.filter(|_| entries.is_empty()) {
        let everything = Writer { manager: "before-first-apply".to_owned(), ..writer.clone() };
        entries.push(new_entry(&everything, false, owned(fields_of(live, schema), writer)));
    }
    let mut configured = fields_of(configuration, schema);
    for field in writer.reset {
        configured.cut(&[field]);
    }
    let own = entries.iter().position(|entry| entry.is(writer, true));
    let mut merged = merge(before, configuration, schema);
    if let Some(own) = own {
        let others = entries.iter().enumerate().filter(|(at, _)| *at != own);
        let kept = others.fold(configured.clone(), |kept, (_, entry)| kept.union(&entry.fields));
        prune(&mut merged, schema, &entries[own].fields, &kept);
    }
    for field in writer.reset {
        restore(&mut merged, before, field);
    }
    let difference = compare(before, &merged, schema);
    let others = entries.iter().enumerate().filter(|(at, _)| own != Some(*at));
    let conflicts: Vec<(String, FieldSet)> = others
        .map(|(_, entry)| (entry.shown(), entry.fields.intersection(&difference.written)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(conflict(&conflicts));
    }
    let gone = difference.written.union(&difference.removed);
    for (_, entry) in entries.iter_mut().enumerate().filter(|(at, _)| own != Some(*at)) {
        entry.fields = entry.fields.difference(&gone);
    }
    let configured = owned(configured, writer);
    match own {
        Some(own) => {
            let entry = &mut entries[own];
            if entry.fields != configured || entry.api_version != writer.api_version {
                entry.time.clone_from(&writer.now);
                entry.fields = configured;
                entry.api_version.clone_from(&writer.api_version);
            }
        }
        None => entries.push(new_entry(writer, true, configured)),
    }
    write(entries, &mut merged);
    Ok(merged)
}

/// Puts a field back as it was: this way of writing does not change it.
fn restore(object: &mut Value, before: &Value, field: &str) {
    let name = field.trim_start_matches("f:");
    let Some(object) = object.as_object_mut() else { return };
    match before.get(name) {
        Some(value) => object.insert(name.to_owned(), value.clone()),
        None => object.shift_remove(name),
    };
}

fn conflict(conflicts: &[(String, FieldSet)]) -> Refusal {
    let mut conflicts: Vec<(&String, Vec<String>)> =
        conflicts.iter().map(|(manager, fields)| (manager, fields.paths())).collect();
    conflicts.sort();
    let causes: Vec<(String, String)> = conflicts
        .iter()
        .flat_map(|(manager, fields)| fields.iter().map(|field| ((*manager).clone(), field.clone())))
        .collect();
    let message = match causes.as_slice() {
        [(manager, field)] => format!("Apply failed with 1 conflict: conflict with {manager}: {field}"),
        _ => {
            let mut lines = Vec::new();
            for (manager, fields) in &conflicts {
                lines.push(format!("conflicts with {manager}:"));
                lines.extend(fields.iter().map(|field| format!("- {field}")));
            }
            format!("Apply failed with {} conflicts: {}", causes.len(), lines.join("\n"))
        }
    };
    Refusal::apply_conflict(message, &causes)
}
