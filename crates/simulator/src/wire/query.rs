//! awsQuery: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{Response, StatusCode, header};

use super::ServiceError;

/// The services, with the version of their API and the namespace of their answers (their service models). The version
/// tells requests apart: awsQuery names no service, and all of them share one endpoint here.
const SERVICES: [(&str, &str, &str); 4] = [
    ("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"),
    ("cloudformation", "2010-05-15", "http://cloudformation.amazonaws.com/doc/2010-05-15/"),
    ("elasticloadbalancing", "2015-12-01", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"),
    ("autoscaling", "2011-01-01", "http://autoscaling.amazonaws.com/doc/2011-01-01/"),
];

/// The service that a version belongs to; STS for one that is not known.
pub(crate) fn service_of(version: &str) -> &'static str {
    SERVICES.iter().find(|(_, known, _)| *known == version).map_or("sts", |(service, ..)| service)
}

fn namespace(service: &str) -> &'static str {
    let found = SERVICES.iter().find(|(known, ..)| *known == service);
    found.map_or(SERVICES[0].2, |(.., namespace)| namespace)
}

/// The parameters of an awsQuery request.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values of a list: `name.member.1`, `name.member.2` and so on, each with `end` behind it. The numbers begin at 1
    /// and have no gaps.
    pub(crate) fn members<'a>(&'a self, name: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
        (1..).map_while(move |number| self.text(&format!("{name}.member.{number}{end}")))
    }
}

pub(crate) fn success(service: &str, operation: &str, result: &str, request_id: &str) -> Response<Bytes> {
    let namespace = namespace(service);
    respond(
        StatusCode::OK,
        format!(
            "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{result}</{operation}Result>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
        ),
    )
}

pub(crate) fn failure(service: &str, error: &ServiceError, request_id: &str) -> Response<Bytes> {
    let namespace = namespace(service);
    let kind = if error.status >= 500 { "Receiver" } else { "Sender" };
    let mut text = format!("<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type>");
    element(&mut text, "Code", &error.code);
    element(&mut text, "Message", &error.message);
    text.push_str("</Error>");
    element(&mut text, "RequestId", request_id);
    text.push_str("</ErrorResponse>");
    respond(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), text)
}

/// Appends `<name>value</name>`.
pub(crate) fn element(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = write!(text, "<{name}>{}</{name}>", escape(value));
}

fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn respond(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
    response
}
