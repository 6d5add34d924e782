use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::{Context, ErrorKind};
use serde_json::{Value, json};

use super::{Before, Options, Outcome, Part, Placing, apply};
use crate::conflict::{ConflictPolicy, LAST_APPLIED};
use crate::input::{Manifest, ManifestSet};
use crate::scripted::{Reply, Scripted, hearing, sendable};
use crate::waves;

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const DEPLOYMENT: &str =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, paused: true}}\n";

fn read(text: &str) -> ManifestSet {
    ManifestSet::builder().text("m.yaml", text).namespace("shop").read().unwrap()
}

fn live(replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": replicas, "paused": true}})
}

async fn run(server: &Scripted, cx: &Context, manifests: &[Manifest], before: &[Option<Before>]) -> Part {
    let waves = waves::order(manifests).unwrap();
    sendable(apply(cx, &server.api, manifests, before, &waves, 0, Options::default())).await
}

/// What became of each object, in the order of the manifests.
fn effects(part: &Part) -> Vec<&'static str> {
    let mut outcomes: Vec<_> = part.outcomes.iter().collect();
    outcomes.sort_by_key(|(object, _)| *object);
    let effect = |outcome: &Outcome| match outcome {
        Outcome::Applied(placed) => match placed.effect {
            Placing::Created => "created",
            Placing::Changed => "changed",
            Placing::Recreated => "recreated",
            Placing::Unchanged => "unchanged",
        },
        Outcome::Failed { .. } => "failed",
        Outcome::NotAttempted => "not attempted",
    };
    outcomes.into_iter().map(|(_, outcome)| effect(outcome)).collect()
}

fn before(version: &str, migrate: bool) -> Option<Before> {
    let (uid, resource_version) = ("uid-1".to_owned(), version.to_owned());
    Some(Before { uid, resource_version, generation: Some(1), unchanged: false, migrate })
}

#[tokio::test]
async fn objects_are_created_changed_or_left_and_known_again_by_generation_and_version() {
    let manifests = read(DEPLOYMENT);
    let (cx, _) = hearing();
    let server = Scripted::with(&[]).await;
    let part = run(&server, &cx, manifests.objects(), &[None]).await;
    assert_eq!((effects(&part), part.waves), (vec!["created"], 1));
    let Outcome::Applied(placed) = &part.outcomes[0].1 else { panic!("{part:?}") };
    assert_eq!(
        (placed.generation, placed.resource_version.as_str(), placed.uid.as_str()),
        (Some(1), "1", "uid-1")
    );
    assert!(placed.at.is_some());
    assert_eq!(effects(&run(&server, &cx, manifests.objects(), &[before("1", false)]).await), ["unchanged"]);

    let server = Scripted::with(&[live(5)]).await;
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["changed"]);
    let Outcome::Applied(placed) = &part.outcomes[0].1 else { panic!("{part:?}") };
    assert_eq!(placed.generation, Some(2));
}

#[tokio::test]
async fn what_was_planned_as_unchanged_is_not_sent() {
    let server = Scripted::with(&[live(2)]).await;
    let (manifests, (cx, _)) = (read(DEPLOYMENT), hearing());
    let planned = before("7", false).map(|before| Before { unchanged: true, generation: Some(3), ..before });
    let part = run(&server, &cx, manifests.objects(), &[planned]).await;
    assert_eq!((effects(&part), server.seen().len()), (vec!["unchanged"], 0));
    let Outcome::Applied(placed) = &part.outcomes[0].1 else { panic!("{part:?}") };
    assert_eq!((placed.generation, placed.resource_version.as_str(), placed.at), (Some(3), "7", None));
}

#[tokio::test]
async fn a_wave_is_carried_to_its_end_when_an_object_fails_and_no_other_begins() {
    let text = "\
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}
";
    let manifests = read(text);
    let server = Scripted::start(|seen| {
        seen.path
            .ends_with("/configmaps/a")
            .then(|| Reply::status(422, "Invalid", "ConfigMap \"a\" is invalid"))
    })
    .await;
    let (cx, _) = hearing();
    let part = run(&server, &cx, manifests.objects(), &[None, None, None, None]).await;
    assert_eq!((effects(&part), part.waves), (vec!["failed", "created", "created", "not attempted"], 1));
    assert_eq!(server.object(WEB), None);
    let error = part.error(manifests.objects()).unwrap();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Rejected, "an object could not be applied"));
    assert!(
        error.causes()[0].report().starts_with("m.yaml:1:1: ConfigMap shop/a cannot be applied"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_wave_that_has_to_be_waited_for_ends_the_part_and_the_next_part_goes_on() {
    let text = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: shop}}}}\n---\n{DEPLOYMENT}");
    let manifests = read(&text);
    let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
    let waves = waves::order(manifests.objects()).unwrap();
    let apply = |first| {
        apply(&cx, &server.api, manifests.objects(), &[None, None], &waves, first, Options::default())
    };
    let part = apply(0).await;
    assert_eq!((part.waves, effects(&part)), (1, vec!["created"]));
    assert_eq!(server.object(WEB), None, "the namespace is not ready yet");
    let part = apply(1).await;
    assert_eq!((part.waves, effects(&part)), (1, vec!["created"]));
    assert!(server.object(WEB).is_some());
}

