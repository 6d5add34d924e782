use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, Error, ErrorKind, Place};
use landfall_simulator::{
    CallNumbers, DEMO_ACCOUNT, DEMO_REGION, Denial, EksCluster, Fault, FaultKind, Simulator, World,
};
use serde_json::{Value, json};

use super::{Cluster, find};

const PEM: &str = include_str!("../../../../simulator/src/eks/public_authority.pem");

fn place() -> Place {
    Place::new("aws", DEMO_ACCOUNT, DEMO_REGION)
}

fn simulator(name: &str, status: &str, settings: Value) -> Simulator {
    let mut world = World::demo();
    let cluster = EksCluster { status: status.to_owned(), settings, ..EksCluster::default() };
    world.account(DEMO_ACCOUNT).region(DEMO_REGION).eks_clusters.insert(name.to_owned(), cluster);
    Simulator::builder().world(world).build()
}

async fn found(simulator: &Simulator, name: &str) -> Result<Cluster, Error> {
    let cx = Context::builder("run").clock(Clock::starting_at(simulator.now())).build();
    Cluster::find(&cx, &simulator.sdk_config(), &place(), name).await
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_found_with_all_that_a_client_needs() {
    let simulator = simulator(
        "auto",
        "ACTIVE",
        json!({
            "computeConfig": { "enabled": true },
            "accessConfig": { "authenticationMode": "API" },
            "aMemberOfTomorrow": { "x": [1] }
        }),
    );
    let cluster = found(&simulator, "demo").await.unwrap();
    assert_eq!((cluster.name(), cluster.token_name(), cluster.version()), ("demo", "demo", "1.34"));
    assert!(cluster.endpoint().ends_with(".gr7.eu-central-1.eks.amazonaws.com"), "{}", cluster.endpoint());
    assert_eq!(cluster.certificates().count(), 1);
    assert_eq!(cluster.authentication_mode(), Some("API_AND_CONFIG_MAP"));
    assert!(cluster.access().public && cluster.access().private && !cluster.is_auto_mode());
    assert_eq!(cluster.ahead(), SignedDuration::ZERO);
    assert_eq!(cluster.to_string(), "demo in account 111122223333 eu-central-1");
    let auto = found(&simulator, "auto").await.unwrap();
    assert!(auto.is_auto_mode());
    assert_eq!(auto.authentication_mode(), Some("API"));
    assert_eq!(simulator.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_missing_cluster_is_told_with_those_that_are_there() {
    let simulator = simulator("production", "ACTIVE", Value::Null);
    let error = found(&simulator, "prodution").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.message(),
        "there is no EKS cluster `prodution` in account 111122223333 eu-central-1; clusters there: demo, production"
    );
    assert_eq!(error.hint(), Some("did you mean `production`? Otherwise check the account and the region"));
    let error = found(&simulator, "x").await.unwrap_err();
    assert_eq!(error.hint(), Some("check the cluster's name, the account and the region"));
}

#[tokio::test(start_paused = true)]
async fn a_missing_cluster_is_told_without_them_when_they_may_not_be_listed() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).denied.push(Denial::of("eks:ListClusters"));
    let error = found(&Simulator::builder().world(world).build(), "x").await.unwrap_err();
    assert_eq!(error.message(), "there is no EKS cluster `x` in account 111122223333 eu-central-1");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_used_yet_or_any_more_says_what_to_do() {
    for (status, hint) in [
        ("CREATING", "aws eks wait cluster-active --name c --region eu-central-1"),
        ("DELETING", "CloudTrail names who called DeleteCluster"),
        ("FAILED", "mend what is named here"),
        ("PENDING", "Outpost"),
        ("SOMETHING_NEW", "run again when it is ACTIVE"),
    ] {
        let error = found(&simulator("c", status, Value::Null), "c").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{status}");
        let message = format!(
            "cluster c in account 111122223333 eu-central-1 is {status}, not ACTIVE: it cannot be deployed to"
        );
        assert_eq!(error.message(), message);
        assert!(error.hint().unwrap().contains(hint), "{status}: {:?}", error.hint());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_cluster_is_told_with_its_issues() {
    let issues = json!({ "health": { "issues": [
        { "code": "InsufficientFreeAddresses", "message": "no addresses", "resourceIds": ["subnet-0a", "subnet-0b"] }
    ] } });
    let error = found(&simulator("c", "FAILED", issues), "c").await.unwrap_err();
    assert_eq!(error.causes()[0].message, "InsufficientFreeAddresses: no addresses (subnet-0a, subnet-0b)");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_updated_is_used_with_a_note() {
    let simulator = simulator("c", "UPDATING", Value::Null);
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&told);
    let observer = Arc::new(move |event: &Event| {
        if let EventKind::Note { code, .. } = &event.kind {
            ears.lock().unwrap().push(code.clone());
        }
    });
    let cx = Context::builder("run").clock(Clock::starting_at(simulator.now())).observer(observer).build();
    Cluster::find(&cx, &simulator.sdk_config(), &place(), "c").await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["cluster-updating"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_elsewhere_is_not_one_of_eks() {
    let settings =
        json!({ "connectorConfig": { "provider": "GKE" }, "endpoint": null, "certificateAuthority": null });
    let error = found(&simulator("c", "ACTIVE", settings), "c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("it runs at GKE"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_address_or_certificate_is_no_cluster() {
    for (settings, what) in [
        (json!({ "endpoint": null }), "endpoint"),
        (json!({ "endpoint": "http://127.0.0.1" }), "endpoint"),
        (json!({ "certificateAuthority": null }), "certificate"),
        (json!({ "certificateAuthority": { "data": "%" } }), "certificate"),
        (json!({ "certificateAuthority": { "data": "AAAA" } }), "certificate"),
    ] {
        let error = found(&simulator("c", "ACTIVE", settings), "c").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient);
        assert_eq!(error.message(), format!("cluster c is ACTIVE, and AWS names no {what} of it"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_local_cluster_on_an_outpost_signs_for_its_id() {
    let settings = json!({ "id": "0000-1111", "outpostConfig": { "outpostArns": [] } });
    let simulator = simulator("c", "ACTIVE", settings);
    assert_eq!(found(&simulator, "c").await.unwrap().token_name(), "0000-1111");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_found_by_the_answer() {
    let simulator = simulator("c", "ACTIVE", Value::Null);
    let wrong = Clock::starting_at(simulator.now() - SignedDuration::from_hours(1));
    let cx = Context::builder("run").clock(wrong).build();
    let cluster = Cluster::find(&cx, &simulator.sdk_config(), &place(), "c").await.unwrap();
    assert_eq!(cluster.ahead(), SignedDuration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn denied_and_passing_failures_are_what_they_are_everywhere() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).denied.push(Denial::of("eks:DescribeCluster"));
    let error = found(&Simulator::builder().world(world).build(), "demo").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.report().contains("eks:DescribeCluster"), "{}", error.report());
    let simulator = Simulator::builder().build();
    let kind = FaultKind::Error { code: "ServerException".to_owned(), message: String::new(), status: 500 };
    simulator.add_fault(Fault::new("eks", "DescribeCluster", kind).on(CallNumbers::First(1)));
    assert_eq!(found(&simulator, "demo").await.unwrap().name(), "demo", "the second attempt gets through");
    assert_eq!(simulator.count("eks", "DescribeCluster"), 2);
}

fn hint(settings: &Value) -> String {
    let facts = serde_json::from_value(json!({
        "status": "ACTIVE",
        "endpoint": "https://example.com",
        "certificateAuthority": { "data": base64::Engine::encode(&super::STANDARD, PEM) },
        "resourcesVpcConfig": settings
    }));
    let cluster = Cluster::judged(facts.unwrap(), "c", &place(), SignedDuration::ZERO).unwrap();
    let error = cluster.unreachable("connection timed out");
    let expected =
        "the API server of cluster c, https://example.com, cannot be reached: connection timed out";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Transient, expected));
    error.hint().unwrap().to_owned()
}

#[test]
fn a_server_that_cannot_be_reached_is_explained_by_the_settings_of_its_endpoint() {
    let private = hint(&json!({ "endpointPublicAccess": false, "endpointPrivateAccess": true }));
    assert!(private.contains("only its VPC") && private.contains("--name c"), "{private}");
    let narrow = hint(&json!({ "endpointPublicAccess": true, "publicAccessCidrs": ["192.0.2.0/24"] }));
    assert!(narrow.contains("takes connections from 192.0.2.0/24 only"), "{narrow}");
    let open = hint(&json!({ "endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"] }));
    assert!(open.contains("is public: check the firewall"), "{open}");
}

#[test]
fn a_known_cluster_needs_no_call_and_is_checked() {
    let cluster = Cluster::known(&place(), "c", "https://example.com", PEM).unwrap();
    assert_eq!((cluster.endpoint(), cluster.certificates().count()), ("https://example.com", 1));
    let error = Cluster::known(&place(), "c", "example.com", "none").unwrap_err();
    assert_eq!((error.kind(), error.causes().len()), (ErrorKind::Invalid, 2));
}

#[test]
fn small_differences_of_clocks_are_none() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    for (server, ahead) in [(None, 0), (Some(4), 0), (Some(-4), 0), (Some(5), 5), (Some(-600), -600)] {
        let server = server.map(|seconds| now + SignedDuration::from_secs(seconds));
        assert_eq!(find::ahead(server, now), SignedDuration::from_secs(ahead));
    }
}
