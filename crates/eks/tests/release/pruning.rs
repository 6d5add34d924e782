//! What is not in the manifests any more.

use std::time::Duration;

use landfall_core::DeployTargetExt;
use landfall_core::{Outcome, Policy};
use landfall_eks::Prune;
use landfall_simulator::Phase;
use serde_json::{Value, json};

use crate::support::{World, web};

const OLD: &str = "/api/v1/namespaces/default/configmaps/old";

fn old() -> String {
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\ndata: {by: landfall}\n".to_owned()
}

async fn with(world: &World, more: &str) {
    let report = world.deploy("run-1", &[web("example.com/web:1", "a"), more.to_owned()].join("---\n")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
}

async fn without(world: &World, run: &str, prune: Prune) {
    let report = world.deploy_with(run, &web("example.com/web:1", "a"), |builder| builder.prune(prune)).await;
    assert!(report.is_success(), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_out_is_deleted_when_asked_for() {
    let world = World::new();
    with(&world, &old()).await;
    without(&world, "run-2", Prune::Never).await;
    assert!(world.object(OLD).is_some() && world.notes().contains(&"not-pruned".to_owned()));
    without(&world, "run-3", Prune::Safe).await;
    assert_eq!(world.object(OLD), None);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_made_anew_or_annotated_is_kept() {
    let world = World::new();
    with(&world, &old()).await;
    world.send_as("kubectl", "DELETE", OLD, "application/json", &Value::Null).await;
    let anew = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "old" }, "data": { "by": "kubectl" } });
    world.apply_as("kubectl", OLD, &anew).await;
    without(&world, "run-2", Prune::Everything).await;
    assert_eq!(world.object(OLD).unwrap()["data"]["by"], "kubectl");
    let world = World::new();
    with(&world, &old().replace("{name: old}", "{name: old, annotations: {landfall/keep: 'true'}}")).await;
    without(&world, "run-2", Prune::Everything).await;
    assert!(world.object(OLD).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_takes_everything_in_it_along_is_kept_without_consent() {
    let world = World::new();
    let [_, _, definition, namespace] = crate::ordering::WRONG_ORDER.split("---\n").collect::<Vec<_>>()[..]
    else {
        panic!("the documents are others");
    };
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
    with(&world, &[definition, namespace, claim].join("---\n")).await;
    let paths = [
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
        "/api/v1/namespaces/shop",
        "/api/v1/namespaces/default/persistentvolumeclaims/data",
    ];
    without(&world, "run-2", Prune::Safe).await;
    assert!(paths.iter().all(|path| world.object(path).is_some()));
    without(&world, "run-3", Prune::Everything).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(paths.iter().all(|path| world.object(path).is_none()));
}

#[tokio::test(start_paused = true)]
async fn after_a_run_that_was_killed_another_waits_for_its_lock_and_what_it_had_made_can_be_pruned() {
    let world = World::new();
    // Killed when the object was made, and nothing was told of it.
    let text = [old(), web("example.com/web:1", "a")].join("---\n");
    let release = world.release(&text);
    let cx = world.cx("killed").build();
    let mut killed = false;
    for call in 1..100 {
        let held = world.simulator.hold_call(call, Phase::After);
        let policy = Policy::default();
        tokio::select! {
            biased;
            () = held.reached() => {}
            report = release.deploy(&cx, &policy) => panic!("{report:#?}"),
        }
        if world.object(OLD).is_some() {
            killed = true;
            break;
        }
    }
    assert!(killed);
    drop(release);
    let refused = world.deploy("run-2", &web("example.com/web:1", "a")).await;
    let Outcome::Refused { error } = &refused.verdict.outcome else { panic!("{refused:#?}") };
    assert!(error.report().contains("killed/deploy"), "{}", error.report());
    tokio::time::sleep(Duration::from_secs(121)).await;
    without(&world, "run-3", Prune::Safe).await;
    assert!(world.notes().contains(&"lock-taken-over".to_owned()), "{:?}", world.notes());
    assert_eq!(world.object(OLD), None, "the inventory knew it before it was made");
}
