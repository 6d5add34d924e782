//! What the API server says when it does not do what it is asked: a `Status` object.
//!
//! The wordings are those of `apimachinery/pkg/api/errors` and `apiserver/pkg/endpoints` in
//! <https://github.com/kubernetes/kubernetes>; clients tell causes apart by them.

use serde_json::{Value, json};

use super::kinds::Kind;

/// A refusal: a `Status` with an HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) details: Box<Value>,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    /// The message is the whole body, as text: some layers of the server make no `Status`.
    pub(crate) plain: bool,
}

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `FieldValueRequired`, ...
    pub(crate) reason: &'static str,
    /// `spec.selector`.
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn required(field: &str, why: &str) -> Self {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        Self {
            reason: "FieldValueRequired",
            field: field.to_owned(),
            message: format!("Required value{why}"),
        }
    }

    pub(crate) fn forbidden(field: &str, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.to_owned(), message: format!("Forbidden: {why}") }
    }

    pub(crate) fn invalid(field: &str, value: &Value, why: &str) -> Self {
        let message = format!("Invalid value: {value}: {why}");
        Self { reason: "FieldValueInvalid", field: field.to_owned(), message }
    }

    pub(crate) fn unsupported(field: &str, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.to_owned(), message }
    }
}

impl Refusal {
    fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self { code, reason, message, details: Box::default(), retry_after: None, plain: false }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        let mut details = json!({});
        for (member, value) in
            [("name", name), ("group", kind.group.as_str()), ("kind", kind.plural.as_str())]
        {
            if !value.is_empty() {
                details[member] = value.into();
            }
        }
        *self.details = details;
        self
    }

    fn because(mut self, causes: &[Value]) -> Self {
        if !self.details.is_object() {
            *self.details = json!({});
        }
        self.details["causes"] = causes.into();
        self
    }

    /// Any status, as faults ask for it.
    pub(crate) fn of(code: u16, reason: &str, message: &str) -> Self {
        Self::new(code, reason, message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The token is no good, or there is none where one is needed.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let named = if name.is_empty() { kind.qualified() } else { format!("{} {name:?}", kind.qualified()) };
        Self::new(403, "Forbidden", format!("{named} is forbidden: {why}")).about(kind, name)
    }

    /// A path that belongs to no kind.
    pub(crate) fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        let mut refusal =
            Self::new(403, "Forbidden", format!("forbidden: User {user:?} cannot {verb} path {path:?}"));
        *refusal.details = json!({});
        refusal
    }

    /// The namespace is going: `NewNamespaceTerminating` of the lifecycle admission plug-in.
    pub(crate) fn terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace"
        });
        Self::forbidden(kind, name, &why).because(&[cause])
    }

    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", kind.qualified())).about(kind, name)
    }

    pub(crate) fn no_such_namespace(name: &str) -> Self {
        let mut refusal = Self::new(404, "NotFound", format!("namespaces {name:?} not found"));
        *refusal.details = json!({ "name": name, "kind": "namespaces" });
        refusal
    }

    /// No kind, group or version is served there.
    pub(crate) fn no_such_path() -> Self {
        let mut refusal = Self::new(404, "NotFound", "404 page not found\n");
        refusal.plain = true;
        refusal
    }

    /// The kind does not have that subresource.
    pub(crate) fn no_such_resource() -> Self {
        let mut refusal = Self::new(404, "NotFound", "the server could not find the requested resource");
        *refusal.details = json!({});
        refusal
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut refusal = Self::new(405, "MethodNotAllowed", message);
        *refusal.details = json!({});
        refusal
    }

    pub(crate) fn exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", kind.qualified()))
            .about(kind, name)
    }

    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified());
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// Somebody has written meanwhile.
    pub(crate) fn modified(kind: &Kind, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// Fields that belong to others: cause by cause, manager and field.
    pub(crate) fn apply_conflict(message: String, causes: &[(String, String)]) -> Self {
        let cause = |(manager, field): &(String, String)| {
            json!({
                "reason": "FieldManagerConflict",
                "message": format!("conflict with {manager}"),
                "field": field
            })
        };
        let causes: Vec<Value> = causes.iter().map(cause).collect();
        Self::new(409, "Conflict", message).because(&causes)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// An object that breaks the rules of its kind.
    pub(crate) fn invalid(kind: &Kind, name: &str, problems: &[Problem]) -> Self {
        let mut refusal = Self::invalid_named(&kind.qualified_kind(), name, problems);
        let mut details = json!({ "name": name });
        if !kind.group.is_empty() {
            details["group"] = kind.group.as_str().into();
        }
        details["kind"] = kind.kind.as_str().into();
        details["causes"] = refusal.details["causes"].take();
        *refusal.details = details;
        refusal
    }

    /// Options of a request that break the rules: `PatchOptions`, `ListOptions`.
    pub(crate) fn invalid_options(options: &str, problem: Problem) -> Self {
        let mut refusal = Self::invalid_named(&format!("{options}.meta.k8s.io"), "", &[problem]);
        let causes = refusal.details["causes"].take();
        *refusal.details = json!({ "group": "meta.k8s.io", "kind": options, "causes": causes });
        refusal
    }

    fn invalid_named(what: &str, name: &str, problems: &[Problem]) -> Self {
        let told: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect();
        let told = if told.len() == 1 { told.concat() } else { format!("[{}]", told.join(", ")) };
        let cause = |problem: &Problem| json!({ "reason": problem.reason, "message": problem.message, "field": problem.field });
        let causes: Vec<Value> = problems.iter().map(cause).collect();
        Self::new(422, "Invalid", format!("{what} {name:?} is invalid: {told}")).because(&causes)
    }

    /// API Priority and Fairness has no place for the request.
    pub(crate) fn too_many_requests(seconds: u64) -> Self {
        let mut refusal = Self::new(429, "TooManyRequests", "Too many requests, please try again later.\n");
        refusal.retry_after = Some(seconds);
        refusal.plain = true;
        refusal
    }

    /// An error inside of the server that has no reason of its own.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub(crate) fn unavailable(seconds: u64) -> Self {
        let message = "the server is currently unable to handle the request";
        let mut refusal = Self::new(503, "ServiceUnavailable", message);
        *refusal.details = json!({ "retryAfterSeconds": seconds });
        refusal.retry_after = Some(seconds);
        refusal
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.as_str().into();
        }
        if !self.details.is_null() {
            status["details"] = (*self.details).clone();
        }
        status["code"] = self.code.into();
        status
    }
}
