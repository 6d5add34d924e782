//! What once went wrong.

use landfall_core::Outcome;

use crate::garble::{Garble, Kind};
use crate::world::{deployed, deployed_with};

/// Seeds of the property test that failed once.
const SEEDS: [u64; 1] = [0];

#[test]
fn seeds_that_failed_once_do_not_fail_again() {
    SEEDS.into_iter().for_each(deployed);
}

#[test]
fn somebody_elses_deployment_that_went_well_is_not_taken_for_ours() {
    let ran = deployed_with(
        "never-settles",
        Garble::from(0, &[("DescribeServiceDeployments", Kind::OtherDeployment)]),
    );
    assert!(matches!(ran.report.verdict.outcome, Outcome::TimedOut { .. }), "{:?}", ran.report.verdict);
}

#[test]
fn a_list_that_names_another_deployment_leads_to_no_success() {
    let garble = Garble::from(0, &[("*", Kind::OtherDeployment)]);
    let ran = deployed_with("never-settles", garble);
    assert!(!ran.report.verdict.outcome.is_success(), "{:?}", ran.report.verdict);
}

#[test]
fn a_service_of_another_name_is_not_taken_for_ours() {
    let faults = [("DescribeServices", Kind::OtherService), ("DescribeServiceDeployments", Kind::EmptyLists)];
    let ran = deployed_with("never-settles", Garble::from(2, &faults));
    let Outcome::Unknown { error } = &ran.report.verdict.outcome else { panic!("{:?}", ran.report.verdict) };
    let report = error.report();
    assert!(report.contains("DescribeServices: the answer is about service api in demo"), "{report}");
    assert!(report.contains("service web in cluster demo was asked for"), "{report}");
}

#[test]
fn an_update_that_is_answered_with_another_service_is_found_again_and_not_made_twice() {
    let ran = deployed_with("good", Garble::from(0, &[("UpdateService", Kind::OtherService)]));
    assert_eq!(ran.report.verdict.outcome, Outcome::Succeeded);
    assert_eq!(ran.simulator.count("ecs", "UpdateService"), 1);
}

#[test]
fn a_task_definition_of_another_name_is_not_edited_and_registered() {
    let ran = deployed_with(
        "good",
        Garble::from(0, &[("DescribeTaskDefinition", Kind::NullNamed("taskDefinitionArn"))]),
    );
    assert!(!ran.report.verdict.outcome.is_success() && ran.simulator.writes().is_empty());
}

#[test]
fn numbers_as_large_as_can_be_are_counted_without_an_overflow() {
    for operation in ["DescribeServices", "DescribeServiceDeployments", "*"] {
        deployed_with("slow-good", Garble::from(0, &[(operation, Kind::HugeNumbers)]));
    }
}

#[test]
fn dates_as_text_are_dates() {
    let ran = deployed_with("good", Garble::from(0, &[("*", Kind::TextDates)]));
    assert_eq!(ran.report.verdict.outcome, Outcome::Succeeded);
}
