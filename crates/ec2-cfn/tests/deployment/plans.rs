//! What a plan tells beforehand: which instances, how many of them stay healthy, and what cannot go well.

use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Denial};
use serde_json::json;

use crate::stage::{Stage, keep, told};

#[tokio::test(start_paused = true)]
async fn a_plan_tells_which_instances_there_are_and_how_many_of_them_stay_healthy() {
    let stage = Stage::of("good");
    let planned = stage.planned(&stage.target()).await;
    for words in [
        "instances: EC2 tagged application=demo (3 have these tags); the last deployment had 3",
        "CodeDeployDefault.OneAtATime (all but 1 of the instances stay healthy: of 3 at least 2, up to 1 at a time)",
    ] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    let half = stage.made(stage.builder().config("CodeDeployDefault.HalfAtATime"));
    let planned = stage.planned(&half).await;
    let words = "(at least 50 % of the instances stay healthy: of 3 at least 2, up to 1 at a time)";
    assert!(planned.contains(words), "{planned}");
    assert_eq!(stage.simulator.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_leaves_no_instance_to_deploy_to_is_told_before() {
    let stage = Stage::changed(|world| {
        let configs = &mut world.account(DEMO_ACCOUNT).region(DEMO_REGION).deployment_configs;
        configs.insert("most-stay".to_owned(), json!({ "type": "FLEET_PERCENT", "value": 67 }));
        configs.insert("two-thirds-stay".to_owned(), json!({ "type": "FLEET_PERCENT", "value": 66 }));
    });
    stage.planned(&stage.made(stage.builder().config("two-thirds-stay"))).await;
    assert!(!stage.told().iter().any(|line| line.starts_with("minimum-healthy")), "{:#?}", stage.told());
    stage.planned(&stage.made(stage.builder().config("most-stay"))).await;
    let told = stage.told();
    let warned = told.iter().find(|line| line.starts_with("minimum-healthy-too-high")).unwrap();
    assert!(warned.contains("most-stay") && warned.contains("had 3"), "{warned}");
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_read_the_configuration_the_plan_says_which_one_is_missing() {
    let stage = Stage::changed(|world| {
        let user = world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap();
        user.denied = vec![Denial::of("codedeploy:GetDeploymentConfig")];
    });
    let planned = stage.planned(&stage.target()).await;
    assert!(planned.contains("codedeploy:GetDeploymentConfig is refused"), "{planned}");
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_tags_fit_no_instance_is_told_of_before_the_next_deployment() {
    let stage = Stage::changed(|world| {
        let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
        let group = region.applications.get_mut("demo").unwrap().groups.get_mut("demo").unwrap();
        group.instances.clear();
    });
    let report = stage.run_as("demo/1", &stage.target(), &keep()).await;
    assert!(report.verdict.causes.iter().any(|cause| cause.code == "no-instances"), "{}", told(&report));
    let noted = || stage.told().into_iter().filter(|line| line.starts_with("no-instances: the last")).count();
    assert_eq!(noted(), 0);
    let planned = stage.planned(&stage.target()).await;
    let told = stage.told();
    let warned = told.iter().find(|line| line.starts_with("no-instances: the last deployment d-")).unwrap();
    assert!(warned.contains("(EC2 tagged application=demo)"), "{warned}");
    assert!(!planned.contains("the last deployment had"), "{planned}");
}
