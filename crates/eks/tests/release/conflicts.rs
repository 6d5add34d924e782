//! Fields that others have set.

use landfall_core::Outcome;
use serde_json::{Value, json};

use crate::support::{World, deployment, said};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn image(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } }
    })
}

fn live_image(world: &World) -> Value {
    world.object(WEB).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[tokio::test(start_paused = true)]
async fn what_a_person_has_edited_is_taken_over_with_a_warning() {
    let world = World::new();
    world.deploy("run-1", &deployment("web", "example.com/web:1")).await;
    world.apply_as("kubectl-edit", WEB, &image("example.com/web:hotfix")).await;
    let report = world.deploy("run-2", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(live_image(&world), "example.com/web:2");
    assert!(world.notes().contains(&"field-taken-over".to_owned()), "{:?}", world.notes());
}

#[tokio::test(start_paused = true)]
async fn replicas_are_left_to_an_autoscaler_that_has_set_them() {
    let world = World::new();
    world.deploy("run-1", &deployment("web", "example.com/web:1")).await;
    let scale = json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": { "name": "web", "namespace": "default" }, "spec": { "replicas": 5 } });
    world
        .send_as("kube-controller-manager", "PUT", &format!("{WEB}/scale"), "application/json", &scale)
        .await;
    let report = world.deploy("run-2", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    let live = world.object(WEB).unwrap();
    assert_eq!((&live["spec"]["replicas"], &live["status"]["readyReplicas"]), (&json!(5), &json!(5)));
    assert!(world.notes().contains(&"replicas-left".to_owned()), "{:?}", world.notes());
    let report = world.deploy("run-3", &deployment("web", "example.com/web:2")).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_another_controller_has_set_is_refused_with_field_manager_and_both_values() {
    let world = World::new();
    world.deploy("run-1", &deployment("web", "example.com/web:1")).await;
    world.apply_as("argocd-controller", WEB, &image("example.com/web:argo")).await;
    let writes = world.writes().len();
    let report = world.deploy("run-2", &deployment("web", "example.com/web:2")).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{report:#?}") };
    let told = error.report();
    for part in ["argocd-controller", "image", "example.com/web:argo", "example.com/web:2"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert_eq!(world.writes().len(), writes, "nothing was changed");
    assert!(said(&report).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_applied_by_the_client_goes_when_the_manifest_does_not_have_it_any_more() {
    let world = World::new();
    let path = "/api/v1/namespaces/default/configmaps/web";
    let applied = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web" }, "data": { "a": "1", "old": "2" } });
    let mut created = applied.clone();
    created["metadata"]["annotations"] =
        json!({ "kubectl.kubernetes.io/last-applied-configuration": format!("{applied}\n") });
    let collection = "/api/v1/namespaces/default/configmaps";
    world.send_as("kubectl-client-side-apply", "POST", collection, "application/json", &created).await;
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: '1', old: '2'}\n";
    let report = world.deploy("run-1", text).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    let live = world.object(path).unwrap();
    let managers: Vec<&Value> =
        live["metadata"]["managedFields"].as_array().unwrap().iter().map(|one| &one["manager"]).collect();
    assert_eq!(managers, [&json!("landfall")]);
    let report = world.deploy("run-2", &text.replace(", old: '2'", "")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(world.object(path).unwrap()["data"], json!({ "a": "1" }));
}
