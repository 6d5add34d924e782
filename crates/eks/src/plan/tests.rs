use std::time::Duration;

use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_core::ErrorKind;
use landfall_core::target::Effect;
use serde_json::{Value, json};

use super::{Planned, changes, plan};
use crate::apply::Options;
use crate::conflict::LAST_APPLIED;
use crate::input::ManifestSet;
use crate::inventory::PART_OF;
use crate::scripted::{Reply, Scripted, hearing, sendable};

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const DEPLOYMENT: &str =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2}}\n";

fn read(text: &str) -> ManifestSet {
    ManifestSet::builder().text("m.yaml", text).namespace("shop").read().unwrap()
}

fn live(replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": replicas}})
}

async fn planned(server: &Scripted, manifests: &ManifestSet) -> Vec<Planned> {
    sendable(plan(&hearing().0, &server.api, manifests.objects(), Options::default())).await.unwrap()
}

#[tokio::test]
async fn what_is_new_changed_and_unchanged_is_told_and_nothing_is_written() {
    let text = format!(
        "{DEPLOYMENT}---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: new}}, data: {{a: '1'}}}}\n---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: same}}, data: {{a: '1'}}}}\n"
    );
    let manifests = read(&text);
    let same = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same", "namespace": "shop"}, "data": {"a": "1", "b": "2"}});
    let server = Scripted::with(&[live(5), same]).await;
    let planned = planned(&server, &manifests).await;
    let effects: Vec<Option<Effect>> = planned.iter().map(|planned| planned.effect).collect();
    assert_eq!(effects, [Some(Effect::Update), Some(Effect::Create), None]);
    assert_eq!(planned[0].details, ["spec.replicas: 5 -> 2"]);
    let before = |planned: &Planned| planned.before.clone().unwrap();
    assert_eq!((before(&planned[0]).resource_version.as_str(), before(&planned[0]).unchanged), ("1", false));
    assert!(before(&planned[2]).unchanged);
    assert_eq!((&planned[1].before, planned[2].before.as_ref().unwrap().uid.as_str()), (&None, "uid-2"));
    let changes = changes(manifests.objects(), &planned);
    let told: Vec<String> =
        changes.iter().map(|change| format!("{:?} {}", change.effect, change.subject)).collect();
    assert_eq!(told, ["Update Deployment shop/web", "Create ConfigMap shop/new"]);
    assert!(server.seen().iter().all(|seen| seen.method == "GET" || seen.has("dryRun", "All")));
}

#[tokio::test]
async fn what_comes_with_the_release_is_planned_as_new() {
    let text = "\
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.com},
 spec: {group: example.com, scope: Namespaced, names: {kind: Widget}}}
";
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH" && seen.path.contains("/namespaces/shop/"))
            .then(|| Reply::status(404, "NotFound", "namespaces \"shop\" not found"))
    })
    .await;
    let planned = planned(&server, &read(text)).await;
    assert!(planned.iter().all(|planned| planned.effect == Some(Effect::Create)), "{planned:?}");
    assert_eq!(planned[1].details, ["its namespace comes with this release, and the server judges it then"]);
    assert_eq!(planned[2].details, ["its kind comes with this release, and the server judges it then"]);
    let asked = server.lines().into_iter().filter(|line| line.contains("/namespaces/shop/"));
    assert_eq!(asked.count(), 0, "nothing is asked of a namespace that is not there: {:?}", server.lines());
    assert_eq!(server.discoveries(), 1, "the kind that comes is not looked for again");
}

/// Five ConfigMaps of a release; the last one is not there.
fn of_a_release() -> (ManifestSet, Vec<Value>) {
    let text: Vec<String> = (0..5)
        .map(|number| {
            format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{number}}}, data: {{a: '1'}}}}\n")
        })
        .collect();
    let manifests =
        ManifestSet::builder().text("m.yaml", text.join("---\n")).namespace("shop").label(PART_OF, "x");
    let object = |number: u32| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": if number == 1 { "0" } else { "1" }},
            "metadata": {"name": format!("c{number}"), "namespace": "shop", "labels": {PART_OF: "x"}},
        })
    };
    (manifests.read().unwrap(), (0..4).map(object).collect())
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";

