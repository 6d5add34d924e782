//! What goes wrong on cue.

use std::time::Duration;

use landfall_simulator::{CallNumbers, Fault, FaultKind, KubernetesFault, Outcome, Phase};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::watches::{Events, watch};
use super::{CONFIG_MAPS, Cluster, config_map};

fn fault(operation: &str, kind: KubernetesFault) -> Fault {
    Fault::new("kubernetes", operation, FaultKind::Kubernetes(kind)).on(CallNumbers::Nth(1))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_says_when_to_come_again() {
    let cluster = Cluster::new();
    cluster
        .simulator
        .add_fault(fault("patch configmaps", KubernetesFault::TooManyRequests { retry_after: 2 }));
    let path = format!("{CONFIG_MAPS}/a");
    let busy = cluster.apply(&path, &config_map("a", &json!({}))).await;
    assert_eq!((busy.status, &busy.headers["retry-after"]), (429, &"2".parse().unwrap()));
    assert_eq!(busy.text, "Too many requests, please try again later.\n");
    assert!(cluster.api.object(&path).is_none());
    cluster.apply(&path, &config_map("a", &json!({}))).await.ok();
    cluster.simulator.add_fault(fault("get configmaps", KubernetesFault::Unavailable { retry_after: 1 }));
    let unavailable = cluster.get(&path).await;
    assert_eq!((unavailable.status, unavailable.reason()), (503, "ServiceUnavailable"));
    assert_eq!(unavailable.json["details"]["retryAfterSeconds"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_may_be_refused_once() {
    let cluster = Cluster::new();
    cluster.simulator.add_fault(fault("list configmaps", KubernetesFault::Unauthorized));
    let refused = cluster.get(CONFIG_MAPS).await;
    assert_eq!((refused.status, refused.message()), (401, "Unauthorized"));
    assert_eq!(cluster.get(CONFIG_MAPS).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_break_before_or_after_the_effect() {
    for (phase, there) in [(Phase::Before, false), (Phase::After, true)] {
        let cluster = Cluster::new();
        let reset = Fault::new("kubernetes", "create configmaps", FaultKind::Reset).phase(phase);
        cluster.simulator.add_fault(reset);
        let making = super::request(http::Method::POST, CONFIG_MAPS, &config_map("a", &json!({})));
        let error = cluster.send(making).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(cluster.api.object(&format!("{CONFIG_MAPS}/a")).is_some(), there, "{phase:?}");
        assert_eq!(cluster.api.requests()[0].status, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_slow_cut_or_a_proxys() {
    let cluster = Cluster::new();
    cluster.simulator.add_fault(Fault::new("kubernetes", "list configmaps", FaultKind::Delay { ms: 2_500 }));
    let begun = Instant::now();
    cluster.get(CONFIG_MAPS).await.ok();
    assert_eq!(begun.elapsed(), Duration::from_millis(2_500));
    cluster.simulator.clear_faults();
    cluster.simulator.add_fault(Fault::new("kubernetes", "list configmaps", FaultKind::Html500));
    let page = cluster.get(CONFIG_MAPS).await;
    assert_eq!((page.status, &page.headers["content-type"]), (500, &"text/html".parse().unwrap()));
    cluster.simulator.clear_faults();
    cluster.simulator.add_fault(Fault::new("kubernetes", "list configmaps", FaultKind::Truncate));
    let cut = cluster.send(super::request(http::Method::GET, CONFIG_MAPS, &Value::Null)).await.unwrap();
    let error = http_body_util::BodyExt::collect(cut.into_body()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_break() {
    let cluster = Cluster::new();
    cluster.simulator.add_fault(fault("watch configmaps", KubernetesFault::BrokenWatch { after_ms: 3_000 }));
    let begun = Instant::now();
    let mut events = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&resourceVersion=1000000")).await;
    assert!(events.next().await.is_err());
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_fall_silent() {
    let cluster = Cluster::new();
    let version =
        cluster.get(CONFIG_MAPS).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    cluster.simulator.add_fault(fault("watch configmaps", KubernetesFault::SilentWatch));
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={version}&timeoutSeconds=10");
    let mut silent: Events = watch(&cluster, &path).await;
    let mut told: Events = watch(&cluster, &path).await;
    cluster.apply(&format!("{CONFIG_MAPS}/a"), &config_map("a", &json!({}))).await.ok();
    assert_eq!(told.next().await.unwrap().unwrap()["type"], "ADDED");
    assert_eq!(silent.next().await.unwrap(), None, "it ends without a word");
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_end_in_good_order_or_be_told_that_its_history_is_gone() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=1000000");
    cluster.simulator.add_fault(fault("watch configmaps", KubernetesFault::EndedWatch { after_ms: 3_000 }));
    let begun = Instant::now();
    let mut ended = watch(&cluster, &path).await;
    assert_eq!(ended.next().await.unwrap(), None);
    assert_eq!(begun.elapsed().as_secs(), 3);
    cluster.simulator.clear_faults();
    let expired = FaultKind::Kubernetes(KubernetesFault::ExpiredWatch { after_ms: 3_000 });
    cluster.simulator.add_fault(Fault::new("kubernetes", "watch configmaps", expired));
    let mut expired = watch(&cluster, &path).await;
    let told = expired.next().await.unwrap().unwrap();
    assert_eq!((&told["type"], &told["object"]["reason"]), (&json!("ERROR"), &json!("Expired")));
    assert_eq!(told["object"]["code"], 410);
    assert!(told["object"]["message"].as_str().unwrap().starts_with("too old resource version: "));
    assert_eq!(expired.next().await.unwrap(), None);
    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn reads_may_show_what_was_true_before() {
    let cluster = Cluster::new();
    let path = format!("{CONFIG_MAPS}/a");
    let of_color = |color: &str| config_map("a", &json!({ "color": color }));
    cluster.apply(&path, &of_color("red")).await.ok();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let red = cluster.apply(&path, &of_color("red")).await.ok();
    tokio::time::sleep(Duration::from_secs(10)).await;
    cluster.apply(&path, &of_color("blue")).await.ok();
    cluster.apply(&format!("{CONFIG_MAPS}/b"), &config_map("b", &json!({}))).await.ok();
    for operation in ["get configmaps", "list configmaps"] {
        let stale = FaultKind::Stale { seconds: 5 };
        cluster.simulator.add_fault(Fault::new("kubernetes", operation, stale));
    }
    assert_eq!(cluster.get(&path).await.ok(), red, "with its resourceVersion");
    assert_eq!(cluster.get(&format!("{CONFIG_MAPS}/b")).await.status, 404);
    let list = cluster.get(&format!("{CONFIG_MAPS}?fieldSelector=metadata.namespace%3Ddefault")).await.ok();
    let names: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|item| &item["metadata"]["name"]).collect();
    assert_eq!(names, [&json!("a"), &json!("kube-root-ca.crt")]);
    let listed: u64 = list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    // Who watches from there is told what the list did not have.
    let mut news = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={listed}")).await;
    assert_eq!(news.next().await.unwrap().unwrap()["object"]["data"]["color"], "blue");
    assert_eq!(news.next().await.unwrap().unwrap()["type"], "ADDED");
    cluster.delete(&path, &Value::Null).await.ok();
    assert_eq!(cluster.get(&path).await.status, 200, "what is gone is still there");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(cluster.get(&path).await.status, 404);
    assert_eq!(cluster.get(&format!("{CONFIG_MAPS}/b")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn credentials_may_end_before_or_after_the_effect_and_stay_ended() {
    for (phase, status, there) in [(Phase::Before, 401, false), (Phase::After, 201, true)] {
        let cluster = Cluster::new();
        let ends = Fault::new("kubernetes", "patch configmaps", FaultKind::ExpireSession).phase(phase);
        cluster.simulator.add_fault(ends.on(CallNumbers::Nth(1)));
        let path = format!("{CONFIG_MAPS}/a");
        assert_eq!(cluster.apply(&path, &config_map("a", &json!({}))).await.status, status, "{phase:?}");
        assert_eq!(cluster.api.object(&path).is_some(), there, "{phase:?}");
        // A new token of the same credentials is no better.
        assert_eq!(cluster.get(&path).await.status, 401);
        let last = cluster.api.requests().pop().unwrap();
        assert_eq!(last.token_refused.unwrap(), "sts getCallerIdentity failed: ExpiredToken");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_recorded_like_all_calls() {
    let cluster = Cluster::new();
    cluster.apply(&format!("{CONFIG_MAPS}/a"), &config_map("a", &json!({}))).await.ok();
    cluster.get(&format!("{CONFIG_MAPS}/none")).await;
    let calls = cluster.simulator.calls();
    let told: Vec<(&str, &str, bool)> =
        calls.iter().map(|call| (call.service.as_str(), call.operation.as_str(), call.write)).collect();
    assert_eq!(told, [("kubernetes", "patch configmaps", true), ("kubernetes", "get configmaps", false)]);
    assert_eq!(calls[0].account.as_deref(), Some("111122223333"));
    assert_eq!(calls[1].outcome, Outcome::Refused("NotFound".to_owned()));
    let requests = cluster.api.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].query.as_str()), ("PATCH", "fieldManager=landfall"));
    assert_eq!(requests[0].user, "arn:aws:iam::111122223333:user/deployer");
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_at_once_are_counted() {
    let cluster = Cluster::new();
    for _ in 0..3 {
        cluster.get(CONFIG_MAPS).await.ok();
    }
    assert_eq!(cluster.api.most_at_once(), 1, "one after the other");
    cluster.simulator.add_fault(Fault::new("kubernetes", "*", FaultKind::Delay { ms: 25 }));
    futures_util::future::join_all((0..7).map(|_| cluster.get(CONFIG_MAPS))).await;
    // One that is given up counts no more.
    let given_up = tokio::time::timeout(Duration::from_millis(5), cluster.get(CONFIG_MAPS)).await;
    assert!(given_up.is_err());
    futures_util::future::join_all((0..7).map(|_| cluster.get(CONFIG_MAPS))).await;
    assert_eq!(cluster.api.most_at_once(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_be_held_at_the_moment_when_it_has_taken_effect() {
    let cluster = Cluster::new();
    let held = cluster.simulator.hold_call(1, Phase::After);
    let (path, object) = (format!("{CONFIG_MAPS}/a"), config_map("a", &json!({})));
    tokio::select! {
        _ = cluster.apply(&path, &object) => panic!("it was answered"),
        () = held.reached() => {}
    }
    assert!(cluster.api.object(&path).is_some());
}
