//! EKS as far as deployments need it to find a cluster: DescribeCluster and ListClusters.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations_Amazon_Elastic_Kubernetes_Service.html>, restJson1:
//! method and path say what is meant.

mod view;

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::json;

use crate::EksCluster;
use crate::iam::Principal;
use crate::wire::sigv4::header_text;
use crate::wire::{Form, Object, ServiceError};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 2] = ["DescribeCluster", "ListClusters"];

/// Names on a page of ListClusters, unless `maxResults` asks for fewer (API reference).
const LARGEST_PAGE: usize = 100;

/// A request's path and query.
pub(crate) struct Address {
    segments: Vec<String>,
    query: Form,
}

impl Address {
    pub(crate) fn of(head: &Parts) -> Self {
        let segments = head.uri.path().trim_matches('/').split('/').map(decoded).collect();
        Self { segments, query: Form::parse(head.uri.query().unwrap_or_default().as_bytes()) }
    }

    fn cluster(&self) -> &str {
        self.segments.get(1).map_or("", String::as_str)
    }
}

/// A part of a path without its percent signs; a plus sign is itself there.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// True for a request to EKS: its signature's scope, or else its path, says so.
pub(crate) fn is_ours(head: &Parts) -> bool {
    match header_text(head, "authorization") {
        Some(authorization) => authorization.contains("/eks/aws4_request"),
        None => head.uri.path() == "/clusters" || head.uri.path().starts_with("/clusters/"),
    }
}

/// The operation's name; method and path when it is none that is known here.
pub(crate) fn operation(head: &Parts) -> String {
    let address = Address::of(head);
    let segments: Vec<&str> = address.segments.iter().map(String::as_str).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["clusters"]) => "ListClusters".to_owned(),
        (&Method::GET, ["clusters", _]) => "DescribeCluster".to_owned(),
        (method, _) => format!("{method} {}", head.uri.path()),
    }
}

/// The actions a caller needs ("Actions, resources, and condition keys for Amazon Elastic Kubernetes Service").
pub(crate) fn required(operation: &str, address: &Address, principal: &Principal) -> Vec<(String, String)> {
    let resource = match operation {
        "DescribeCluster" => view::arn(&principal.account, &principal.region, address.cluster()),
        _ => "*".to_owned(),
    };
    vec![(format!("eks:{operation}"), resource)]
}

pub(crate) fn call(
    clusters: &BTreeMap<String, EksCluster>,
    operation: &str,
    address: &Address,
    principal: &Principal,
    started: Timestamp,
) -> Result<Object, ServiceError> {
    match operation {
        "DescribeCluster" => {
            let name = address.cluster();
            let cluster = clusters.get(name).ok_or_else(|| {
                ServiceError::new(
                    404,
                    "ResourceNotFoundException",
                    format!("No cluster found for name: {name}."),
                )
            })?;
            let mut answer = Object::default();
            answer.put("cluster", view::cluster(name, cluster, principal, started));
            Ok(answer)
        }
        "ListClusters" => list(clusters, address),
        _ => Err(unknown_operation()),
    }
}

/// What restJson1 services answer to a path that they do not have.
pub(crate) fn unknown_operation() -> ServiceError {
    ServiceError::new(404, "UnknownOperationException", "")
}

/// A page of names in alphabetical order, which AWS does not promise. A token is the name that the next page begins with.
fn list(clusters: &BTreeMap<String, EksCluster>, address: &Address) -> Result<Object, ServiceError> {
    let invalid = |message: String| ServiceError::client("InvalidParameterException", message);
    let most = match address.query.text("maxResults") {
        None => LARGEST_PAGE,
        Some(text) => match text.parse() {
            Ok(most) if (1..=LARGEST_PAGE).contains(&most) => most,
            _ => return Err(invalid(format!("maxResults has to be between 1 and {LARGEST_PAGE}"))),
        },
    };
    let from = address.query.text("nextToken").unwrap_or_default();
    if !from.is_empty() && !clusters.contains_key(from) {
        return Err(invalid("The nextToken is not valid".to_owned()));
    }
    let mut names = clusters.keys().skip_while(|name| name.as_str() < from);
    let page: Vec<&String> = names.by_ref().take(most).collect();
    let mut answer = Object::default();
    answer.put("clusters", page);
    answer.put("nextToken", names.next().map_or(json!(null), |name| json!(name)));
    Ok(answer)
}
