//! Restarts, and processes of Auto Scaling groups that are suspended: CreateDeployment and `EC2DeploymentOptions` in the API
//! reference.

use aws_sdk_codedeploy::operation::create_deployment::builders::CreateDeploymentFluentBuilder;
use aws_sdk_codedeploy::types::{AutoScalingGroupProcess, DeploymentMode, Ec2DeploymentOptions};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION};
use serde_json::{Value, json};

use super::{Stage, code, in_s3, revision, seconds, stage, staged};

fn restart(stage: &Stage) -> CreateDeploymentFluentBuilder {
    let create = stage.client.create_deployment().application_name("demo").deployment_group_name("demo");
    create.deployment_mode(DeploymentMode::Restart)
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_the_revision_of_the_last_success_and_does_not_fetch_it() {
    let stage = staged(|world| {
        let buckets = &mut world.account(DEMO_ACCOUNT).region(DEMO_REGION).buckets;
        buckets.get_mut(DEMO_BUCKET).unwrap().objects.remove("demo/1.zip");
    });
    let id = restart(&stage).send().await.unwrap().deployment_id.unwrap();
    seconds(60).await;
    let info = stage.info(&id).await;
    assert_eq!(stage.status(&id).await, "Succeeded", "{info:?}");
    assert_eq!(info.deployment_mode, Some(DeploymentMode::Restart));
    assert_eq!(info.revision.unwrap().s3_location.unwrap().key.unwrap(), "demo/1.zip");
    let standard = stage.created().await;
    assert_eq!(stage.info(&standard).await.deployment_mode, None, "it is absent for STANDARD deployments");
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_refused_with_a_revision_for_some_instances_blue_green_and_before_the_first_success() {
    let demo = stage(|_| {});
    let with_revision = restart(&demo).revision(revision(in_s3("demo/2.zip"))).send().await;
    assert_eq!(code(with_revision), "InvalidRevisionException");
    let outdated = restart(&demo).update_outdated_instances_only(true).send().await;
    assert_eq!(code(outdated), "InvalidUpdateOutdatedInstancesOnlyValueException");
    let blue_green = stage(|group| group.settings["deploymentStyle"]["deploymentType"] = json!("BLUE_GREEN"));
    assert_eq!(code(restart(&blue_green).send().await), "InvalidInputException");
    let fresh = stage(|group| group.last_successful = Value::Null);
    assert_eq!(code(restart(&fresh).send().await), "RevisionDoesNotExistException");
    assert_eq!(fresh.aws().deployments().len(), 0, "nothing was made");
}

#[tokio::test(start_paused = true)]
async fn processes_are_suspended_for_auto_scaling_groups_that_are_deployed_to_in_place() {
    let of = |name: &str| {
        let process = AutoScalingGroupProcess::from(name);
        Ec2DeploymentOptions::builder().auto_scaling_group_processes_to_suspend(process).build()
    };
    let refused = "InvalidAutoScalingGroupProcessToSuspendException";
    let tagged = stage(|_| {});
    assert_eq!(code(tagged.create().ec2_deployment_options(of("Terminate")).send().await), refused);
    let scaling = stage(|group| group.settings["autoScalingGroups"] = json!([{ "name": "web" }]));
    assert_eq!(code(scaling.create().ec2_deployment_options(of("terminate")).send().await), refused);
    let made = scaling.create().ec2_deployment_options(of("Terminate")).send().await.unwrap();
    let shown = scaling.info(&made.deployment_id.unwrap()).await.ec2_deployment_options.unwrap();
    assert_eq!(shown.auto_scaling_group_processes_to_suspend(), [AutoScalingGroupProcess::Terminate]);
    let blue_green = stage(|group| {
        group.settings["autoScalingGroups"] = json!([{ "name": "web" }]);
        group.settings["deploymentStyle"]["deploymentType"] = json!("BLUE_GREEN");
    });
    assert_eq!(code(blue_green.create().ec2_deployment_options(of("Terminate")).send().await), refused);
}

/// `MinimumHealthyHosts` and `DeploymentOverview` in the API reference.
#[tokio::test(start_paused = true)]
async fn one_at_a_time_has_a_kind_of_its_own_and_a_deployment_counts_its_instances() {
    let stage = stage(|_| {});
    let config = stage.client.get_deployment_config().deployment_config_name("CodeDeployDefault.OneAtATime");
    let info = config.send().await.unwrap().deployment_config_info.unwrap();
    let minimum = info.minimum_healthy_hosts.unwrap();
    assert_eq!((minimum.r#type.unwrap().as_str(), minimum.value), ("MOST_CONCURRENCY", 1));
    let past = stage.aws().deployments().remove(0).id;
    assert_eq!(stage.info(&past).await.deployment_overview.unwrap().succeeded, 3);
    assert_eq!(stage.target_statuses(&past).await, ["Succeeded"; 3]);
}
