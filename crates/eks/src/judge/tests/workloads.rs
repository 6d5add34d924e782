//! Deployments, StatefulSets, DaemonSets, Jobs and pods.

use landfall_core::Progress;
use serde_json::{Value, json};

use super::super::{Patience, Rules, Seen, judge};
use super::{judged, judged_as, table};
use crate::fixtures::{
    after, applied, available, daemon_set, deployment, job, merge, other, pod, progressing, running,
    stateful_set, unplaced, waiting,
};
use crate::judge::Applied;

#[test]
fn a_deployment_is_ready_when_its_rollout_is_complete_and_nothing_old_is_left() {
    let status = |patch: Value| deployment(json!({ "status": patch }));
    let conditions = |conditions: Value| status(json!({ "conditions": conditions }));
    table([
        (status(json!({})), "ready"),
        (status(json!({ "updatedReplicas": 1, "replicas": 3 })), "waits for 1 of 3 new pods to become 3"),
        (status(json!({ "replicas": 2, "updatedReplicas": 3 })), "waits for 2 of 3 pods to become 3"),
        (status(json!({ "replicas": 4 })), "waits for 1 old pod to end"),
        (status(json!({ "replicas": 5, "updatedReplicas": 5 })), "waits for 2 pods too many to end"),
        (
            status(json!({ "readyReplicas": 2, "availableReplicas": 2 })),
            "waits for 2 of 3 new pods to be ready",
        ),
        (status(json!({ "availableReplicas": 2 })), "waits for 2 of 3 new pods to be available"),
        (
            conditions(json!([available("True"), progressing("True", "ReplicaSetUpdated", 5)])),
            "waits for the deployment controller to call the rollout complete",
        ),
        (
            conditions(json!([available("True")])),
            "waits for the deployment controller to call the rollout complete",
        ),
        (
            conditions(json!([available("False"), progressing("True", "NewReplicaSetAvailable", 5)])),
            "waits for condition Available to be True; it is False",
        ),
        (
            conditions(json!([progressing("True", "NewReplicaSetAvailable", 5)])),
            "waits for the deployment controller to call it available",
        ),
        // Without a deadline the controller does not write Progressing.
        (
            merge(
                conditions(json!([available("True")])),
                json!({ "spec": { "progressDeadlineSeconds": 2_147_483_647 } }),
            ),
            "ready",
        ),
        (
            deployment(
                json!({ "spec": { "replicas": null }, "status": { "replicas": 1, "updatedReplicas": 1 } }),
            ),
            "ready",
        ),
        (
            deployment(json!({ "spec": { "replicas": 0 }, "status": {
                "replicas": null, "updatedReplicas": null, "readyReplicas": null, "availableReplicas": null,
            } })),
            "ready (image-not-proven)",
        ),
    ]);
}

