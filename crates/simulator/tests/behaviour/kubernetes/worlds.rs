//! The built-in scenarios of what is around a rollout: other writers, claims, load balancers, webhooks, and the server.

use std::time::Duration;

use landfall_simulator::Scenario;
use serde_json::{Value, json};

use super::definitions::{DEFINITIONS, WIDGETS, definition};
use super::scenarios::{cluster, path, web};
use super::watches::watch;
use super::{CONFIG_MAPS, DEPLOYMENTS, condition};

/// Manager and field of each cause of a conflict.
fn conflicts(refusal: &Value) -> Vec<String> {
    let causes = refusal["details"]["causes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    causes.iter().map(|cause| format!("{} {}", text(&cause["message"]), text(&cause["field"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn other_writers_are_in_conflict_with_the_next_release() {
    let image = ".spec.template.spec.containers[name=\"web\"].image";
    let scaled =
        "conflict with \"kube-controller-manager\" with subresource \"scale\" using apps/v1 .spec.replicas";
    for (scenario, expected) in [
        ("edited-by-hand", format!("conflict with \"kubectl-edit\" using apps/v1 {image}")),
        ("autoscaled", scaled.to_owned()),
        ("argocd", format!("conflict with \"argocd-controller\" {image}")),
        ("other-owner", format!("conflict with \"helm\" using apps/v1 {image}")),
    ] {
        let cluster = cluster(&format!("kubernetes-{scenario}"));
        let live = cluster.object(&path());
        assert_eq!(condition(&live, "Progressing"), "True NewReplicaSetAvailable", "{scenario}");
        let refused = cluster.apply(&path(), &web()).await;
        assert_eq!((refused.status, refused.reason()), (409, "Conflict"), "{scenario}");
        assert_eq!(conflicts(&refused.json), [expected], "{scenario}");
        if scenario == "autoscaled" {
            assert_eq!(live["spec"]["replicas"], 3, "the autoscaler asks for that many at least");
            let mut without = web();
            without["spec"].as_object_mut().unwrap().shift_remove("replicas");
            let applied = cluster.apply(&path(), &without).await.ok();
            assert_eq!(applied["spec"]["replicas"], 3);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_volume_is_made_for_a_claim() {
    let cluster = cluster("kubernetes-claim-pending");
    let path = "/api/v1/namespaces/default/persistentvolumeclaims/data";
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } }
    });
    cluster.apply(path, &claim).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(cluster.object(path)["status"]["phase"], "Pending");
    let events = cluster.events().await;
    assert!(events.iter().any(|(reason, why)| reason == "ProvisioningFailed" && why.contains("gp3")));
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_comes_late_or_never() {
    let path = "/api/v1/namespaces/default/services/web";
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
        "spec": { "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }] }
    });
    let late = cluster("kubernetes-load-balancer-late");
    late.apply(path, &service).await.ok();
    let has_address = |object: &Value| object["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string();
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(!has_address(&late.object(path)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(has_address(&late.object(path)));
    let never = cluster("kubernetes-load-balancer-fails");
    never.apply(path, &service).await.ok();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(!has_address(&never.object(path)));
    let events = never.events().await;
    assert!(events.iter().any(|(reason, why)| reason == "FailedBuildModel" && why.contains("subnets")));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_down_for_a_while() {
    let cluster = cluster("kubernetes-webhook-down");
    for _ in 0..3 {
        let refused = cluster.apply(&path(), &web()).await;
        assert_eq!((refused.status, refused.reason()), (500, "InternalError"));
        assert!(refused.message().contains("failed calling webhook"), "{}", refused.message());
    }
    cluster.apply(&path(), &web()).await.ok();
}

#[tokio::test(start_paused = true)]
async fn callers_are_refused_by_the_reason_of_the_scenario() {
    for (scenario, status) in [
        ("kubernetes-not-mapped", 401),
        ("kubernetes-denied", 403),
        ("kubernetes-watch-denied", 200),
        ("kubernetes-events-denied", 200),
        ("kubernetes-token-refused", 401),
    ] {
        assert_eq!(cluster(scenario).apply(&path(), &web()).await.status, status, "{scenario}");
    }
    let unwatched = cluster("kubernetes-watch-denied");
    assert_eq!(unwatched.get(&format!("{CONFIG_MAPS}?watch=true")).await.status, 403);
    let silent = cluster("kubernetes-events-denied");
    for query in ["", "?watch=true"] {
        let refused = silent.get(&format!("/api/v1/namespaces/default/events{query}")).await;
        assert_eq!(refused.status, 403);
        assert!(refused.message().contains("resource \"events\" in API group \"\""), "{}", refused.message());
    }
    let ending = cluster("kubernetes-session-expires");
    let pods = "/api/v1/namespaces/default/pods";
    let statuses = [
        ending.get(pods).await.status,
        ending.get(pods).await.status,
        ending.get(pods).await.status,
        ending.get(CONFIG_MAPS).await.status,
    ];
    assert_eq!(statuses, [200, 401, 401, 401], "it stays ended");
}

#[tokio::test(start_paused = true)]
async fn the_server_may_be_busy_not_ready_or_break_what_is_under_way() {
    for (scenario, expected) in [
        ("kubernetes-busy", [200, 200, 429, 200, 200, 429]),
        ("kubernetes-unavailable", [503, 503, 200, 200, 200, 200]),
    ] {
        let cluster = cluster(scenario);
        let mut statuses = Vec::new();
        for _ in 0..6 {
            statuses.push(cluster.get(CONFIG_MAPS).await.status);
        }
        assert_eq!(statuses, expected, "{scenario}");
    }
    let from = format!("{DEPLOYMENTS}?watch=true&resourceVersion=1000000");
    let mut broken = watch(&cluster("kubernetes-broken-watches"), &from).await;
    assert!(broken.next().await.is_err());
    let mut expired = watch(&cluster("kubernetes-expired-watches"), &from).await;
    let told = expired.next().await.unwrap().unwrap();
    assert_eq!((&told["type"], &told["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(expired.next().await.unwrap(), None);
    let reset = cluster("kubernetes-broken-connection");
    let apply = format!("{}?fieldManager=landfall", path());
    let applying = super::request(http::Method::PATCH, &apply, &web());
    assert!(reset.send(applying).await.is_err());
    let image = &reset.object(&path())["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, "registry.example.com/web:2.0", "it was applied");
}

#[tokio::test(start_paused = true)]
async fn reads_may_lag_behind_what_was_written() {
    let cluster = cluster("kubernetes-stale-reads");
    let applied = cluster.apply(&path(), &web()).await.ok();
    let generation = |object: &Value| object["metadata"]["generation"].as_u64().unwrap();
    assert_eq!(generation(&cluster.get(&path()).await.ok()), generation(&applied) - 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(generation(&cluster.get(&path()).await.ok()), generation(&applied));
}

#[tokio::test(start_paused = true)]
async fn a_kind_may_be_served_later_than_it_is_established() {
    let cluster = cluster("kubernetes-kind-comes-late");
    let path = format!("{DEFINITIONS}/widgets.example.com");
    cluster.apply(&path, &definition()).await.ok();
    cluster.until(|cluster| condition(&cluster.object(&path), "Established").starts_with("True")).await;
    for path in ["/apis/example.com/v1", WIDGETS] {
        let not_yet = cluster.get(path).await;
        assert_eq!((not_yet.status, not_yet.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
    assert!(!cluster.get("/apis").await.text.contains("example.com"));
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    assert_eq!(cluster.get(WIDGETS).await.status, 404);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(cluster.get(WIDGETS).await.status, 200);
    assert!(cluster.get("/apis").await.text.contains("example.com"));
}

#[test]
fn every_scenario_of_kubernetes_is_for_the_demonstrations_cluster() {
    let names = Scenario::names().into_iter().filter(|name| name.starts_with("kubernetes-"));
    for name in names {
        let scenario = Scenario::named(name).unwrap();
        assert!(!scenario.world.is_null() || !scenario.faults.is_empty(), "{name}");
    }
}
