//! The Secret, written and read.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use landfall_core::{Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Inventory, RecordRef, Release};
use crate::api::{Api, ApplyOptions, At, Key, Live};

const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// Who writes the Secret; the version of landfall follows.
const TOOL: &str = "landfall";

/// Where the objects stand in the Secret.
const MEMBERS: &str = "members";

/// As much as a Secret holds, and some room for the rest of it:
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>.
const LARGEST: usize = 1_000_000;

/// The form of what stands there.
#[derive(Serialize, Deserialize)]
struct Members {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<RecordRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<RecordRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<RecordRef>,
    members: Vec<Member>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Member {
    #[serde(flatten)]
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
}

const VERSION: u32 = 1;

impl Inventory {
    /// The Secret that remembers this.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when there are more objects than fit, about five thousand.
    pub fn to_secret(&self) -> Result<Value> {
        let members = self.members.iter().map(|(key, uid)| Member { key: key.clone(), uid: uid.clone() });
        let form = Members {
            version: VERSION,
            record: self.record.clone(),
            previous: self.previous.clone(),
            found: self.found.clone(),
            members: members.collect(),
        };
        let text = serde_json::to_string(&form)
            .map_err(|error| Error::internal("the inventory cannot be written").with_source(&error))?;
        let data = STANDARD.encode(text);
        if data.len() > LARGEST {
            let message = format!(
                "release {} has {} objects, and what one Secret remembers of them is larger than it may be",
                self.release,
                self.members.len()
            );
            return Err(
                Error::new(ErrorKind::Unsupported, message).with_hint("deploy it as several releases")
            );
        }
        let kinds: BTreeSet<String> = self.members.keys().map(Key::group_kind).collect();
        let namespaces: BTreeSet<&str> =
            self.members.keys().filter_map(|key| key.namespace.as_deref()).collect();
        let others = namespaces.into_iter().filter(|namespace| *namespace != self.release.namespace);
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self.release.secret(),
                "namespace": self.release.namespace,
                "labels": {ID: self.release.id(), "app.kubernetes.io/managed-by": TOOL},
                "annotations": {
                    TOOLING: format!("{TOOL}/{}", env!("CARGO_PKG_VERSION")),
                    GROUP_KINDS: kinds.into_iter().collect::<Vec<_>>().join(","),
                    NAMESPACES: others.collect::<Vec<_>>().join(","),
                },
            },
            "type": "landfall/inventory.v1",
            "data": {MEMBERS: data},
        }))
    }

    /// What a Secret remembers of a release.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when another tool wrote it, or a later version of landfall.
    pub fn of_secret(release: &Release, live: &Live) -> Result<Self> {
        let conflict = |what: String, hint: &str| {
            let message = format!("Secret {}/{} {what}", release.namespace, release.secret());
            Err(Error::new(ErrorKind::Conflict, message).with_hint(hint))
        };
        let tooling = live.annotation(TOOLING).unwrap_or_default();
        if tooling.split('/').next() != Some(TOOL) {
            let whose = if tooling.is_empty() {
                "no ApplySet of landfall's".to_owned()
            } else {
                format!("the ApplySet of {tooling}")
            };
            return conflict(
                format!("is {whose}"),
                "give the release another name, or deploy it with that tool",
            );
        }
        let encoded = live.value()["data"][MEMBERS].as_str().unwrap_or_default();
        let text = STANDARD.decode(encoded).unwrap_or_default();
        let Ok(form) = serde_json::from_slice::<Members>(&text) else {
            return conflict(
                format!("holds no inventory that can be read ({tooling})"),
                "delete the Secret to begin without one: nothing is pruned then that was applied before",
            );
        };
        if form.version != VERSION {
            return conflict(
                format!("holds an inventory of version {}, written by {tooling}", form.version),
                "deploy with a version of landfall as new as that one",
            );
        }
        let members: BTreeMap<Key, Option<String>> =
            form.members.iter().cloned().map(|member| (member.key, member.uid)).collect();
        let Members { record, previous, found, .. } = form;
        Ok(Self { release: release.clone(), record, previous, found, members })
    }

    /// Reads what the cluster remembers of a release; nothing of one that is new.
    ///
    /// # Errors
    /// As [`Inventory::of_secret`]; the refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn load(cx: &Context, api: &Api, release: &Release) -> Result<Self> {
        match api.read(cx, &place(cx, api, release).await?).await? {
            Some(live) => Self::of_secret(release, &live),
            None => Ok(Self::empty(release.clone())),
        }
    }

    /// Writes it into the cluster.
    ///
    /// # Errors
    /// As [`Inventory::to_secret`]; the refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been carried out; to do it again is safe.
    pub async fn store(&self, cx: &Context, api: &Api) -> Result<()> {
        let body = Bytes::from(self.to_secret()?.to_string());
        let at = place(cx, api, &self.release).await?;
        // Force: the Secret is landfall's, whoever edited it.
        api.apply(cx, &at, body, ApplyOptions { force: true, dry_run: false }).await?;
        Ok(())
    }
}

async fn place(cx: &Context, api: &Api, release: &Release) -> Result<At> {
    let secrets = api.resource(cx, "v1", "Secret", std::time::Duration::ZERO).await?;
    Ok(At::new(secrets, Some(&release.namespace), &release.secret()))
}
