//! What a token says, right and wrong.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::{earlier, later};

/// What GitLab sets when a job has no timeout of its own.
const LIFETIME: Duration = Duration::from_secs(300);
/// GitLab's allowance for clocks that are behind: `nbf` lies this long before `iat`.
const NOT_BEFORE: Duration = Duration::from_secs(5);

/// The claims of an identity token, and ways to get them wrong.
#[derive(Debug, Clone)]
pub struct Claims {
    members: Map<String, Value>,
    missing: Vec<String>,
    lifetime: Duration,
    expired_for: Option<Duration>,
    pub(super) wrong_signature: bool,
    pub(super) unknown_key: bool,
}

impl Claims {
    /// A token with this subject and audience `sts.amazonaws.com`, and no other claims of its own.
    pub fn new(subject: &str) -> Self {
        let mut members = Map::new();
        members.insert("sub".to_owned(), json!(subject));
        members.insert("aud".to_owned(), json!("sts.amazonaws.com"));
        Self {
            members,
            missing: Vec::new(),
            lifetime: LIFETIME,
            expired_for: None,
            wrong_signature: false,
            unknown_key: false,
        }
    }

    /// The token of a GitLab CI job on a branch of a project: the claims of GitLab's "OpenID Connect (OIDC)
    /// Authentication Using ID Tokens" page. Ids are strings, as there; `runner_id` is a number.
    pub fn gitlab(project_path: &str, branch: &str) -> Self {
        Self::gitlab_ref(project_path, "branch", branch)
    }

    /// The token of a GitLab CI job on a tag of a project.
    pub fn gitlab_tag(project_path: &str, tag: &str) -> Self {
        Self::gitlab_ref(project_path, "tag", tag)
    }

    fn gitlab_ref(project_path: &str, ref_type: &str, name: &str) -> Self {
        let namespace = project_path.rsplit_once('/').map_or(project_path, |(namespace, _)| namespace);
        let folder = if ref_type == "tag" { "tags" } else { "heads" };
        let mut claims = Self::new(&format!("project_path:{project_path}:ref_type:{ref_type}:ref:{name}"));
        let more = json!({
            "project_id": "22", "project_path": project_path, "namespace_id": "72", "namespace_path": namespace,
            "user_id": "42", "user_login": "developer", "user_email": "developer@example.com",
            "user_access_level": "developer", "pipeline_id": "574", "pipeline_source": "push", "job_id": "302",
            "ref": name, "ref_type": ref_type, "ref_path": format!("refs/{folder}/{name}"), "ref_protected": "false",
            "runner_id": 1, "runner_environment": "self-hosted", "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "project_visibility": "private", "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b"
        });
        claims.members.extend(more.as_object().cloned().unwrap_or_default());
        claims
    }

    /// Another audience.
    #[must_use]
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Several audiences.
    #[must_use]
    pub fn audiences(self, audiences: &[&str]) -> Self {
        self.claim("aud", json!(audiences))
    }

    /// Sets any claim, `iss`, `exp` and `nbf` (epoch seconds) included.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.missing.push(name.to_owned());
        self
    }

    /// Expires this long after now; the default is 5 minutes.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Expired this long ago.
    #[must_use]
    pub fn expired_for(mut self, time: Duration) -> Self {
        self.expired_for = Some(time);
        self
    }

    /// The signature does not fit.
    #[must_use]
    pub fn wrong_signature(mut self) -> Self {
        self.wrong_signature = true;
        self
    }

    /// The token names a key that the key set does not have.
    #[must_use]
    pub fn unknown_key(mut self) -> Self {
        self.unknown_key = true;
        self
    }

    /// The payload of the token.
    pub(super) fn payload(&self, issuer: &str, now: Timestamp) -> Value {
        let issued_at = self.expired_for.map_or(now, |ago| earlier(earlier(now, ago), self.lifetime));
        let mut payload = Map::new();
        payload.insert("iss".to_owned(), json!(issuer));
        payload.insert("iat".to_owned(), json!(issued_at.as_second()));
        payload.insert("nbf".to_owned(), json!(earlier(issued_at, NOT_BEFORE).as_second()));
        payload.insert("exp".to_owned(), json!(later(issued_at, self.lifetime).as_second()));
        payload.extend(self.members.clone());
        payload.retain(|name, _| !self.missing.contains(name));
        Value::Object(payload)
    }
}
