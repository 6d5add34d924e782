//! What takes the questions.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

/// Something that takes requests to an API server, signed in as somebody who may do everything.
#[async_trait]
pub(crate) trait Sender: Sync {
    /// Sends a request, whose address is a path with a query at most, and gives the whole answer.
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, String>;
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body, or null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The status, and the reason if it is a refusal: `409 Conflict`.
    pub(crate) fn brief(&self) -> String {
        let body = self.json();
        let reason = body["reason"].as_str().filter(|_| self.status >= 400 && body["kind"] == "Status");
        [Some(self.status.to_string().as_str()), reason].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The causes of a refusal, `FieldManagerConflict .data.color: conflict with "one"`, in order.
    pub(crate) fn causes(&self) -> String {
        let body = self.json();
        let all = body["details"]["causes"].as_array().cloned().unwrap_or_default();
        let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
        let mut causes: Vec<String> = all
            .iter()
            .map(|cause| {
                format!("{} {}: {}", text(cause, "reason"), text(cause, "field"), text(cause, "message"))
            })
            .collect();
        causes.sort();
        causes.join("; ")
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Who owns fields, in order: `one Apply, two Update status`.
    pub(crate) fn managers(&self) -> String {
        let body = self.json();
        let all = body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let mut managers: Vec<String> = all
            .iter()
            .map(|entry| {
                let parts = ["manager", "operation", "subresource"].map(|name| entry[name].as_str());
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            })
            .collect();
        managers.sort();
        managers.join(", ")
    }
}
