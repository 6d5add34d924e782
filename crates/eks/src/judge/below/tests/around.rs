//! What is around the containers: nodes, quotas, webhooks, volumes, probes.

use super::*;

#[test]
fn a_pod_without_a_node_is_fatal_only_when_nothing_makes_one() {
    let message = "0/3 nodes are available: 3 Insufficient cpu.";
    let rollout = || Rollout::of([unplaced("a", "rs-2", message)]);
    let grave = |rollout: &Rollout| [26, 27, 191, 192].map(|seconds| rollout.grave(seconds));
    assert_eq!(grave(&rollout()), [Some(Passing), Some(Warning), Some(Warning), Some(Fatal)]);
    for reason in ["Nominated", "TriggeredScaleUp"] {
        let made = rollout().with([event("uid-a", reason, "Pod should schedule on: nodeclaim/x", 100, 100)]);
        assert_eq!(
            (made.grave(279), made.grave(280)),
            (Some(Warning), Some(Fatal)),
            "{reason}: patience begins anew"
        );
    }
    let auto = Rollout { auto_mode: true, ..rollout() };
    let fargate = Rollout::of([merge(
        unplaced("a", "rs-2", message),
        json!({ "spec": { "schedulerName": "fargate-scheduler" } }),
    )]);
    let gated = Rollout::of([merge(
        unplaced("a", "rs-2", message),
        json!({ "status": { "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" }] } }),
    )]);
    for (name, rollout) in [("auto mode", auto), ("fargate", fargate), ("gated", gated)] {
        assert_eq!(rollout.grave(9_000), Some(Warning), "{name}");
    }
    let placed = Rollout::of([new("a", unschedulable(message))]);
    assert_eq!(placed.grave(9_000), None, "it has a node meanwhile");
}

#[test]
fn a_pod_that_no_node_could_take_is_fatal_after_a_minute() {
    let message = "0/3 nodes are available: 3 node(s) had untolerated taint {gpu: true}.";
    let karpenter = "Failed to schedule pod, incompatible with nodepool \"default\", did not tolerate taint";
    let from = |mut event: Value, component: &str| {
        event["source"]["component"] = json!(component);
        event
    };
    let refused = from(
        event("uid-a", "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max size reached", 20, 70),
        "cluster-autoscaler",
    );
    let by_karpenter = from(event("uid-a", "FailedScheduling", karpenter, 20, 70), "karpenter");
    let by_scheduler = from(event("uid-a", "FailedScheduling", message, 20, 70), "default-scheduler");
    let made_since = event("uid-a", "Nominated", "Pod should schedule on: nodeclaim/x", 75, 75);
    let pods = || [unplaced("a", "rs-2", message)];
    for (name, events, expected) in [
        ("cluster autoscaler", vec![refused.clone()], [Warning, Fatal]),
        ("karpenter", vec![by_karpenter], [Warning, Fatal]),
        ("the scheduler alone", vec![by_scheduler], [Warning, Warning]),
        ("a node is made after all", vec![refused, made_since], [Warning, Warning]),
    ] {
        let rollout = Rollout::of(pods()).with(events);
        assert_eq!([79, 80].map(|seconds| rollout.grave(seconds)), expected.map(Some), "{name}");
    }
}

fn quota_failure(since: i64) -> Value {
    json!({ "status": { "conditions": [{
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": time(since),
        "message": "pods \"web-2-x\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3",
    }] } })
}

#[test]
fn pods_that_may_not_be_made_are_fatal_after_fifteen_seconds() {
    let mut rollout = Rollout::of([]);
    rollout.sets[1] = merge(replica_set(2), quota_failure(5));
    assert_eq!((rollout.grave(19), rollout.grave(20)), (Some(Warning), Some(Fatal)));
    rollout.sets[1] = merge(replica_set(2), quota_failure(-900));
    assert_eq!(
        (rollout.grave(14), rollout.grave(15)),
        (Some(Warning), Some(Fatal)),
        "patience begins with the apply"
    );
    rollout.sets = vec![merge(replica_set(1), quota_failure(5)), replica_set(2)];
    assert_eq!(rollout.grave(900), None, "that of an old ReplicaSet says nothing");
    rollout.sets = Vec::new();
    rollout.object = merge(rollout.object, quota_failure(5));
    assert_eq!(rollout.grave(20), Some(Fatal), "the Deployment's own, where ReplicaSets may not be read");
}