#[tokio::test]
async fn many_objects_of_a_kind_are_read_by_one_list_of_the_release() {
    let (manifests, objects) = of_a_release();
    // As a list has them: without their kind.
    let mut items = objects.clone();
    for (number, item) in items.iter_mut().enumerate() {
        let item = item.as_object_mut().unwrap();
        item.retain(|key, _| key != "apiVersion" && key != "kind");
        let version = json!({"uid": format!("uid-{}", number + 1), "resourceVersion": (number + 1).to_string(), "generation": 1});
        item["metadata"].as_object_mut().unwrap().extend(version.as_object().unwrap().clone());
    }
    let listed = json!({"metadata": {"resourceVersion": "9"}, "items": items});
    let server = Scripted::start(move |seen| {
        let of_release = seen.is("GET", CONFIG_MAPS) && seen.has("labelSelector", &format!("{PART_OF}=x"));
        of_release.then(|| Reply::json(200, &listed))
    })
    .await;
    objects.iter().for_each(|object| server.put(object));
    let planned = planned(&server, &manifests).await;
    let effects: Vec<Option<Effect>> = planned.iter().map(|planned| planned.effect).collect();
    assert_eq!(effects, [None, Some(Effect::Update), None, None, Some(Effect::Create)]);
    assert_eq!(planned[1].details, ["data.a: 0 -> 1"]);
    let reads: Vec<String> = server.lines().into_iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(reads, [format!("GET {CONFIG_MAPS}"), format!("GET {CONFIG_MAPS}/c4")]);
}

#[tokio::test]
async fn an_object_that_changed_after_the_list_is_read_again() {
    let (manifests, objects) = of_a_release();
    let mut item = objects[0].clone();
    item["metadata"]["resourceVersion"] = json!("of old");
    item["data"]["a"] = json!("of old");
    let listed = json!({"metadata": {"resourceVersion": "9"}, "items": [item]});
    let server =
        Scripted::start(move |seen| seen.is("GET", CONFIG_MAPS).then(|| Reply::json(200, &listed))).await;
    objects.iter().for_each(|object| server.put(object));
    let planned = planned(&server, &manifests).await;
    assert_eq!(planned[0].effect, None, "{:?}", planned[0].details);
    assert!(server.lines().contains(&format!("GET {CONFIG_MAPS}/c0")));
}

#[tokio::test]
async fn where_nothing_may_be_listed_each_object_is_read() {
    let (manifests, objects) = of_a_release();
    let server = Scripted::start(|seen| {
        seen.is("GET", CONFIG_MAPS).then(|| Reply::status(403, "Forbidden", "configmaps is forbidden"))
    })
    .await;
    objects.iter().for_each(|object| server.put(object));
    let planned = planned(&server, &manifests).await;
    assert_eq!(planned.iter().filter(|planned| planned.effect.is_some()).count(), 2);
    let reads = server.lines().into_iter().filter(|line| line.starts_with(&format!("GET {CONFIG_MAPS}/")));
    assert_eq!(reads.count(), 5);
}

