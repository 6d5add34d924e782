//! What is learnt of the instances before a deployment: their number for the plan, and the capacity of Auto Scaling groups,
//! which is waited for.

use std::time::Duration;

use landfall_core::{Outcome, Policy, Undone};
use landfall_ec2_cfn::deployment::IfBusy;
use landfall_simulator::{
    AutoScalingGroup, DEMO_ACCOUNT, DEMO_REGION, Denial, Fault, FaultKind, Instance, Region, World,
};
use serde_json::json;

use crate::stage::{Stage, keep, told};

fn region(world: &mut World) -> &mut Region {
    world.account(DEMO_ACCOUNT).region(DEMO_REGION)
}

/// Members of the deployment group as GetDeploymentGroup shows them.
fn group(world: &mut World, settings: serde_json::Value) {
    let groups = &mut region(world).applications.get_mut("demo").unwrap().groups;
    groups.get_mut("demo").unwrap().settings = settings;
}

fn filter(key: &str, value: &str, kind: &str) -> serde_json::Value {
    json!({ "Key": key, "Value": value, "Type": kind })
}

fn denied(actions: &'static [&'static str]) -> impl FnOnce(&mut World) {
    move |world| {
        let denied = actions.iter().map(|action| Denial::of(action)).collect();
        world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap().denied = denied;
    }
}

fn looks(stage: &Stage) -> usize {
    stage.simulator.count("autoscaling", "DescribeAutoScalingGroups")
}

