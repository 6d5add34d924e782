//! What holds for all kinds.

use serde_json::json;

use super::super::gone;
use super::{judged_as, line, table};
use crate::fixtures::{after, applied, deployment, job, merge, other, stateful_set, time};
use crate::judge::Applied;

#[test]
fn an_answer_from_before_the_apply_counts_for_nothing() {
    table([
        (
            deployment(json!({ "metadata": { "generation": 1 }, "status": { "observedGeneration": 1 } })),
            "waits for the server to show generation 2, which was applied; it shows 1",
        ),
        (
            deployment(json!({ "status": { "observedGeneration": 1 } })),
            "waits for its controller to take up generation 2; it has seen 1",
        ),
        (deployment(json!({ "status": null })), "waits for its controller to take up generation 2"),
        (
            stateful_set(json!({ "status": { "observedGeneration": null } })),
            "waits for its controller to take up",
        ),
        // An autoscaler has changed the number of pods since: the controller must have seen that as well.
        (
            deployment(json!({ "metadata": { "generation": 3 } })),
            "waits for its controller to take up generation 3; it has seen 2",
        ),
        (
            deployment(json!({ "metadata": { "generation": 3 }, "status": { "observedGeneration": 3 } })),
            "ready",
        ),
        (deployment(json!({})), "ready"),
    ]);
}

#[test]
fn a_generation_written_as_text_is_a_number() {
    let status = |observed: &str| json!({ "observedGeneration": observed, "phase": "Healthy" });
    table([
        (
            other("argoproj.io/v1alpha1", "Rollout", json!({}), status("1")),
            "waits for its controller to take up",
        ),
        (other("argoproj.io/v1alpha1", "Rollout", json!({}), status("2")), "ready"),
        (other("argoproj.io/v1alpha1", "Rollout", json!({}), status("7bc9f6")), "ready"),
    ]);
}

#[test]
fn another_object_of_the_name_is_not_the_one_that_was_applied() {
    let applied = Applied { uid: Some("d-0".to_owned()), ..applied() };
    let newer = deployment(json!({ "metadata": { "creationTimestamp": time(5) } }));
    assert!(
        judged_as(&newer, &applied, 30)
            .starts_with("failed (object-replaced) Deployment shop/web was replaced")
    );
    let older = deployment(json!({}));
    assert!(
        judged_as(&older, &applied, 30)
            .starts_with("waits for the server to show the object that was applied")
    );
    let same = Applied { uid: Some("d-1".to_owned()), ..applied };
    assert_eq!(judged_as(&older, &same, 30), "ready");
}

#[test]
fn what_is_being_deleted_has_failed_with_its_finalizers() {
    let deleted = json!({ "metadata": { "deletionTimestamp": time(9), "finalizers": ["example.com/keep"] } });
    table([
        (deployment(deleted.clone()), "failed (being-deleted) Deployment shop/web is being deleted"),
        (
            merge(other("v1", "Namespace", json!({}), json!({ "phase": "Terminating" })), deleted.clone()),
            "failed (being-deleted)",
        ),
        (
            merge(
                job(json!({}), json!({ "conditions": [{ "type": "Complete", "status": "True" }] })),
                deleted,
            ),
            "ready",
        ),
    ]);
}

#[test]
fn stalled_and_reconciling_hold_for_every_kind_unless_they_are_old() {
    let widget = |kind: &str, observed: i64| {
        let condition = json!({ "type": kind, "status": "True", "message": "no such chart", "observedGeneration": observed });
        let ready = json!({ "type": "Ready", "status": "True", "observedGeneration": 2 });
        other("example.com/v1", "Widget", json!({}), json!({ "conditions": [condition, ready] }))
    };
    table([
        (widget("Stalled", 2), "failed (stalled) Widget shop/web is stalled: no such chart"),
        (widget("Stalled", 1), "ready"),
        (widget("Reconciling", 2), "waits for its controller to carry it out: no such chart"),
        (widget("Reconciling", 1), "ready"),
    ]);
}

#[test]
fn objects_without_anything_to_wait_for_are_ready() {
    for (version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("batch/v1", "CronJob"),
    ] {
        table([(other(version, kind, json!({}), json!({})), "ready")]);
    }
}

#[test]
fn an_object_that_is_gone_was_deleted_unless_it_is_a_job_with_an_end() {
    let ttl = json!({ "ttlSecondsAfterFinished": 0 });
    let failed =
        json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] });
    for (last, expected) in [
        (job(ttl.clone(), json!({ "active": 1 })), "ready (job-gone)"),
        (job(ttl, failed), "failed (job-failed)"),
        (job(json!({}), json!({ "active": 1 })), "failed (object-deleted) Job shop/migrate was deleted"),
        (deployment(json!({})), "failed (object-deleted)"),
    ] {
        let found = line(&gone(&last));
        assert!(found.starts_with(expected), "expected `{expected}`, found `{found}`");
    }
}

#[test]
fn an_answer_to_a_patch_says_what_was_applied() {
    let applied = Applied::from_answer(&deployment(json!({})), Some(after(0)), true);
    assert_eq!((applied.uid.as_deref(), applied.generation), (Some("d-1"), Some(2)));
    assert_eq!((applied.at, applied.changed, applied.within_deadline), (Some(after(0)), true, false));
}
