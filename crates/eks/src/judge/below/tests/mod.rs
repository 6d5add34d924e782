//! The table of signals: what is below a workload, and how grave it is.

mod around;

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