/// How many seconds after the start CreateDeployment was called.
fn created_after(stage: &Stage, start: jiff::Timestamp) -> i64 {
    let calls = stage.simulator.calls();
    let made = calls.iter().find(|call| call.operation == "CreateDeployment").unwrap();
    made.at.duration_since(start).as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_in_place_begins_when_the_auto_scaling_groups_have_their_capacity() {
    let stage = Stage::of("deployment-capacity");
    let start = stage.simulator.now();
    let planned = stage.planned(&stage.target()).await;
    assert!(planned.contains("instances: Auto Scaling group web (2 of 3 in service)"), "{planned}");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let after = created_after(&stage, start);
    assert!((30..45).contains(&after), "{after} seconds");
    assert!(looks(&stage) > 2 && looks(&stage) < 30, "{}", looks(&stage));
}

#[tokio::test(start_paused = true)]
async fn the_limit_ends_the_wait_and_the_deployment_goes_to_what_is_there() {
    for (limit, least, most) in [(None, 600, 640), (Some(90), 90, 110), (Some(0), 0, 5)] {
        let stage = Stage::of("deployment-capacity-missing");
        let start = stage.simulator.now();
        let builder = stage.builder();
        let builder = match limit {
            Some(limit) => builder.capacity_limit(Duration::from_secs(limit)),
            None => builder,
        };
        let report = stage.run(&stage.made(builder), &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        let after = created_after(&stage, start);
        assert!((least..most).contains(&after), "{limit:?}: {after} seconds");
        let warned =
            stage.told().into_iter().filter(|line| line.starts_with("capacity-missing")).collect::<Vec<_>>();
        assert_eq!(warned.len(), usize::from(limit != Some(0)), "{warned:#?}");
        for words in ["web (2 of 3 in service)", "describe-scaling-activities --auto-scaling-group-name web"]
        {
            assert!(warned.iter().all(|line| line.contains(words)), "{words}: {warned:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_before_the_capacity_is_there_leaves_nothing_behind_and_names_the_group() {
    let stage = Stage::of("deployment-capacity-missing");
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(60))).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::NothingToDo), "{}", told(&report));
    let cause = report.verdict.causes.iter().find(|cause| cause.code == "capacity-missing").unwrap();
    assert!(
        cause.message.contains("nothing is deployed yet") && cause.message.contains("2 of 3"),
        "{cause:?}"
    );
    assert_eq!(stage.simulator.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_comes_after_the_wait_makes_one_deployment() {
    let stage = Stage::of("deployment-capacity");
    let target = stage.target();
    let cut = tokio::time::timeout(Duration::from_secs(10), stage.run(&target, &Policy::default())).await;
    assert!(cut.is_err() && stage.calls("CreateDeployment") == 0, "it waits");
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_wait_for_the_end_waits_until_the_deployment_is_made() {
    let mut policy = Policy::default();
    policy.wait = false;
    let stage = Stage::of("deployment-capacity");
    stage.run(&stage.target(), &policy).await;
    assert_eq!(stage.calls("CreateDeployment"), 1);
    let stage = Stage::of("deployment-busy");
    let waits = stage.made(stage.builder().if_busy(IfBusy::Wait));
    stage.run(&waits, &policy).await;
    assert_eq!(stage.calls("CreateDeployment"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_it_is_not_waited_and_the_plan_says_what_is_not_known() {
    let stage = Stage::altered("deployment-capacity", denied(&["autoscaling:DescribeAutoScalingGroups"]));
    let start = stage.simulator.now();
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(created_after(&stage, start) < 5);
    for code in ["instances-unseen", "capacity-unseen"] {
        let noted = stage.told().into_iter().find(|line| line.starts_with(code));
        let noted = noted.unwrap_or_else(|| panic!("{code}: {:#?}", stage.told()));
        assert!(noted.contains("autoscaling:DescribeAutoScalingGroups"), "{noted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_costs_seconds_and_nothing_else() {
    let stage = Stage::of("deployment-capacity");
    for service in ["autoscaling", "tagging"] {
        stage.simulator.add_fault(Fault::new(service, "*", FaultKind::Delay { ms: 3_600_000 }));
    }
    let start = stage.simulator.now();
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!((16..25).contains(&created_after(&stage, start)), "{}", created_after(&stage, start));
    assert!(
        stage.told().iter().any(|line| line.contains("no answer within 8 seconds")),
        "{:#?}",
        stage.told()
    );
}

#[tokio::test(start_paused = true)]
async fn a_blue_green_group_makes_its_own_instances_and_is_not_waited_for() {
    let stage = Stage::with(|world| {
        let web = AutoScalingGroup { desired_capacity: 3, ..AutoScalingGroup::default() };
        region(world).auto_scaling_groups.insert("web".to_owned(), web);
    });
    stage.code_deploy().change_group("demo", "demo", |group| {
        group.settings["autoScalingGroups"] = json!([{ "name": "web" }]);
    });
    let cut = tokio::time::timeout(Duration::from_secs(20), stage.deploy()).await;
    assert!(cut.is_err(), "it waits to be continued");
    assert_eq!((looks(&stage), stage.calls("CreateDeployment")), (1, 1), "one look, for the plan");
}

#[tokio::test(start_paused = true)]
async fn new_instances_that_codedeploy_brings_to_the_last_revision_are_nobodys_change() {
    let policy = Policy::default();
    let stage = Stage::of("deployment-capacity");
    let target = stage.target();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let live = stage.code_deploy().live("demo", "demo");
        stage.code_deploy().create_by("autoscaling", "demo", "demo", &live)
    };
    let (report, id) = tokio::join!(stage.run(&target, &policy), meanwhile);
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_ne!(report.verdict.outputs.find("deployment_id"), Some(id.as_str()));
    // Of anything else it is one.
    let stage = Stage::of("deployment-capacity");
    let target = stage.target();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let live = stage.code_deploy().live("demo", "demo");
        stage.code_deploy().create_as_other("demo", "demo", &live)
    };
    let (report, id) = tokio::join!(stage.run(&target, &policy), meanwhile);
    assert!(
        told(&report).contains("somebody else has deployed") && told(&report).contains(&id),
        "{}",
        told(&report)
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_counts_instances_by_every_way_in_which_a_group_names_them() {
    let both = "KEY_AND_VALUE";
    let stage = Stage::changed(|world| {
        let tagged = |pairs: &[(&str, &str)], on_premises| Instance {
            tags: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            on_premises,
            ssm: None,
        };
        let instances = &mut region(world).instances;
        for number in 0..130 {
            let zone = if number < 7 { "a" } else { "b" };
            let instance = tagged(&[("app", "web"), ("zone", zone)], false);
            instances.insert(format!("i-{number:017}"), instance);
        }
        instances.insert("rack-1".to_owned(), tagged(&[("rack", "7")], true));
        instances.insert("rack-2".to_owned(), tagged(&[("rack", "8")], true));
        let (app, zone) = (filter("app", "web", both), filter("zone", "a", both));
        group(
            world,
            json!({
                "ec2TagSet": { "ec2TagSetList": [[app], [zone, filter("zone", "c", both)]] },
                "onPremisesInstanceTagFilters": [filter("rack", "", "KEY_ONLY")],
                "autoScalingGroups": [{ "name": "gone" }],
            }),
        );
    });
    let planned = stage.planned(&stage.target()).await;
    let words = "instances: EC2 tagged app=web and zone=a or zone=c (7 have these tags); on-premises tagged rack (2 have these \
                 tags); Auto Scaling group gone (there is none of this name)";
    assert!(planned.contains(words), "{planned}");
    // 130 in pages of 100, and one call for each of the two zones.
    assert_eq!(stage.simulator.count("tagging", "GetResources"), 4);
    assert_eq!(stage.simulator.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn tags_that_fit_no_instance_are_told_before_codedeploy_fails_by_them() {
    let stage = Stage::of("deployment-no-instances");
    let planned = stage.planned(&stage.target()).await;
    assert!(planned.contains("EC2 tagged application=demo (0 have these tags)"), "{planned}");
    let warned = stage.told().into_iter().find(|line| line.starts_with("no-instances: no instance is there"));
    let warned = warned.unwrap_or_else(|| panic!("{:#?}", stage.told()));
    assert!(warned.contains("EC2 tagged application=demo"), "{warned}");
    // By value only, which cannot be asked for: nothing is said.
    let stage = Stage::changed(|world| {
        group(world, json!({ "ec2TagFilters": [filter("", "nowhere", "VALUE_ONLY")] }));
    });
    let planned = stage.planned(&stage.target()).await;
    assert!(planned.contains("instances: EC2 tagged *=nowhere; the last"), "{planned}");
    assert!(!stage.told().iter().any(|line| line.starts_with("no-instances")), "{:#?}", stage.told());
    assert_eq!(stage.simulator.count("tagging", "GetResources"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_told_with_what_systems_manager_knows_of_its_instance() {
    let stage = Stage::of("deployment-agent-silent");
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(600))).await;
    let cause = report.verdict.causes.iter().find(|cause| cause.code == "agent-silent").unwrap();
    let evidence = cause.evidence.join("\n");
    assert!(
        evidence
            .contains("i-0aaaaaaaaaaaaaaa1: its SSM agent 3.3.2299.0 is ConnectionLost, heard of last at"),
        "{evidence}"
    );
    assert!(
        stage.told().iter().any(|line| line.starts_with("agent-silent") && line.contains("ConnectionLost"))
    );
    assert_eq!(stage.simulator.count("ssm", "DescribeInstanceInformation"), 1, "it is asked once");
    let stage = Stage::altered("deployment-agent-silent", denied(&["ssm:DescribeInstanceInformation"]));
    let report = stage.run(&stage.target(), &keep().timeout(Duration::from_secs(600))).await;
    let cause = report.verdict.causes.iter().find(|cause| cause.code == "agent-silent").unwrap();
    assert!(cause.evidence.is_empty(), "{cause:?}");
    assert!(stage.told().iter().any(|line| line.starts_with("agents-unseen")), "{:#?}", stage.told());
    assert_eq!(stage.simulator.count("ssm", "DescribeInstanceInformation"), 1);
}
