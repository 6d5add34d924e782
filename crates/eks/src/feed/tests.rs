//! Feeds of a cluster in the same process: no socket, and time is tokio's.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::{Context, ErrorKind, Place};
use landfall_simulator::{
    CallNumbers, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, Fault, FaultKind,
    Kubernetes, KubernetesDenial, KubernetesFault, Simulator,
};
use serde_json::{Value, json};

use super::{Feeds, Topic};
use crate::access::{ApiServer, Body, Cluster, TokenSource, Transport};
use crate::api::{Api, Selector};
use crate::scripted::{AUTHORITY, hearing};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

struct InProcess(Kubernetes);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        Ok(self.0.handle(request).await?.map(BodyExt::boxed_unsync))
    }
}

/// ConfigMaps of a cluster, and how they are seen.
struct World {
    simulator: Simulator,
    cluster: Kubernetes,
    api: Api,
    cx: Context,
    told: Arc<std::sync::Mutex<Vec<String>>>,
    feeds: Feeds,
    topic: Topic,
}

impl World {
    async fn new() -> Self {
        let simulator = Simulator::builder().build();
        let cluster = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, "demo");
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        let known = Cluster::known(&place, "demo", "https://demo.invalid", AUTHORITY).unwrap();
        let credentials = Credentials::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, None, None, "test");
        let config =
            SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        let clock = Clock::starting_at(simulator.now());
        let tokens = TokenSource::new(&config, DEMO_REGION, "demo", clock, SignedDuration::ZERO).unwrap();
        let transport = Arc::new(InProcess(cluster.clone()));
        let api = Api::new(ApiServer::over(known, tokens, transport).unwrap());
        let (cx, told) = hearing();
        let resource = api.resource(&cx, "v1", "ConfigMap", Duration::ZERO).await.unwrap();
        let selector = Selector::labels("app=web");
        let topic = Topic { resource, namespace: Some("default".to_owned()), selector };
        Self { simulator, cluster, api, cx, told, feeds: Feeds::default(), topic }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/apply-patch+yaml");
        let answer = self.cluster.handle_as("somebody", request.body(Bytes::from(body.to_string())).unwrap());
        assert!(answer.await.unwrap().status().is_success());
    }

    /// Somebody sets a colour.
    async fn paint(&self, name: &str, color: &str) {
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": { "app": "web" } },
            "data": { "color": color }
        });
        self.send("PATCH", &format!("{MAPS}/{name}?force=true"), &map).await;
    }

    async fn list(&self, names: &[&str]) {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.feeds.list(&self.cx, &self.api, &[(self.topic.clone(), names)], false).await;
    }

    fn follow(&self) {
        self.feeds.follow(&self.cx, &self.api, [&self.topic]);
    }

    /// What is shown, as `a=red`.
    fn shown(&self) -> Vec<String> {
        self.feeds.shown(&self.topic, |shown| {
            let named = shown.objects().map(|object| {
                let color = object["data"]["color"].as_str().unwrap_or_default();
                format!("{}={color}", object["metadata"]["name"].as_str().unwrap_or_default())
            });
            named.collect()
        })
    }

    fn trouble(&self) -> Option<ErrorKind> {
        self.feeds.shown(&self.topic, |shown| shown.trouble.as_ref().map(landfall_core::Error::kind))
    }

    /// How many lists, watches and reads of ConfigMaps there were.
    fn asked(&self) -> (usize, usize, usize) {
        let of = |verb: &str| self.simulator.count("kubernetes", &format!("{verb} configmaps"));
        (of("list"), of("watch"), of("get"))
    }

    fn fault(&self, operation: &str, fault: KubernetesFault, calls: CallNumbers) {
        let fault = Fault::new("kubernetes", operation, FaultKind::Kubernetes(fault));
        self.simulator.add_fault(fault.on(calls));
    }
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_listed_once_and_from_then_on_followed() {
    let world = World::new().await;
    world.paint("a", "red").await;
    world.list(&[]).await;
    assert_eq!((world.shown(), world.asked()), (vec!["a=red".to_owned()], (1, 0, 0)));
    world.paint("a", "blue").await;
    assert_eq!(world.shown(), ["a=red"], "nobody follows yet");
    let mut changes = world.feeds.changes();
    changes.mark_unchanged();
    world.follow();
    tokio::time::timeout(Duration::from_secs(1), changes.changed()).await.unwrap().unwrap();
    assert_eq!(world.shown(), ["a=blue"], "what happened between the list and the watch is not lost");
    world.paint("b", "red").await;
    world.send("DELETE", &format!("{MAPS}/a"), &Value::Null).await;
    seconds(1).await;
    assert_eq!(world.shown(), ["b=red"]);
    let last =
        world.feeds.shown(&world.topic, |shown| shown.last("a").map(|last| last["data"]["color"].clone()));
    assert_eq!(last, Some(json!("blue")), "how it was last is known");
    world.list(&[]).await;
    world.follow();
    seconds(1).await;
    assert_eq!(world.asked(), (1, 1, 0), "what is followed is not asked for again");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_or_breaks_goes_on_without_a_gap() {
    for fault in [
        KubernetesFault::EndedWatch { after_ms: 1_000 },
        KubernetesFault::BrokenWatch { after_ms: 1_000 },
        KubernetesFault::ExpiredWatch { after_ms: 1_000 },
    ] {
        let world = World::new().await;
        world.fault("watch configmaps", fault, CallNumbers::All);
        world.list(&[]).await;
        world.follow();
        for round in 0..10 {
            world.paint("a", &round.to_string()).await;
            tokio::time::sleep(Duration::from_millis(2_700)).await;
            assert_eq!(world.shown(), [format!("a={round}")], "{fault:?}");
        }
        let (lists, watches, _) = world.asked();
        assert!(watches >= 5, "{fault:?}: {watches}");
        // A watch that ended in good order goes on from where it ended.
        assert_eq!(
            lists == 1,
            matches!(fault, KubernetesFault::EndedWatch { .. }),
            "{fault:?}: {lists} lists"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_that_is_gone_is_listed_anew() {
    // The server says so in the watch, or does not begin one.
    for refused in [false, true] {
        let world = World::new().await;
        world.list(&[]).await;
        world.paint("a", "red").await;
        if refused {
            let (code, message) = ("Expired".to_owned(), "too old resource version: 1 (2)".to_owned());
            let fault =
                Fault::new("kubernetes", "watch configmaps", FaultKind::Error { code, message, status: 410 });
            world.simulator.add_fault(fault.on(CallNumbers::Nth(1)));
        } else {
            world.cluster.forget_history();
        }
        world.follow();
        seconds(1).await;
        assert_eq!((world.shown(), world.asked().0), (vec!["a=red".to_owned()], 2), "{refused}");
        world.paint("a", "blue").await;
        seconds(1).await;
        assert_eq!(world.shown(), ["a=blue"], "and is watched from there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_watch_at_once_is_not_asked_without_a_pause() {
    let (code, message) = ("Expired".to_owned(), "too old resource version: 1 (2)".to_owned());
    for fault in [
        FaultKind::Kubernetes(KubernetesFault::EndedWatch { after_ms: 1 }),
        FaultKind::Kubernetes(KubernetesFault::ExpiredWatch { after_ms: 1 }),
        FaultKind::Error { code, message, status: 410 },
    ] {
        let world = World::new().await;
        world.simulator.add_fault(Fault::new("kubernetes", "watch configmaps", fault.clone()));
        world.list(&[]).await;
        world.follow();
        seconds(5).await;
        let (lists, watches, _) = world.asked();
        assert!((5..=15).contains(&watches) && lists <= 15, "{fault:?}: {watches} watches, {lists} lists");
        world.paint("a", "red").await;
        seconds(6).await;
        assert_eq!(world.shown(), ["a=red"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_it_may_not_be_watched_it_is_listed_every_two_seconds_and_told_once() {
    let world = World::new().await;
    world.cluster.deny(KubernetesDenial::of("watch", "configmaps"));
    world.list(&[]).await;
    world.follow();
    for color in ["red", "blue"] {
        world.paint("a", color).await;
        seconds(3).await;
        assert_eq!(world.shown(), [format!("a={color}")]);
    }
    seconds(20).await;
    let (lists, watches, _) = world.asked();
    assert_eq!(watches, 1, "it is not tried again and again");
    assert!((12..16).contains(&lists), "{lists}");
    let told = world.told.lock().unwrap();
    assert_eq!(told.iter().filter(|line| line.starts_with("watch-denied")).count(), 1, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn where_it_may_not_be_listed_the_objects_are_read_by_their_names() {
    let world = World::new().await;
    for verb in ["list", "watch"] {
        world.cluster.deny(KubernetesDenial::of(verb, "configmaps"));
    }
    world.paint("a", "red").await;
    world.paint("unasked", "red").await;
    world.list(&["a", "missing"]).await;
    assert_eq!((world.shown(), world.trouble()), (vec!["a=red".to_owned()], None));
    world.follow();
    world.paint("a", "blue").await;
    world.paint("missing", "red").await;
    seconds(3).await;
    assert_eq!(world.shown(), ["a=blue", "missing=red"]);
    assert_eq!(world.asked().1, 0, "who may not list may not watch");
    world.cluster.deny(KubernetesDenial::of("get", "configmaps"));
    seconds(3).await;
    assert_eq!(world.trouble(), Some(ErrorKind::Denied));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_seen_at_all_says_so() {
    let world = World::new().await;
    world.cluster.deny(KubernetesDenial::of("*", "configmaps"));
    world.list(&[]).await;
    assert_eq!((world.shown(), world.trouble()), (Vec::new(), Some(ErrorKind::Denied)));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_over_when_the_server_answers_again() {
    let world = World::new().await;
    world.paint("a", "red").await;
    world.fault("list configmaps", KubernetesFault::Unavailable { retry_after: 1 }, CallNumbers::First(30));
    world.fault("watch configmaps", KubernetesFault::BrokenWatch { after_ms: 10 }, CallNumbers::First(2));
    world.list(&[]).await;
    assert_eq!(world.trouble(), Some(ErrorKind::Transient));
    world.follow();
    seconds(120).await;
    assert_eq!((world.shown(), world.trouble()), (vec!["a=red".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn watches_end_with_what_they_are_for() {
    let world = World::new().await;
    world.fault("watch configmaps", KubernetesFault::EndedWatch { after_ms: 1_000 }, CallNumbers::All);
    world.list(&[]).await;
    world.follow();
    seconds(5).await;
    let World { simulator, feeds, .. } = world;
    drop(feeds);
    seconds(1).await;
    let watches = simulator.count("kubernetes", "watch configmaps");
    assert!(watches > 2);
    seconds(10).await;
    assert_eq!(simulator.count("kubernetes", "watch configmaps"), watches);
}
