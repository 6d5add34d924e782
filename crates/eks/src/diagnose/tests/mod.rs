//! What a person reads.

mod around;

use landfall_core::Cause;
use serde_json::{Value, json};

use super::{Log, causes, wanted_logs};
use super::{names::Missing, scrub::scrub};
use crate::fixtures::{
    IMAGE, after, applied, crash_loop, deployment, event, job, merge, other, pod, replica_set, running, time,
    unplaced, waiting,
};
use crate::judge::below::{Below, Sightings, judge};
use crate::judge::{Patience, Seen};

/// What is below a Deployment, ten minutes after it was applied.
struct Scene {
    object: Value,
    sets: Vec<Value>,
    pods: Vec<Value>,
    events: Vec<Value>,
}

impl Scene {
    fn of(pods: impl Into<Vec<Value>>, events: impl Into<Vec<Value>>) -> Self {
        let object = deployment(json!({ "status": { "updatedReplicas": 1 } }));
        Self { object, sets: vec![replica_set(2)], pods: pods.into(), events: events.into() }
    }

    fn seen(&self) -> Seen<'_> {
        let mut seen = Seen::new(&self.object).at(after(600));
        seen.replica_sets = self.sets.iter().collect();
        seen.pods = self.pods.iter().collect();
        seen.events = self.events.iter().collect();
        seen
    }

    fn below(&self) -> Below {
        judge(&self.seen(), &applied(), &Sightings::default(), &Patience::default())
    }

    fn causes(&self, logs: &[Log]) -> Vec<Cause> {
        causes(&self.seen(), &self.below(), logs)
    }

    fn wanted(&self) -> Vec<Log> {
        wanted_logs(&self.seen(), &self.below())
    }

    /// The report of the first cause.
    fn told(&self) -> String {
        self.causes(&[])
            .first()
            .map(|cause| format!("[{}] {}", cause.code, cause.report()))
            .unwrap_or_default()
    }
}

