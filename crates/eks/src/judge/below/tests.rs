//! The table of signals: what is below a workload, and how grave it is.

use serde_json::{Value, json};

use super::super::{Applied, Patience, Seen};
use super::Severity::{self, Fatal, Passing, Warning};
use super::{Below, PullFailure, Sightings, Trouble, judge};
use crate::fixtures::{
    IMAGE, after, applied, crash_loop, daemon_set, deployment, event, job, merge, other, pod, replica_set,
    running, stateful_set, time, unplaced, unschedulable, waiting,
};

/// A Deployment in the middle of its rollout with these pods of its new ReplicaSet.
struct Rollout {
    object: Value,
    sets: Vec<Value>,
    pods: Vec<Value>,
    events: Vec<Value>,
    revisions: Vec<Value>,
    auto_mode: bool,
    applied: Applied,
}

impl Rollout {
    fn of(pods: impl Into<Vec<Value>>) -> Self {
        let object = deployment(json!({ "status": { "updatedReplicas": 1, "readyReplicas": 2 } }));
        Self::below(object, pods)
    }

    fn below(object: Value, pods: impl Into<Vec<Value>>) -> Self {
        Self {
            object,
            sets: vec![replica_set(1), replica_set(2)],
            pods: pods.into(),
            events: Vec::new(),
            revisions: Vec::new(),
            auto_mode: false,
            applied: applied(),
        }
    }

    fn with(mut self, events: impl Into<Vec<Value>>) -> Self {
        self.events = events.into();
        self
    }

    /// What a look so many seconds after the apply finds.
    fn at(&self, seconds: i64) -> Below {
        self.look(seconds, &Sightings::default())
    }

    fn look(&self, seconds: i64, sightings: &Sightings) -> Below {
        let mut seen = Seen::new(&self.object).at(after(seconds));
        seen.replica_sets = self.sets.iter().collect();
        seen.pods = self.pods.iter().collect();
        seen.events = self.events.iter().collect();
        seen.controller_revisions = self.revisions.iter().collect();
        seen.auto_mode = self.auto_mode;
        judge(&seen, &self.applied, sightings, &Patience::default())
    }

    /// How grave the gravest signal is; nothing without any.
    fn grave(&self, seconds: i64) -> Option<Severity> {
        self.at(seconds).signals.first().map(|signal| signal.severity)
    }
}

fn new(name: &str, status: Value) -> Value {
    pod(name, "rs-2", status)
}

fn old(name: &str, status: Value) -> Value {
    pod(name, "rs-1", status)
}

#[test]
fn an_image_that_is_not_there_is_fatal_at_once() {
    for (reason, message, expected) in [
        ("ErrImagePull", "failed to resolve reference: web:9: not found", Fatal),
        ("ImagePullBackOff", "Back-off pulling image \"web:9\": ErrImagePull: manifest unknown", Fatal),
        ("ErrImagePull", "pull access denied, repository does not exist or may require authorization", Fatal),
        ("ErrImagePull", "authorization failed: no basic auth credentials", Fatal),
        ("ErrImagePull", "unexpected status from HEAD request: 403 Forbidden", Fatal),
        ("ErrImagePull", "no match for platform in manifest: not found", Fatal),
        ("InvalidImageName", "couldn't parse image name", Fatal),
        ("ErrImageNeverPull", "Container image is not present with pull policy of Never", Fatal),
        ("ErrImagePull", "dial tcp: lookup registry.example.com: no such host", Warning),
        ("ErrImagePull", "toomanyrequests: You have reached your pull rate limit", Warning),
        ("ErrImagePull", "unexpected status: 503 Service Unavailable", Warning),
        ("ImagePullBackOff", "Back-off pulling image \"web:9\"", Warning),
    ] {
        let rollout = Rollout::of([new("web-2-a", waiting(reason, message))]);
        assert_eq!(rollout.grave(11), Some(expected), "{message}");
    }
}

#[test]
fn a_pull_that_may_pass_is_fatal_after_ninety_seconds() {
    let message = "dial tcp 10.0.0.7:443: i/o timeout";
    let tried =
        event("uid-web-2-a", "Failed", &format!("Failed to pull image \"{IMAGE}\": {message}"), 20, 100);
    let rollout =
        Rollout::of([new("web-2-a", waiting("ImagePullBackOff", "Back-off pulling image"))]).with([tried]);
    assert_eq!((rollout.grave(109), rollout.grave(110)), (Some(Warning), Some(Fatal)));
    let Some(Trouble::Pull { message: said, .. }) =
        rollout.at(30).signals.first().map(|one| one.trouble.clone())
    else {
        panic!("no pull");
    };
    assert!(said.ends_with(message), "the event says more than the back-off: {said}");
}

