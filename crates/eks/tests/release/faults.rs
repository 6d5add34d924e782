//! What breaks on the way, and is not seen in the end.

use std::time::Duration;

use landfall_core::{DeployTargetExt, ErrorKind, Outcome, Policy};
use landfall_simulator::{
    CallNumbers, Fault, FaultKind, KubernetesDenial, KubernetesFault, Phase, PodBehaviour, PodRule,
};
use tokio::time::Instant;

use crate::support::{World, web};

/// A release that takes half a minute to become ready.
fn slow() -> World {
    let world = World::new();
    world.cluster.behave(PodRule::of("*", "*", PodBehaviour::Good { ready_after_ms: 30_000 }));
    world
}

async fn comes_up(world: &World) {
    let begun = Instant::now();
    let report = world.deploy("run-1", &web("example.com/web:1", "a")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    let took = begun.elapsed().as_secs();
    assert!((30..60).contains(&took), "it was seen at its time: {took} s");
}

fn watches(world: &World) -> usize {
    world.cluster.requests().iter().filter(|one| one.query.contains("watch=")).count()
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_break_or_are_too_old_are_begun_again() {
    for fault in [
        KubernetesFault::EndedWatch { after_ms: 2_000 },
        KubernetesFault::BrokenWatch { after_ms: 2_000 },
        KubernetesFault::ExpiredWatch { after_ms: 2_000 },
    ] {
        let world = slow();
        world.fault("watch *", fault);
        comes_up(&world).await;
        assert!(watches(&world) > 8, "{fault:?}: {}", watches(&world));
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_that_is_gone_is_listed_anew() {
    let world = slow();
    world.fault("watch *", KubernetesFault::EndedWatch { after_ms: 2_000 });
    let forgetting = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            world.cluster.forget_history();
        }
    };
    tokio::join!(comes_up(&world), forgetting);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_watched_it_is_asked_for() {
    let world = slow();
    world.cluster.deny(KubernetesDenial::of("watch", "*"));
    comes_up(&world).await;
    let notes = world.notes();
    assert!(notes.contains(&"watch-denied".to_owned()), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_listed_objects_are_asked_for_by_their_names() {
    let world = slow();
    for kind in ["deployments.apps", "secrets"] {
        world.cluster.deny(KubernetesDenial::of("list", kind));
        world.cluster.deny(KubernetesDenial::of("watch", kind));
    }
    comes_up(&world).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_see_pods_and_events_the_workload_alone_is_judged() {
    let world = slow();
    for kind in ["pods", "events", "replicasets.apps"] {
        world.cluster.deny(KubernetesDenial::of("*", kind));
    }
    comes_up(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_in_the_middle_of_a_write_is_no_second_write() {
    for phase in [Phase::Before, Phase::After] {
        let world = World::new();
        world.deploy("run-1", &web("example.com/web:1", "a")).await;
        for operation in ["patch leases", "patch secrets", "patch configmaps", "patch deployments"] {
            // The second: dry runs are patches too.
            let reset = Fault::new("kubernetes", operation, FaultKind::Reset).phase(phase);
            world.simulator.add_fault(reset.on(CallNumbers::Every(2)));
        }
        let report = world.deploy("run-2", &web("example.com/web:2", "b")).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{phase:?}: {report:#?}");
        let live = world.object("/apis/apps/v1/namespaces/default/deployments/web").unwrap();
        assert_eq!(live["metadata"]["generation"], 2, "{phase:?}");
        let reset = world.cluster.requests().iter().filter(|one| one.method == "PATCH").count();
        assert!(reset > 8, "{reset}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_are_not_taken_for_the_truth() {
    let world = World::new();
    world.deploy("run-1", &web("example.com/web:1", "a")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.cluster.behave(PodRule::of("*", "*", PodBehaviour::Good { ready_after_ms: 5_000 }));
    for verb in ["get *", "list *"] {
        world.simulator.add_fault(Fault::new("kubernetes", verb, FaultKind::Stale { seconds: 3 }));
    }
    let begun = Instant::now();
    let report = world.deploy("run-2", &web("example.com/web:2", "b")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(begun.elapsed() >= Duration::from_secs(5), "its pods were waited for: {:?}", begun.elapsed());
    let live = world.object("/apis/apps/v1/namespaces/default/deployments/web").unwrap();
    assert_eq!((&live["status"]["updatedReplicas"], &live["metadata"]["generation"]), (&2.into(), &2.into()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_once_is_signed_anew_and_one_that_stays_refused_is_explained() {
    let world = World::new();
    let refused = FaultKind::Kubernetes(KubernetesFault::Unauthorized);
    world.simulator.add_fault(Fault::new("kubernetes", "patch configmaps", refused).on(CallNumbers::Nth(1)));
    let report = world.deploy("run-1", &web("example.com/web:1", "a")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    world.fault("*", KubernetesFault::Unauthorized);
    let report = world.deploy("run-2", &web("example.com/web:2", "a")).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{report:#?}") };
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.report().contains("access entry"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_silent_for_long_is_not_trusted() {
    let world = slow();
    world.fault("watch *", KubernetesFault::SilentWatch);
    let release = world.release(&web("example.com/web:1", "a"));
    let policy = Policy::default().timeout(Duration::from_secs(180));
    let report = release.deploy(&world.cx("run-1").build(), &policy).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
}