fn new(name: &str, status: Value) -> Value {
    pod(name, "rs-2", status)
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn an_image_that_is_not_there_is_named_with_its_account_and_region() {
    let message = format!("failed to resolve reference \"{IMAGE}\": {IMAGE}: not found");
    let scene = Scene::of([new("web-2-a", waiting("ErrImagePull", &message))], []);
    has(
        &scene.told(),
        &[
            "[image-not-found] container web of Deployment shop/web: there is no image 111122223333.dkr.ecr",
            "| Deployment shop/web > ReplicaSet web-2 > Pod web-2-a on node ip-10-0-1-2, container web",
            "| waits in ErrImagePull, 0 restarts",
            "next: push it to ECR of account 111122223333 in eu-central-1",
            "aws ecr describe-images --region eu-central-1",
            "kubectl -n shop describe pod web-2-a",
        ],
    );
}

#[test]
fn equal_troubles_of_many_pods_are_told_once_and_the_gravest_first() {
    let missing = || waiting("ImagePullBackOff", "manifest unknown");
    let scene = Scene::of(
        [
            new("web-2-a", waiting("ErrImagePull", "i/o timeout")),
            new("web-2-b", missing()),
            new("web-2-c", missing()),
            unplaced("web-2-d", "rs-2", "0/3 nodes are available: 3 Insufficient cpu."),
        ],
        [event("uid-web-2-d", "Nominated", "Pod should schedule on: nodeclaim/x", 590, 590)],
    );
    let causes = scene.causes(&[]);
    let told: Vec<(&str, u32)> = causes.iter().map(|cause| (cause.code.as_str(), cause.count)).collect();
    assert_eq!(told, [("image-not-found", 2), ("image-pull-network", 1), ("unschedulable", 1)]);
}

#[test]
fn pulls_are_explained_by_what_the_registry_says() {
    for (reason, message, code, hint) in [
        ("ErrImagePull", "no basic auth credentials", "image-pull-denied", "ecr:BatchGetImage"),
        ("ErrImagePull", "toomanyrequests: rate exceeded", "pull-rate-limited", "imagePullSecrets"),
        ("ErrImagePull", "dial tcp: i/o timeout", "image-pull-network", "NAT"),
        ("ErrImagePull", "no match for platform in manifest", "wrong-architecture", "buildx"),
        ("ErrImagePull", "no space left on device", "disk-full", "disk"),
        ("ErrImagePull", "x509: unknown authority", "image-pull-failed", "kubectl"),
        ("InvalidImageName", "couldn't parse", "invalid-image-name", "variable"),
        ("ErrImageNeverPull", "not present", "image-never-pulled", "imagePullPolicy"),
    ] {
        let told = Scene::of([new("web-2-a", waiting(reason, message))], []).told();
        has(&told, &[&format!("[{code}]"), IMAGE, hint]);
    }
}

#[test]
fn names_and_tokens_of_docker_hubs_users_are_taken_out() {
    let said = "429 Too Many Requests: toomanyrequests: You have reached your pull rate limit as 'jane': \
                dckr_jti_9Lg3-DN__PcJ-S_X3BoAVBr-mIk=. You may increase the limit by upgrading.";
    let clean = scrub(said);
    assert!(!clean.contains("jane") && !clean.contains("9Lg3"), "{clean}");
    has(&clean, &["pull rate limit as [redacted]: [redacted]. You may increase", "toomanyrequests"]);
    assert_eq!(
        scrub("reached your pull rate limit as an anonymous user"),
        "reached your pull rate limit as an anonymous user"
    );
    let tried = event("uid-web-2-a", "Failed", &format!("Failed to pull image \"{IMAGE}\": {said}"), 11, 500);
    let told = Scene::of([new("web-2-a", waiting("ImagePullBackOff", said))], [tried]).told();
    assert!(
        told.contains("[pull-rate-limited]") && !told.contains("jane") && !told.contains("9Lg3"),
        "{told}"
    );
}

#[test]
fn missing_configuration_is_named() {
    for (message, code, text) in [
        ("secret \"db\" not found", "secret-missing", "there is no Secret shop/db"),
        ("configmap \"settings\" not found", "config-map-missing", "there is no ConfigMap shop/settings"),
        ("couldn't find key url in Secret shop/db", "secret-key-missing", "Secret shop/db has no key url"),
        (
            "couldn't find key mode in ConfigMap shop/settings",
            "config-map-key-missing",
            "kubectl -n shop describe configmap settings",
        ),
        ("container has runAsNonRoot and image will run as root", "runs-as-root", "runAsUser"),
        ("invalid subPath", "container-config", "cannot be configured: invalid subPath"),
    ] {
        let told = Scene::of([new("web-2-a", waiting("CreateContainerConfigError", message))], []).told();
        has(&told, &[&format!("[{code}]"), text]);
    }
    for text in [
        "secret \"\" not found",
        "secret not found",
        "a secret \"db\" is fine",
        "couldn't find key x in Secret ",
    ] {
        assert_eq!(Missing::read(text), None, "{text}");
    }
}

#[test]
fn a_crash_is_told_with_code_signal_and_the_end_of_the_log() {
    let scene =
        Scene::of([new("web-2-a", crash_loop(3, 1, "Error")), new("web-2-b", crash_loop(4, 1, "Error"))], []);
    let wanted = scene.wanted();
    assert_eq!(wanted.len(), 1, "one pod is an example for all");
    assert_eq!(
        (wanted[0].pod.as_str(), wanted[0].container.as_str(), wanted[0].previous),
        ("web-2-a", "web", true)
    );
    let lines: Vec<String> = (1..=40).map(|line| format!("line {line}")).collect();
    let told = scene.causes(&[Log { lines, ..wanted[0].clone() }]);
    assert_eq!((told.len(), told[0].count), (1, 2));
    let report = told[0].report();
    has(
        &report,
        &[
            "container web of Deployment shop/web ends again and again with exit code 1 (seen 2 times)",
            "| waits in CrashLoopBackOff, 3 restarts; the run before ended with exit code 1, Error at 2026-11-20T10:00:30Z",
            "| log of container web, the run before:",
            "|   line 11\n",
            "|   line 40\n",
            "kubectl -n shop logs web-2-a -c web --previous",
        ],
    );
    assert!(!report.contains("line 10\n"), "only the last thirty lines:\n{report}");
}

#[test]
fn exits_are_explained() {
    for (code, reason, expected) in [
        (
            137,
            "OOMKilled",
            "[out-of-memory] container web of Deployment shop/web was killed because it ran out of memory (its limit is 256Mi)",
        ),
        (137, "Error", "exit code 137 (SIGKILL)"),
        (139, "Error", "exit code 139 (SIGSEGV)"),
        (127, "Error", "exit code 127: the command cannot be run"),
        (0, "Completed", "exit code 0, though it should run on"),
    ] {
        has(&Scene::of([new("web-2-a", crash_loop(3, code, reason))], []).told(), &[expected]);
    }
    let mut signalled = crash_loop(3, 1, "Error");
    signalled["containerStatuses"][0]["lastState"]["terminated"]["signal"] = json!(11);
    has(&Scene::of([new("web-2-a", signalled)], []).told(), &["exit code 1 by signal 11"]);
}

#[test]
fn a_program_for_another_processor_is_told_by_its_log() {
    let scene = Scene::of([new("web-2-a", crash_loop(3, 255, "Error"))], []);
    let log = Log { lines: vec!["exec /srv/web: exec format error".to_owned()], ..scene.wanted()[0].clone() };
    let told = scene.causes(&[log]);
    assert_eq!(told[0].code, "wrong-architecture");
}

#[test]
fn a_probe_that_kills_is_the_cause_and_not_the_exit_code() {
    let events = [
        event(
            "uid-web-2-a",
            "Unhealthy",
            "Liveness probe failed: HTTP probe failed with statuscode: 500",
            20,
            30,
        ),
        event("uid-web-2-a", "Killing", "Container web failed liveness probe, will be restarted", 30, 30),
    ];
    let told = Scene::of([new("web-2-a", crash_loop(3, 137, "Error"))], events).told();
    has(&told, &["[container-health]", "is killed because its liveness probe fails", "statuscode: 500"]);
}

#[test]
fn a_command_that_is_not_in_the_image_is_told_as_that() {
    let status = json!({ "phase": "Running", "containerStatuses": [{
        "name": "web", "restartCount": 1, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        "lastState": { "terminated": { "exitCode": 128, "reason": "StartError",
            "message": "exec: \"serve\": executable file not found in $PATH" } },
    }] });
    let told = Scene::of([new("web-2-a", status)], []).told();
    has(
        &told,
        &["[bad-command]", "cannot be started", "executable file not found", "check command and args"],
    );
}
