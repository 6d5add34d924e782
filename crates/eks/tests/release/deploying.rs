//! The ordinary course: a deployment, one that changes nothing, one that fails and is put back.

use landfall_core::{End, Outcome, Undone};
use landfall_simulator::{PodBehaviour, PodRule};

use crate::support::{World, web};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const SETTINGS: &str = "/api/v1/namespaces/default/configmaps/web";

#[tokio::test(start_paused = true)]
async fn a_release_is_applied_waited_for_and_remembered() {
    let world = World::new();
    let report = world.deploy("run-1", &web("example.com/web:1", "a")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(report.verdict.outputs.find("revision"), Some("1"));
    assert_eq!(world.object(WEB).unwrap()["status"]["availableReplicas"], 2);
    let secret = world.object("/api/v1/namespaces/default/secrets/landfall-web").unwrap();
    assert!(
        secret["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
            == "ConfigMap,Deployment.apps"
    );
    let lease = world.object("/apis/coordination.k8s.io/v1/namespaces/default/leases/landfall-web").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default(), "", "the lock is given back");
}

#[tokio::test(start_paused = true)]
async fn a_second_run_changes_nothing_and_says_so() {
    let world = World::new();
    world.deploy("run-1", &web("example.com/web:1", "a")).await;
    let writes = world.writes().len();
    let before = world.cluster.requests().len();
    let report = world.deploy("run-2", &web("example.com/web:1", "a")).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{report:#?}");
    assert_eq!(world.writes().len(), writes);
    let lists: Vec<_> = world.cluster.requests()[before..]
        .iter()
        .filter(|one| one.query.contains("limit="))
        .map(|one| one.path.clone())
        .collect();
    assert_eq!(
        lists,
        ["/apis/apps/v1/namespaces/default/deployments"],
        "one list for each kind, and no watch"
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_is_put_back_with_all_of_its_objects() {
    let world = World::new();
    world.deploy("run-1", &web("example.com/web:1", "a")).await;
    let rule = PodRule::of("Deployment", "web", PodBehaviour::ImageNotFound).image("*:2");
    world.cluster.behave(rule);
    let more = format!(
        "{}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: new}}\n",
        web("example.com/web:2", "b")
    );
    let report = world.deploy("run-2", &more).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:#?}");
    assert!(
        report.verdict.causes.iter().any(|cause| cause.message.contains("example.com/web:2")),
        "{report:#?}"
    );
    assert_eq!(report.undone, Undone::Reverted, "{report:#?}");
    assert_eq!(world.object(SETTINGS).unwrap()["data"]["setting"], "a");
    assert_eq!(
        world.object(WEB).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"],
        "example.com/web:1"
    );
    assert_eq!(world.object("/api/v1/namespaces/default/configmaps/new"), None, "what the run made is gone");
}
