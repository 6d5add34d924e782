//! Answers as they go back over HTTP.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use tokio::sync::mpsc;

use super::perform::Performed;
use super::refusal::Refusal;
use super::serve::KubernetesBody;
use super::{Kubernetes, read};
use crate::dispatch::forms::{html500, page};
use crate::{Fault, FaultKind};

/// How many lines of a watch wait for a client that is slow.
const WAITING_LINES: usize = 64;

/// How long after the first half of an answer the connection breaks.
const BREAKS_AFTER: Duration = Duration::from_millis(50);

/// The answer as it goes back.
pub(super) fn respond(
    cluster: &Kubernetes,
    result: Result<Performed, Refusal>,
    fault: Option<&Fault>,
) -> Response<KubernetesBody> {
    let mut response = match (fault.map(|fault| &fault.kind), result) {
        (Some(FaultKind::Http { status, body, content_type }), _) => {
            page(*status, body, content_type).map(KubernetesBody::whole)
        }
        (Some(FaultKind::Html500), _) => html500().map(KubernetesBody::whole),
        (kind, Ok(performed)) => succeed(cluster, performed, kind),
        (_, Err(refusal)) => refuse(&refusal),
    };
    let (id, now) = cluster.simulator().with_state(|state| (state.ids.uuid(), state.clock.now()));
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = response.headers_mut();
    for (name, value) in [
        ("audit-id", id.as_str()),
        ("cache-control", "no-cache, private"),
        ("date", date.as_str()),
        ("x-kubernetes-pf-flowschema-uid", "5a3b2c1d-0000-4000-a000-000000000001"),
        ("x-kubernetes-pf-prioritylevel-uid", "5a3b2c1d-0000-4000-a000-000000000002"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn succeed(
    cluster: &Kubernetes,
    performed: Performed,
    fault: Option<&FaultKind>,
) -> Response<KubernetesBody> {
    let status = performed.status();
    let (content_type, body, warnings) = match performed {
        Performed::Object { object, warnings, .. } => {
            ("application/json", KubernetesBody::whole(object.to_string()), warnings)
        }
        Performed::Text { content_type, body } => (content_type, KubernetesBody::whole(body), Vec::new()),
        Performed::Watch { mut watch, first } => {
            if let Some(FaultKind::Kubernetes(fault)) = fault {
                watch.suffer(fault);
            }
            let (sender, receiver) = mpsc::channel(WAITING_LINES);
            tokio::spawn(read::watch::tell(cluster.clone(), *watch, first, sender));
            ("application/json", KubernetesBody::lines(receiver), Vec::new())
        }
    };
    let mut response = with_status(status, content_type, body);
    for warning in warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", json!(warning))) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

fn refuse(refusal: &Refusal) -> Response<KubernetesBody> {
    let (content_type, body) = if refusal.plain {
        ("text/plain; charset=utf-8", refusal.message.clone())
    } else {
        ("application/json", refusal.status().to_string())
    };
    let mut response = with_status(refusal.code, content_type, KubernetesBody::whole(body));
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_status(status: u16, content_type: &'static str, body: KubernetesBody) -> Response<KubernetesBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Half of the answer, and then the connection breaks.
pub(super) fn truncated(result: &Result<Performed, Refusal>) -> Response<KubernetesBody> {
    let text = match result {
        Ok(Performed::Object { object, .. }) => object.to_string(),
        Ok(Performed::Text { body, .. }) => body.clone(),
        Ok(Performed::Watch { .. }) => String::new(),
        Err(refusal) => refusal.status().to_string(),
    };
    let status = result.as_ref().map_or_else(|refusal| refusal.code, Performed::status);
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        // Nobody may listen any more, which is as good.
        let _ = sender.send(Ok(half)).await;
        // At once, the connection would break before anything of the answer was written.
        tokio::time::sleep(BREAKS_AFTER).await;
        let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
    });
    with_status(status, "application/json", KubernetesBody::lines(receiver))
}
