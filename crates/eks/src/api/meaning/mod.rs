//! What an answer means that is no success: a pure table.
//!
//! The server has few reasons and many texts, so the texts are read too. Where they come from is said beside each.

#[cfg(test)]
mod tests;

use super::status::Status;

/// What a refusal means for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// RBAC does not allow it; what would, where the server says enough.
    NotAllowed(Option<Rule>),
    /// The request came without a name: something on the way took the token out.
    Anonymous,
    /// The namespace is being deleted.
    NamespaceEnds,
    /// There is no such namespace.
    NamespaceMissing(String),
    /// A quota is used up.
    Quota,
    /// An admission webhook, a policy or the pod security standard said no.
    Denied,
    /// There is no such kind, or no more.
    KindMissing,
    /// There is no such object.
    ObjectMissing,
    /// Other managers own fields of other values.
    FieldConflict,
    /// There is such an object already.
    Exists,
    /// The object is another one, or has changed, since it was read.
    Stale,
    /// A field that cannot be changed.
    Immutable,
    /// Fields with values that the server does not take.
    Invalid,
    /// Fields that the kind does not have.
    UnknownFields(Vec<String>),
    /// An admission webhook changes something else too, and so cannot be asked by a dry run.
    NoDryRun,
    /// It makes no sense to the server.
    Malformed,
    /// It is larger than the server stores.
    TooLarge,
    /// What a list or a watch goes on from is forgotten.
    Expired,
    /// An admission or conversion webhook could not be called.
    Webhook,
    /// The server's store changes its leader or is slow.
    Storage,
    /// Two requests changed the count of a quota at once.
    QuotaRace,
    /// There are too many requests.
    Overloaded,
    /// The server is not ready, or a part of it is not.
    Unavailable,
    /// Anything else.
    Other,
}

/// What RBAC would have to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `patch`.
    pub verb: String,
    /// `deployments`.
    pub resource: String,
    /// `apps`; empty for the core group.
    pub group: String,
    /// In which namespace; none for the whole cluster.
    pub namespace: Option<String>,
}

impl Meaning {
    /// What a status means.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let text = status.message.as_str();
        let says = |part: &str| text.contains(part);
        // Webhooks and policies may answer with any code. `admission/errors` and `policy/validating` of the apiserver.
        if says("denied the request") || says("denied request:") || says("violates PodSecurity") {
            return Self::Denied;
        }
        match status.code {
            400 if says("does not support dry run") => Self::NoDryRun,
            400 => unknown_fields(text).map_or(Self::Malformed, Self::UnknownFields),
            403 => forbidden(status),
            404 => missing(status),
            409 => conflict(status),
            410 => Self::Expired,
            413 => Self::TooLarge,
            422 if is_immutable(status) => Self::Immutable,
            422 if says("is forbidden: exceeded quota") => Self::Quota,
            422 => Self::Invalid,
            429 => Self::Overloaded,
            500 if says("failed calling webhook") || says("conversion webhook") => Self::Webhook,
            500 if says("etcdserver: leader changed") || says("etcdserver: request timed out") => {
                Self::Storage
            }
            // What cannot be read in an apply comes without a reason and as a fault of the server.
            500 if says("failed to create typed patch object") || says("failed to convert new object") => {
                unknown_fields(text).map_or(Self::Malformed, Self::UnknownFields)
            }
            503 | 504 => Self::Unavailable,
            _ => Self::Other,
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Webhook | Self::Storage | Self::QuotaRace | Self::Overloaded | Self::Unavailable)
    }
}

fn forbidden(status: &Status) -> Meaning {
    let text = status.message.as_str();
    let ends = status.details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating");
    if ends || text.contains("because it is being terminated") {
        Meaning::NamespaceEnds
    } else if text.contains("exceeded quota") || text.contains("failed quota") {
        Meaning::Quota
    } else if text.contains("\"system:anonymous\"") {
        Meaning::Anonymous
    } else if text.contains("cannot ") && (text.contains(" resource \"") || text.contains(" path \"")) {
        Meaning::NotAllowed(rule(text))
    } else {
        Meaning::Denied
    }
}

/// `User "x" cannot patch resource "deployments" in API group "apps" in the namespace "shop"`: `RejectReason` of the
/// apiserver's authorizer.
fn rule(text: &str) -> Option<Rule> {
    let verb = between(text, " cannot ", " resource \"")?;
    let resource = between(text, " resource \"", "\"")?;
    let group = between(text, " in API group \"", "\"")?;
    let namespace = between(text, " in the namespace \"", "\"").map(str::to_owned);
    Some(Rule { verb: verb.to_owned(), resource: resource.to_owned(), group: group.to_owned(), namespace })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn missing(status: &Status) -> Meaning {
    if let Some(name) = between(&status.message, "namespaces \"", "\" not found") {
        return Meaning::NamespaceMissing(name.to_owned());
    }
    // "the server could not find the requested resource", or the plain page of a path that nobody serves.
    if status.details.name.is_empty() { Meaning::KindMissing } else { Meaning::ObjectMissing }
}

fn conflict(status: &Status) -> Meaning {
    let of_fields = |cause: &super::status::StatusCause| cause.reason == "FieldManagerConflict";
    if status.details.causes.iter().any(of_fields) {
        Meaning::FieldConflict
    } else if status.reason == "AlreadyExists" {
        Meaning::Exists
    } else if status.message.contains("Operation cannot be fulfilled on resourcequotas") {
        Meaning::QuotaRace
    } else {
        Meaning::Stale
    }
}

/// Built-in kinds say "field is immutable", rules of custom kinds "... is immutable" in words of their authors,
/// StatefulSets and Pods that "fields other than" some may not change. Nothing else counts: to take every refusal for
/// one would have objects deleted for a typing error (`ssa/errors` of <https://github.com/fluxcd/pkg> says so of
/// itself).
fn is_immutable(status: &Status) -> bool {
    let says = |text: &str| text.contains("is immutable") || text.contains("fields other than");
    match status.details.causes.as_slice() {
        [] => says(&status.message),
        causes => causes.iter().any(|cause| says(&cause.message)),
    }
}

/// `.spec.foo: field not declared in schema` of an apply; `unknown field "spec.foo"` of other writes.
fn unknown_fields(text: &str) -> Option<Vec<String>> {
    const UNDECLARED: &str = ": field not declared in schema";
    let undeclared = text.match_indices(UNDECLARED).filter_map(|(at, _)| {
        let field = text[..at].rsplit([' ', '\n', '\t']).next()?;
        Some(field.trim_start_matches('.').to_owned())
    });
    let unknown = text.split("unknown field \"").skip(1).filter_map(|rest| rest.split_once('"'));
    let fields: Vec<String> = undeclared.chain(unknown.map(|(field, _)| field.to_owned())).collect();
    (!fields.is_empty()).then_some(fields)
}