#[test]
fn without_an_event_the_first_sighting_counts() {
    let rollout = Rollout::of([new("web-2-a", waiting("ErrImagePull", "i/o timeout"))]);
    let sightings = Sightings::default().after(&rollout.at(20), after(20));
    let grave = |seconds| rollout.look(seconds, &sightings).signals.first().map(|signal| signal.severity);
    assert_eq!((grave(109), grave(110)), (Some(Warning), Some(Fatal)));
    // It went away in between: patience begins anew.
    let healthy = Rollout::of([new("web-2-a", running())]);
    let forgotten = sightings.after(&healthy.at(50), after(50));
    assert_eq!(forgotten, Sightings::default());
}

#[test]
fn only_pods_of_the_new_revision_count() {
    let broken = || waiting("ErrImagePull", "not found");
    let deleted = merge(new("web-2-b", broken()), json!({ "metadata": { "deletionTimestamp": time(20) } }));
    for (name, pods, expected) in [
        ("an old pod", vec![old("web-1-a", broken())], None),
        ("a new pod that is being deleted", vec![deleted], None),
        ("somebody else's pod", vec![pod("other", "rs-9", broken())], None),
        ("a new pod", vec![old("web-1-a", running()), new("web-2-a", broken())], Some(Fatal)),
    ] {
        assert_eq!(Rollout::of(pods).grave(30), expected, "{name}");
    }
    let mut behind = Rollout::of([new("web-2-a", broken())]);
    behind.object["status"]["observedGeneration"] = json!(1);
    assert_eq!(behind.grave(30), None, "which ReplicaSet is new is not known yet");
    let mut before = Rollout::of([new("web-2-a", broken())]);
    before.object["metadata"]["generation"] = json!(1);
    assert_eq!(before.grave(30), None, "the answer is from before the apply");
    let mut unnamed = Rollout::of([new("web-2-a", broken())]);
    unnamed.object["metadata"]["annotations"] = json!({});
    assert_eq!(unnamed.grave(30), None, "no revision is named");
}

#[test]
fn pods_of_stateful_sets_and_daemon_sets_are_told_by_their_hash() {
    let broken = |owner: &str, labels: Value| {
        merge(
            pod("p-0", owner, waiting("ErrImagePull", "not found")),
            json!({ "metadata": { "labels": labels } }),
        )
    };
    let hash = |hash: &str| json!({ "controller-revision-hash": hash });
    let set = |labels: Value| Rollout::below(stateful_set(json!({})), [broken("s-1", labels)]).grave(30);
    assert_eq!((set(hash("db-2")), set(hash("db-1")), set(json!({}))), (Some(Fatal), None, None));
    let daemons = |labels: Value| Rollout::below(daemon_set(json!({})), [broken("ds-1", labels)]);
    let generation = |generation: &str| json!({ "pod-template-generation": generation });
    assert_eq!(daemons(generation("2")).grave(30), Some(Fatal));
    assert_eq!(daemons(generation("1")).grave(30), None);
    assert_eq!(daemons(hash("new")).grave(30), None, "no ControllerRevision is known");
    let revision = |name: &str, revision: i64| {
        json!({ "kind": "ControllerRevision", "revision": revision, "metadata": {
            "labels": hash(name), "ownerReferences": [{ "uid": "ds-1", "controller": true }],
        } })
    };
    let with = |labels: Value| {
        let revisions = vec![revision("new", 7), revision("old", 6)];
        Rollout { revisions, ..daemons(labels) }.grave(30)
    };
    assert_eq!((with(hash("new")), with(hash("old"))), (Some(Fatal), None));
}

#[test]
fn a_missing_configuration_is_fatal_unless_kubelets_cache_is_not_filled_yet() {
    for (message, expected) in [
        ("secret \"db\" not found", Fatal),
        ("couldn't find key url in ConfigMap shop/settings", Fatal),
        ("failed to sync secret cache: timed out waiting for the condition", Passing),
    ] {
        let rollout = Rollout::of([new("web-2-a", waiting("CreateContainerConfigError", message))]);
        assert_eq!(rollout.grave(30), Some(expected), "{message}");
    }
}

#[test]
fn a_container_that_cannot_be_started_is_fatal_unless_the_node_may_be_to_blame() {
    let start = |reason: &str, code: i64, message: &str, restarts: i64| {
        json!({ "phase": "Running", "containerStatuses": [{
            "name": "web", "restartCount": restarts, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": code, "reason": reason, "message": message, "finishedAt": time(20) } },
        }] })
    };
    let exec = "OCI runtime create failed: exec: \"serve\": executable file not found in $PATH";
    for (name, status, expected) in [
        ("no such command", start("StartError", 128, exec, 0), Fatal),
        ("another code than 128", start("ContainerCannotRun", 127, "no", 0), Fatal),
        ("the node, once", start("StartError", 128, "context deadline exceeded", 1), Warning),
        ("the node, twice", start("StartError", 128, "context deadline exceeded", 2), Fatal),
        ("not made, in time", waiting("CreateContainerError", "context deadline exceeded"), Warning),
        ("not made, at all", waiting("CreateContainerError", "no command specified"), Fatal),
        ("not run", waiting("RunContainerError", "exec format error"), Fatal),
    ] {
        assert_eq!(Rollout::of([new("web-2-a", status)]).grave(30), Some(expected), "{name}");
    }
}

