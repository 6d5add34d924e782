//! Places where Kubernetes takes strings only, and YAML easily has something else: `"true"`, `"1"`, `"no"` without their
//! quotes. The server would refuse the object in words of its decoder, without a line, after others have been applied. The
//! same goes for labels, and for bytes behind base64.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use landfall_core::Cause;

use super::document::{Node, Value};
use super::labels;
use super::objects::Manifest;

/// As Go decodes it, by which the server is written: with padding, and bits left over at the end do not matter.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Maps of bytes.
const BYTES: [(&str, &str, &str); 2] = [
    ("ConfigMap", "binaryData", "encode the bytes (`base64 -w0 FILE`), or put a text as it is into data"),
    (
        "Secret",
        "data",
        "encode the value (`printf %s VALUE | base64 -w0`), or put it as it is into stringData",
    ),
];

/// Maps of strings in some kinds, beside those that every object has in its metadata.
const MAPS: [(&str, &str, &[&str]); 8] = [
    ("", "ConfigMap", &["data"]),
    ("", "ConfigMap", &["binaryData"]),
    ("", "ReplicationController", &["spec", "selector"]),
    ("", "Secret", &["data"]),
    ("", "Secret", &["stringData"]),
    ("", "Service", &["spec", "selector"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "metadata", "labels"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "metadata", "annotations"]),
];

/// Finds what is no string where one has to be.
pub(super) fn check(manifests: &[Manifest], problems: &mut Vec<Cause>) {
    for manifest in manifests {
        let of_kind =
            MAPS.iter().filter(|(group, kind, _)| *group == manifest.group() && *kind == manifest.kind);
        let mut maps: Vec<Vec<&str>> = of_kind.map(|(_, _, path)| path.to_vec()).collect();
        maps.extend(["labels", "annotations"].map(|map| vec!["metadata", map]));
        if let Some((_, template)) = manifest.pod_path().and_then(<[_]>::split_last) {
            if !template.is_empty() {
                maps.extend(["labels", "annotations"].map(|map| [template, &["metadata", map]].concat()));
            }
            maps.push([template, &["spec", "nodeSelector"]].concat());
        }
        if matches!(manifest.group(), "apps" | "batch" | "policy") {
            maps.push(vec!["spec", "selector", "matchLabels"]);
        }
        for path in maps {
            if let Some(map) = manifest.root.find(&path) {
                check_map(manifest, &path.join("."), map, problems);
            }
        }
        let mut of_labels = vec![vec!["metadata", "labels"]];
        if let Some((_, template)) = manifest.pod_path().and_then(<[_]>::split_last)
            && !template.is_empty()
        {
            of_labels.push([template, &["metadata", "labels"]].concat());
        }
        for path in of_labels {
            if let Some(map) = manifest.root.find(&path) {
                check_labels(manifest, &path.join("."), map, problems);
            }
        }
        for (kind, field, hint) in BYTES {
            if manifest.group().is_empty()
                && manifest.kind == kind
                && let Some(map) = manifest.root.member(field)
            {
                check_bytes(manifest, field, map, hint, problems);
            }
        }
        for (path, container) in manifest.containers() {
            check_container(manifest, &path, container, problems);
        }
    }
}

/// Of labels that are strings, those that the server would refuse.
fn check_labels(manifest: &Manifest, path: &str, map: &Node, problems: &mut Vec<Cause>) {
    for entry in map.entries() {
        let Some(value) = entry.value.as_str() else { continue };
        let message = if !labels::is_key(&entry.key) {
            format!("{path} has the key `{}`, which Kubernetes does not take", entry.key.escape_debug())
        } else if !labels::is_word(value) {
            format!("{path}.{} is `{}`, which Kubernetes does not take", entry.key, value.escape_debug())
        } else {
            continue;
        };
        problems.push(manifest.problem(entry.value.at, path, message).with_hint(labels::FORM));
    }
}

/// Values that are no base64. Line breaks within it do not matter.
fn check_bytes(manifest: &Manifest, path: &str, map: &Node, hint: &str, problems: &mut Vec<Cause>) {
    for entry in map.entries() {
        let Some(text) = entry.value.as_str() else { continue };
        let joined: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
        if BASE64.decode(joined).is_err() {
            let field = format!("{path}.{}", entry.key);
            let problem = manifest.problem(entry.value.at, &field, format_args!("{field} is not base64"));
            problems.push(problem.with_hint(hint));
        }
    }
}

fn check_map(manifest: &Manifest, path: &str, map: &Node, problems: &mut Vec<Cause>) {
    if !map.is_map() && !map.is_null() {
        let message = format!("{path} is {}, and has to be a map of strings", map.kind());
        problems.push(
            manifest
                .problem(map.at, path, message)
                .with_hint("write it as lines `key: value` below the name"),
        );
    }
    for entry in map.entries() {
        check_string(manifest, &format!("{path}.{}", entry.key), &entry.value, problems);
    }
}

fn check_container(manifest: &Manifest, path: &str, container: &Node, problems: &mut Vec<Cause>) {
    for list in ["command", "args"] {
        for (index, item) in container.member(list).map_or(&[][..], Node::items).iter().enumerate() {
            check_string(manifest, &format!("{path}.{list}[{index}]"), item, problems);
        }
    }
    for (index, variable) in container.member("env").map_or(&[][..], Node::items).iter().enumerate() {
        if let Some(value) = variable.member("value") {
            let name = variable.member("name").and_then(Node::as_str);
            let field = match name {
                Some(name) => format!("{path}.env[{name}].value"),
                None => format!("{path}.env[{index}].value"),
            };
            check_string(manifest, &field, value, problems);
        }
    }
}

/// Null is taken for the empty string by the server.
fn check_string(manifest: &Manifest, field: &str, node: &Node, problems: &mut Vec<Cause>) {
    if node.as_str().is_some() || node.is_null() {
        return;
    }
    // What stands in a Secret is not told.
    let shown = node.as_written().filter(|_| manifest.kind != "Secret");
    let shown = shown.map(|text| format!(" (`{text}`)")).unwrap_or_default();
    let problem = manifest.problem(
        node.at,
        field,
        format_args!("{field} is {}{shown}, and has to be a string", node.kind()),
    );
    let collection = matches!(node.value, Value::Map(_) | Value::List(_));
    let hint = match collection {
        true if field.starts_with("data.") || field.starts_with("stringData.") => {
            "write it as a text: `|` behind the colon, and its lines below"
        }
        true => "write one text in the place of it",
        false => "put it in quotes",
    };
    problems.push(problem.with_hint(hint));
}
