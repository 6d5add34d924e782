//! What is around the containers: nodes, quotas, volumes, load balancers, and what is shown of it.

use super::*;

#[test]
fn a_pod_without_a_node_is_told_with_the_schedulers_words_and_what_they_mean() {
    for (message, hint) in [
        ("0/3 nodes are available: 3 Insufficient cpu.", "lower resources.requests"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {gpu: true}.", "toleration"),
        (
            "0/2 nodes are available: 2 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}.",
            "Fargate profile",
        ),
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "nodeSelector"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "zone"),
        ("0/3 nodes are available: persistentvolumeclaim \"data\" not found.", "claim"),
        ("0/3 nodes are available: 3 Too many pods.", "take no more pods"),
    ] {
        let told = Scene::of([unplaced("web-2-a", "rs-2", message)], []).told();
        has(
            &told,
            &["[unschedulable] no node takes pods of Deployment shop/web: 0/", hint, "describe pod web-2-a"],
        );
    }
    let refused = event(
        "uid-web-2-a",
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 2 max size reached.",
        20,
        500,
    );
    let told = Scene::of([unplaced("web-2-a", "rs-2", "0/3 nodes are available")], [refused]).told();
    has(&told, &["no node is made for them: pod didn't trigger scale-up: 2 max size reached"]);
}

fn failing(message: &str) -> Scene {
    let mut scene = Scene::of([], []);
    scene.sets[0] = merge(
        replica_set(2),
        json!({ "status": { "conditions": [
            { "type": "ReplicaFailure", "status": "True", "message": message, "lastTransitionTime": time(5) },
        ] } }),
    );
    scene
}

#[test]
fn pods_that_may_not_be_made_name_quota_policy_account_or_webhook() {
    let forbidden = "pods \"web-2-x\" is forbidden: ";
    for (message, parts) in [
        (
            format!("{forbidden}exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3"),
            [
                "[quota-exceeded]",
                "ResourceQuota shop/compute allows no more pods of Deployment shop/web (requested: pods=1,",
                "describe resourcequota compute",
            ],
        ),
        (
            format!(
                "{forbidden}failed quota: compute: must specify limits.cpu for: web; limits.memory for: web"
            ),
            ["[quota-needs-resources]", "that do not specify limits.cpu", "describe resourcequota compute"],
        ),
        (
            format!(
                "{forbidden}violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false"
            ),
            ["[pod-security]", "restricted:latest of namespace shop", ": allowPrivilegeEscalation != false"],
        ),
        (
            format!("{forbidden}error looking up service account shop/web: serviceaccount \"web\" not found"),
            ["[service-account-missing]", "need ServiceAccount shop/web", "get serviceaccounts"],
        ),
        (
            "admission webhook \"validate.kyverno.svc\" denied the request: no latest tags".to_owned(),
            ["[admission-denied]", "validate.kyverno.svc refuses pods", ": no latest tags"],
        ),
        (
            "Internal error occurred: failed calling webhook \"mpod.elbv2.k8s.aws\": no endpoints".to_owned(),
            [
                "[webhook-unavailable]",
                "webhook mpod.elbv2.k8s.aws does not answer",
                "describe replicaset web-2",
            ],
        ),
        (
            "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no".to_owned(),
            ["[admission-denied]", "denied request: no", "policy"],
        ),
        (
            "Pod \"web\" is invalid: spec.containers[0].ports: Duplicate value".to_owned(),
            ["[pods-not-created]", "Duplicate value", "pod template"],
        ),
    ] {
        has(&failing(&message).told(), &parts);
    }
}

#[test]
fn volumes_and_networks_are_told_by_what_is_missing() {
    let creating = || [new("web-2-a", waiting("ContainerCreating", ""))];
    for (reason, message, parts) in [
        (
            "FailedMount",
            "MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found",
            ["[secret-missing]", "Secret shop/web-tls"],
        ),
        (
            "FailedMount",
            "MountVolume.SetUp failed for volume \"tls\" : references non-existent secret key: tls.crt",
            ["[secret-key-missing]", "the Secret has no key tls.crt"],
        ),
        (
            "FailedMount",
            "MountVolume.SetUp failed for volume \"c\" : configmap references non-existent config key: a",
            ["[config-map-key-missing]", "the ConfigMap has no key a"],
        ),
        (
            "FailedAttachVolume",
            "AttachVolume.Attach failed for volume \"pvc-1\" : timed out",
            ["[volume-mount]", "volume pvc-1 of pods of Deployment"],
        ),
        (
            "FailedCreatePodSandBox",
            "plugin type=\"aws-cni\" failed (add): failed to assign an IP address to container",
            ["[pod-network]", "no free address"],
        ),
    ] {
        has(&Scene::of(creating(), [event("uid-web-2-a", reason, message, 12, 580)]).told(), &parts);
    }
}