#[test]
fn crashes_are_fatal_when_half_of_the_new_pods_crash_again_and_again() {
    let crash = |restarts: i64| crash_loop(restarts, 1, "Error");
    let recovered = merge(
        running(),
        json!({ "containerStatuses": [
        { "name": "web", "restartCount": 1, "ready": true, "state": { "running": {} },
          "lastState": { "terminated": { "exitCode": 1 } } },
    ] }),
    );
    for (name, pods, expected) in [
        ("once", vec![new("a", crash(1))], Some(Warning)),
        ("twice", vec![new("a", crash(2))], Some(Fatal)),
        ("one of two", vec![new("a", crash(2)), new("b", running())], Some(Fatal)),
        ("one of three", vec![new("a", crash(9)), new("b", running()), new("c", running())], Some(Warning)),
        ("two of three", vec![new("a", crash(2)), new("b", crash(3)), new("c", running())], Some(Fatal)),
        (
            "old pods do not water it down",
            vec![new("a", crash(2)), old("b", running()), old("c", running())],
            Some(Fatal),
        ),
        ("up at the second try", vec![new("a", recovered)], None),
    ] {
        assert_eq!(Rollout::of(pods).grave(40), expected, "{name}");
    }
}

#[test]
fn a_container_that_runs_again_is_no_reason_to_give_up_alone() {
    let again = json!({ "phase": "Running", "containerStatuses": [{
        "name": "web", "restartCount": 3, "ready": false, "state": { "running": {} },
        "lastState": { "terminated": { "exitCode": 1, "finishedAt": time(30) } },
    }] });
    assert_eq!(Rollout::of([new("a", again.clone())]).grave(40), Some(Warning));
    let both = Rollout::of([
        new("a", again),
        new("b", crash_loop(3, 1, "Error")),
        new("c", running()),
        new("d", running()),
    ]);
    assert_eq!(both.grave(40), Some(Fatal), "it counts beside one that is down");
}

#[test]
fn of_a_stateful_set_one_pod_in_a_crash_loop_is_enough() {
    let labels = json!({ "metadata": { "labels": { "controller-revision-hash": "db-2" } } });
    let pods = |status: Value| {
        let pods = [pod("db-0", "s-1", running()), pod("db-1", "s-1", running()), pod("db-2", "s-1", status)];
        pods.map(|pod| merge(pod, labels.clone()))
    };
    let set = |status: Value| Rollout::below(stateful_set(json!({})), pods(status)).grave(40);
    assert_eq!(
        (set(crash_loop(2, 1, "Error")), set(crash_loop(1, 1, "Error"))),
        (Some(Fatal), Some(Warning))
    );
}

#[test]
fn a_job_counts_its_crashes_itself() {
    let started = job(json!({}), json!({ "active": 1 }));
    let pods = [pod("migrate-a", "j-1", crash_loop(5, 1, "Error"))];
    assert_eq!(Rollout::below(started.clone(), pods).grave(40), Some(Warning));
    let missing = [pod("migrate-a", "j-1", waiting("ErrImagePull", "not found"))];
    assert_eq!(Rollout::below(started, missing).grave(40), Some(Fatal));
}

#[test]
fn init_containers_crash_as_others_do() {
    let status = json!({ "phase": "Pending", "initContainerStatuses": [{
        "name": "init", "restartCount": 2, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        "lastState": { "terminated": { "exitCode": 3, "finishedAt": time(30) } },
    }] });
    let below = Rollout::of([new("a", status)]).at(40);
    assert_eq!(below.signals[0].severity, Fatal);
    assert!(matches!(below.signals[0].trouble, Trouble::Crash { init: true, restarts: 2, .. }));
    let done = json!({ "phase": "Running", "initContainerStatuses": [{
        "name": "init", "restartCount": 0, "state": { "terminated": { "exitCode": 0 } },
    }] });
    assert!(Rollout::of([new("a", done)]).at(40).signals.is_empty());
}

#[test]
fn a_probe_that_kills_is_told_with_the_crash() {
    let events = [
        event("uid-a", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 20, 30),
        event("uid-a", "Killing", "Container web failed liveness probe, will be restarted", 30, 30),
    ];
    let below = Rollout::of([new("a", crash_loop(2, 137, "Error"))]).with(events).at(40);
    let Trouble::Crash { probe: Some(probe), .. } = &below.signals[0].trouble else { panic!("{below:?}") };
    assert!(probe.contains("statuscode: 500") && below.is_hopeless());
}

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
