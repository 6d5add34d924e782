//! Wrong names: answered with the names there are.

use landfall_core::{ErrorKind, Outcome, Policy};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Denial, Simulator, World};

use crate::stage::{IMAGE, Stage, told};

/// The demonstration world with another cluster and another service.
fn world() -> World {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
    region.cluster("live");
    let demo = region.cluster("demo");
    let web = demo.services["web"].clone();
    demo.services.insert("api".to_owned(), web);
    world
}

/// What is said about a deployment to this service of this cluster.
async fn refused(world: World, cluster: &str, service: &str) -> String {
    let stage = Stage::with(Simulator::builder().world(world).build());
    let target = stage.made(stage.builder().cluster(cluster).service(service).image("web", IMAGE));
    let report = stage.run(&target, &Policy::default()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert_eq!((error.kind(), report.exit_code()), (ErrorKind::NotFound, 1), "{error}");
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    error.message().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_cluster_is_answered_with_the_clusters_there_are() {
    assert_eq!(
        refused(world(), "dmeo", "web").await,
        "there is no cluster `dmeo` in account 111122223333 eu-central-1; clusters there: demo, live"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_service_is_answered_with_the_services_there_are() {
    assert_eq!(
        refused(world(), "demo", "wbe").await,
        "there is no service `wbe` in cluster `demo` in account 111122223333 eu-central-1; services there: api, web"
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_list_names_what_is_missing_is_told_even_so() {
    let mut world = world();
    let denied = ["ecs:ListClusters", "ecs:ListServices"].map(Denial::of);
    world.account(DEMO_ACCOUNT).denied.extend(denied);
    let message = refused(world, "demo", "wbe").await;
    assert_eq!(message, "there is no service `wbe` in cluster `demo` in account 111122223333 eu-central-1");
}
