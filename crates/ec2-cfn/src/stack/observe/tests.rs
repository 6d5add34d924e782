use super::describe;
use crate::stack::facts::{PropertyChange, ResourceChange};

fn change(action: &str, drift: &str, after: &str) -> ResourceChange {
    let detail = PropertyChange {
        path: "Properties.Name".to_owned(),
        before: Some("one".to_owned()),
        after: Some(after.to_owned()),
        ..PropertyChange::default()
    };
    ResourceChange {
        action: action.to_owned(),
        logical: "Mapping".to_owned(),
        kind: "AWS::Lambda::EventSourceMapping".to_owned(),
        drift: drift.to_owned(),
        details: vec![detail],
        ..ResourceChange::default()
    }
}

#[test]
fn a_change_that_may_be_none_is_marked_only_where_the_resource_has_not_drifted() {
    const LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";
    let rows = [
        ("Modify", "IN_SYNC", LATER, true),
        ("Modify", "IN_SYNC", "one", true),
        ("Modify", "IN_SYNC", "two", false),
        ("Modify", "MODIFIED", LATER, false),
        ("Modify", "", LATER, false),
        ("Add", "IN_SYNC", LATER, false),
    ];
    for (action, drift, after, marked) in rows {
        let line = describe(&change(action, drift, after));
        assert_eq!(line.contains("perhaps no change at all"), marked, "{line}");
    }
}

#[test]
fn what_drifted_is_told_with_the_value_of_the_last_deployment() {
    let mut drifted = change("Modify", "MODIFIED", "two");
    drifted.details[0].deployed = Some("zero".to_owned());
    assert_eq!(
        describe(&drifted),
        "Modify Mapping (AWS::Lambda::EventSourceMapping): Properties.Name one -> two (deployed as zero, and changed since \
         outside of CloudFormation)"
    );
    assert!(describe(&change("SyncWithActual", "MODIFIED", "one")).contains("only CloudFormation's record"));
}