#[tokio::test]
async fn a_few_objects_are_read_while_many_are_listed_and_no_more_than_once() {
    let (mut manifests, objects) = of_a_release();
    let more = "{apiVersion: v1, kind: Secret, metadata: {name: key}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: web}}\n";
    manifests = manifests.and(read(more));
    let server = Scripted::start(|seen| {
        // The list is answered last.
        seen.is("GET", CONFIG_MAPS)
            .then(|| Reply::json(200, &json!({"items": []})).after(Duration::from_millis(200)))
    })
    .await;
    objects.iter().for_each(|object| server.put(object));
    planned(&server, &manifests).await;
    let lines = server.lines();
    let of = |wanted: &str| lines.iter().filter(|line| **line == format!("GET {wanted}")).count();
    for single in ["/api/v1/namespaces/shop/secrets/key", "/api/v1/namespaces/shop/services/web"] {
        assert_eq!(of(single), 1, "what is known not to be there is not read again: {lines:?}");
        let (read, next) =
            (place(&lines, &format!("GET {single}")), place(&lines, &format!("GET {CONFIG_MAPS}/c0")));
        assert!(read < next, "{lines:?}");
    }
}

fn place(lines: &[String], wanted: &str) -> usize {
    lines.iter().position(|line| line == wanted).unwrap()
}

#[tokio::test]
async fn all_objects_that_cannot_be_applied_are_told_at_once_with_their_places() {
    let text = "\
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: far, namespace: other}}
";
    let server = Scripted::start(|seen| {
        let unknown = "failed to create typed patch object (shop/a; /v1, Kind=ConfigMap): .dta: field not declared in schema";
        match (seen.method.as_str(), seen.path.rsplit('/').next()) {
            ("PATCH", Some("a")) => Some(Reply::status(500, "", unknown)),
            ("PATCH", Some("far")) => Some(Reply::status(404, "NotFound", "namespaces \"other\" not found")),
            _ => None,
        }
    })
    .await;
    let manifests = read(text);
    let error = plan(&hearing().0, &server.api, manifests.objects(), Options::default()).await.unwrap_err();
    assert_eq!(error.message(), "3 objects cannot be applied; nothing was changed");
    let report = error.report();
    for part in [
        "m.yaml:1:1: ConfigMap shop/a cannot be applied",
        "| the kind has no field dta",
        "m.yaml:5:1: the cluster knows no kind Widget of example.com/v1",
        "m.yaml:7:1: ConfigMap other/far cannot be applied: namespaces \"other\" not found",
        "add the Namespace other to the manifests",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
}

#[tokio::test]
async fn conflicts_are_decided_as_they_will_be_and_told() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH" && seen.has("force", "false"))
            .then(|| Reply::conflict(&[("\"kubectl-edit\" using apps/v1", ".spec.replicas")]))
    })
    .await;
    server.put(&live(5));
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!(one.details, ["spec.replicas: 5 -> 2", "takes over .spec.replicas from kubectl-edit"]);
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH").then(|| Reply::conflict(&[("\"helm\"", ".spec.replicas")]))
    })
    .await;
    server.put(&live(5));
    let manifests = read(DEPLOYMENT);
    let error = plan(&hearing().0, &server.api, manifests.objects(), Options::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.report().contains(".spec.replicas is 5 and set by helm; the manifest says 2"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn replicas_that_are_left_to_an_autoscaler_are_no_change() {
    let server = Scripted::autoscaled(&live(5)).await;
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!((one.effect, one.details.len()), (None, 1), "{one:?}");
}

#[tokio::test]
async fn what_cannot_be_changed_is_planned_as_replaced_or_refused() {
    let immutable = || {
        Scripted::start(|seen| {
            (seen.method == "PATCH").then(|| {
                let cause = json!([{"reason": "FieldValueInvalid", "message": "field is immutable", "field": "spec.template"}]);
                Reply::causes(422, "Invalid", "it is invalid", &cause)
            })
        })
    };
    let server = immutable().await;
    server.put(
        &json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m", "namespace": "shop"}}),
    );
    let one =
        planned(&server, &read("{apiVersion: batch/v1, kind: Job, metadata: {name: m}}")).await.remove(0);
    assert_eq!(one.effect, Some(Effect::Replace));
    let server = immutable().await;
    server.put(&live(2));
    let manifests = read(DEPLOYMENT);
    let error = plan(&hearing().0, &server.api, manifests.objects(), Options::default()).await.unwrap_err();
    assert!(error.report().contains("landfall/recreate"), "{}", error.report());
}

#[tokio::test]
async fn an_object_that_cannot_be_tried_is_planned_even_so() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH")
            .then(|| Reply::status(400, "BadRequest", "admission webhook \"x\" does not support dry run"))
    })
    .await;
    server.put(&live(2));
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!(one.effect, Some(Effect::Update));
    assert!(
        one.details[0].contains("does not support dry run: what is changed is not known beforehand"),
        "{one:?}"
    );
}

