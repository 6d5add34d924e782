//! Requests against a small server: what goes out, and what is made of the answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use landfall_core::context::CancellationToken;
use landfall_core::{Context, Error, ErrorKind};
use serde_json::{Value, json};

use super::{ApplyOptions, At, Deleted, Meaning, Propagation, Selector, WatchEvent};
use crate::scripted::{Reply, Scripted, hearing};

const CONFIG: &str = "/api/v1/namespaces/shop/configmaps/settings";

async fn settings(server: &Scripted, cx: &Context) -> At {
    let kind = server.api.resource(cx, "v1", "ConfigMap", Duration::ZERO).await.unwrap();
    At::new(kind, Some("shop"), "settings")
}

fn config(value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"key": value}})
}

fn body(object: &Value) -> Bytes {
    Bytes::from(object.to_string())
}

#[tokio::test]
async fn an_object_is_applied_as_it_was_written_by_one_manager_and_strictly() {
    let server = Scripted::with(&[]).await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"b":"1.10","a":"x"}}"#;
    let applied = server
        .api
        .apply(&cx, &at, Bytes::from_static(text.as_bytes()), ApplyOptions::default())
        .await
        .unwrap();
    assert!(applied.created);
    assert_eq!((applied.object.generation(), applied.object.uid()), (Some(1), "uid-1"));
    assert!(applied.date.is_some(), "hyper tells the time");
    let again = server
        .api
        .apply(&cx, &at, Bytes::from_static(text.as_bytes()), ApplyOptions::default())
        .await
        .unwrap();
    assert!(!again.created);
    assert_eq!(again.object.resource_version(), applied.object.resource_version());
    let seen = server.seen();
    assert_eq!(server.lines(), [format!("PATCH {CONFIG}"), format!("PATCH {CONFIG}")]);
    assert_eq!((seen[0].content.as_str(), seen[0].text.as_str()), ("application/apply-patch+yaml", text));
    for (key, value) in [("fieldManager", "landfall"), ("fieldValidation", "Strict"), ("force", "false")] {
        assert!(seen[0].has(key, value), "{:?}", seen[0].query);
    }
    assert!(!seen[0].query.contains_key("dryRun"));
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let server = Scripted::with(&[config("old")]).await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    let options = ApplyOptions { dry_run: true, force: true };
    let applied = server.api.apply(&cx, &at, body(&config("new")), options).await.unwrap();
    assert_eq!(applied.object.value()["data"]["key"], "new");
    assert_eq!(server.object(CONFIG).unwrap()["data"]["key"], "old");
    assert!(server.seen()[0].has("dryRun", "All") && server.seen()[0].has("force", "true"));
}

#[tokio::test]
async fn an_object_is_read_or_said_to_be_missing() {
    let server = Scripted::with(&[config("old")]).await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    assert_eq!(server.api.read(&cx, &at).await.unwrap().unwrap().value()["data"]["key"], "old");
    let other = At::new(at.resource().clone(), None, "settings");
    assert_eq!(server.api.read(&cx, &other).await.unwrap(), None);
    assert_eq!(server.lines()[1], "GET /api/v1/namespaces/default/configmaps/settings");
}

#[tokio::test]
async fn the_kinds_are_asked_for_once_and_again_for_one_that_is_not_there() {
    let server = Scripted::with(&[]).await;
    let (cx, _) = hearing();
    for _ in 0..3 {
        server.api.resource(&cx, "apps/v1", "Deployment", Duration::ZERO).await.unwrap();
    }
    assert_eq!(server.discoveries(), 1);
    let missing = server.api.resource(&cx, "example.com/v1", "Widget", Duration::ZERO).await.unwrap_err();
    let error = Error::from(missing);
    assert_eq!((error.kind(), server.discoveries()), (ErrorKind::NotFound, 2));
    assert_eq!(error.message(), "the cluster knows no kind Widget of example.com/v1");
}

#[tokio::test]
async fn who_knows_a_kind_does_not_wait_for_who_looks_for_another() {
    let server = Scripted::with(&[]).await;
    let (cx, _) = hearing();
    server.api.kinds(&cx).await.unwrap();
    tokio::select! {
        biased;
        // Asks the server, and goes on when that has answered.
        _ = server.api.resource(&cx, "example.com/v1", "Widget", Duration::ZERO) => panic!("it was waited for"),
        known = server.api.resource(&cx, "apps/v1", "Deployment", Duration::ZERO) => assert!(known.is_ok()),
    }
}

#[tokio::test]
async fn a_kind_that_is_about_to_come_is_asked_for_soon_and_then_less_often() {
    let server = Scripted::with(&[]).await;
    let (cx, _) = hearing();
    server.api.kinds(&cx).await.unwrap();
    let objects = std::sync::Arc::clone(&server.objects);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        objects.lock().unwrap().kinds.push(("example.com", "Widget", "widgets"));
    });
    let found = server.api.resource(&cx, "example.com/v1", "Widget", Duration::from_secs(30)).await.unwrap();
    assert_eq!(found.collection(Some("shop")), "/apis/example.com/v1/namespaces/shop/widgets");
    // After 25 ms, 37, 56 and so on, each a little more or less.
    assert!((6..=12).contains(&server.discoveries()), "{}", server.discoveries());
}

