use aws_sdk_ecs::Client;
use bytes::Bytes;
use landfall_core::ErrorKind;
use landfall_simulator::{DEMO_CLUSTER, Fault, FaultKind, Simulator};
use serde_json::{Value, json};

use super::{Answer, Exchange};
use crate::bounded::LARGEST_ANSWER;
use crate::failure::{Again, Effect, Failure};

fn answer(body: &str, status: u16) -> Answer {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Answer { body, status, date: None, request_id: Some("r-1".to_owned()) }
}

#[tokio::test]
async fn members_that_the_sdk_does_not_know_go_there_and_come_back() {
    let simulator = Simulator::builder().build();
    let client = Client::new(&crate::config::prepared(&simulator.sdk_config()));
    let body = json!({
        "family": "raw", "futureMember": { "deep": [1, null, ""] },
        "containerDefinitions": [{ "name": "web", "image": "web:1", "memory": 128, "anotherOne": "kept" }]
    });
    let exchange = Exchange::new(body.to_string());
    let sent = client.register_task_definition().customize().interceptor(exchange.clone()).send().await;
    let answer = exchange.answered(sent).unwrap();
    let told: Value = answer.json("RegisterTaskDefinition").unwrap();
    assert_eq!(told["taskDefinition"]["futureMember"], body["futureMember"]);
    assert_eq!(told["taskDefinition"]["containerDefinitions"][0]["anotherOne"], "kept");
    assert_eq!(answer.status, 200);
    assert!(answer.request_id.is_some());
    assert_eq!(answer.date.map(|date| date.as_second()), Some(simulator.now().as_second()));
}

#[tokio::test]
async fn an_answer_can_be_captured_without_touching_the_request() {
    let simulator = Simulator::builder().build();
    let client = Client::new(&simulator.sdk_config());
    let exchange = Exchange::capture();
    assert_eq!(exchange.answer(), None);
    let request = client.describe_services().cluster(DEMO_CLUSTER).services("web");
    let typed = request.customize().interceptor(exchange.clone()).send().await.unwrap();
    let raw: Value = exchange.answer().unwrap().json("DescribeServices").unwrap();
    assert_eq!(raw["services"][0]["serviceName"], typed.services()[0].service_name().unwrap());
}

#[tokio::test]
async fn an_answer_that_the_sdk_cannot_parse_is_there_all_the_same() {
    let simulator = Simulator::builder().build();
    let body = r#"{"services": "not a list", "kept": true}"#;
    simulator.add_fault(Fault::new(
        "ecs",
        "DescribeServices",
        FaultKind::Http {
            status: 200,
            body: body.to_owned(),
            content_type: "application/x-amz-json-1.1".to_owned(),
        },
    ));
    let client = Client::new(&simulator.sdk_config());
    let exchange = Exchange::capture();
    let request = client.describe_services().services("web");
    let sent = request.customize().interceptor(exchange.clone()).send().await;
    assert!(sent.is_err());
    assert_eq!(&exchange.answered(sent).unwrap().body[..], body.as_bytes());
}

#[tokio::test]
async fn a_refusal_is_a_failure_and_its_body_can_be_looked_at() {
    let simulator = Simulator::builder().build();
    let client = Client::new(&simulator.sdk_config());
    let exchange = Exchange::new(r#"{"cluster": "nowhere", "services": ["web"]}"#);
    let sent = client.describe_services().customize().interceptor(exchange.clone()).send().await;
    let failure = exchange.answered(sent).unwrap_err();
    assert_eq!((failure.kind(), failure.code()), (ErrorKind::NotFound, Some("ClusterNotFoundException")));
    assert!(exchange.answer().is_some());
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_no_answer_and_an_unknown_effect() {
    for kind in [FaultKind::Reset, FaultKind::Truncate] {
        let simulator = Simulator::builder().build();
        simulator.add_fault(Fault::new("ecs", "DescribeServices", kind.clone()));
        let client = Client::new(&simulator.sdk_config());
        let exchange = Exchange::capture();
        let sent =
            client.describe_services().services("web").customize().interceptor(exchange.clone()).send().await;
        let failure: Failure = exchange.answered(sent).unwrap_err();
        assert_eq!(
            (failure.kind(), failure.effect()),
            (ErrorKind::Transient, Effect::Unknown),
            "{kind:?} {failure:?}"
        );
        assert_eq!(exchange.answer(), None, "{kind:?}");
    }
}

#[test]
fn what_is_no_json_is_named_with_its_beginning_and_what_is_json_without_its_values() {
    let fails = |body: &str| answer(body, 200).json::<Vec<u8>>("DescribeServices").unwrap_err();
    let page = fails("<html>Gateway</html>");
    assert_eq!(page.kind(), ErrorKind::Transient);
    assert!(
        page.message().contains("DescribeServices") && page.message().contains("<html>Gateway"),
        "{page}"
    );
    let text = fails(&"é".repeat(500));
    assert_eq!(text.kind(), ErrorKind::Internal);
    assert!(text.message().chars().count() < 320, "{text}");
    assert_eq!(fails("").kind(), ErrorKind::Transient);
    let cut = r#"{"environment": [{"name": "A", "value": "canary-value"#;
    let cut = answer(cut, 200).json::<Value>("DescribeServices").unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Transient);
    let other = fails(r#"{"environment": "canary-value"}"#);
    assert_eq!(other.kind(), ErrorKind::Internal);
    for error in [cut, other] {
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        assert!(error.message().contains("line 1, column"), "{error}");
    }
}

#[test]
fn debug_shows_lengths_and_no_bodies() {
    let exchange = Exchange::new("canary-request");
    exchange.set(Some(answer("canary-answer", 200)));
    let told = format!("{exchange:?}");
    assert!(told.contains("body_bytes") && !told.contains("canary"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_end_is_given_up_and_not_asked_for_again() {
    for (bytes, refused) in [(LARGEST_ANSWER, false), (LARGEST_ANSWER + 1, true)] {
        let simulator = Simulator::builder().build();
        let http = simulator.http_client_altering(move |answered| answered.body = vec![b' '; bytes].into());
        let client = Client::new(&simulator.sdk_config().into_builder().http_client(http).build());
        let exchange = Exchange::new("{}");
        let sent = client.list_clusters().customize().interceptor(exchange.clone()).send().await;
        let answered = exchange.answered(sent);
        assert_eq!(answered.is_err(), refused, "{bytes} bytes");
        if let Err(failure) = answered {
            assert_eq!((failure.kind(), failure.again()), (ErrorKind::Internal, Again::Never), "{failure:?}");
            assert!(failure.error().message().contains("more than 8 MiB"), "{failure:?}");
        }
    }
}

#[test]
fn an_answer_with_something_before_it_is_shown_up_to_where_values_begin() {
    for body in [
        r#"proxy: {"environment": [{"value": "canary-value"}]}"#,
        r#"<pre>{"environment": [{"value": "canary-value"}]}</pre>"#,
    ] {
        let error = answer(body, 200).json::<Value>("DescribeTaskDefinition").unwrap_err();
        let told = format!("{error:?}");
        assert!(!told.contains("canary") && told.contains(&body[..5]), "{told}");
    }
}
