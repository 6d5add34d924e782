//! The parts of the way that need no state: reading a request's body, and giving an answer or a fault its form.

use bytes::Bytes;
use http::{Response, StatusCode, header};

use crate::wire::{Answer, Form, Object, Protocol, Received, ServiceError, json, query, rest, rest_json};
use crate::{FaultKind, StsRefusal, cloudformation, codedeploy, ecs, eks, elb, fleet, logs, sts};

/// A request's body, read.
pub(super) enum Input {
    Json(Object),
    Query(Form),
    Path(eks::Address),
}

impl Input {
    pub(super) fn read(received: &Received) -> Result<Self, ServiceError> {
        match received.protocol {
            Protocol::Json => Object::parse(&received.body)
                .map(Self::Json)
                .map_err(|_| ServiceError::client("SerializationException", "Unexpected or malformed JSON")),
            Protocol::Query if received.body.is_empty() => {
                Ok(Self::Query(Form::parse(received.head.uri.query().unwrap_or_default().as_bytes())))
            }
            Protocol::Query => Ok(Self::Query(Form::parse(&received.body))),
            Protocol::RestXml => Ok(Self::Query(Form::default())),
            Protocol::RestJson => Ok(Self::Path(eks::Address::of(&received.head))),
        }
    }
}

pub(super) fn is_known(received: &Received) -> bool {
    let operation = received.operation.as_str();
    match received.service.as_str() {
        "sts" => sts::OPERATIONS.contains(&operation),
        "eks" => eks::OPERATIONS.contains(&operation),
        "ecs" => ecs::OPERATIONS.contains(&operation),
        "logs" => logs::OPERATIONS.contains(&operation),
        "cloudformation" => cloudformation::OPERATIONS.contains(&operation),
        "codedeploy" => codedeploy::OPERATIONS.contains(&operation),
        "elasticloadbalancing" => elb::OPERATIONS.contains(&operation),
        service => fleet::is_known(service, operation),
    }
}

pub(super) fn unknown_operation(received: &Received) -> ServiceError {
    match received.protocol {
        Protocol::Json => ServiceError::client("UnknownOperationException", ""),
        Protocol::Query => sts::unknown_operation(&received.operation),
        Protocol::RestJson => eks::unknown_operation(),
        Protocol::RestXml => ServiceError::new(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        ),
    }
}

/// The error that a kind of fault makes of a call, in the protocol's words.
pub(super) fn refusal(kind: &FaultKind, received: &Received) -> Option<ServiceError> {
    match kind {
        FaultKind::Throttle { code } if received.protocol == Protocol::RestXml => {
            Some(ServiceError::new(503, code, "Please reduce your request rate."))
        }
        FaultKind::Throttle { code } => Some(ServiceError::client(code, "Rate exceeded")),
        FaultKind::Error { code, message, status } => Some(ServiceError::new(*status, code, message)),
        FaultKind::ExpireSession => {
            Some(crate::iam::AuthenticationError::Expired.for_protocol(received.protocol))
        }
        FaultKind::IdentityProviderUnreachable => Some(sts_refusal(StsRefusal::IdpUnreachable)),
        FaultKind::Sts(refusal) => Some(sts_refusal(*refusal)),
        // These replace the answer later; what matters here is that the effect does not happen.
        FaultKind::Http { .. } | FaultKind::Html500 | FaultKind::Reset => {
            Some(ServiceError::new(500, "SimulatedFault", "the answer is replaced by a fault"))
        }
        FaultKind::Delay { .. }
        | FaultKind::Truncate
        | FaultKind::Stale { .. }
        | FaultKind::Kubernetes(_) => None,
    }
}

fn sts_refusal(refusal: StsRefusal) -> ServiceError {
    let (code, status, message) = refusal.answer();
    ServiceError::new(status, code, message)
}

pub(super) fn form(
    received: &Received,
    result: Result<Answer, ServiceError>,
    request_id: &str,
) -> Response<Bytes> {
    match (received.protocol, result) {
        (Protocol::RestJson, Ok(Answer::Json(object))) => rest_json::success(&object),
        (_, Ok(Answer::Json(object))) => json::success(&object),
        (_, Ok(Answer::Xml(text))) => {
            query::success(&received.service, &received.operation, &text, request_id)
        }
        (Protocol::Json, Err(error)) => json::failure(&error),
        (Protocol::Query, Err(error)) => query::failure(&received.service, &error, request_id),
        (Protocol::RestJson, Err(error)) => rest_json::failure(&error),
        (Protocol::RestXml, Err(error)) => rest::failure(&error, request_id),
    }
}

pub(crate) fn page(status: u16, body: &str, content_type: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = header::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

pub(crate) fn html500() -> Response<Bytes> {
    page(500, "<html><body><h1>500 Internal Server Error</h1></body></html>", "text/html")
}
