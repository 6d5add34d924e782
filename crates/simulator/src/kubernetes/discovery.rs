//! What the server says about itself: kinds, groups, version and health.
//! <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api>

use serde_json::{Value, json};

use super::kinds::{Kind, KindRef, Kinds};
use super::refusal::Refusal;
use super::state::ClusterState;

/// The type of the aggregated documents, which say everything at once.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A document with its content type.
pub(crate) struct Document {
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Document {
    fn json(body: &Value) -> Self {
        Self { content_type: "application/json", body: body.to_string() }
    }

    fn text(body: &str) -> Self {
        Self { content_type: "text/plain; charset=utf-8", body: body.to_owned() }
    }
}

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// What the verbs of a subresource are.
fn subresource_verbs(name: &str) -> &'static [&'static str] {
    if name == "log" { &["get"] } else { &["get", "patch", "update"] }
}

impl ClusterState {
    /// GET of a path that is no object's. `accept` is what the client takes.
    pub(crate) fn document(&self, path: &[String], accept: &str) -> Result<Document, Refusal> {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let accept: String = accept.chars().filter(|one| *one != ' ').collect();
        let aggregated = accept.split(',').next().is_some_and(|first| first.eq_ignore_ascii_case(AGGREGATED));
        let whole = |core: bool| Document {
            content_type: AGGREGATED,
            body: aggregate(&self.kinds, core).to_string(),
        };
        match words.as_slice() {
            ["api"] if aggregated => Ok(whole(true)),
            ["apis"] if aggregated => Ok(whole(false)),
            ["api"] => Ok(Document::json(&json!({
                "kind": "APIVersions",
                "versions": ["v1"],
                "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.1:443" }]
            }))),
            ["apis"] => {
                let groups: Vec<Value> =
                    groups(&self.kinds).iter().map(|name| group(&self.kinds, name)).collect();
                Ok(Document::json(&json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })))
            }
            ["apis", name] if groups(&self.kinds).contains(name) => {
                let mut group = group(&self.kinds, name);
                group["kind"] = json!("APIGroup");
                group["apiVersion"] = json!("v1");
                Ok(Document::json(&group))
            }
            ["api", version] => self.resources("", version),
            ["apis", group, version] => self.resources(group, version),
            ["version"] => Ok(Document::json(&self.version_document())),
            ["healthz" | "livez" | "readyz"] => Ok(Document::text("ok")),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn resources(&self, group: &str, version: &str) -> Result<Document, Refusal> {
        let kinds: Vec<&KindRef> =
            self.kinds.all().filter(|kind| kind.group == group && kind.version == version).collect();
        let first = kinds.first().ok_or_else(Refusal::no_such_path)?;
        let resources: Vec<Value> = kinds.iter().flat_map(|kind| entries(kind)).collect();
        Ok(Document::json(&json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": first.api_version(),
            "resources": resources
        })))
    }

    fn version_document(&self) -> Value {
        let (major, minor) = self.version.split_once('.').unwrap_or((self.version.as_str(), "0"));
        json!({
            "major": major,
            "minor": minor,
            "gitVersion": format!("v{}.0-eks-simulated", self.version),
            "gitCommit": "0000000000000000000000000000000000000000",
            "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z",
            "goVersion": "go1.24.0",
            "compiler": "gc",
            "platform": "linux/amd64"
        })
    }
}

/// The groups but the core one, in the order of their kinds.
fn groups(kinds: &Kinds) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for kind in kinds.all().filter(|kind| !kind.group.is_empty()) {
        if !names.contains(&kind.group.as_str()) {
            names.push(&kind.group);
        }
    }
    names
}

fn versions<'a>(kinds: &'a Kinds, group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for kind in kinds.all().filter(|kind| kind.group == group) {
        if !versions.contains(&kind.version.as_str()) {
            versions.push(&kind.version);
        }
    }
    versions
}

fn group(kinds: &Kinds, name: &str) -> Value {
    let versions: Vec<Value> = versions(kinds, name)
        .into_iter()
        .map(|version| json!({ "groupVersion": format!("{name}/{version}"), "version": version }))
        .collect();
    json!({ "name": name, "versions": versions, "preferredVersion": versions[0] })
}

/// A kind and its subresources, as the older documents list them.
fn entries(kind: &Kind) -> Vec<Value> {
    let mut own = json!({
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
        "storageVersionHash": ""
    });
    if !kind.short.is_empty() {
        own["shortNames"] = json!(kind.short);
    }
    let subresources = kind.subresources.iter().map(|name| {
        let mut entry = json!({
            "name": format!("{}/{name}", kind.plural),
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": subresource_kind(kind, name),
            "verbs": subresource_verbs(name)
        });
        if name == "scale" {
            entry["group"] = json!("autoscaling");
            entry["version"] = json!("v1");
        }
        entry
    });
    std::iter::once(own).chain(subresources).collect()
}

fn subresource_kind<'a>(kind: &'a Kind, name: &str) -> &'a str {
    if name == "scale" { "Scale" } else { &kind.kind }
}

/// `APIGroupDiscoveryList`: all groups, versions and kinds in one document.
fn aggregate(kinds: &Kinds, core: bool) -> Value {
    let names: Vec<&str> = if core { vec![""] } else { groups(kinds) };
    let items: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let versions: Vec<Value> = versions(kinds, name)
                .into_iter()
                .map(|version| {
                    let within = kinds.all().filter(|kind| kind.group == name && kind.version == version);
                    let resources: Vec<Value> = within.map(|kind| resource(kind)).collect();
                    json!({ "version": version, "resources": resources, "freshness": "Current" })
                })
                .collect();
            let metadata = if name.is_empty() {
                json!({ "creationTimestamp": null })
            } else {
                json!({ "name": name, "creationTimestamp": null })
            };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items
    })
}

fn resource(kind: &Kind) -> Value {
    let mut entry = json!({
        "resource": kind.plural,
        "responseKind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": VERBS
    });
    if !kind.short.is_empty() {
        entry["shortNames"] = json!(kind.short);
    }
    if !kind.subresources.is_empty() {
        let below: Vec<Value> = kind
            .subresources
            .iter()
            .map(|name| {
                let (group, version) =
                    if name == "scale" { ("autoscaling", "v1") } else { (kind.group.as_str(), kind.version.as_str()) };
                json!({
                    "subresource": name,
                    "responseKind": { "group": group, "version": version, "kind": subresource_kind(kind, name) },
                    "verbs": subresource_verbs(name)
                })
            })
            .collect();
        entry["subresources"] = below.into();
    }
    entry
}
