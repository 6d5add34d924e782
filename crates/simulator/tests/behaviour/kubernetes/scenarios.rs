//! The built-in scenarios of the API server are what they say.

use std::time::Duration;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Scenario, Simulator};
use serde_json::Value;

use super::watches::watch;
use super::{CONFIG_MAPS, Cluster, DEPLOYMENTS, condition, deployment};

fn cluster(scenario: &str) -> Cluster {
    let simulator = Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build();
    let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
    Cluster { simulator, api }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_does_not_come_up_for_the_reason_of_its_scenario() {
    for (scenario, reason) in [
        ("kubernetes-image-not-found", "ImagePullBackOff"),
        ("kubernetes-crash", "CrashLoopBackOff"),
        ("kubernetes-never-ready", "Unhealthy"),
        ("kubernetes-unschedulable", "Unschedulable"),
        ("kubernetes-quota", "exceeded quota: compute"),
    ] {
        let cluster = cluster(scenario);
        cluster.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", "web:1")).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let web = cluster.object(&format!("{DEPLOYMENTS}/web"));
        assert_eq!(condition(&web, "Available"), "False MinimumReplicasUnavailable", "{scenario}");
        let seen = format!("{}{:?}", Value::from(cluster.pods().await), cluster.events().await);
        assert!(seen.contains(reason), "{scenario}: {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_may_come_late() {
    let cluster = cluster("kubernetes-node-comes");
    let web = format!("{DEPLOYMENTS}/web");
    cluster.apply(&web, &deployment("web", "web:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(condition(&cluster.object(&web), "Available"), "False MinimumReplicasUnavailable");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(condition(&cluster.object(&web), "Available"), "True MinimumReplicasAvailable");
}

#[tokio::test(start_paused = true)]
async fn callers_are_refused_by_the_reason_of_the_scenario() {
    let web = format!("{DEPLOYMENTS}/web");
    let object = deployment("web", "web:1");
    for (scenario, status) in
        [("kubernetes-not-mapped", 401), ("kubernetes-denied", 403), ("kubernetes-watch-denied", 201)]
    {
        assert_eq!(cluster(scenario).apply(&web, &object).await.status, status, "{scenario}");
    }
    let unwatched = cluster("kubernetes-watch-denied");
    assert_eq!(unwatched.get(&format!("{CONFIG_MAPS}?watch=true")).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn the_server_may_be_busy_or_break_its_watches() {
    let busy = cluster("kubernetes-busy");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(busy.get(CONFIG_MAPS).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 200, 200, 429]);
    let breaking = cluster("kubernetes-broken-watches");
    let mut events = watch(&breaking, &format!("{DEPLOYMENTS}?watch=true&resourceVersion=1000000")).await;
    assert!(events.next().await.is_err());
    assert_eq!(breaking.simulator.calls()[0].fault, Some("kubernetes".to_owned()));
}