#[test]
fn a_deployment_tells_what_keeps_pods_from_being_made() {
    let failure =
        json!({ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota: compute." });
    let conditions = json!([available("True"), progressing("True", "ReplicaSetUpdated", 5), failure]);
    let object = deployment(json!({ "status": { "updatedReplicas": 1, "conditions": conditions } }));
    assert_eq!(judged(&object), "waits for 1 of 3 new pods to become 3: exceeded quota: compute");
}

#[test]
fn recreate_ends_the_old_pods_first() {
    let recreate = |status: Value| {
        deployment(
            json!({ "spec": { "strategy": { "type": "Recreate", "rollingUpdate": null } }, "status": status }),
        )
    };
    table([
        (
            recreate(json!({ "updatedReplicas": null })),
            "waits for 3 old pods to end first, as strategy Recreate says",
        ),
        (
            recreate(json!({ "updatedReplicas": null, "replicas": null, "terminatingReplicas": 1 })),
            "waits for 1 old pod to end first",
        ),
        (
            recreate(json!({ "updatedReplicas": null, "replicas": null })),
            "waits for 0 of 3 new pods to become 3",
        ),
        (recreate(json!({})), "ready"),
    ]);
}

#[test]
fn a_paused_deployment_waits_for_somebody_unless_everything_is_new_already() {
    let paused = |status: Value| deployment(json!({ "spec": { "paused": true }, "status": status }));
    let condition = json!([available("True"), progressing("Unknown", "DeploymentPaused", 5)]);
    table([
        (
            paused(json!({ "updatedReplicas": null, "conditions": condition })),
            "somebody: somebody to resume the rollout, which is paused: kubectl -n shop rollout resume deployment web",
        ),
        (paused(json!({ "conditions": condition })), "ready"),
    ]);
}

/// Rule by rule when a passed deadline counts: (a) written after the PATCH, (b) seen to appear, (c) its time has passed.
#[test]
fn a_deadline_counts_only_when_it_is_this_rollouts() {
    let exceeded = |written: i64| {
        let conditions =
            json!([available("True"), progressing("False", "ProgressDeadlineExceeded", written)]);
        deployment(json!({ "status": { "updatedReplicas": 1, "conditions": conditions } }))
    };
    let failed = "failed (progress-deadline) Deployment shop/web has made no progress for 600 s";
    for (name, object, applied, seconds, expected) in [
        ("stale", exceeded(-60), applied(), 30, "waits for 1 of 3"),
        ("written in the second of the answer", exceeded(0), applied(), 30, "waits for 1 of 3"),
        ("(a) written since", exceeded(1), applied(), 30, failed),
        ("(b) seen to appear", exceeded(-60), Applied { within_deadline: true, ..applied() }, 30, failed),
        ("(c) not yet passed", exceeded(-60), applied(), 600, "waits for 1 of 3"),
        ("(c) passed", exceeded(-60), applied(), 601, failed),
        ("no time of the answer", exceeded(1), Applied { at: None, ..applied() }, 601, "waits for 1 of 3"),
        ("nothing was changed", exceeded(-60), Applied { changed: false, ..applied() }, 30, failed),
    ] {
        let found = judged_as(&object, &applied, seconds);
        assert!(found.starts_with(expected), "{name}: expected `{expected}`, found `{found}`");
    }
    let about_older = merge(
        exceeded(1),
        json!({ "status": { "conditions": [
        available("True"),
        merge(progressing("False", "ProgressDeadlineExceeded", 1), json!({ "observedGeneration": 1 })),
    ] } }),
    );
    assert!(judged(&about_older).starts_with("waits for 1 of 3"), "{}", judged(&about_older));
}

#[test]
fn a_look_remembers_that_the_deadline_was_not_passed_only_of_this_generation() {
    let remembers = |object: &Value| applied().after(&Seen::new(object)).within_deadline;
    let state = |observed: i64, reason: &str| {
        deployment(
            json!({ "status": { "observedGeneration": observed, "conditions": [progressing("True", reason, 1)] } }),
        )
    };
    assert!(remembers(&state(2, "ReplicaSetUpdated")));
    assert!(!remembers(&state(1, "ReplicaSetUpdated")), "the controller has not seen the change");
    assert!(!remembers(&state(2, "ProgressDeadlineExceeded")));
    assert!(!remembers(&deployment(
        json!({ "metadata": { "generation": 1 }, "status": { "observedGeneration": 1 } })
    )));
    let later = state(2, "ProgressDeadlineExceeded");
    assert!(
        applied().after(&Seen::new(&state(2, "ReplicaSetUpdated"))).after(&Seen::new(&later)).within_deadline
    );
}

#[test]
fn a_deployment_counts_its_pods() {
    let object = deployment(json!({ "status": { "updatedReplicas": 2, "availableReplicas": 1 } }));
    let judged =
        judge(&Seen::new(&object).at(after(30)), &applied(), &Rules::default(), &Patience::default());
    assert_eq!(
        judged.progress,
        [
            Progress::new("new pods made", 2, Some(3), "pods"),
            Progress::new("pods available", 1, Some(3), "pods"),
        ]
    );
}

#[test]
fn a_stateful_set_is_ready_when_its_new_revision_is_the_current_one() {
    let status = |patch: Value| stateful_set(json!({ "status": patch }));
    table([
        (status(json!({})), "ready"),
        (status(json!({ "replicas": 2, "readyReplicas": 2 })), "waits for 2 of 3 pods to become 3"),
        (
            status(json!({ "updatedReplicas": 1, "currentRevision": "db-1" })),
            "waits for 1 of 3 pods of the new revision to become 3",
        ),
        (status(json!({ "readyReplicas": 2 })), "waits for 2 of 3 pods to be ready"),
        (status(json!({ "availableReplicas": 1 })), "waits for 1 of 3 pods to be available"),
        // All pods are new, and the update is not over: kstatus is content with less.
        (status(json!({ "currentRevision": "db-1" })), "waits for the controller to call the new revision"),
        (status(json!({ "replicas": 5, "readyReplicas": 5 })), "waits for 2 pods to end, the last one first"),
        (
            stateful_set(json!({ "spec": { "replicas": 0 }, "status": {
                "replicas": 0, "readyReplicas": null, "availableReplicas": 0, "updatedReplicas": null,
            } })),
            "ready (image-not-proven)",
        ),
        (stateful_set(json!({ "spec": { "replicas": 0 } })), "waits for 3 pods to end"),
    ]);
}

#[test]
fn a_partition_keeps_pods_on_the_old_revision() {
    let set = |partition: i64, updated: i64, ready: i64| {
        stateful_set(json!({
            "spec": { "updateStrategy": { "rollingUpdate": { "partition": partition } } },
            "status": { "updatedReplicas": updated, "readyReplicas": ready, "currentRevision": "db-1" },
        }))
    };
    table([
        (set(2, 0, 3), "waits for 0 of 1 pods of the new revision to become 1"),
        (set(2, 1, 2), "waits for 2 of 3 pods to be ready"),
        (set(2, 1, 3), "ready (partition)"),
        (set(7, 0, 3), "ready (partition)"),
        (set(0, 3, 3), "waits for the controller to call the new revision the current one"),
    ]);
}

#[test]
fn on_delete_waits_for_somebody_to_delete_the_old_pods() {
    let patch = json!({ "spec": { "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } } });
    let set = |updated: i64, ready: i64| {
        let status = json!({ "updatedReplicas": updated, "readyReplicas": ready, "currentRevision": "db-1" });
        merge(stateful_set(json!({ "status": status })), patch.clone())
    };
    let daemons = |updated: i64| {
        merge(daemon_set(json!({ "status": { "updatedNumberScheduled": updated } })), patch.clone())
    };
    table([
        (
            set(1, 3),
            "somebody: somebody to delete 2 pods of the old revision, as strategy OnDelete asks for; 1 of 3",
        ),
        (set(3, 2), "waits for 2 of 3 pods to be ready"),
        // Its current revision does not move with OnDelete (https://github.com/kubernetes/kubernetes/issues/106055).
        (set(3, 3), "ready"),
        (daemons(2), "somebody: somebody to delete 1 pod of the old revision"),
        (daemons(3), "ready"),
    ]);
}

#[test]
fn a_daemon_set_is_ready_when_every_node_has_its_new_pod() {
    let status = |patch: Value| daemon_set(json!({ "status": patch }));
    table([
        (status(json!({})), "ready"),
        (status(json!({ "desiredNumberScheduled": null })), "waits for its controller to count the nodes"),
        (status(json!({ "currentNumberScheduled": 2 })), "waits for 2 of 3 nodes to have their pod"),
        (status(json!({ "updatedNumberScheduled": 1 })), "waits for 1 of 3 pods of the new revision"),
        (status(json!({ "numberReady": 2 })), "waits for 2 of 3 pods to be ready"),
        (status(json!({ "numberAvailable": 2 })), "waits for 2 of 3 pods to be available"),
        (
            status(json!({
                "desiredNumberScheduled": 0, "currentNumberScheduled": 0, "updatedNumberScheduled": null,
                "numberReady": 0, "numberAvailable": null,
            })),
            "ready (image-not-proven)",
        ),
    ]);
}

#[test]
fn a_replica_set_of_its_own_has_all_its_pods() {
    let set = |patch: Value| {
        let status = json!({
            "observedGeneration": 2, "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        });
        other("apps/v1", "ReplicaSet", json!({ "replicas": 2 }), merge(status, patch))
    };
    table([
        (set(json!({})), "ready"),
        (set(json!({ "replicas": 1 })), "waits for 1 of 2 pods to become 2"),
        (set(json!({ "fullyLabeledReplicas": 1 })), "waits for 1 of 2 pods to become 2"),
        (set(json!({ "replicas": 3 })), "waits for 1 pod too many to end"),
        (set(json!({ "availableReplicas": 1 })), "waits for 1 of 2 pods to be ready and available"),
    ]);
}

#[test]
fn a_job_is_ready_when_complete_and_failed_as_soon_as_that_is_certain() {
    let conditions = |rows: &[(&str, &str)]| {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(kind, reason)| json!({ "type": kind, "status": "True", "reason": reason, "message": "It says why." }))
            .collect();
        job(json!({}), json!({ "startTime": "2026-11-20T10:00:00Z", "conditions": rows }))
    };
    let started = |status: Value| merge(json!({ "startTime": "2026-11-20T10:00:00Z" }), status);
    table([
        (job(json!({}), json!({})), "waits for the job controller to start it"),
        (
            job(json!({ "completions": 3 }), started(json!({ "active": 1, "succeeded": 1, "failed": 2 }))),
            "waits for 1 of 3 pods to succeed; 1 running, 2 failed",
        ),
        (job(json!({}), started(json!({ "active": 1, "ready": 1 }))), "waits for 0 of 1 pods to succeed"),
        (conditions(&[("Complete", "CompletionsReached")]), "ready"),
        (
            conditions(&[("SuccessCriteriaMet", "SuccessPolicy")]),
            "waits for its last pods to end; it has succeeded",
        ),
        (conditions(&[("SuccessCriteriaMet", "SuccessPolicy"), ("Complete", "SuccessPolicy")]), "ready"),
        (
            conditions(&[("FailureTarget", "BackoffLimitExceeded")]),
            "failed (job-failed) Job shop/migrate failed (more than 6 of its pods failed): It says why",
        ),
        (
            conditions(&[("FailureTarget", "PodFailurePolicy"), ("Failed", "PodFailurePolicy")]),
            "failed (job-failed)",
        ),
        (
            conditions(&[("Failed", "DeadlineExceeded")]),
            "failed (job-failed) Job shop/migrate failed (it did not end",
        ),
        (job(json!({ "suspend": true }), json!({})), "somebody: somebody to set spec.suspend to false"),
        (
            merge(
                job(json!({ "suspend": true }), json!({})),
                json!({ "metadata": { "labels": { "kueue.x-k8s.io/queue-name": "nightly" } } }),
            ),
            "waits for queue nightly of Kueue to start it",
        ),
        (other("batch/v1", "CronJob", json!({ "suspend": true }), json!({})), "ready (cron-job-suspended)"),
    ]);
}

#[test]
fn a_pod_is_ready_by_its_phase_and_conditions() {
    let lone =
        |status: Value| merge(pod("web", "x", status), json!({ "metadata": { "ownerReferences": null } }));
    let ended = json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
        "containerStatuses": [{ "name": "web", "state": { "terminated": { "exitCode": 137 } } }] });
    let gated = merge(
        lone(running()),
        json!({
            "spec": { "readinessGates": [{ "conditionType": "target-health.elbv2.k8s.aws/k8s-shop-web-1" }] },
            "status": { "conditions": [{ "type": "Ready", "status": "False" }, { "type": "ContainersReady", "status": "True" }] },
        }),
    );
    let unready = merge(
        lone(running()),
        json!({ "status": {
        "conditions": [{ "type": "Ready", "status": "False" }],
        "containerStatuses": [{ "name": "web", "ready": false, "state": { "running": {} } }],
    } }),
    );
    table([
        (lone(running()), "ready"),
        (lone(json!({ "phase": "Succeeded" })), "ready"),
        (
            lone(ended),
            "failed (pod-failed) Pod shop/web failed: container web exited with code 137, Evicted, The node was",
        ),
        (unready, "waits for containers to be ready: web"),
        (gated, "waits for its readiness gates: target-health.elbv2.k8s.aws/k8s-shop-web-1"),
        (lone(waiting("ContainerCreating", "")), "waits for it to start: web is in ContainerCreating"),
        (unplaced("web", "x", "0/3 nodes are available."), "waits for it to start: 0/3 nodes are available"),
        (merge(lone(running()), json!({ "spec": { "restartPolicy": "Never" } })), "waits for it to end"),
        (lone(json!({ "phase": null })), "waits for the server to show its phase"),
    ]);
}
