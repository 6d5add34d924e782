//! Every fault as it arrives over TLS.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use landfall_simulator::{
    CallNumbers, DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Fault, FaultKind, Kubernetes, KubernetesDenial,
    KubernetesFault, KubernetesServer, Phase, Simulator,
};
use serde_json::{Value, json};

use super::served::{Described, connect, describe, over_http1, signed};
use super::{CONFIG_MAPS, config_map, request};

/// A server that listens, and how to reach it.
struct Served {
    simulator: Simulator,
    api: Kubernetes,
    described: Described,
    _server: KubernetesServer,
}

/// What came over the wire.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: http::HeaderMap,
    /// As far as it came, and whether its end did.
    body: String,
    whole: bool,
}

impl Served {
    async fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        let simulator = Simulator::builder().build();
        let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
        let server = api.serve().await.unwrap();
        faults.into_iter().for_each(|fault| simulator.add_fault(fault));
        let described = describe(&simulator).await;
        Self { simulator, api, described, _server: server }
    }

    /// An error when the connection ends without an answer.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> hyper::Result<Told> {
        let response = over_http1(&self.simulator, &self.described, request(method, path, body)).await?;
        let (head, mut body) = response.into_parts();
        let mut told =
            Told { status: head.status.as_u16(), headers: head.headers, body: String::new(), whole: true };
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => told.body.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
                Err(_) => told.whole = false,
            }
        }
        Ok(told)
    }

    async fn apply(&self, name: &str) -> hyper::Result<Told> {
        let path = format!("{CONFIG_MAPS}/{name}?fieldManager=landfall");
        self.ask(Method::PATCH, &path, &config_map(name, &json!({}))).await
    }

    async fn get(&self, path: &str) -> Told {
        self.ask(Method::GET, path, &Value::Null).await.unwrap()
    }

    fn is_there(&self, name: &str) -> bool {
        self.api.object(&format!("{CONFIG_MAPS}/{name}")).is_some()
    }
}

fn first(operation: &str, calls: u64, kind: FaultKind) -> Fault {
    Fault::new("kubernetes", operation, kind).on(CallNumbers::First(calls))
}

#[tokio::test]
async fn refusals_on_cue_have_their_status_and_their_headers() {
    let only = FaultKind::Kubernetes;
    for (kind, calls, status, retry_after) in [
        (only(KubernetesFault::TooManyRequests { retry_after: 7 }), 1, 429, Some("7")),
        (only(KubernetesFault::Unavailable { retry_after: 3 }), 2, 503, Some("3")),
        (only(KubernetesFault::Unauthorized), 1, 401, None),
        (only(KubernetesFault::Unauthorized), 2, 401, None),
        (
            FaultKind::Http { status: 502, body: "bad gateway".into(), content_type: "text/plain".into() },
            1,
            502,
            None,
        ),
    ] {
        let served = Served::with([first("patch configmaps", calls, kind.clone())]).await;
        for _ in 0..calls {
            let told = served.apply("a").await.unwrap();
            let after = told.headers.get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!((told.status, after), (status, retry_after), "{kind:?}");
            assert!(!served.is_there("a"), "{kind:?}");
        }
        assert_eq!(served.apply("a").await.unwrap().status, 201, "{kind:?}");
    }
}

#[tokio::test]
async fn a_patch_may_be_cut_off_before_or_after_it_was_carried_out() {
    for (kind, phase, there) in [
        (FaultKind::Reset, Phase::Before, false),
        (FaultKind::Reset, Phase::After, true),
        (FaultKind::Truncate, Phase::After, true),
    ] {
        let served = Served::with([first("patch configmaps", 1, kind.clone()).phase(phase)]).await;
        let answer = served.apply("a").await;
        match kind {
            FaultKind::Reset => assert!(answer.is_err(), "{answer:?}"),
            _ => {
                let told = answer.unwrap();
                assert_eq!((told.status, told.whole), (201, false));
                assert!(!told.body.is_empty() && serde_json::from_str::<Value>(&told.body).is_err());
            }
        }
        assert_eq!(served.is_there("a"), there, "{kind:?} {phase:?}");
        assert!(matches!(served.apply("a").await.unwrap().status, 200 | 201));
    }
}