#[tokio::test]
async fn a_server_without_the_aggregated_form_is_asked_for_each_group() {
    let server = Scripted::start(|seen| {
        let body = match seen.path.as_str() {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}},
                {"name": "metrics.k8s.io", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}},
            ]}),
            "/api/v1" => json!({"kind": "APIResourceList", "resources": [
                {"name": "pods", "kind": "Pod", "namespaced": true, "verbs": ["get"]},
                {"name": "pods/log", "kind": "Pod", "namespaced": true, "verbs": ["get"]},
            ]}),
            "/apis/apps/v1" | "/apis/apps/v1beta1" => json!({"kind": "APIResourceList", "resources": [
                {"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["get", "patch"]},
            ]}),
            _ => return Some(Reply::status(500, "InternalError", "no endpoints")),
        };
        Some(Reply::json(200, &body))
    })
    .await;
    let (cx, told) = hearing();
    let known = server.api.kinds(&cx).await.unwrap();
    assert_eq!(known.preferred("apps", "Deployment").unwrap().version, "v1");
    assert!(known.find("apps/v1beta1", "Deployment").unwrap().can("patch"));
    assert_eq!(known.find("v1", "Pod").unwrap().plural, "pods");
    let told = told.lock().unwrap().join("\n");
    assert!(
        told.contains("discovery-incomplete: what /apis/metrics.k8s.io/v1 serves cannot be read"),
        "{told}"
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_begun_anew_when_the_server_forgets() {
    let forgotten = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        if seen.path != "/api/v1/namespaces/shop/configmaps" {
            return None;
        }
        let page = |names: &[&str], more: &str| {
            let items: Vec<Value> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
            Some(Reply::json(
                200,
                &json!({"metadata": {"resourceVersion": "7", "continue": more}, "items": items}),
            ))
        };
        match seen.query.get("continue").map(String::as_str) {
            None => page(&["a", "b"], "page 2&"),
            Some("page 2&") if forgotten.fetch_add(1, Ordering::SeqCst) == 0 => {
                Some(Reply::status(410, "Expired", "too old"))
            }
            Some(_) => page(&["c"], ""),
        }
    })
    .await;
    let (cx, _) = hearing();
    let kind = server.api.resource(&cx, "v1", "ConfigMap", Duration::ZERO).await.unwrap();
    let selector = Selector::labels("app=web,tier in (front)");
    let listed = server.api.list(&cx, &kind, Some("shop"), &selector).await.unwrap();
    let names: Vec<&str> = listed.items.iter().map(|item| item.name()).collect();
    assert_eq!((names, listed.resource_version.as_str()), (vec!["a", "b", "c"], "7"));
    assert_eq!(server.seen().len(), 4);
    assert!(server.seen().iter().all(|seen| seen.has("labelSelector", "app=web,tier in (front)")));
}

#[tokio::test]
async fn what_passes_is_repeated_and_told_and_what_does_not_is_not() {
    let tries = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        let busy = seen.method == "PATCH" && tries.fetch_add(1, Ordering::SeqCst) == 0;
        busy.then(|| {
            Reply::status(500, "InternalError", "failed calling webhook \"x\": no endpoints available")
        })
    })
    .await;
    let (cx, told) = hearing();
    let at = settings(&server, &cx).await;
    server.api.apply(&cx, &at, body(&config("a")), ApplyOptions::default()).await.unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!((server.seen().len(), told.len()), (2, 1), "{told:?}");
    assert!(
        told[0].starts_with("again: ConfigMap shop/settings cannot be applied: failed calling webhook"),
        "{told:?}"
    );

    let server =
        Scripted::start(|seen| (seen.method == "PATCH").then(|| Reply::status(422, "Invalid", "no"))).await;
    let at = settings(&server, &cx).await;
    let fault = server.api.apply(&cx, &at, body(&config("a")), ApplyOptions::default()).await.unwrap_err();
    assert_eq!((fault.meaning(), server.seen().len()), (Some(&Meaning::Invalid), 1));
}

#[tokio::test]
async fn a_stop_ends_the_tries() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH").then(|| Reply::status(500, "", "failed calling webhook \"x\""))
    })
    .await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let cx = Context::builder("run").cancel(stop).build();
    let fault = server.api.apply(&cx, &at, body(&config("a")), ApplyOptions::default()).await.unwrap_err();
    assert_eq!((fault.meaning(), server.seen().len()), (Some(&Meaning::Webhook), 1));
}

