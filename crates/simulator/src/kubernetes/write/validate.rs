//! The rules of the kinds that deployments meet: what has to be there, and what cannot be changed.
//! <https://github.com/kubernetes/kubernetes>: `pkg/apis/*/validation`.

use serde_json::{Map, Value, json};

use crate::kubernetes::items;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::read::select::labels_match;
use crate::kubernetes::refusal::Problem;

/// Longest name of most objects: a DNS subdomain.
const LONGEST_NAME: usize = 253;

/// What is wrong with an object of itself.
pub(super) fn problems(kind: &Kind, object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    name(object, &mut problems);
    let spec = &object["spec"];
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pod(spec, "spec", &mut problems),
        ("apps", _) if spec["template"].is_object() => workload(kind, spec, &mut problems),
        ("batch", "Job") => job(spec, "spec", &mut problems),
        ("batch", "CronJob") => {
            required(spec, "schedule", "spec", &mut problems);
            job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", &mut problems);
        }
        ("", "Service") => service(spec, &mut problems),
        ("", "ConfigMap") => {
            keys(object, "data", &mut problems);
            keys(object, "binaryData", &mut problems);
        }
        ("", "Secret") => secret(object, &mut problems),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object, &mut problems),
        _ => {}
    }
    problems
}

fn required(object: &Value, field: &str, path: &str, problems: &mut Vec<Problem>) {
    let missing = match &object[field] {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if missing {
        problems.push(Problem::required(&format!("{path}.{field}"), ""));
    }
}

fn name(object: &Value, problems: &mut Vec<Problem>) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let good = |part: &str| {
        let within = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit();
        part.chars().all(|one| within(one) || one == '-')
            && part.starts_with(within)
            && part.ends_with(within)
    };
    // Roles and their bindings may have any path segment as a name; colons are what they are known for.
    let lax = object["apiVersion"] == json!("rbac.authorization.k8s.io/v1");
    if name.is_empty() {
        problems.push(Problem::required("metadata.name", "name or generateName is required"));
    } else if name.len() > LONGEST_NAME || !(lax || name.split('.').all(good)) {
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
                   start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                   '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        problems.push(Problem::invalid("metadata.name", &json!(name), why));
    }
}

fn workload(kind: &Kind, spec: &Value, problems: &mut Vec<Problem>) {
    if spec["selector"].is_null() {
        problems.push(Problem::required("spec.selector", ""));
    } else {
        let is_empty = |part: &str| match &spec["selector"][part] {
            Value::Object(members) => members.is_empty(),
            Value::Array(all) => all.is_empty(),
            _ => true,
        };
        if is_empty("matchLabels") && is_empty("matchExpressions") {
            // Of a ReplicaSet the real server says so too.
            let named = if kind.kind == "ReplicaSet" { "deployment" } else { &kind.singular };
            let why = format!("empty selector is invalid for {named}");
            problems.push(Problem::invalid("spec.selector", &spec["selector"], &why));
        }
        let labels = &spec["template"]["metadata"]["labels"];
        if !labels_match(&spec["selector"], labels) {
            let why = "`selector` does not match template `labels`";
            problems.push(Problem::invalid("spec.template.metadata.labels", labels, why));
        }
    }
    let restart = &spec["template"]["spec"]["restartPolicy"];
    if restart != &json!("Always") {
        problems.push(Problem::unsupported("spec.template.spec.restartPolicy", restart, &["Always"]));
    }
    let strategy = if kind.kind == "Deployment" { "strategy" } else { "updateStrategy" };
    if spec[strategy]["type"] == json!("Recreate") && spec[strategy]["rollingUpdate"].is_object() {
        let why = "may not be specified when strategy `type` is 'Recreate'";
        problems.push(Problem::forbidden("spec.strategy.rollingUpdate", why));
    }
    pod(&spec["template"]["spec"], "spec.template.spec", problems);
}

fn job(spec: &Value, path: &str, problems: &mut Vec<Problem>) {
    let restart = &spec["template"]["spec"]["restartPolicy"];
    let place = format!("{path}.template.spec");
    if restart == &json!("Always") {
        let supported = ["OnFailure", "Never"];
        problems.push(Problem::unsupported(&format!("{place}.restartPolicy"), restart, &supported));
    }
    pod(&spec["template"]["spec"], &place, problems);
}

fn pod(spec: &Value, path: &str, problems: &mut Vec<Problem>) {
    required(spec, "containers", path, problems);
    for list in ["containers", "initContainers"] {
        for (index, container) in items(&spec[list]).iter().enumerate() {
            let place = format!("{path}.{list}[{index}]");
            required(container, "name", &place, problems);
            required(container, "image", &place, problems);
        }
    }
    let volumes: Vec<&Value> = items(&spec["volumes"]).iter().collect();
    for (at, container) in items(&spec["containers"]).iter().enumerate() {
        for (index, mount) in items(&container["volumeMounts"]).iter().enumerate() {
            if !volumes.iter().any(|volume| volume["name"] == mount["name"]) {
                problems.push(Problem {
                    reason: "FieldValueNotFound",
                    field: format!("{path}.containers[{at}].volumeMounts[{index}].name"),
                    message: format!("Not found: {}", mount["name"]),
                });
            }
        }
    }
}