#[tokio::test]
async fn somebody_elses_object_is_warned_about_when_it_is_changed() {
    let mut object = live(5);
    object["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
    object["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {}},
    ]);
    let server = Scripted::with(&[object]).await;
    let (manifests, (cx, told)) = (read(DEPLOYMENT), hearing());
    let one = plan(&cx, &server.api, manifests.objects(), Options::default()).await.unwrap().remove(0);
    let told = told.lock().unwrap().clone();
    assert_eq!(
        told,
        [
            "other-owner: Deployment shop/web: Flux apps deploys it too, and will put back what is changed here"
        ]
    );
    assert!(one.before.unwrap().migrate);
    assert!(one.details[1].starts_with("takes over what kubectl has set"), "{:?}", one.details);
}

#[tokio::test]
async fn no_dry_run_is_made_of_what_the_server_shows_to_be_as_wanted() {
    let mut object = live(2);
    let ours = json!({
        "manager": "landfall", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
    });
    object["metadata"]["managedFields"] = json!([ours]);
    let server = Scripted::with(&[object.clone()]).await;
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!((one.effect, one.before.unwrap().unchanged), (None, true));
    assert_eq!(server.lines(), [format!("GET {WEB}")]);
    // What kubectl has set becomes landfall's.
    object["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
    object["metadata"]["managedFields"] = json!([
        ours, {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {}},
    ]);
    let server = Scripted::with(&[object]).await;
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!((one.effect, one.before.unwrap().migrate), (Some(Effect::Update), true));
}

#[tokio::test]
async fn what_a_controller_changes_meanwhile_is_no_difference_of_ours() {
    let reads = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        let early = seen.is("GET", WEB) && reads.fetch_add(1, Ordering::SeqCst) == 0;
        early.then(|| {
            let mut object = live(2);
            object["metadata"]["resourceVersion"] = json!("0");
            Reply::json(200, &object)
        })
    })
    .await;
    let mut object = live(2);
    object["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    server.put(&object);
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!((one.effect, server.seen().len()), (None, 4), "{one:?}");
}

#[tokio::test]
async fn to_become_the_manager_of_what_is_there_is_a_change_too() {
    let server = Scripted::start(|seen| {
        (seen.method == "PATCH").then(|| {
            let mut object = live(2);
            object["metadata"]["resourceVersion"] = json!("1");
            object["metadata"]["managedFields"] =
                json!([{"manager": "landfall", "operation": "Apply", "fieldsV1": {"f:spec": {}}}]);
            Reply::json(200, &object)
        })
    })
    .await;
    server.put(&live(2));
    let one = planned(&server, &read(DEPLOYMENT)).await.remove(0);
    assert_eq!(one.details, ["landfall becomes the manager of what the manifest sets"]);
}

#[tokio::test]
async fn a_release_of_nothing_but_refusals_of_us_is_one_error() {
    let server = Scripted::start(|seen| {
        (seen.method == "GET" && seen.path.contains("configmaps")).then(|| {
            Reply::status(403, "Forbidden", r#"User "system:anonymous" cannot get resource "configmaps""#)
        })
    })
    .await;
    let manifests = read(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n",
    );
    let error = plan(&hearing().0, &server.api, manifests.objects(), Options::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.causes().len()), (ErrorKind::Auth, 0));
}