#[tokio::test]
async fn values_of_a_secret_are_in_no_error() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH").then(|| {
            let cause = json!([{"reason": "FieldValueInvalid", "message": "Invalid value: \"hunter2\": too short", "field": "stringData[a]"}]);
            Reply::causes(422, "Invalid", "Secret \"db\" is invalid: stringData[a]: Invalid value: \"hunter2\": too short", &cause)
        })
    })
    .await;
    let (cx, _) = hearing();
    let kind = server.api.resource(&cx, "v1", "Secret", Duration::ZERO).await.unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"a": "hunter2"}});
    let at = At::new(kind, Some("shop"), "db");
    let fault = server.api.apply(&cx, &at, body(&secret), ApplyOptions::default()).await.unwrap_err();
    let told = format!("{fault:?} {}", Error::from(fault.clone()).report());
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("stringData[a]: Invalid value: \"****\": too short"), "{told}");
}

#[tokio::test]
async fn only_the_object_that_is_meant_is_deleted() {
    let server = Scripted::with(&[config("old")]).await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    let delete = |uid: &'static str| server.api.delete(&cx, &at, uid, Propagation::Foreground);
    assert_eq!(delete("uid-9").await.unwrap(), Deleted::Another);
    assert!(server.object(CONFIG).is_some());
    assert_eq!(delete("uid-1").await.unwrap(), Deleted::Begun);
    assert_eq!(delete("uid-1").await.unwrap(), Deleted::Gone);
    assert_eq!(server.seen()[0].body()["propagationPolicy"], "Foreground");
}

#[tokio::test]
async fn a_patch_of_an_object_that_has_changed_is_refused() {
    let server = Scripted::with(&[config("old")]).await;
    let (cx, _) = hearing();
    let at = settings(&server, &cx).await;
    let patch = |version: &str| json!([{"op": "replace", "path": "/data/key", "value": "new"}, {"op": "replace", "path": "/metadata/resourceVersion", "value": version}]);
    let fault = server.api.patch(&cx, &at, &patch("0"), false).await.unwrap_err();
    assert_eq!(fault.meaning(), Some(&Meaning::Stale));
    let patched = server.api.patch(&cx, &at, &patch("1"), false).await.unwrap();
    assert_eq!((patched.value()["data"]["key"].as_str(), patched.resource_version()), (Some("new"), "2"));
}

#[tokio::test]
async fn a_warning_of_the_server_is_told_once() {
    let server = Scripted::start(|seen| {
        (seen.method == "GET" && seen.path.contains("configmaps"))
            .then(|| Reply::json(200, &config("x")).with("warning", "299 - \"v1 ConfigMap is \\\"old\\\"\""))
    })
    .await;
    let (cx, told) = hearing();
    let at = settings(&server, &cx).await;
    for _ in 0..2 {
        server.api.read(&cx, &at).await.unwrap();
    }
    assert_eq!(*told.lock().unwrap(), ["server-warning: the API server warns: v1 ConfigMap is \"old\""]);
}

#[tokio::test]
async fn a_watch_tells_what_changes_and_where_to_go_on() {
    let server = Scripted::start(|seen| {
        let line = |kind: &str, name: &str, version: &str| {
            json!({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}})
                .to_string()
        };
        let forgotten =
            json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}})
                .to_string();
        seen.has("watch", "true").then(|| {
            let lines = [
                line("ADDED", "a", "5"),
                String::new(),
                line("MODIFIED", "a", "6"),
                line("DELETED", "a", "7"),
                line("BOOKMARK", "", "9"),
                forgotten,
            ];
            Reply::text(200, lines.join("\n") + "\n")
        })
    })
    .await;
    let (cx, _) = hearing();
    let kind = server.api.resource(&cx, "v1", "ConfigMap", Duration::ZERO).await.unwrap();
    let mut watch = server.api.watch(&cx, &kind, Some("shop"), &Selector::all(), "4").await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = watch.next().await.unwrap() {
        told.push(match event {
            WatchEvent::Added(object) => format!("added {}", object.name()),
            WatchEvent::Modified(_) => "modified".to_owned(),
            WatchEvent::Deleted(_) => "deleted".to_owned(),
            WatchEvent::Bookmark => format!("bookmark {}", watch.resource_version()),
            WatchEvent::Expired => "expired".to_owned(),
        });
    }
    assert_eq!(told, ["added a", "modified", "deleted", "bookmark 9", "expired"]);
    assert_eq!(watch.resource_version(), "9", "from there a list or another watch goes on");
    let seen = &server.seen()[0];
    assert!(seen.has("resourceVersion", "4") && seen.has("allowWatchBookmarks", "true"), "{:?}", seen.query);
}

#[tokio::test]
async fn a_watch_that_may_not_be_opened_says_why() {
    let server = Scripted::start(|seen| {
        let text = r#"configmaps is forbidden: User "ci" cannot watch resource "configmaps" in API group "" in the namespace "shop""#;
        seen.has("watch", "true").then(|| Reply::status(403, "Forbidden", text))
    })
    .await;
    let (cx, _) = hearing();
    let kind = server.api.resource(&cx, "v1", "ConfigMap", Duration::ZERO).await.unwrap();
    let fault = server.api.watch(&cx, &kind, Some("shop"), &Selector::all(), "4").await.unwrap_err();
    assert!(
        matches!(fault.meaning(), Some(Meaning::NotAllowed(Some(rule))) if rule.verb == "watch"),
        "{fault:?}"
    );
}
