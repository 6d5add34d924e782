//! Differences between an object and what it would be, a line for each field, without values that may be secret.

use landfall_core::error::redact;
use serde_json::{Map, Value};

use crate::api::Live;
use crate::conflict::LAST_APPLIED;
use crate::hidden::{is_hidden, is_secret_name};

/// Longest value that a line shows, in characters.
const LONGEST_VALUE: usize = 200;

/// As many lines of one object as a person reads.
const MOST_LINES: usize = 100;

/// What the server keeps account with: it changes with every write and says nothing of its own.
const BOOKKEEPING: [&str; 7] = [
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "status",
];

/// What names the items of a list, the first that all of them have and that differs between them.
const KEYS: [&str; 8] = ["name", "key", "mountPath", "containerPort", "port", "topologyKey", "host", "type"];

/// What would change, one line for each difference, such as `spec.template.spec.containers[web].image: web:1 -> web:2`;
/// empty when nothing would.
#[must_use]
pub fn diff(live: &Live, wanted: &Live) -> Vec<String> {
    let is_secret = |object: &Live| object.kind() == "Secret" && object.value()["apiVersion"] == "v1";
    let secret = is_secret(live) || is_secret(wanted);
    let mut found = Differences { secret, lines: Vec::new() };
    found.compare("", Some(live.value()), Some(wanted.value()));
    let mut lines = found.lines;
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("and {more} more differences"));
    }
    lines
}

struct Differences {
    /// Of a Secret: its data is not shown.
    secret: bool,
    lines: Vec<String>,
}

impl Differences {
    fn compare(&mut self, path: &str, live: Option<&Value>, wanted: Option<&Value>) {
        if live == wanted || BOOKKEEPING.contains(&path) {
            return;
        }
        match (live, wanted) {
            (Some(Value::Object(live)), Some(Value::Object(wanted))) => self.members(path, live, wanted),
            // What comes and goes as a whole is told by its parts, so that each is judged by its name.
            (None, Some(Value::Object(wanted))) if !wanted.is_empty() => {
                self.members(path, &Map::new(), wanted);
            }
            (Some(Value::Object(live)), None) if !live.is_empty() => self.members(path, live, &Map::new()),
            (Some(Value::Array(live)), Some(Value::Array(wanted))) => self.items(path, live, wanted),
            (None, Some(Value::Array(wanted))) if named(wanted) => self.items(path, &[], wanted),
            (Some(Value::Array(live)), None) if named(live) => self.items(path, live, &[]),
            _ => {
                let line = format!("{path}: {}", self.change(path, live, wanted));
                self.lines.push(line);
            }
        }
    }

    fn members(&mut self, path: &str, live: &Map<String, Value>, wanted: &Map<String, Value>) {
        let added = wanted.keys().filter(|key| !live.contains_key(*key));
        for key in live.keys().chain(added) {
            // The whole object again, in one string.
            if key != LAST_APPLIED {
                self.compare(&member(path, key), live.get(key), wanted.get(key));
            }
        }
    }

    fn items(&mut self, path: &str, live: &[Value], wanted: &[Value]) {
        if let Some(key) = KEYS.iter().find(|key| names(key, live) && names(key, wanted)) {
            let with = |items: &[Value], name: &Value| items.iter().find(|item| item[*key] == *name).cloned();
            let added = wanted.iter().filter(|item| with(live, &item[*key]).is_none());
            for item in live.iter().chain(added) {
                let name = &item[*key];
                let label = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                let (before, after) = (with(live, name), with(wanted, name));
                self.compare(&format!("{path}[{label}]"), before.as_ref(), after.as_ref());
            }
        } else if live.len() == wanted.len() && live.iter().chain(wanted).all(Value::is_object) {
            for (index, (live, wanted)) in live.iter().zip(wanted).enumerate() {
                self.compare(&format!("{path}[{index}]"), Some(live), Some(wanted));
            }
        } else {
            let (live, wanted) = (Value::from(live), Value::from(wanted));
            let line = format!("{path}: {}", self.change(path, Some(&live), Some(&wanted)));
            self.lines.push(line);
        }
    }

    fn change(&self, path: &str, live: Option<&Value>, wanted: Option<&Value>) -> String {
        let shown = |value: &Value| shown(value).filter(|_| !self.is_secret(path)).map(|text| short(&text));
        match (live, wanted) {
            (Some(live), Some(wanted)) => match (shown(live), shown(wanted)) {
                (Some(old), Some(new)) if old != new => format!("{old} -> {new}"),
                _ => "changed".to_owned(),
            },
            (None, Some(wanted)) => with_value("added", shown(wanted)),
            _ => with_value("removed", live.and_then(shown)),
        }
    }

    /// Whether the value at this place may be a secret.
    fn is_secret(&self, path: &str) -> bool {
        let of_secret = self.secret && ["data", "stringData"].iter().any(|map| path.starts_with(map));
        of_secret || is_hidden(path)
    }
}

/// Whether all items have a member of this name, and each another value of it.
fn names(key: &str, items: &[Value]) -> bool {
    let mut seen = Vec::new();
    items.iter().all(|item| {
        let name = &item[key];
        let known = name.is_null() || seen.contains(&name);
        seen.push(name);
        !known
    })
}

/// Keys with dots stand in brackets, as those of items do.
fn member(path: &str, key: &str) -> String {
    match (path, key.contains(['.', '/'])) {
        ("", false) => key.to_owned(),
        (_, true) => format!("{path}[{key}]"),
        (_, false) => format!("{path}.{key}"),
    }
}

