//! Describe and list calls of ECS: limits, failures, pages.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{CreatedAt, ServiceDeploymentStatus, ServiceField, SortOrder, TaskDefinitionField};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Simulator, World};

use crate::driver::driver;

#[tokio::test(start_paused = true)]
async fn unknown_services_and_clusters_are_failures_or_errors_as_the_operation_has_it() {
    let ecs = driver("good").ecs;
    let answer =
        ecs.describe_services().cluster("demo").services("web").services("nope").send().await.unwrap();
    assert_eq!(answer.services().len(), 1);
    let failure = &answer.failures()[0];
    assert_eq!(failure.reason(), Some("MISSING"));
    assert_eq!(failure.arn(), Some("arn:aws:ecs:eu-central-1:111122223333:service/demo/nope"));
    let answer = ecs.describe_clusters().clusters("demo").clusters("nope").send().await.unwrap();
    assert_eq!((answer.clusters().len(), answer.failures().len()), (1, 1));
    assert_eq!(answer.clusters()[0].running_tasks_count(), 2);
    let error = ecs.describe_services().cluster("nope").services("web").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    let error = ecs.update_service().cluster("demo").service("nope").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServiceNotFoundException"));
}

#[tokio::test(start_paused = true)]
async fn clusters_and_services_are_listed_in_pages_and_without_inactive_ones() {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
    region.cluster("live");
    region.cluster("gone").status = "INACTIVE".to_owned();
    let demo = region.cluster("demo");
    let web = demo.services["web"].clone();
    demo.services.extend((1..12).map(|number| (format!("web-{number}"), web.clone())));
    let simulator = Simulator::builder().world(world).build();
    simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).set_service_status("demo", "web-11", "INACTIVE");
    let ecs = aws_sdk_ecs::Client::new(&simulator.sdk_config());
    let first = ecs.list_clusters().max_results(1).send().await.unwrap();
    let token = first.next_token().unwrap();
    let second = ecs.list_clusters().max_results(1).next_token(token).send().await.unwrap();
    assert!(second.next_token().is_none());
    let listed = [first.cluster_arns(), second.cluster_arns()].concat();
    assert_eq!(
        listed,
        ["demo", "live"].map(|name| format!("arn:aws:ecs:eu-central-1:111122223333:cluster/{name}"))
    );
    let page = ecs.list_services().cluster("demo").send().await.unwrap();
    assert_eq!((page.service_arns().len(), page.next_token().is_some()), (10, true));
    let all = ecs.list_services().cluster("demo").max_results(100).send().await.unwrap();
    assert_eq!((all.service_arns().len(), all.next_token()), (11, None));
    let error = ecs.list_services().cluster("nope").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    let error = ecs.list_clusters().max_results(101).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_ten_services_are_described_at_once() {
    let ecs = driver("good").ecs;
    let names = (0..11).map(|number| format!("service-{number}")).collect();
    let error = ecs.describe_services().cluster("demo").set_services(Some(names)).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"));
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_is_found_by_family_revision_and_arn_and_tags_only_on_request() {
    let ecs = driver("good").ecs;
    for name in ["web", "web:2", "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2"] {
        let answer = ecs.describe_task_definition().task_definition(name).send().await.unwrap();
        assert_eq!(answer.task_definition.unwrap().revision(), 2, "{name}");
        assert!(answer.tags.is_none());
    }
    let request = ecs.describe_task_definition().task_definition("web").include(TaskDefinitionField::Tags);
    assert_eq!(request.send().await.unwrap().tags()[0].key(), Some("team"));
    let error = ecs.describe_task_definition().task_definition("web:9").send().await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Some("ClientException"), Some("Unable to describe task definition."))
    );
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_revision_can_be_described_but_not_deployed() {
    let driver = driver("good");
    driver.ecs.deregister_task_definition().task_definition("web:1").send().await.unwrap();
    let answer = driver.ecs.describe_task_definition().task_definition("web:1").send().await.unwrap();
    assert_eq!(answer.task_definition().unwrap().status().unwrap().as_str(), "INACTIVE");
    let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("web:1");
    let error = request.send().await.unwrap_err();
    assert_eq!(error.message(), Some("TaskDefinition is inactive"));
}

#[tokio::test(start_paused = true)]
async fn task_definitions_are_listed_in_pages_and_either_order() {
    let driver = driver("good");
    driver.register("demo/web:2").await;
    let list =
        || driver.ecs.list_task_definitions().family_prefix("web").sort(SortOrder::Desc).max_results(2);
    let first = list().send().await.unwrap();
    assert!(first.task_definition_arns()[0].ends_with("web:3"));
    let second = list().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert!(second.task_definition_arns()[0].ends_with("web:1"));
    assert!(second.next_token().is_none());
    let none = driver.ecs.list_task_definitions().family_prefix("we").send().await.unwrap();
    assert!(none.task_definition_arns().is_empty(), "familyPrefix is the whole family");
}