#[tokio::test]
async fn many_objects_are_under_way_at_once_and_never_more_than_allowed() {
    let text: String = (0..80)
        .map(|n| format!("---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}}}}}\n"))
        .collect();
    let manifests = read(&text);
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH")
            .then(|| Reply::json(201, &json!({"metadata": {"uid": "u"}})).after(Duration::from_millis(40)))
    })
    .await;
    let (cx, _) = hearing();
    let part = run(&server, &cx, manifests.objects(), &[]).await;
    assert_eq!((part.outcomes.len(), part.is_good()), (80, true));
    assert_eq!(server.most_at_once(), 32);
}

#[tokio::test]
async fn a_stop_leaves_no_half_of_what_was_begun() {
    let manifests = read(DEPLOYMENT);
    let server = Scripted::with(&[]).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let cx = Context::builder("run").cancel(stop).build();
    let part = run(&server, &cx, manifests.objects(), &[None]).await;
    assert_eq!(effects(&part), ["created"]);
}

#[tokio::test]
async fn a_field_of_a_person_is_taken_over_with_a_warning() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH" && seen.has("force", "false")).then(|| {
            Reply::conflict(&[("\"kubectl-edit\" using apps/v1 at 2026-01-02T03:04:05Z", ".spec.replicas")])
        })
    })
    .await;
    server.put(&live(5));
    let (manifests, (cx, told)) = (read(DEPLOYMENT), hearing());
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["changed"]);
    assert_eq!(server.object(WEB).unwrap()["spec"]["replicas"], 2);
    assert!(server.seen()[1].has("force", "true"));
    let told = told.lock().unwrap().clone();
    assert_eq!(
        told,
        ["field-taken-over: Deployment shop/web: .spec.replicas was set by kubectl-edit and is taken over"]
    );
}

#[tokio::test]
async fn replicas_are_left_to_an_autoscaler_and_a_new_object_gets_them() {
    let server = Scripted::autoscaled(&live(5)).await;
    let (manifests, (cx, told)) = (read(DEPLOYMENT), hearing());
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["unchanged"]);
    assert_eq!(server.object(WEB).unwrap()["spec"]["replicas"], 5);
    assert!(
        server.seen().iter().all(|seen| seen.has("force", "false")),
        "nothing else is taken over on the way"
    );
    assert!(told.lock().unwrap()[0].starts_with("replicas-left: Deployment shop/web"), "{told:?}");

    let server = Scripted::with(&[]).await;
    run(&server, &cx, manifests.objects(), &[None]).await;
    assert_eq!(server.object(WEB).unwrap()["spec"]["replicas"], 2);
}

#[tokio::test]
async fn a_field_of_a_controller_is_refused_with_both_values() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH").then(|| Reply::conflict(&[("\"argocd-controller\"", ".spec.replicas")]))
    })
    .await;
    server.put(&live(5));
    let (manifests, (cx, _)) = (read(DEPLOYMENT), hearing());
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["failed"]);
    let error = part.error(manifests.objects()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let report = error.report();
    assert!(
        report.contains(".spec.replicas is 5 and set by argocd-controller; the manifest says 2"),
        "{report}"
    );
    assert_eq!(server.lines(), [format!("PATCH {WEB}"), format!("GET {WEB}")], "it was not forced");

    let waves = waves::order(manifests.objects()).unwrap();
    let all = Options { conflicts: ConflictPolicy::TakeOver, ..Options::default() };
    let part = apply(&cx, &server.api, manifests.objects(), &[before("1", false)], &waves, 0, all).await;
    assert!(!part.is_good());
    assert!(server.seen().last().unwrap().has("force", "true"), "asked for, it is");
}

