//! The objects of the small server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Reply, Seen};

/// Objects by their paths.
#[derive(Default)]
pub(crate) struct Store {
    pub(super) objects: BTreeMap<String, Value>,
    writes: u64,
    /// Kinds beside Kubernetes' own: group, kind, plural.
    pub(crate) kinds: Vec<(&'static str, &'static str, &'static str)>,
}

/// Kinds that every cluster has: group, kind, plural, whether they have a namespace.
const KINDS: [(&str, &str, &str, bool); 11] = [
    ("", "ConfigMap", "configmaps", true),
    ("", "Secret", "secrets", true),
    ("", "Service", "services", true),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "Namespace", "namespaces", false),
    ("apps", "Deployment", "deployments", true),
    ("apps", "StatefulSet", "statefulsets", true),
    ("batch", "Job", "jobs", true),
    ("coordination.k8s.io", "Lease", "leases", true),
    ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", false),
];

impl Store {
    fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, bool)> {
        let more = self.kinds.iter().map(|(group, kind, plural)| (*group, *kind, *plural, true));
        KINDS.into_iter().chain(more)
    }

    fn discovery(&self, core: bool) -> Value {
        let groups: std::collections::BTreeSet<&str> =
            self.kinds().map(|(group, ..)| group).filter(|group| group.is_empty() == core).collect();
        let resource = |(_, kind, plural, namespaced): (&str, &str, &str, bool)| {
            json!({
                "resource": plural, "responseKind": {"group": "", "version": "", "kind": kind},
                "scope": if namespaced { "Namespaced" } else { "Cluster" }, "verbs": ["get", "list", "patch", "delete", "watch"],
            })
        };
        let groups: Vec<Value> = groups
            .into_iter()
            .map(|group| {
                let resources: Vec<Value> = self.kinds().filter(|kind| kind.0 == group).map(resource).collect();
                json!({"metadata": {"name": group}, "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}]})
            })
            .collect();
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": groups})
    }

    pub(super) fn put(&mut self, object: &Value) {
        let version = object["apiVersion"].as_str().unwrap();
        let (root, group) = match version.split_once('/') {
            Some((group, _)) => (format!("/apis/{version}"), group),
            None => (format!("/api/{version}"), ""),
        };
        let kind = object["kind"].as_str().unwrap();
        let (.., plural, namespaced) =
            self.kinds().find(|known| known.0 == group && known.1 == kind).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        let place = match object["metadata"]["namespace"].as_str().filter(|_| namespaced) {
            Some(namespace) => format!("namespaces/{namespace}/"),
            None => String::new(),
        };
        self.write(&format!("{root}/{place}{plural}/{name}"), object.clone());
    }

    fn write(&mut self, path: &str, mut object: Value) -> Value {
        self.writes += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.writes.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{}", self.writes));
        }
        if metadata["generation"].is_null() {
            metadata["generation"] = json!(1);
        }
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    pub(super) fn answer(&mut self, seen: &Seen) -> Reply {
        let path = seen.path.as_str();
        match seen.method.as_str() {
            "GET" if path == "/api" || path == "/apis" => Reply::json(200, &self.discovery(path == "/api")),
            "GET" => match self.objects.get(path) {
                Some(object) => Reply::json(200, object),
                None => Reply::status(404, "NotFound", "things \"x\" not found"),
            },
            "PATCH" => self.patch(seen),
            "POST" => {
                let object = seen.body();
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                match self.objects.contains_key(&path) {
                    true => Reply::status(409, "AlreadyExists", "things \"x\" already exists"),
                    false => Reply::json(201, &self.write(&path, object)),
                }
            }
            "DELETE" => match self.objects.get(path) {
                None => Reply::status(404, "NotFound", "things \"x\" not found"),
                Some(object) if object["metadata"]["uid"] != seen.body()["preconditions"]["uid"] => {
                    Reply::status(409, "Conflict", "the UID in the precondition does not match")
                }
                Some(_) => {
                    self.objects.remove(path);
                    Reply::json(200, &json!({"kind": "Status", "status": "Success"}))
                }
            },
            method => Reply::status(405, "MethodNotAllowed", method),
        }
    }

    /// An apply that changes nothing writes nothing, as with the server.
    fn patch(&mut self, seen: &Seen) -> Reply {
        let before = self.objects.get(&seen.path).cloned();
        let mut object = before.clone().unwrap_or_else(|| json!({}));
        if seen.content == "application/json-patch+json" {
            for operation in seen.body().as_array().unwrap() {
                let at = operation["path"].as_str().unwrap();
                if at == "/metadata/resourceVersion"
                    && object["metadata"]["resourceVersion"] != operation["value"]
                {
                    return Reply::status(409, "Conflict", "the object has been modified");
                }
                *object.pointer_mut(at).unwrap() = operation["value"].clone();
            }
        } else {
            let version = &seen.body()["metadata"]["resourceVersion"];
            if !version.is_null() && *version != object["metadata"]["resourceVersion"] {
                return Reply::status(409, "Conflict", "the object has been modified");
            }
            merge(&mut object, &seen.body());
        }
        if before.as_ref() == Some(&object) {
            return Reply::json(200, &object);
        }
        if let Some(before) = &before
            && before["spec"] != object["spec"]
        {
            object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_i64().unwrap() + 1);
        }
        let code = if before.is_some() { 200 } else { 201 };
        if seen.has("dryRun", "All") {
            return Reply::json(code, &object);
        }
        Reply::json(code, &self.write(&seen.path, object))
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
