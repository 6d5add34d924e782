//! Clusters as the EKS SDK client sees them.

use aws_sdk_eks::Client;
use aws_sdk_eks::config::{Credentials, Region};
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::types::{AuthenticationMode, ClusterStatus};
use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_REGION, Denial, EksCluster, Fault, FaultKind, Outcome, Simulator,
    World,
};
use serde_json::json;

fn simulator(change: impl FnOnce(&mut World)) -> Simulator {
    let mut world = World::demo();
    change(&mut world);
    Simulator::builder().world(world).build()
}

fn client(simulator: &Simulator) -> Client {
    Client::new(&simulator.sdk_config())
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_described_with_endpoint_certificate_and_access() {
    let simulator = simulator(|_| {});
    let answer = client(&simulator).describe_cluster().name("demo").send().await.unwrap();
    let cluster = answer.cluster().unwrap();
    assert_eq!(cluster.arn(), Some("arn:aws:eks:eu-central-1:111122223333:cluster/demo"));
    assert_eq!((cluster.status(), cluster.version()), (Some(&ClusterStatus::Active), Some("1.34")));
    let endpoint = cluster.endpoint().unwrap();
    assert!(
        endpoint.starts_with("https://") && endpoint.ends_with(".gr7.eu-central-1.eks.amazonaws.com"),
        "{endpoint}"
    );
    assert!(
        cluster
            .certificate_authority()
            .unwrap()
            .data()
            .unwrap()
            .starts_with("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t")
    );
    let network = cluster.resources_vpc_config().unwrap();
    assert_eq!(
        (network.endpoint_public_access(), network.public_access_cidrs()),
        (true, &["0.0.0.0/0".to_owned()][..])
    );
    let mode = cluster.access_config().unwrap().authentication_mode();
    assert_eq!(mode, Some(&AuthenticationMode::ApiAndConfigMap));
    assert!(cluster.created_at().unwrap().secs() > 0);
    let calls = simulator.calls();
    assert_eq!(
        (calls[0].service.as_str(), calls[0].operation.as_str(), calls[0].write),
        ("eks", "DescribeCluster", false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_being_made_has_no_endpoint_and_settings_change_what_is_shown() {
    let simulator = simulator(|world| {
        let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
        let new = EksCluster { status: "CREATING".to_owned(), ..EksCluster::default() };
        region.eks_clusters.insert("new".to_owned(), new);
        let settings = json!({
            "resourcesVpcConfig": { "endpointPublicAccess": false, "publicAccessCidrs": null },
            "computeConfig": { "enabled": true }
        });
        region.eks_clusters.insert("inside".to_owned(), EksCluster { settings, ..EksCluster::default() });
    });
    let new = client(&simulator).describe_cluster().name("new").send().await.unwrap().cluster.unwrap();
    assert_eq!((new.status(), new.endpoint()), (Some(&ClusterStatus::Creating), None));
    assert!(new.certificate_authority().is_none());
    let inside = client(&simulator).describe_cluster().name("inside").send().await.unwrap().cluster.unwrap();
    let network = inside.resources_vpc_config().unwrap();
    assert_eq!((network.endpoint_public_access(), network.endpoint_private_access()), (false, true));
    assert_eq!(inside.compute_config().unwrap().enabled(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_there_is_an_error_of_its_own() {
    let simulator = simulator(|_| {});
    let error = client(&simulator).describe_cluster().name("other/one").send().await.unwrap_err();
    let SdkError::ServiceError(refused) = &error else { panic!("{error:?}") };
    assert_eq!(refused.raw().status().as_u16(), 404);
    assert!(refused.err().is_resource_not_found_exception());
    assert_eq!(refused.err().message(), Some("No cluster found for name: other/one."));
    let elsewhere = simulator.sdk_config().to_builder().region(Region::from_static("eu-west-1")).build();
    let error = Client::new(&elsewhere).describe_cluster().name("demo").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test(start_paused = true)]
async fn clusters_are_listed_page_by_page() {
    let simulator = simulator(|world| {
        let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
        for name in ["live", "test"] {
            region.eks_clusters.insert(name.to_owned(), EksCluster::default());
        }
    });
    let client = client(&simulator);
    let first = client.list_clusters().max_results(2).send().await.unwrap();
    assert_eq!(first.clusters(), ["demo", "live"]);
    let second = client.list_clusters().set_next_token(first.next_token).send().await.unwrap();
    assert_eq!((second.clusters(), second.next_token()), (&["test".to_owned()][..], None));
    let bad = client.list_clusters().max_results(101).send().await.unwrap_err();
    assert_eq!(bad.code(), Some("InvalidParameterException"));
}

#[tokio::test(start_paused = true)]
async fn callers_are_known_and_may_be_denied() {
    let simulator = simulator(|world| {
        let user = world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap();
        user.denied.push(Denial::of("eks:DescribeCluster").on("*:cluster/demo"));
    });
    let error = client(&simulator).describe_cluster().name("demo").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let message = error.message().unwrap();
    let expected = "is not authorized to perform: eks:DescribeCluster on resource: \
                    arn:aws:eks:eu-central-1:111122223333:cluster/demo because no identity-based policy allows the \
                    eks:DescribeCluster action";
    assert!(message.ends_with(expected), "{message}");
    let wrong = Credentials::new(DEMO_ACCESS_KEY_ID, "wrong", None, None, "test");
    let config =
        aws_sdk_eks::config::Builder::from(&simulator.sdk_config()).credentials_provider(wrong).build();
    let error = Client::from_conf(config).list_clusters().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidSignatureException"));
    assert_eq!(simulator.calls()[1].outcome, Outcome::Refused("InvalidSignatureException".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn calls_can_be_hit_by_faults() {
    let simulator = simulator(|_| {});
    let kind = FaultKind::Error { code: "ServerException".to_owned(), message: "no".to_owned(), status: 500 };
    simulator.add_fault(Fault::new("eks", "DescribeCluster", kind));
    let error = client(&simulator).describe_cluster().name("demo").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServerException"));
}