#[test]
fn a_quota_that_old_pods_give_back_is_waited_for() {
    let rolling = |replicas: i64, strategy: Value| {
        let mut rollout = Rollout::of([old("web-1-a", running())]);
        rollout.object =
            merge(rollout.object, json!({ "spec": { "replicas": replicas, "strategy": strategy } }));
        rollout.sets[1] = merge(replica_set(2), quota_failure(5));
        rollout.grave(60)
    };
    let most = |most: Value| json!({ "rollingUpdate": { "maxUnavailable": most } });
    for (name, found, expected) in [
        ("a quarter of three is none", rolling(3, most(json!("25%"))), Fatal),
        ("a quarter of four is one", rolling(4, most(json!("25%"))), Warning),
        ("25 % where nothing is said", rolling(4, most(json!(null))), Warning),
        ("none", rolling(9, most(json!(0))), Fatal),
        ("one", rolling(3, most(json!(1))), Warning),
        ("all old pods end first", rolling(3, json!({ "type": "Recreate" })), Warning),
    ] {
        assert_eq!(found, Some(expected), "{name}");
    }
}

#[test]
fn other_controllers_tell_by_events_that_count_while_pods_are_missing() {
    let denied =
        "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: violates PodSecurity";
    let missing = || stateful_set(json!({ "status": { "replicas": 2 } }));
    let failed = |first: i64, last: i64| [event("s-1", "FailedCreate", denied, first, last)];
    let grave = |object: Value, events: [Value; 1]| {
        let rollout = Rollout::below(object, []).with(events);
        [19, 20].map(|seconds| rollout.grave(seconds))
    };
    assert_eq!(grave(missing(), failed(5, 18)), [Some(Warning), Some(Fatal)]);
    assert_eq!(grave(missing(), failed(-600, -5)), [None, None], "from before the apply");
    assert_eq!(grave(stateful_set(json!({})), failed(5, 18)), [None, None], "all pods are there");
    let jobs = [event("j-1", "FailedCreate", denied, 5, 18)];
    assert_eq!(grave(job(json!({}), json!({})), jobs), [Some(Warning), Some(Fatal)]);
}

#[test]
fn a_webhook_that_does_not_answer_is_given_two_minutes() {
    let message =
        "Internal error occurred: failed calling webhook \"mpod.elbv2.k8s.aws\": no endpoints available";
    let mut rollout = Rollout::of([]);
    let failure = quota_failure(5);
    rollout.sets[1] = merge(replica_set(2), failure);
    rollout.sets[1]["status"]["conditions"][0]["message"] = json!(message);
    assert_eq!((rollout.grave(124), rollout.grave(125)), (Some(Warning), Some(Fatal)));
}

#[test]
fn a_volume_is_warned_of_and_fatal_when_what_it_names_does_not_exist() {
    let creating = || [new("a", waiting("ContainerCreating", ""))];
    let missing = "MountVolume.SetUp failed for volume \"certs\" : secret \"web-tls\" not found";
    let slow =
        "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition";
    let mount = |message: &str| event("uid-a", "FailedMount", message, 12, 80);
    let grave = |rollout: Rollout| [31, 32, 71, 72].map(|seconds| rollout.grave(seconds));
    assert_eq!(
        grave(Rollout::of(creating()).with([mount(missing)])),
        [Some(Passing), Some(Warning), Some(Warning), Some(Fatal)]
    );
    assert_eq!(
        grave(Rollout::of(creating()).with([mount(slow)])),
        [Some(Passing), Some(Warning), Some(Warning), Some(Warning)]
    );
    let both = [mount(missing), event("uid-a", "FailedMount", slow, 40, 90)];
    assert_eq!(
        Rollout::of(creating()).with(both).grave(72),
        Some(Fatal),
        "the one that names what is missing counts"
    );
    let over = [mount(missing), event("uid-a", "Pulling", "Pulling image", 85, 85)];
    assert_eq!(Rollout::of(creating()).with(over).grave(90), None, "it was mounted since");
    assert_eq!(Rollout::of([new("a", running())]).with([mount(missing)]).grave(90), None);
    let network =
        event("uid-a", "FailedCreatePodSandBox", "failed to assign an IP address to container", 12, 80);
    assert_eq!(
        grave(Rollout::of(creating()).with([network])),
        [Some(Passing), Some(Warning), Some(Warning), Some(Warning)]
    );
}

#[test]
fn probes_gates_and_evictions_are_never_fatal() {
    let unready = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "False" }],
        "containerStatuses": [{ "name": "web", "restartCount": 0, "ready": false, "state": { "running": {} } }] });
    let probe = event("uid-a", "Unhealthy", "Readiness probe failed: connection refused", 20, 500);
    let probed = Rollout::of([new("a", unready)]).with([probe]).at(9_000);
    assert!(
        matches!(&probed.signals[..], [one] if one.severity == Warning && matches!(one.trouble, Trouble::Probe { count: 3, .. }))
    );
    let gated = merge(
        new("a", running()),
        json!({
            "spec": { "readinessGates": [{ "conditionType": "target-health.elbv2.k8s.aws/k8s-shop-web-1" }] },
            "status": { "conditions": [{ "type": "Ready", "status": "False" }, { "type": "ContainersReady", "status": "True" }] },
        }),
    );
    let gated = Rollout::of([gated]).at(9_000);
    assert!(
        matches!(&gated.signals[..], [one] if one.severity == Warning && matches!(one.trouble, Trouble::Gates { .. }))
    );
    let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" });
    let evicted = Rollout::of([new("a", evicted), new("b", running())]).at(9_000);
    assert!(matches!(&evicted.signals[..], [one] if one.severity == Passing));
    assert_eq!(evicted.pods, 1, "one that was evicted is none of the revision's pods");
}

