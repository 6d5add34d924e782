//! Custom resources.

use serde_json::{Value, json};

use super::super::{Applied, Patience, Rules, Seen, judge};
use super::{line, table};
use crate::fixtures::{after, applied, merge, other};

fn widget(status: Value) -> Value {
    other("example.com/v1", "Widget", json!({}), status)
}

fn conditions(rows: &[(&str, &str)]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|(kind, status)| json!({ "type": kind, "status": status, "message": "It says why." }))
        .collect();
    json!({ "observedGeneration": 2, "conditions": rows })
}

#[test]
fn a_custom_resource_is_ready_by_the_condition_that_says_most() {
    table([
        (widget(conditions(&[("Ready", "True")])), "ready"),
        (
            widget(conditions(&[("Ready", "False")])),
            "waits for condition Ready to be True; it is False: It says why",
        ),
        (widget(conditions(&[("Ready", "Unknown")])), "waits for condition Ready to be True; it is Unknown"),
        (widget(conditions(&[("Synced", "True"), ("Ready", "False")])), "waits for condition Ready"),
        (
            widget(conditions(&[("Accepted", "True"), ("Programmed", "False")])),
            "waits for condition Programmed",
        ),
        (widget(conditions(&[("Accepted", "True"), ("Programmed", "True")])), "ready"),
        (widget(conditions(&[("Succeeded", "Unknown")])), "waits for condition Succeeded"),
        (
            widget(conditions(&[("Succeeded", "False")])),
            "failed (not-succeeded) Widget shop/web did not succeed: It says",
        ),
        (widget(conditions(&[("Strange", "False")])), "ready"),
        (
            widget(json!({ "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": 1 }] })),
            "waits for condition Ready to be about generation 2; it is about an older one",
        ),
    ]);
}

/// What is judged so many seconds after the apply of a kind that has the subresource `status`.
fn at(object: &Value, applied: &Applied, seconds: i64) -> String {
    let mut seen = Seen::new(object).at(after(seconds));
    seen.status_subresource = true;
    line(&judge(&seen, applied, &Rules::default(), &Patience::default()))
}

#[test]
fn a_resource_without_the_status_that_its_kind_has_is_not_ready_yet() {
    for status in [json!(null), json!({})] {
        let object = widget(status);
        assert_eq!(at(&object, &applied(), 1), "waits for its controller to write a status");
        assert_eq!(at(&object, &applied(), 14), "waits for its controller to write a status");
        assert_eq!(at(&object, &applied(), 15), "ready (no-status)");
    }
    // Then the way of scenario: False, then True.
    assert!(
        at(&widget(conditions(&[("Ready", "False")])), &applied(), 20)
            .starts_with("waits for condition Ready")
    );
    assert_eq!(at(&widget(conditions(&[("Ready", "True")])), &applied(), 21), "ready");
    // A kind without a status has nothing to wait for.
    table([(widget(json!(null)), "ready")]);
}

#[test]
fn a_status_that_may_be_from_before_the_change_is_given_a_moment() {
    let mut status = conditions(&[("Ready", "True")]);
    status["observedGeneration"] = json!(null);
    let object = widget(status.clone());
    assert!(at(&object, &applied(), 4).starts_with("waits for its controller to look at the change"));
    assert_eq!(at(&object, &applied(), 5), "ready");
    assert_eq!(at(&object, &Applied { changed: false, ..applied() }, 0), "ready");
    let told = merge(widget(status), json!({ "status": { "observedGeneration": 2 } }));
    assert_eq!(at(&told, &applied(), 0), "ready");
    let by_condition =
        widget(json!({ "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": 2 }] }));
    assert_eq!(at(&by_condition, &applied(), 0), "ready");
    assert!(
        at(&widget(json!({ "phase": "Done" })), &applied(), 0)
            .starts_with("waits for its controller to look")
    );
    let first = merge(object, json!({ "metadata": { "generation": 1 } }));
    let made = Applied { generation: Some(1), ..applied() };
    assert_eq!(at(&first, &made, 0), "ready", "a new object has no status from before");
}

#[test]
fn a_failure_that_may_be_from_before_the_change_is_given_a_moment_too() {
    let terminal =
        json!({ "conditions": [{ "type": "ACK.Terminal", "status": "True", "message": "no such role" }] });
    let bucket = other("s3.services.k8s.aws/v1alpha1", "Bucket", json!({}), terminal);
    assert!(at(&bucket, &applied(), 4).starts_with("waits for its controller to look at the change"));
    assert!(
        at(&bucket, &applied(), 5)
            .starts_with("failed (rule-failed) Bucket shop/web failed: ACK.Terminal is True")
    );
    let stalled = widget(json!({ "conditions": [{ "type": "Stalled", "status": "True" }] }));
    assert!(at(&stalled, &applied(), 4).starts_with("waits for its controller to look at the change"));
    assert!(at(&stalled, &applied(), 5).starts_with("failed (stalled)"));
    // The API server's own kinds are judged at once.
    let job =
        crate::fixtures::job(json!({}), json!({ "conditions": [{ "type": "Failed", "status": "True" }] }));
    assert!(at(&job, &applied(), 0).starts_with("failed (job-failed)"));
}
