//! The old form: a list of groups, and a request for each of their versions.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};
use http::Method;
use landfall_core::Context;
use landfall_core::event::Level;
use serde::Deserialize;
use serde_json::Value;

use super::Discovery;
use crate::api::Api;
use crate::api::call::{Asked, request};
use crate::api::explain::Answered;
use crate::api::object::ApiResource;

/// Requests at once.
const AT_ONCE: usize = 16;

/// `APIVersions` of `/api`, or `APIGroupList` of `/apis`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Root {
    versions: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<Version>,
    preferred_version: Version,
}

#[derive(Deserialize, Default, Clone, PartialEq)]
#[serde(default)]
struct Version {
    version: String,
}

/// `APIResourceList`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
}

impl Api {
    /// Asks for every version of what a root lists. One that does not answer is told and left out.
    pub(super) async fn discover_each(
        &self,
        cx: &Context,
        root: &str,
        answer: &Value,
        found: &mut Discovery,
    ) -> Answered<()> {
        let listed = versions(answer);
        let asking = listed.into_iter().map(|(group, version)| async move {
            let path = match group.is_empty() {
                true => format!("{root}/{version}"),
                false => format!("{root}/{group}/{version}"),
            };
            let asked = Asked::of("cannot be read", format!("what {path} serves"), None);
            let answer = match request(Method::GET, &path, None) {
                Ok(request) => self.call(cx, &asked, request).await,
                Err(fault) => Err(fault),
            };
            (group, version, answer.and_then(|answer| answer.json::<Resources>(&asked)))
        });
        let answers: Vec<_> = stream::iter(asking.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        for (group, version, answer) in answers {
            match answer {
                Ok(listed) => {
                    let names: HashSet<String> =
                        listed.resources.iter().map(|resource| resource.name.clone()).collect();
                    for resource in listed.resources {
                        found.add(ApiResource {
                            group: group.clone(),
                            version: version.clone(),
                            kind: resource.kind,
                            has_status: names.contains(&format!("{}/status", resource.name)),
                            plural: resource.name,
                            namespaced: resource.namespaced,
                            verbs: resource.verbs,
                        });
                    }
                }
                // Without the core group nothing makes sense.
                Err(fault) if group.is_empty() => return Err(fault),
                Err(fault) => {
                    let error = landfall_core::Error::from(fault);
                    cx.note(Level::Warning, "discovery-incomplete", error.message());
                    found.silent.push(format!("{group}/{version}"));
                }
            }
        }
        Ok(())
    }
}

/// Groups with their versions, the preferred one first.
fn versions(answer: &Value) -> Vec<(String, String)> {
    let root = Root::deserialize(answer).unwrap_or_default();
    let mut listed: Vec<(String, String)> =
        root.versions.into_iter().map(|version| (String::new(), version)).collect();
    for mut group in root.groups {
        group.versions.sort_by_key(|version| *version != group.preferred_version);
        listed.extend(group.versions.into_iter().map(|version| (group.name.clone(), version.version)));
    }
    listed
}