#[test]
fn a_gate_names_its_target_group_and_a_probe_its_words() {
    let gate = "target-health.elbv2.k8s.aws/k8s-shop-web-0123456789";
    let gated = merge(
        new("web-2-a", running()),
        json!({
            "spec": { "readinessGates": [{ "conditionType": gate }] },
            "status": { "conditions": [
                { "type": "Ready", "status": "False" }, { "type": "ContainersReady", "status": "True" },
                { "type": gate, "status": "False", "reason": "Target.Timeout", "message": "Health checks timed out" },
            ] },
        }),
    );
    has(
        &Scene::of([gated], []).told(),
        &[
            "[target-not-healthy] pods of Deployment shop/web run, and target group k8s-shop-web-0123456789",
            "is False: Health checks timed out",
            "kubectl -n shop describe targetgroupbinding k8s-shop-web-0123456789",
        ],
    );
    let unready = json!({ "phase": "Running", "containerStatuses": [
        { "name": "web", "restartCount": 0, "ready": false, "state": { "running": {} } },
    ] });
    let probe = event("uid-web-2-a", "Unhealthy", "Readiness probe failed: connection refused", 20, 500);
    let scene = Scene::of([new("web-2-a", unready)], [probe]);
    has(
        &scene.told(),
        &["[not-ready]", "its readiness probe fails", "connection refused", "runs and is not ready"],
    );
    assert!(!scene.wanted()[0].previous, "the log of the run that is not ready");
}

#[test]
fn the_last_five_events_are_shown() {
    let numbered =
        |number: i64| event("uid-web-2-a", "Step", &format!("event number {number}."), number, number);
    let events: Vec<Value> = (1..=7).rev().map(numbered).collect();
    let told = Scene::of([new("web-2-a", crash_loop(3, 1, "Error"))], events).told();
    has(&told, &["| 2026-11-20T10:00:03Z event Step (3 times): event number 3.\n", "number 7."]);
    assert!(!told.contains("number 2."), "{told}");
}

#[test]
fn a_failed_job_is_explained_by_its_pods() {
    let status = json!({ "phase": "Failed", "containerStatuses": [
        { "name": "web", "restartCount": 0, "state": { "terminated": { "exitCode": 3, "reason": "Error" } } },
    ] });
    let object =
        job(json!({}), json!({ "failed": 1, "conditions": [{ "type": "Failed", "status": "True" }] }));
    let scene = Scene { object, ..Scene::of([pod("migrate-a", "j-1", status)], []) };
    let wanted = scene.wanted();
    assert_eq!((wanted.len(), wanted[0].previous), (1, false));
    let told = scene.told();
    has(
        &told,
        &[
            "[container-exited] container web of Job shop/migrate exited with code 3",
            "| Job shop/migrate > Pod migrate-a",
        ],
    );
    has(&told, &["kubectl -n shop logs migrate-a -c web"]);
    assert!(!told.contains("--previous"), "{told}");
}

#[test]
fn claims_and_load_balancers_are_told_by_their_controllers() {
    let scene = |version: &str, kind: &str, reason: &str, message: &str| Scene {
        object: other(version, kind, json!({}), json!({ "phase": "Pending" })),
        ..Scene::of([], [event("o-1", reason, message, 5, 500)])
    };
    let claim = |message: &str| scene("v1", "PersistentVolumeClaim", "ProvisioningFailed", message).told();
    has(
        &claim("storageclass.storage.k8s.io \"fast\" not found"),
        &["[storage-class-missing]", "StorageClass fast"],
    );
    has(
        &claim("UnauthorizedOperation"),
        &["[volume-not-made]", "UnauthorizedOperation", "ebs-csi-controller"],
    );
    let ingress =
        scene("networking.k8s.io/v1", "Ingress", "FailedBuildModel", "couldn't auto-discover subnets").told();
    has(&ingress, &["[load-balancer]", "kubernetes.io/role/elb", "kubectl -n shop describe ingress web"]);
}

#[test]
fn secrets_in_logs_and_events_are_not_shown() {
    let scene = Scene::of(
        [new("web-2-a", crash_loop(3, 1, "Error"))],
        [event("uid-web-2-a", "Note", "url https://app:hunter2@db.example.com", 1, 2)],
    );
    let log = Log {
        lines: vec!["PASSWORD=hunter2".to_owned(), "\u{1b}[31mred".to_owned()],
        ..scene.wanted()[0].clone()
    };
    let report = scene.causes(&[log])[0].report();
    assert!(
        !report.contains("hunter2") && !report.contains('\u{1b}') && report.contains("[redacted]"),
        "{report}"
    );
}

#[test]
fn many_causes_are_cut_and_counted() {
    let pods: Vec<Value> = (0..12)
        .map(|number| {
            let mut pod = new(&format!("web-2-{number}"), waiting("ErrImagePull", "not found"));
            pod["spec"]["containers"][0]["image"] = json!(format!("web:{number}"));
            pod
        })
        .collect();
    let causes = Scene::of(pods, []).causes(&[]);
    assert_eq!((causes.len(), causes[8].code.as_str()), (9, "more-causes"));
    assert!(causes[8].message.starts_with("4 more causes"));
}

#[test]
fn what_is_ordinary_is_told_only_where_there_is_nothing_else() {
    let evicted =
        || new("web-2-a", json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" }));
    has(
        &Scene::of([evicted()], []).told(),
        &["[pod-taken-away] pods of Deployment shop/web were taken away: Evicted"],
    );
    let causes = Scene::of([evicted(), new("web-2-b", waiting("ErrImagePull", "not found"))], []).causes(&[]);
    let codes: Vec<&str> = causes.iter().map(|cause| cause.code.as_str()).collect();
    assert_eq!(codes, ["image-not-found"]);
}