fn service(spec: &Value, problems: &mut Vec<Problem>) {
    let kind = spec["type"].as_str().unwrap_or_default();
    if kind != "ExternalName" && spec["clusterIP"] != json!("None") {
        required(spec, "ports", "spec", problems);
    }
    let ports = spec["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, port) in ports.iter().enumerate().filter(|_| ports.len() > 1) {
        required(port, "name", &format!("spec.ports[{index}]"), problems);
    }
}

/// Keys of data are names of files: `IsConfigMapKey`.
fn keys(object: &Value, field: &str, problems: &mut Vec<Problem>) {
    let good = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
    for key in object[field].as_object().into_iter().flat_map(Map::keys) {
        let mut wrong = |why: &str| {
            problems.push(Problem::invalid(&format!("{field}[{key}]"), &json!(key), why));
        };
        if key.len() > LONGEST_NAME {
            wrong("must be no more than 253 characters");
        }
        if key.is_empty() || !key.chars().all(good) {
            wrong(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
                 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            );
        }
        match key.as_str() {
            "." | ".." => wrong(&format!("must not be '{key}'")),
            other if other.starts_with("..") => wrong("must not start with '..'"),
            _ => {}
        }
    }
}

/// What the types of Secrets ask for.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#secret-types>
const SECRETS_HAVE: [(&str, &[&str]); 4] = [
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
];

fn secret(object: &Value, problems: &mut Vec<Problem>) {
    keys(object, "data", problems);
    let rows = SECRETS_HAVE.iter().filter(|(kind, _)| object["type"] == *kind);
    for key in rows.flat_map(|(_, keys)| keys.iter()).filter(|key| object["data"][**key].is_null()) {
        problems.push(Problem::required(&format!("data[{key}]"), ""));
    }
}

fn definition(object: &Value, problems: &mut Vec<Problem>) {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let expected = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    if object["metadata"]["name"] != json!(expected) {
        let why = "must be spec.names.plural+\".\"+spec.group";
        problems.push(Problem::invalid("metadata.name", &object["metadata"]["name"], why));
    }
    required(spec, "versions", "spec", problems);
    for (index, version) in items(&spec["versions"]).iter().enumerate() {
        if !version["schema"]["openAPIV3Schema"].is_object() {
            let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
            problems.push(Problem::required(&field, "schemas are required"));
        }
    }
}

/// Fields that stay as they are once an object exists.
const IMMUTABLE: &[(&str, &str, &[&str])] = &[
    ("apps", "Deployment", &["spec.selector"]),
    ("apps", "ReplicaSet", &["spec.selector"]),
    ("apps", "DaemonSet", &["spec.selector"]),
    ("batch", "Job", &["spec.selector", "spec.template", "spec.completionMode"]),
    ("rbac.authorization.k8s.io", "RoleBinding", &["roleRef"]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef"]),
    ("storage.k8s.io", "StorageClass", &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"]),
    ("", "Secret", &["type"]),
];

/// What of a StatefulSet can be changed.
const STATEFUL_SET_MAY_CHANGE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// What is wrong with a change.
pub(super) fn changed(kind: &Kind, old: &Value, new: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (group, name) = (kind.group.as_str(), kind.kind.as_str());
    for (_, _, fields) in IMMUTABLE.iter().filter(|row| (row.0, row.1) == (group, name)) {
        for field in *fields {
            let pointer = format!("/{}", field.replace('.', "/"));
            let (old, new) = (old.pointer(&pointer), new.pointer(&pointer));
            if old != new {
                let value = new.cloned().unwrap_or_default();
                problems.push(Problem::invalid(field, &value, "field is immutable"));
            }
        }
    }
    if (group, name) == ("apps", "StatefulSet") {
        let rest = |object: &Value| {
            let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
            spec.retain(|field, _| !STATEFUL_SET_MAY_CHANGE.contains(&field.as_str()));
            spec
        };
        if rest(old) != rest(new) {
            let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                       'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                       'minReadySeconds' are forbidden";
            problems.push(Problem::forbidden("spec", why));
        }
    }
    if (group, name) == ("", "PersistentVolumeClaim") {
        let rest = |object: &Value| {
            let mut spec = object["spec"].clone();
            for may_change in ["resources", "volumeAttributesClassName", "volumeName"] {
                spec[may_change] = Value::Null;
            }
            spec
        };
        if rest(old) != rest(new) {
            let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
                       claims";
            problems.push(Problem::forbidden("spec", why));
        }
    }
    if group.is_empty() && matches!(name, "ConfigMap" | "Secret") && old["immutable"] == json!(true) {
        for field in ["data", "binaryData", "immutable"] {
            if old[field] != new[field] {
                problems.push(Problem::forbidden(field, "field is immutable when `immutable` is set"));
            }
        }
    }
    problems
}
