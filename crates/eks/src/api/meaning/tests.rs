use super::{Meaning, Rule};
use crate::api::status::{Status, StatusCause, StatusDetails};

fn status(code: u16, reason: &str, message: &str) -> Status {
    Status { code, reason: reason.to_owned(), message: message.to_owned(), ..Status::default() }
}

fn about(mut status: Status, kind: &str, name: &str) -> Status {
    status.details = StatusDetails { kind: kind.to_owned(), name: name.to_owned(), ..status.details };
    status
}

fn because(mut status: Status, reason: &str, message: &str) -> Status {
    let cause = StatusCause { reason: reason.to_owned(), message: message.to_owned(), field: String::new() };
    status.details.causes.push(cause);
    status
}

fn rule(verb: &str, resource: &str, group: &str, namespace: Option<&str>) -> Meaning {
    let namespace = namespace.map(str::to_owned);
    let (verb, resource, group) = (verb.to_owned(), resource.to_owned(), group.to_owned());
    Meaning::NotAllowed(Some(Rule { verb, resource, group, namespace }))
}

/// Texts as the API server writes them.
#[test]
fn what_the_server_says_is_understood() {
    let fields =
        |fields: &[&str]| Meaning::UnknownFields(fields.iter().map(|field| (*field).to_owned()).collect());
    let invalid = |cause: &str| because(status(422, "Invalid", "x is invalid"), "FieldValueInvalid", cause);
    for (status, meaning) in [
        (
            status(
                403,
                "Forbidden",
                r#"deployments.apps "web" is forbidden: User "arn:aws:sts::111122223333:assumed-role/ci/x" cannot patch resource "deployments" in API group "apps" in the namespace "shop""#,
            ),
            rule("patch", "deployments", "apps", Some("shop")),
        ),
        (
            status(
                403,
                "Forbidden",
                r#"namespaces "shop" is forbidden: User "ci" cannot create resource "namespaces" in API group "" at the cluster scope"#,
            ),
            rule("create", "namespaces", "", None),
        ),
        (
            status(
                403,
                "Forbidden",
                r#"pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "shop""#,
            ),
            Meaning::Anonymous,
        ),
        (
            status(
                403,
                "Forbidden",
                r#"configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated"#,
            ),
            Meaning::NamespaceEnds,
        ),
        (
            status(
                403,
                "Forbidden",
                r#"pods "a" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=2, limited: cpu=2"#,
            ),
            Meaning::Quota,
        ),
        (
            status(
                403,
                "Forbidden",
                r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": host namespaces"#,
            ),
            Meaning::Denied,
        ),
        (
            status(400, "", r#"admission webhook "policy.example.com" denied the request: no latest tags"#),
            Meaning::Denied,
        ),
        (
            about(status(404, "NotFound", r#"configmaps "a" not found"#), "configmaps", "a"),
            Meaning::ObjectMissing,
        ),
        (
            about(status(404, "NotFound", r#"namespaces "shop" not found"#), "namespaces", "shop"),
            Meaning::NamespaceMissing("shop".to_owned()),
        ),
        (status(404, "NotFound", "the server could not find the requested resource"), Meaning::KindMissing),
        (status(404, "", "404 page not found"), Meaning::KindMissing),
        (
            because(
                status(409, "Conflict", "Apply failed with 1 conflict"),
                "FieldManagerConflict",
                "conflict with \"x\"",
            ),
            Meaning::FieldConflict,
        ),
        (status(409, "AlreadyExists", "configmaps \"a\" already exists"), Meaning::Exists),
        (
            status(
                409,
                "Conflict",
                "Operation cannot be fulfilled on resourcequotas \"small\": the object has been modified",
            ),
            Meaning::QuotaRace,
        ),
        (
            status(
                409,
                "Conflict",
                "Operation cannot be fulfilled on configmaps \"a\": the object has been modified",
            ),
            Meaning::Stale,
        ),
        (status(410, "Expired", "The provided continue parameter is too old"), Meaning::Expired),
        (invalid("Invalid value: {}: field is immutable"), Meaning::Immutable),
        (invalid("Invalid value: \"b\": storageClassName is immutable"), Meaning::Immutable),
        (
            because(
                status(422, "Invalid", "x"),
                "FieldValueForbidden",
                "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
            ),
            Meaning::Immutable,
        ),
        (invalid("Invalid value: \"Web\": a lowercase RFC 1123 label must consist of"), Meaning::Invalid),
        (
            status(
                500,
                "",
                "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema",
            ),
            fields(&["spec.replica"]),
        ),
        (
            status(
                500,
                "",
                "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): errors:\n  .a: field not declared in schema\n  .b.c: field not declared in schema",
            ),
            fields(&["a", "b.c"]),
        ),
        (
            status(
                400,
                "BadRequest",
                r#"strict decoding error: unknown field "spec.a", unknown field "spec.b""#,
            ),
            fields(&["spec.a", "spec.b"]),
        ),
        (status(400, "BadRequest", "json: cannot unmarshal string"), Meaning::Malformed),
        (
            status(400, "BadRequest", "admission webhook \"x.example.com\" does not support dry run"),
            Meaning::NoDryRun,
        ),
        (
            status(
                500,
                "InternalError",
                "Internal error occurred: failed calling webhook \"vingress.elbv2.k8s.aws\": no endpoints available",
            ),
            Meaning::Webhook,
        ),
        (
            status(
                500,
                "",
                "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string",
            ),
            Meaning::Malformed,
        ),
        (
            status(
                500,
                "",
                "failed to convert new object (shop/db; /v1, Kind=Secret) to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 7",
            ),
            Meaning::Malformed,
        ),
        (status(500, "", "etcdserver: leader changed"), Meaning::Storage),
        (status(500, "InternalError", "Internal error occurred: nil map"), Meaning::Other),
        (
            status(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
            Meaning::TooLarge,
        ),
        (status(429, "TooManyRequests", ""), Meaning::Overloaded),
        (status(503, "ServiceUnavailable", ""), Meaning::Unavailable),
    ] {
        assert_eq!(Meaning::of(&status), meaning, "{} {}", status.code, status.message);
    }
}

#[test]
fn a_value_that_is_wrong_is_no_field_that_cannot_be_changed() {
    let wrong = because(
        status(422, "Invalid", "x"),
        "FieldValueInvalid",
        "Invalid value: 70000: must be between 1 and 65535",
    );
    assert_eq!(Meaning::of(&wrong), Meaning::Invalid);
    assert_eq!(
        Meaning::of(&status(409, "Conflict", "the UID in the precondition does not match")),
        Meaning::Stale
    );
}
