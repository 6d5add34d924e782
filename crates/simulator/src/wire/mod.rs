//! The wire: four protocols on one endpoint, told apart as AWS does.
//!
//! - awsJson1.1 (ECS, CloudWatch Logs, CodeDeploy, Resource Groups Tagging, Systems Manager): POST with `X-Amz-Target`, JSON both ways, errors with `__type`.
//! - awsQuery (STS, ELBv2, CloudFormation, Auto Scaling): a form with `Action` and `Version`, XML answers.
//! - restXml (S3): method, address and headers say what is meant; bodies are the object, or XML.
//! - restJson1 (EKS): method and path say what is meant; JSON answers, the code of an error in a header.
//!
//! Protocols: <https://smithy.io/2.0/aws/protocols/index.html>. Signatures:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

pub(crate) mod json;
pub(crate) mod object;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod rest;
pub(crate) mod rest_json;
pub(crate) mod sigv4;

use bytes::Bytes;
use http::{Method, Request, request::Parts};

pub(crate) use object::Object;
pub(crate) use query::Form;
pub(crate) use reply::Reply;

/// A protocol of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    Query,
    RestXml,
    RestJson,
}

/// An error answer before it has a protocol's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: u16,
}

impl ServiceError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status }
    }

    /// HTTP 400, as nearly all errors of awsJson services.
    pub(crate) fn client(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}

/// What an operation answers.
pub(crate) enum Answer {
    Json(Object),
    /// The inner XML of `<OperationResult>`.
    Xml(String),
}

/// A request that has been told apart, but neither authenticated nor understood.
pub(crate) struct Received {
    pub(crate) protocol: Protocol,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
}

/// What arrived.
pub(crate) enum Arrival {
    /// A call of a service.
    Call(Box<Received>),
    /// A document of the OIDC issuer, by path.
    Issuer(String),
    /// Neither.
    Unknown,
}

const TARGETS: [(&str, &str); 5] = [
    ("AmazonEC2ContainerServiceV20141113", "ecs"),
    ("CodeDeploy_20141006", "codedeploy"),
    ("Logs_20140328", "logs"),
    ("ResourceGroupsTaggingAPI_20170126", "tagging"),
    ("AmazonSSM", "ssm"),
];

/// Tells a request apart.
pub(crate) fn arrival(request: Request<Bytes>) -> Arrival {
    let (head, body) = request.into_parts();
    if crate::s3::is_ours(&head) {
        let (protocol, service) = (Protocol::RestXml, "s3".to_owned());
        let operation = crate::s3::operation(&head).to_owned();
        return Arrival::Call(Box::new(Received { protocol, service, operation, head, body }));
    }
    if crate::eks::is_ours(&head) {
        let (protocol, service) = (Protocol::RestJson, "eks".to_owned());
        let operation = crate::eks::operation(&head);
        return Arrival::Call(Box::new(Received { protocol, service, operation, head, body }));
    }
    if head.method == Method::GET && !head.uri.query().unwrap_or_default().contains("Action=") {
        return Arrival::Issuer(head.uri.path().to_owned());
    }
    if let Some(target) = head.headers.get("x-amz-target") {
        let target = String::from_utf8_lossy(target.as_bytes()).into_owned();
        let (prefix, operation) = target.split_once('.').unwrap_or((target.as_str(), ""));
        let service =
            TARGETS.iter().find(|(known, _)| *known == prefix).map_or(prefix, |(_, service)| *service);
        let (service, operation) = (service.to_owned(), operation.to_owned());
        return Arrival::Call(Box::new(Received {
            protocol: Protocol::Json,
            service,
            operation,
            head,
            body,
        }));
    }
    let form = if head.method == Method::GET {
        Form::parse(head.uri.query().unwrap_or_default().as_bytes())
    } else {
        Form::parse(&body)
    };
    match form.text("Action") {
        Some(action) => {
            let operation = action.to_owned();
            let service = query::service_of(form.text("Version").unwrap_or_default()).to_owned();
            Arrival::Call(Box::new(Received { protocol: Protocol::Query, service, operation, head, body }))
        }
        None => Arrival::Unknown,
    }
}
