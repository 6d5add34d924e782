//! Watches.

use std::io;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use landfall_simulator::{KubernetesBody, KubernetesDenial};
use serde_json::{Value, json};

use super::{Answer, CONFIG_MAPS, Cluster, DEPLOYMENTS, condition, config_map, deployment, request};

/// The events of a watch.
pub(super) struct Events {
    body: KubernetesBody,
    rest: String,
}

impl Events {
    /// The next event; none when the watch has ended.
    pub(super) async fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            if let Some((line, rest)) = self.rest.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.rest = rest.to_owned();
                return Ok(Some(event));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => self.rest.push_str(std::str::from_utf8(frame?.data_ref().unwrap()).unwrap()),
            }
        }
    }

    /// Type and name of the next event.
    async fn told(&mut self) -> (String, String) {
        let event = self.next().await.unwrap().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
    }
}

pub(super) async fn watch(cluster: &Cluster, path: &str) -> Events {
    let response = cluster.send(request(Method::GET, path, &Value::Null)).await.unwrap();
    assert_eq!(response.status(), 200);
    Events { body: response.into_body(), rest: String::new() }
}

async fn version(cluster: &Cluster) -> String {
    let list = cluster.get(CONFIG_MAPS).await.ok();
    list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn labelled(name: &str, label: &str) -> Value {
    let mut object = config_map(name, &json!({}));
    object["metadata"]["labels"] = json!({ "l": label });
    object
}

#[tokio::test(start_paused = true)]
async fn changes_are_told_as_they_happen_from_a_version_on() {
    let cluster = Cluster::new();
    let from = version(&cluster).await;
    let path = format!("{CONFIG_MAPS}/a");
    cluster.apply(&path, &config_map("a", &json!({}))).await.ok();
    let mut events = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}")).await;
    assert_eq!(events.told().await, ("ADDED".to_owned(), "a".to_owned()));
    let changed = cluster.apply(&path, &config_map("a", &json!({ "k": "v" }))).await.ok();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event["type"], "MODIFIED");
    assert_eq!(event["object"], changed, "an event holds the whole object, with kind and version");
    cluster.delete(&path, &Value::Null).await.ok();
    assert_eq!(events.told().await.0, "DELETED");
    cluster.apply("/api/v1/namespaces/kube-system/configmaps/a", &config_map("a", &json!({}))).await.ok();
    let silence = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    assert!(silence.is_err(), "other namespaces are not told of");
}

#[tokio::test(start_paused = true)]
async fn what_happened_before_the_watch_began_is_told_though_nothing_happens_any_more() {
    let cluster = Cluster::new();
    let from = version(&cluster).await;
    cluster.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.ok();
    // Whatever its controllers do of that is done.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut events = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}")).await;
    let told = tokio::time::timeout(Duration::from_millis(1), events.told()).await;
    assert_eq!(told.unwrap(), ("ADDED".to_owned(), "a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn without_a_version_the_present_comes_first() {
    let cluster = Cluster::new();
    cluster.post(CONFIG_MAPS, &labelled("a", "x")).await.ok();
    let mut events = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&labelSelector=l")).await;
    assert_eq!(events.told().await, ("ADDED".to_owned(), "a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_enters_the_selection_is_added_and_what_leaves_it_deleted() {
    let cluster = Cluster::new();
    let from = version(&cluster).await;
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}&labelSelector=l%3Dx");
    let mut events = watch(&cluster, &path).await;
    for label in ["y", "x", "x2"] {
        cluster.apply(&format!("{CONFIG_MAPS}/a"), &labelled("a", label)).await.ok();
    }
    assert_eq!(events.told().await.0, "ADDED");
    assert_eq!(events.told().await.0, "DELETED");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_forgotten_is_gone() {
    let cluster = Cluster::new();
    let from = version(&cluster).await;
    cluster.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.ok();
    cluster.api.forget_history();
    let mut events = watch(&cluster, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}")).await;
    let event = events.next().await.unwrap().unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(event["object"]["reason"], "Expired");
    assert!(event["object"]["message"].as_str().unwrap().starts_with("too old resource version: "));
    assert_eq!(events.next().await.unwrap(), None, "and the watch ends");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_when_they_are_asked_for_and_a_watch_ends_when_it_said() {
    let cluster = Cluster::new();
    let from = version(&cluster).await;
    let path =
        format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}&allowWatchBookmarks=true&timeoutSeconds=90");
    let mut events = watch(&cluster, &path).await;
    let bookmark = events.next().await.unwrap().unwrap();
    assert_eq!((&bookmark["type"], &bookmark["object"]["kind"]), (&json!("BOOKMARK"), &json!("ConfigMap")));
    assert!(bookmark["object"]["metadata"]["resourceVersion"].is_string());
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn initial_events_end_with_a_marked_bookmark() {
    let cluster = Cluster::new();
    cluster.post(CONFIG_MAPS, &labelled("a", "x")).await.ok();
    let path = format!(
        "{CONFIG_MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&\
         labelSelector=l"
    );
    let mut events = watch(&cluster, &path).await;
    assert_eq!(events.told().await, ("ADDED".to_owned(), "a".to_owned()));
    let end = events.next().await.unwrap().unwrap();
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["metadata"]["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
    cluster.post(CONFIG_MAPS, &labelled("b", "x")).await.ok();
    assert_eq!(events.told().await, ("ADDED".to_owned(), "b".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_controllers_do_is_told_without_anybody_asking() {
    let cluster = Cluster::new();
    let web = format!("{DEPLOYMENTS}/web");
    let made = cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    let from = made["metadata"]["resourceVersion"].as_str().unwrap();
    let path = format!("{DEPLOYMENTS}?watch=true&resourceVersion={from}&fieldSelector=metadata.name%3Dweb");
    let mut events = watch(&cluster, &path).await;
    let done = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            assert_eq!(event["type"], "MODIFIED");
            if condition(&event["object"], "Progressing") == "True NewReplicaSetAvailable" {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(2), done).await.is_ok(), "at the time when it happens");
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_be_forbidden_where_a_list_is_not() {
    let cluster = Cluster::with(|setup| setup.denied.push(KubernetesDenial::of("watch", "pods")));
    let path = "/api/v1/namespaces/default/pods";
    assert_eq!(cluster.get(path).await.status, 200);
    let response =
        cluster.send(request(Method::GET, &format!("{path}?watch=true"), &Value::Null)).await.unwrap();
    let refused = Answer::of(response).await;
    assert_eq!(refused.status, 403);
    assert!(refused.message().contains("cannot watch resource \"pods\""), "{}", refused.message());
}
