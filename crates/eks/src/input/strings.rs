//! Places where Kubernetes takes strings only, and YAML easily has something else: `"true"`, `"1"`, `"no"` without their
//! quotes. The server would refuse the object in words of its decoder, without a line, after others have been applied.

use landfall_core::Cause;

use super::document::Node;
use super::objects::Manifest;

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
        for (path, container) in manifest.containers() {
            check_container(manifest, &path, container, problems);
        }
    }
}

fn check_map(manifest: &Manifest, path: &str, map: &Node, problems: &mut Vec<Cause>) {
    if !map.is_map() && !map.is_null() {
        problems.push(manifest.problem(
            map.at,
            path,
            format_args!("{path} is {}, and has to be a map of strings", map.kind()),
        ));
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
    problems.push(if node.is_map() || !node.items().is_empty() {
        problem
    } else {
        problem.with_hint("put it in quotes")
    });
}