#[tokio::test]
async fn a_reset_ends_all_that_is_under_way_on_a_connection_of_http2() {
    let served = Served::with([first("get configmaps", 1, FaultKind::Reset)]).await;
    let io = TokioIo::new(connect(&served.described, b"h2").await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let send = |path: String| {
        let (mut sender, mut request) =
            (sender.clone(), signed(&served.simulator, request(Method::GET, &path, &Value::Null)));
        request.headers_mut().remove("host");
        *request.uri_mut() = format!("https://127.0.0.1{path}").parse().unwrap();
        async move { sender.send_request(request).await }
    };
    let watch = send(format!("{CONFIG_MAPS}?watch=true&resourceVersion=1000000")).await.unwrap();
    assert!(send(format!("{CONFIG_MAPS}/a")).await.is_err());
    let frame = tokio::time::timeout(Duration::from_secs(20), watch.into_body().frame()).await.unwrap();
    assert!(frame.is_none_or(|frame| frame.is_err()), "the watch beside it is gone too");
}

#[tokio::test]
async fn every_request_may_take_longer() {
    let served = Served::with([Fault::new("kubernetes", "*", FaultKind::Delay { ms: 150 })]).await;
    for path in [CONFIG_MAPS, "/apis", "/version"] {
        let begun = tokio::time::Instant::now();
        assert_eq!(served.get(path).await.status, 200);
        assert!(begun.elapsed() >= Duration::from_millis(150), "{path}");
    }
}

#[tokio::test]
async fn watches_end_on_cue() {
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=1000000&timeoutSeconds=30");
    for (fault, whole, error) in [
        (KubernetesFault::EndedWatch { after_ms: 100 }, true, false),
        (KubernetesFault::BrokenWatch { after_ms: 100 }, false, false),
        (KubernetesFault::ExpiredWatch { after_ms: 100 }, true, true),
    ] {
        let served = Served::with([first("watch configmaps", 1, FaultKind::Kubernetes(fault))]).await;
        let told = served.get(&path).await;
        assert_eq!((told.status, told.whole), (200, whole), "{fault:?}");
        let event: Value = serde_json::from_str(&told.body).unwrap_or_default();
        assert_eq!(event["object"]["code"] == 410, error, "{fault:?}: {}", told.body);
    }
    // From a version that is forgotten, it is told so at once.
    let served = Served::with([]).await;
    let list: Value = serde_json::from_str(&served.get(CONFIG_MAPS).await.body).unwrap();
    let from = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    served.apply("a").await.unwrap();
    served.api.forget_history();
    let told = served.get(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}")).await;
    let event: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((&event["type"], &event["object"]["reason"]), (&json!("ERROR"), &json!("Expired")));
}

#[tokio::test]
async fn watches_and_events_may_be_forbidden() {
    let served = Served::with([]).await;
    served.api.deny(KubernetesDenial::of("watch", "*"));
    served.api.deny(KubernetesDenial::of("*", "events"));
    let events = "/api/v1/namespaces/default/events";
    for (path, status) in [
        (CONFIG_MAPS.to_owned(), 200),
        (format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1"), 403),
        (events.to_owned(), 403),
        (format!("{events}?watch=true&timeoutSeconds=1"), 403),
    ] {
        let told = served.get(&path).await;
        assert_eq!(told.status, status, "{path}");
        let body: Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(body["reason"] == "Forbidden", status == 403, "{path}");
    }
}

#[tokio::test]
async fn the_date_of_an_answer_is_that_of_the_servers_clock() {
    let start: Timestamp = "2031-05-06T07:08:09Z".parse().unwrap();
    let simulator = Simulator::builder().start_at(start).build();
    let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
    let _server = api.serve().await.unwrap();
    let described = describe(&simulator).await;
    let asking = request(Method::GET, CONFIG_MAPS, &Value::Null);
    let answer = over_http1(&simulator, &described, asking).await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap();
    let told = rfc2822::parse(date).unwrap().timestamp();
    assert!((start..=simulator.now()).contains(&told), "{date}");
}
