//! The form of the file: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::exec::Exec;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct File {
    /// `Config`; it may be left out.
    #[serde(default = "config", deserialize_with = "only_config", rename = "kind")]
    _kind: String,
    #[serde(default)]
    pub(super) current_context: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub(super) contexts: Vec<Named<ContextEntry>>,
    #[serde(default, deserialize_with = "list")]
    pub(super) clusters: Vec<Named<ClusterEntry>>,
    #[serde(default, deserialize_with = "list")]
    pub(super) users: Vec<Named<UserEntry>>,
}

fn config() -> String {
    "Config".to_owned()
}

fn only_config<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let kind = String::deserialize(from)?;
    if kind == "Config" { Ok(kind) } else { Err(serde::de::Error::custom("another kind")) }
}

/// `null` is an empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A name, and what has it; the member is called by what it is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named<T> {
    pub(super) name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user")]
    pub(super) value: T,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ContextEntry {
    pub(super) cluster: String,
    pub(super) user: String,
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct ClusterEntry {
    pub(super) server: String,
    pub(super) certificate_authority: String,
    pub(super) certificate_authority_data: String,
    pub(super) insecure_skip_tls_verify: bool,
    pub(super) tls_server_name: String,
    pub(super) proxy_url: String,
}

/// Holds secrets: `Debug` shows nothing of it.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct UserEntry {
    pub(super) token: String,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: String,
    pub(super) client_certificate: String,
    pub(super) client_certificate_data: String,
    pub(super) client_key: String,
    pub(super) client_key_data: String,
    pub(super) exec: Option<Exec>,
    auth_provider: Option<Value>,
    username: String,
    r#as: String,
}

impl UserEntry {
    /// A way to sign in that landfall does not know, in words; of programs only they themselves know.
    pub(super) fn unknown_way(&self) -> Option<String> {
        if self.auth_provider.is_some() {
            return Some("signs in by an auth-provider".to_owned());
        }
        if !self.r#as.is_empty() {
            return Some("acts as somebody else (as)".to_owned());
        }
        (!self.username.is_empty()).then(|| "signs in by name and password".to_owned())
    }
}

impl fmt::Debug for UserEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserEntry(..)")
    }
}