/// Whether the items of a list can be told by their names.
fn named(items: &[Value]) -> bool {
    !items.is_empty() && KEYS.iter().any(|key| names(key, items))
}

/// A value in words; none for what has parts that were not judged by their names.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(redact(text).escape_debug().to_string()),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => None,
        Value::Array(items) => Some(redact(&arguments(items).to_string())),
        Value::Object(members) if !members.is_empty() => None,
        other => Some(other.to_string()),
    }
}

/// A list of texts. What follows `--password` and its like is a secret without a form of its own.
fn arguments(items: &[Value]) -> Value {
    let mut after_flag = false;
    let shown = items.iter().map(|item| {
        let text = item.as_str().unwrap_or_default().to_ascii_lowercase();
        let flag = text.starts_with('-') && !text.contains('=') && is_secret_name(&text);
        let hidden = std::mem::replace(&mut after_flag, flag);
        if hidden { Value::from("[redacted]") } else { item.clone() }
    });
    shown.collect()
}

fn with_value(what: &str, value: Option<String>) -> String {
    match value {
        Some(value) => format!("{what} ({value})"),
        None => what.to_owned(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::diff;
    use crate::api::Live;
    use serde_json::{Value, json};

    fn lines(live: Value, wanted: Value) -> Vec<String> {
        diff(&Live::new(live), &Live::new(wanted))
    }

    #[test]
    fn what_the_server_keeps_account_with_is_no_difference() {
        let object = |n: u32| {
            json!({
                "metadata": {
                    "name": "a", "resourceVersion": n.to_string(), "generation": n, "uid": n.to_string(), "managedFields": [n],
                    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": n.to_string()},
                },
                "status": {"replicas": n},
            })
        };
        assert_eq!(lines(object(1), object(2)), Vec::<String>::new());
    }

    #[test]
    fn items_of_lists_are_told_by_their_names() {
        let pods = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let live = pods(json!([
            {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}], "args": ["a"]},
            {"name": "old", "image": "old:1"},
        ]));
        let wanted = pods(json!([
            {"name": "new", "image": "new:1"},
            {"name": "web", "image": "web:2", "ports": [{"containerPort": 80, "name": "http"}], "args": ["a", "b"]},
        ]));
        let at = "spec.template.spec.containers";
        assert_eq!(
            lines(live, wanted),
            [
                format!("{at}[web].image: web:1 -> web:2"),
                format!("{at}[web].ports[80].name: added (http)"),
                format!("{at}[web].args: [\"a\"] -> [\"a\",\"b\"]"),
                format!("{at}[old].name: removed (old)"),
                format!("{at}[old].image: removed (old:1)"),
                format!("{at}[new].name: added (new)"),
                format!("{at}[new].image: added (new:1)"),
            ]
        );
    }

    #[test]
    fn values_that_may_be_secrets_are_not_shown() {
        let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": value}, "type": "Opaque"});
        assert_eq!(lines(secret("aHVudGVyMg=="), secret("aHVudGVyMw==")), ["data.a: changed"]);
        let config = |n: u32| {
            json!({
                "kind": "ConfigMap", "data": {"DB_PASSWORD": format!("hunter{n}"), "db.password": format!("hunter{n}"), "level": format!("info{n}"), "secretName": format!("s{n}")},
                "spec": {"env": [{"name": "A", "value": format!("hunter{n}")}]},
            })
        };
        assert_eq!(
            lines(config(1), config(2)),
            [
                "data.DB_PASSWORD: changed",
                "data[db.password]: changed",
                "data.level: info1 -> info2",
                "data.secretName: s1 -> s2",
                "spec.env[A].value: changed"
            ]
        );
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "aHVudGVyMg=="}});
        let pod = json!({"containers": [{"name": "web", "env": [{"name": "A", "value": "aHVudGVyMg=="}], "args": ["--token", "aHVudGVyMg=="]}]});
        let added = [lines(json!({}), secret), lines(json!({}), pod.clone()), lines(pod, json!({}))].concat();
        assert!(
            added.contains(&"containers[web].args: added ([\"--token\",\"[redacted]\"])".to_owned()),
            "{added:?}"
        );
        assert!(!added.concat().contains("aHVudGVyMg"), "{added:?}");
    }

    #[test]
    fn names_with_dots_stand_in_brackets_and_long_texts_are_cut() {
        let labels = |value: &str| json!({"metadata": {"labels": {"app.kubernetes.io/version": value}}});
        assert_eq!(lines(labels("1"), labels("2")), ["metadata.labels[app.kubernetes.io/version]: 1 -> 2"]);
        let text = lines(json!({"data": {}}), json!({"data": {"file": "x\n".repeat(500)}}));
        assert!(text[0].starts_with("data.file: added (x\\nx\\n") && text[0].ends_with("...)"), "{text:?}");
        let many: serde_json::Map<String, Value> = (0..150).map(|n| (format!("k{n}"), json!(n))).collect();
        let told = lines(json!({"data": {}}), json!({"data": many}));
        assert_eq!((told.len(), told[100].as_str()), (101, "and 50 more differences"));
    }

    #[test]
    fn a_kind_of_value_that_changes_and_an_empty_map_are_told() {
        assert_eq!(lines(json!({"a": 1}), json!({"a": {}})), ["a: 1 -> {}"]);
        assert_eq!(lines(json!({}), json!({"a": {}})), ["a: added ({})"]);
        assert_eq!(lines(json!({"a": [1]}), json!({"a": null})), ["a: [1] -> null"]);
    }
}
