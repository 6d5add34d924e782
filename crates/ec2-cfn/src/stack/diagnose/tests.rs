use jiff::Timestamp;
use landfall_core::Cause;

use super::super::memory::FailedEvent;
use super::super::template::Template;
use super::{causes, is_without_changes};

fn failure(path: &str, second: i64, status: &str, reason: &str) -> FailedEvent {
    FailedEvent {
        path: path.to_owned(),
        logical: path.rsplit('.').next().unwrap_or_default().to_owned(),
        kind: "AWS::SNS::Topic".to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        at: Timestamp::new(second, 0).ok(),
        ..FailedEvent::default()
    }
}

fn codes(causes: &[Cause]) -> Vec<&str> {
    causes.iter().map(|cause| cause.code.as_str()).collect()
}

#[test]
fn the_first_failure_is_the_cause_and_what_was_cancelled_is_none() {
    let failures = [
        failure("Late", 9, "CREATE_FAILED", "Access Denied"),
        failure("Other", 5, "CREATE_FAILED", "Resource creation cancelled"),
        failure("First", 5, "CREATE_FAILED", "web already exists in stack x"),
        failure("Third", 6, "UPDATE_FAILED", "Resource update Canceled"),
    ];
    let found = causes(&failures, None, false);
    assert_eq!(codes(&found), ["already-exists", "access-denied"]);
    assert!(found[0].message.starts_with("First (AWS::SNS::Topic) CREATE_FAILED: web already exists"));
    assert_eq!(found[0].evidence, ["2 cancelled because of it: Other, Third"]);
}

#[test]
fn of_nested_stacks_the_leaf_is_the_cause() {
    let mut outer =
        failure("Network", 7, "CREATE_FAILED", "Embedded stack arn:... was not successfully created");
    outer.kind = "AWS::CloudFormation::Stack".to_owned();
    outer.physical = "arn:aws:cloudformation:r:a:stack/n/1".to_owned();
    let failures = [failure("Network.Subnet", 6, "CREATE_FAILED", "The CIDR is invalid"), outer.clone()];
    let found = causes(&failures, None, false);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("Network.Subnet"), "{found:?}");
    // As long as nothing within is known, the stack's own reason is all there is.
    assert!(causes(&[outer], None, false)[0].message.starts_with("Network "));
}

#[test]
fn what_fails_on_the_way_back_is_told_beside_the_cause() {
    let mut rolling = failure("Bucket", 8, "DELETE_FAILED", "The bucket you tried to delete is not empty");
    rolling.rolling = true;
    let failures = [
        failure("Role", 4, "CREATE_FAILED", "x is not authorized to perform: iam:CreateRole"),
        rolling.clone(),
    ];
    assert_eq!(codes(&causes(&failures, None, false)), ["access-denied", "rollback-failed"]);
    assert_eq!(codes(&causes(&[rolling], None, true)), ["bucket-not-empty"], "of a deletion it is the cause");
}

#[test]
fn a_cause_names_the_line_of_the_template() {
    let template = Template::parse("web.yaml", "Resources:\n  First:\n    Type: AWS::SNS::Topic\n").unwrap();
    let found = causes(&[failure("First", 1, "CREATE_FAILED", "no")], Some(&template), false);
    assert_eq!(found[0].at.as_ref().unwrap().to_string(), "web.yaml:2:3");
}

#[test]
fn every_cause_has_a_next_step() {
    for reason in [
        "anything",
        "",
        "did not receive 1 resource signal(s) within the timeout",
        "Export a cannot be updated as it is in use by b",
    ] {
        let found = causes(&[failure("A", 1, "CREATE_FAILED", reason)], None, false);
        assert!(found[0].hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{reason}");
    }
}

#[test]
fn only_what_says_so_is_without_changes() {
    for reason in [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        " No updates are to be performed.",
    ] {
        assert!(is_without_changes(reason), "{reason}");
    }
    for reason in [
        "",
        "Template error: no changes",
        "Nested change set x was not successfully created: Currently in FAILED.",
    ] {
        assert!(!is_without_changes(reason), "{reason}");
    }
}

#[test]
fn what_can_be_left_out_of_a_rollback_is_named_behind_the_name_of_its_nested_stack() {
    let mut inner = failure("Network.Subnet", 8, "UPDATE_FAILED", "it is gone");
    inner.stack_id = "arn:aws:cloudformation:r:a:stack/web-Network-1ABC/0a1b".to_owned();
    inner.rolling = true;
    let hint = causes(&[inner], None, false)[0].hint.clone().unwrap_or_default();
    assert!(hint.contains("--resources-to-skip web-Network-1ABC.Subnet`"), "{hint}");
}
