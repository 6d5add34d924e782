//! Faults on cue, and the record of calls.

use std::time::Duration;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use landfall_simulator::{CallNumbers, DEMO_ACCOUNT, DEMO_REGION, Fault, FaultKind, Outcome, Phase};
use proptest::prelude::*;

use crate::driver::{Driver, driver};

fn with(fault: Fault) -> Driver {
    let driver = driver("good");
    driver.simulator.add_fault(fault);
    driver
}

fn update(driver: &Driver) -> aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder {
    driver.ecs.update_service().cluster("demo").service("web").task_definition("web:1")
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_does_nothing_and_the_next_one_works() {
    let kind = FaultKind::Throttle { code: "ThrottlingException".to_owned() };
    let driver = with(Fault::new("ecs", "UpdateService", kind).on(CallNumbers::Nth(1)));
    let error = update(&driver).send().await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Some("ThrottlingException"), Some("Rate exceeded")));
    assert_eq!(driver.history().len(), 2);
    update(&driver).send().await.unwrap();
    assert_eq!(driver.history().len(), 3);
    let writes = driver.simulator.writes();
    assert_eq!(writes[0].outcome, Outcome::Refused("ThrottlingException".to_owned()));
    assert_eq!(writes[0].fault.as_deref(), Some("throttle"));
    assert_eq!((writes[1].number, writes[1].outcome.clone()), (2, Outcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_after_the_effect_leaves_the_effect() {
    for kind in [FaultKind::Reset, FaultKind::Truncate, FaultKind::Html500] {
        let driver = with(Fault::new("ecs", "UpdateService", kind.clone()).phase(Phase::After));
        update(&driver).send().await.unwrap_err();
        assert_eq!(driver.history().len(), 3, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_broken_before_the_effect_leaves_nothing() {
    let driver = with(Fault::new("ecs", "UpdateService", FaultKind::Reset));
    let error = update(&driver).send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(ref failure) if failure.is_io()), "{error:?}");
    assert_eq!(driver.history().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_is_no_aws_error() {
    let driver = with(Fault::new("ecs", "*", FaultKind::Html500));
    let error = update(&driver).send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert_eq!(error.code(), None);
    assert_eq!(driver.history().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_takes_its_time() {
    let driver = with(Fault::new("ecs", "DescribeServices", FaultKind::Delay { ms: 3_000 }));
    let start = tokio::time::Instant::now();
    driver.service().await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expires_stays_expired() {
    let driver =
        with(Fault::new("ecs", "DescribeServices", FaultKind::ExpireSession).on(CallNumbers::Nth(2)));
    driver.service().await;
    let describe = || driver.ecs.describe_services().cluster("demo").services("web");
    assert_eq!(describe().send().await.unwrap_err().code(), Some("ExpiredTokenException"));
    assert_eq!(update(&driver).send().await.unwrap_err().code(), Some("ExpiredTokenException"));
}

#[tokio::test(start_paused = true)]
async fn call_numbers_choose_the_calls_that_are_hit() {
    let hits = |calls: CallNumbers| (1..=7).filter(|number| calls.contains(*number)).collect::<Vec<_>>();
    assert_eq!(hits(CallNumbers::Nth(3)), [3]);
    assert_eq!(hits(CallNumbers::First(2)), [1, 2]);
    assert_eq!(hits(CallNumbers::From(6)), [6, 7]);
    assert_eq!(hits(CallNumbers::Every(3)), [3, 6]);
    assert_eq!(hits(CallNumbers::Every(0)), [] as [u64; 0]);
    assert_eq!(hits(CallNumbers::All).len(), 7);
}

#[tokio::test(start_paused = true)]
async fn meddling_is_not_counted_as_a_call() {
    let driver = driver("good");
    let ecs = driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
    assert!(ecs.update_service_as_other("demo", "web", "web:1"));
    assert!(!ecs.update_service_as_other("demo", "nope", "web:1"));
    assert!(driver.simulator.calls().is_empty());
    driver.service().await;
    assert_eq!(driver.simulator.count("ecs", "DescribeServices"), 1);
    driver.simulator.reset_calls();
    assert_eq!(driver.simulator.count("ecs", "DescribeServices"), 0);
}

#[tokio::test(start_paused = true)]
async fn unknown_operations_are_refused_in_the_words_of_their_protocol() {
    let driver = driver("good");
    let error = driver.ecs.list_container_instances().cluster("demo").send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    let sts = aws_sdk_sts::Client::new(&driver.simulator.sdk_config());
    let error = sts.get_session_token().send().await.unwrap_err();
    assert_eq!(ProvideErrorMetadata::code(&error), Some("InvalidAction"));
}

#[tokio::test(start_paused = true)]
async fn every_answer_carries_a_request_id_and_the_simulators_date() {
    let driver = driver("good");
    let request = http::Request::post("https://ecs.eu-central-1.amazonaws.com/")
        .header("x-amz-target", "AmazonEC2ContainerServiceV20141113.DescribeClusters")
        .body(bytes::Bytes::from_static(b"{}"))
        .unwrap();
    let answer = driver.simulator.handle(request).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(answer.headers()["x-amzn-requestid"].len(), 36);
    assert!(answer.body().starts_with(b"{\"__type\":\"MissingAuthenticationTokenException\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_request_whatever_makes_the_simulator_panic(
        target in prop_oneof![
            Just(None),
            any::<String>().prop_map(Some),
            "(AmazonEC2ContainerServiceV20141113|Logs_20140328)\\.[A-Za-z]{0,20}".prop_map(Some),
        ],
        authorization in prop_oneof![
            Just(None),
            any::<String>().prop_map(Some),
            "AWS4-HMAC-SHA256 Credential=[A-Z]{3}/[0-9]{8}/[a-z]{2}/ecs/aws4_request, SignedHeaders=[a-z;]{0,9}, Signature=[0-9a-f]{0,9}"
                .prop_map(Some),
        ],
        date in prop_oneof![any::<String>(), Just("20260101T000000Z".to_owned())],
        body in prop_oneof![
            any::<Vec<u8>>(),
            "Action=(AssumeRoleWithWebIdentity|AssumeRole|GetCallerIdentity)&RoleArn=.{0,30}&WebIdentityToken=.{0,30}&RoleSessionName=.{0,9}"
                .prop_map(String::into_bytes),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let simulator = landfall_simulator::Simulator::builder().build();
            let mut request = http::Request::post("https://ecs.example.com/");
            for (name, value) in [("x-amz-target", target), ("authorization", authorization), ("x-amz-date", Some(date))] {
                if let Some(value) = value.and_then(|value| http::HeaderValue::from_bytes(value.as_bytes()).ok()) {
                    request = request.header(name, value);
                }
            }
            let answer = simulator.handle(request.body(body.into()).unwrap()).await;
            assert!(answer.status().as_u16() >= 400);
        });
    }

    #[test]
    fn no_signed_input_whatever_makes_an_operation_panic(
        operation in prop::sample::select(vec![
            "DescribeClusters", "DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition",
            "DeregisterTaskDefinition", "ListTaskDefinitions", "UpdateService", "ListServiceDeployments",
            "DescribeServiceDeployments", "DescribeServiceRevisions", "StopServiceDeployment", "ListTasks",
            "DescribeTasks", "TagResource", "ListTagsForResource",
        ]),
        members in prop::collection::btree_map(
            prop::sample::select(vec![
                "cluster", "service", "services", "taskDefinition", "desiredCount", "maxResults", "nextToken",
                "family", "containerDefinitions", "tags", "resourceArn", "serviceDeploymentArns", "stopType",
                "serviceDeploymentArn", "deploymentConfiguration", "tasks", "createdAt", "loadBalancers",
            ]),
            prop_oneof![
                Just("\"demo\"".to_owned()), Just("\"web\"".to_owned()), Just("\"web:1\"".to_owned()),
                Just("[\"web\"]".to_owned()), Just("-1".to_owned()), Just("1e99".to_owned()), Just("{}".to_owned()),
                Just("[{}]".to_owned()), Just("[[]]".to_owned()), Just("\"é:é/é\"".to_owned()), Just("null".to_owned()),
                Just("{\"maximumPercent\":18446744073709551615,\"deploymentCircuitBreaker\":{\"enable\":true,\"thresholdConfiguration\":{\"type\":\"COUNT\",\"value\":18446744073709551615}}}".to_owned()),
                Just("4294967295".to_owned()),
            ],
            0..6,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let driver = driver("good");
            let fields: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let body = format!("{{{}}}", fields.join(","));
            let request = driver.ecs.describe_clusters().customize().mutate_request(move |request| {
                request.headers_mut().insert("content-length", body.len().to_string());
                request.headers_mut().insert("x-amz-target", format!("AmazonEC2ContainerServiceV20141113.{operation}"));
                *request.body_mut() = aws_smithy_types::body::SdkBody::from(body.clone());
            });
            // Whatever it answers: it answers.
            let _ = request.send().await;
            assert_eq!(driver.simulator.calls().len(), 1);
            assert_eq!(driver.simulator.calls()[0].operation, operation);
        });
    }
}