#[tokio::test(start_paused = true)]
async fn service_deployments_are_filtered_by_status_and_time_and_paged() {
    let driver = driver("good");
    driver.update("web:1").await;
    let list = || driver.ecs.list_service_deployments().cluster("demo").service("web");
    assert_eq!(list().send().await.unwrap().service_deployments().len(), 3);
    let pending = list().status(ServiceDeploymentStatus::Pending).send().await.unwrap();
    assert_eq!(pending.service_deployments().len(), 1);
    let created = driver.list_newest().await.created_at().copied().unwrap();
    let since = aws_smithy_types::DateTime::from_secs(created.secs() - 5);
    let recent = list().created_at(CreatedAt::builder().after(since).build()).send().await.unwrap();
    assert_eq!(recent.service_deployments().len(), 1);
    let page = list().max_results(2).send().await.unwrap();
    let rest = list().max_results(2).next_token(page.next_token().unwrap()).send().await.unwrap();
    assert_eq!((page.service_deployments().len(), rest.service_deployments().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_service_deployment_is_missing_and_its_revision_can_be_described() {
    let driver = driver("good");
    driver.update("web:1").await;
    let newest = driver.describe_newest().await;
    let arn = newest.service_deployment_arn().unwrap();
    let unknown = format!("{arn}x");
    let answer =
        driver.ecs.describe_service_deployments().service_deployment_arns(&unknown).send().await.unwrap();
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
    let revision = newest.target_service_revision().unwrap().arn().unwrap();
    let answer =
        driver.ecs.describe_service_revisions().service_revision_arns(revision).send().await.unwrap();
    let revision = &answer.service_revisions()[0];
    assert!(revision.task_definition().unwrap().ends_with("web:1"));
    assert_eq!(revision.container_images().len(), 2);
    assert_eq!(revision.load_balancers()[0].container_port(), Some(8080));
}

#[tokio::test(start_paused = true)]
async fn services_of_other_controllers_have_task_sets_and_no_deployments() {
    for (scenario, controller) in [("code-deploy", "CODE_DEPLOY"), ("external", "EXTERNAL")] {
        let driver = driver(scenario);
        let service = driver.service().await;
        assert_eq!(service.deployment_controller().unwrap().r#type().as_str(), controller);
        assert!(service.deployments().is_empty());
        assert_eq!(service.task_sets()[0].running_count(), 2);
        let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("web:1");
        let error = request.send().await.unwrap_err();
        let message = format!(
            "Unable to update task definition on services with a {controller} deployment controller."
        );
        assert!(error.message().unwrap().starts_with(&message), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_active_cannot_be_updated() {
    let driver = driver("good");
    driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).set_service_status("demo", "web", "DRAINING");
    let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("web:1");
    let error = request.send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServiceNotActiveException"));
}

#[tokio::test(start_paused = true)]
async fn accounts_and_regions_are_worlds_of_their_own() {
    use landfall_simulator::{SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY};
    let driver = driver("good");
    let second = aws_sdk_ecs::config::Credentials::new(
        SECOND_ACCESS_KEY_ID,
        SECOND_SECRET_ACCESS_KEY,
        None,
        None,
        "test",
    );
    let other_account = aws_sdk_ecs::Client::new(&driver.simulator.sdk_config_as(second));
    let region = aws_sdk_ecs::config::Region::from_static("us-east-1");
    let elsewhere = driver.simulator.sdk_config().into_builder().region(region).build();
    let other_region = aws_sdk_ecs::Client::new(&elsewhere);
    for client in [other_account, other_region] {
        let error = client.describe_services().cluster("demo").services("web").send().await.unwrap_err();
        assert_eq!(error.code(), Some("ClusterNotFoundException"));
    }
    let accounts: Vec<_> = driver.simulator.calls().into_iter().filter_map(|call| call.account).collect();
    assert_eq!(accounts, ["444455556666", "111122223333"]);
}

#[tokio::test(start_paused = true)]
async fn tags_are_shown_when_asked_for_and_can_be_set() {
    let driver = driver("good");
    let arn = driver.service().await.service_arn().unwrap().to_owned();
    let tag = aws_sdk_ecs::types::Tag::builder().key("release").value("2").build();
    driver.ecs.tag_resource().resource_arn(&arn).tags(tag).send().await.unwrap();
    let listed = driver.ecs.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags()[0].value(), Some("2"));
    let request = driver.ecs.describe_services().cluster("demo").services("web").include(ServiceField::Tags);
    assert_eq!(request.send().await.unwrap().services()[0].tags().len(), 1);
    assert!(driver.service().await.tags().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stale_reads_show_what_was_true_before_the_write_and_then_the_present() {
    let driver = driver("stale-reads");
    let before = driver.service().await.deployments()[0].id().unwrap().to_owned();
    let id = driver.deploy_new_image("demo/web:2").await;
    assert_eq!(driver.service().await.deployments()[0].id().unwrap(), before);
    let known = driver.history().pop().unwrap();
    let describe = || driver.ecs.describe_service_deployments().service_deployment_arns(&known.arn);
    assert_eq!(describe().send().await.unwrap().failures()[0].reason(), Some("MISSING"));
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert_eq!(driver.service().await.deployments()[0].id().unwrap(), id);
    assert_eq!(describe().send().await.unwrap().service_deployments().len(), 1);
}