#[test]
fn pods_from_before_the_apply_are_given_another_try() {
    let before =
        |status: Value| merge(new("a", status), json!({ "metadata": { "creationTimestamp": time(-900) } }));
    let late = |seconds: i64| {
        event("uid-a", "Failed", &format!("Failed to pull image \"{IMAGE}\": not found"), -900, seconds)
    };
    let pull = |last: i64| Rollout::of([before(waiting("ImagePullBackOff", "not found"))]).with([late(last)]);
    assert_eq!(
        (pull(-60).grave(30), pull(-60).grave(90)),
        (Some(Warning), Some(Fatal)),
        "the image may be there now"
    );
    assert_eq!(pull(5).grave(30), Some(Fatal), "and still it is not");
    let crash = |ended: i64| {
        let mut pod = before(crash_loop(40, 1, "Error"));
        pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"] = json!(time(ended));
        Rollout::of([pod]).grave(30)
    };
    assert_eq!((crash(-60), crash(5)), (Some(Warning), Some(Fatal)));
    let config = Rollout::of([before(waiting("CreateContainerConfigError", "secret \"db\" not found"))]);
    assert_eq!((config.grave(30), config.grave(90)), (Some(Warning), Some(Fatal)));
}

#[test]
fn a_claim_without_a_volume_is_fatal_after_a_minute() {
    let claim = |phase: &str| other("v1", "PersistentVolumeClaim", json!({}), json!({ "phase": phase }));
    let failed =
        || [event("o-1", "ProvisioningFailed", "storageclass.storage.k8s.io \"fast\" not found", 2, 50)];
    let pending = Rollout::below(claim("Pending"), []).with(failed());
    assert_eq!((pending.grave(61), pending.grave(62)), (Some(Warning), Some(Fatal)));
    assert_eq!(Rollout::below(claim("Bound"), []).with(failed()).grave(62), None);
}

#[test]
fn a_load_balancer_that_is_not_made_is_a_warning_while_there_is_no_address() {
    let ingress = |status: Value| other("networking.k8s.io/v1", "Ingress", json!({}), status);
    let failed = || [event("o-1", "FailedDeployModel", "couldn't find subnets", 2, 50)];
    assert_eq!(Rollout::below(ingress(json!({})), []).with(failed()).grave(9_000), Some(Warning));
    let made = json!({ "loadBalancer": { "ingress": [{ "hostname": "x" }] } });
    assert_eq!(Rollout::below(ingress(made), []).with(failed()).grave(9_000), None);
}

#[test]
fn restarts_are_counted_for_those_who_watch_whether_it_stays_ready() {
    let again = merge(
        running(),
        json!({ "containerStatuses": [
        { "name": "web", "restartCount": 2, "ready": true, "state": { "running": {} } },
        { "name": "sidecar", "restartCount": 1, "ready": true, "state": { "running": {} } },
    ] }),
    );
    let below =
        Rollout::of([new("a", again), new("b", running()), old("c", crash_loop(9, 1, "Error"))]).at(60);
    assert_eq!((below.pods, below.restarts, below.is_hopeless()), (2, 3, false));
}

#[test]
fn without_a_time_of_the_server_nothing_turns_fatal_with_age() {
    let rollout = Rollout::of([unplaced("a", "rs-2", "0/3 nodes are available")]);
    let mut seen = Seen::new(&rollout.object);
    seen.replica_sets = rollout.sets.iter().collect();
    seen.pods = rollout.pods.iter().collect();
    let below = judge(&seen, &applied(), &Sightings::default(), &Patience::default());
    assert_eq!(below.signals.first().map(|signal| signal.severity), Some(Passing));
}

#[test]
fn words_of_registries_mean_what_the_table_says() {
    for (message, expected) in [
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            PullFailure::WrongArchitecture,
        ),
        ("toomanyrequests: access denied for now", PullFailure::RateLimited),
        ("requested access to the resource is denied", PullFailure::Denied),
        ("dial tcp: lookup x: no such host: not found", PullFailure::Network),
        ("name unknown: The repository with name 'web' does not exist", PullFailure::NotFound),
        ("write /var/lib: no space left on device", PullFailure::DiskFull),
        ("x509: certificate signed by unknown authority", PullFailure::Other),
    ] {
        assert_eq!(PullFailure::of("ErrImagePull", message), expected, "{message}");
    }
}