#[tokio::test]
async fn what_client_side_apply_has_set_is_migrated_before_the_first_apply() {
    let mut object = live(2);
    object["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
    object["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {}}},
    ]);
    let stale = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        let is_first =
            seen.content == "application/json-patch+json" && stale.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| Reply::status(409, "Conflict", "the object has been modified"))
    })
    .await;
    server.put(&object);
    let (manifests, (cx, told)) = (read(DEPLOYMENT), hearing());
    let part = run(&server, &cx, manifests.objects(), &[before("1", true)]).await;
    assert_eq!(effects(&part), ["changed"], "the owner has changed");
    let managers = server.object(WEB).unwrap()["metadata"]["managedFields"].clone();
    assert_eq!(
        (managers[0]["manager"].as_str(), managers[0]["operation"].as_str()),
        (Some("landfall"), Some("Apply"))
    );
    let methods: Vec<String> = server.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, ["GET", "PATCH", "GET", "PATCH", "PATCH"], "read again when it had changed");
    assert!(told.lock().unwrap()[0].starts_with("fields-migrated"), "{told:?}");
}

/// A server that changes no spec of what is there.
async fn immutable(path: &'static str, object: &Value) -> Scripted {
    let gone = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        if seen.method == "DELETE" {
            gone.store(1, Ordering::SeqCst);
        }
        (seen.is("PATCH", path) && gone.load(Ordering::SeqCst) == 0).then(|| {
            let cause = json!([{"reason": "FieldValueInvalid", "message": "Invalid value: {}: field is immutable", "field": "spec.template"}]);
            Reply::causes(422, "Invalid", "it is invalid", &cause)
        })
    })
    .await;
    server.put(object);
    server
}

#[tokio::test]
async fn a_job_is_made_anew_when_it_has_to_change() {
    let path = "/apis/batch/v1/namespaces/shop/jobs/migrate";
    let old = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"}});
    let server = immutable(path, &old).await;
    let manifests =
        read("{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {backoffLimit: 0}}");
    let (cx, told) = hearing();
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["recreated"]);
    let Outcome::Applied(placed) = &part.outcomes[0].1 else { panic!("{part:?}") };
    assert_eq!(placed.uid, "uid-2");
    let deletion = server.seen().into_iter().find(|seen| seen.method == "DELETE").unwrap().body();
    assert_eq!(
        (&deletion["preconditions"]["uid"], &deletion["propagationPolicy"]),
        (&json!("uid-1"), &json!("Foreground"))
    );
    assert!(told.lock().unwrap()[0].starts_with("recreated: Job shop/migrate"), "{told:?}");
}

#[tokio::test]
async fn nothing_else_is_deleted_without_consent() {
    let server = immutable(WEB, &live(5)).await;
    let (manifests, (cx, _)) = (read(DEPLOYMENT), hearing());
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["failed"]);
    assert!(server.object(WEB).is_some());
    let report = part.error(manifests.objects()).unwrap().report();
    assert!(report.contains("spec.template: Invalid value: {}: field is immutable"), "{report}");
    assert!(
        report.contains(
            "landfall/recreate: \"true\" has it deleted and made anew, with all of its pods at once"
        ),
        "{report}"
    );
    let manifests =
        read(&DEPLOYMENT.replace("name: web", "name: web, annotations: {landfall/recreate: 'true'}"));
    let part = run(&server, &cx, manifests.objects(), &[before("1", false)]).await;
    assert_eq!(effects(&part), ["recreated"]);
}

#[tokio::test]
async fn a_definition_and_an_object_of_its_kind_come_in_one_run() {
    let text = "\
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.com},
 spec: {group: example.com, scope: Namespaced, names: {kind: Widget}}}
";
    let manifests = read(text);
    let misses = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        let missing = seen.path.contains("/widgets/") && misses.fetch_add(1, Ordering::SeqCst) == 0;
        missing.then(|| Reply::text(404, "404 page not found"))
    })
    .await;
    let (cx, _) = hearing();
    let waves = waves::order(manifests.objects()).unwrap();
    let apply = |first| {
        apply(&cx, &server.api, manifests.objects(), &[None, None], &waves, first, Options::default())
    };
    assert!(apply(0).await.is_good());
    let objects = std::sync::Arc::clone(&server.objects);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        objects.lock().unwrap().kinds.push(("example.com", "Widget", "widgets"));
    });
    let part = apply(1).await;
    assert_eq!(effects(&part), ["created"]);
    assert!(server.object("/apis/example.com/v1/namespaces/shop/widgets/w").is_some());
}

#[tokio::test]
async fn a_kind_that_nobody_brings_is_told_at_once() {
    let manifests = read("{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop}}");
    let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
    let part = run(&server, &cx, manifests.objects(), &[None]).await;
    let error = part.error(manifests.objects()).unwrap();
    assert_eq!((error.kind(), server.discoveries()), (ErrorKind::NotFound, 1));
    assert!(
        error.report().contains("the cluster knows no kind Widget of example.com/v1"),
        "{}",
        error.report()
    );
}
