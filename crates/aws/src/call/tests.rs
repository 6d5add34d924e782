use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use jiff::{SignedDuration, Timestamp};
use landfall_core::context::CancellationToken;
use landfall_core::event::{Event, EventKind};
use landfall_core::limit::Rate;
use landfall_core::{Context, ErrorKind};
use tokio::time::Instant;

use super::{ATTEMPTS_PASSING, ATTEMPTS_THROTTLED, Call, run, try_run};
use crate::failure::{Effect, Failure, tests::refusal};

fn lost() -> Failure {
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    SdkError::<ErrorMetadata, HttpResponse>::dispatch_failure(ConnectorError::io(broken.into())).into()
}

fn unsent() -> Failure {
    let refused = "client error (Connect): tcp connect error: Connection refused";
    SdkError::<ErrorMetadata, HttpResponse>::dispatch_failure(ConnectorError::io(refused.into())).into()
}

fn throttled() -> Failure {
    refusal("ThrottlingException", "Rate exceeded", 400)
}

/// Makes a call that always fails and counts its attempts.
async fn attempts(cx: &Context, call: &Call, failure: impl Fn() -> Failure) -> (u32, Failure) {
    let made = Cell::new(0);
    let result: Result<(), Failure> = try_run(cx, call, || async {
        made.set(made.get() + 1);
        Err(failure())
    })
    .await;
    (made.get(), result.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_failure_is_repeated_as_often_as_its_effect_allows() {
    let cx = Context::builder("run").build();
    let (read, write) = (Call::read("ecs", "DescribeServices"), Call::write("ecs", "UpdateService"));
    assert_eq!(attempts(&cx, &read, throttled).await.0, ATTEMPTS_THROTTLED);
    assert_eq!(attempts(&cx, &write, throttled).await.0, ATTEMPTS_THROTTLED);
    assert_eq!(attempts(&cx, &read, lost).await.0, ATTEMPTS_PASSING);
    assert_eq!(attempts(&cx, &write, unsent).await.0, ATTEMPTS_PASSING);
    let (made, failure) = attempts(&cx, &write, lost).await;
    assert_eq!((made, failure.effect(), failure.kind()), (1, Effect::Unknown, ErrorKind::Transient));
    assert_eq!(attempts(&cx, &write, || refusal("ServerException", "", 500)).await.0, 1);
    assert_eq!(attempts(&cx, &read, || refusal("AccessDeniedException", "", 400)).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gets_through_at_last_is_a_success_and_each_pause_was_told() {
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let ears = Arc::clone(&told);
    let cx = Context::builder("run")
        .observer(Arc::new(move |event: &Event| {
            if let EventKind::Retrying { error, delay_ms } = &event.kind {
                assert_eq!(
                    error.message(),
                    "ecs DescribeServices on service web: ThrottlingException: Rate exceeded"
                );
                ears.lock().unwrap().push(*delay_ms);
            }
        }))
        .build();
    let made = Cell::new(0);
    let call = Call::read("ecs", "DescribeServices").on("service web");
    let began = Instant::now();
    let answer = run(&cx, &call, || async {
        made.set(made.get() + 1);
        if made.get() < 4 { Err(throttled()) } else { Ok("there") }
    });
    assert_eq!(answer.await.unwrap(), "there");
    let delays = told.lock().unwrap().clone();
    assert_eq!(delays.len(), 3);
    assert!(delays[0] >= 800 && delays[2] > delays[0], "{delays:?}");
    assert!(began.elapsed() >= Duration::from_millis(delays.iter().sum()));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_slows_down_everybody_who_draws_from_the_bucket() {
    let cx = Context::builder("run").build();
    let call = Call::read("ecs", "DescribeServices").limited("a/r/reads", Rate::new(100.0, 1.0));
    let made = Cell::new(0);
    let answer = run(&cx, &call, || async {
        made.set(made.get() + 1);
        if made.get() < 2 { Err(throttled()) } else { Ok(()) }
    });
    answer.await.unwrap();
    let waited = cx.limiter().acquire("a/r/reads", Rate::new(100.0, 1.0)).await;
    assert!(!waited.is_zero(), "the burst of 100 was still there");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_repeating_of_reads_and_not_of_writes() {
    let stop = CancellationToken::new();
    let cx = Context::builder("run").cancel(stop.clone()).build();
    stop.cancel();
    let (made, failure) = attempts(&cx, &Call::read("ecs", "DescribeServices"), throttled).await;
    assert_eq!((made, failure.kind()), (1, ErrorKind::Throttled));
    assert_eq!(attempts(&cx, &Call::write("ecs", "UpdateService"), throttled).await.0, ATTEMPTS_THROTTLED);
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_a_pause_ends_it() {
    let stop = CancellationToken::new();
    let cx = Context::builder("run").cancel(stop.clone()).build();
    let began = Instant::now();
    let call = Call::read("ecs", "DescribeServices");
    let calling = attempts(&cx, &call, throttled);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.cancel();
    };
    let ((made, _), ()) = tokio::join!(calling, stopping);
    assert_eq!(made, 2);
    assert_eq!(began.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_learnt_once_and_then_named_with_its_difference() {
    let cx = Context::builder("run").build();
    let hour_ahead: Timestamp = cx.clock().now() + SignedDuration::from_hours(1);
    let date = hour_ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let failing = || {
        let meta =
            ErrorMetadata::builder().code("SignatureDoesNotMatch").message("Signature expired").build();
        let mut response = HttpResponse::new(403.try_into().unwrap(), SdkBody::empty());
        response.headers_mut().insert("date", date.clone());
        Failure::from(SdkError::service_error(meta, response))
    };
    let (made, failure) = attempts(&cx, &Call::write("sts", "X"), failing).await;
    assert_eq!((made, failure.kind()), (2, ErrorKind::Auth));
    let hint = failure.error().hint().unwrap();
    assert!(hint.contains("seconds behind the service's") && hint.contains(" 3"), "{hint}");
    let (made, failure) =
        attempts(&cx, &Call::write("sts", "X"), || refusal("SignatureDoesNotMatch", "", 403)).await;
    assert_eq!(made, 1);
    assert!(failure.error().hint().unwrap().contains("secret access key"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_before_its_time_is_tried_once_more_and_a_token_is_not() {
    let cx = Context::builder("run").build();
    for code in ["ExpiredToken", "ExpiredTokenException"] {
        let ended = || refusal(code, "The security token included in the request is expired", 400);
        for call in [Call::read("ecs", "DescribeServices"), Call::write("ecs", "UpdateService")] {
            let (made, failure) = attempts(&cx, &call, ended).await;
            assert_eq!((made, failure.kind()), (2, ErrorKind::Auth), "{call:?}");
        }
        let token = Call::read("sts", "AssumeRoleWithWebIdentity").unsigned();
        assert_eq!(attempts(&cx, &token, ended).await.0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_may_ask_for_a_longer_pause() {
    let cx = Context::builder("run").build();
    let made = Cell::new(0);
    let began = Instant::now();
    let call = Call::read("ecs", "X");
    let answer = run(&cx, &call, || async {
        made.set(made.get() + 1);
        if made.get() > 1 {
            return Ok(());
        }
        let mut response = HttpResponse::new(503.try_into().unwrap(), SdkBody::empty());
        response.headers_mut().insert("retry-after", "7");
        Err(Failure::from(SdkError::service_error(ErrorMetadata::builder().build(), response)))
    });
    answer.await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(7));
}
