//! One test for each way a deployment can come out.

use std::time::Duration;

use landfall_core::{End, ErrorKind, Outcome, Policy, Undone};
use landfall_ecs::{IfBusy, TaskDefinitionSource};
use landfall_simulator::{Denial, Simulator, World};

use crate::stage::{Stage, codes, keep, told};

const ONE_OF_EACH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

#[tokio::test(start_paused = true)]
async fn a_good_deployment_succeeds_with_one_registration_and_one_update() {
    let stage = Stage::of("good");
    let report = stage.deploy().await;
    assert_eq!((&report.verdict.outcome, report.exit_code()), (&Outcome::Succeeded, 0), "{}", told(&report));
    assert_eq!(stage.writes(), ONE_OF_EACH);
    assert_eq!(stage.live(), "web:3");
    let outputs = &report.verdict.outputs;
    assert_eq!(outputs.find("task_definition"), Some("web:3"));
    let made = stage.new_deployments();
    assert_eq!(outputs.find("deployment_id"), Some(made[0].deployment_id.as_str()));
    assert_eq!(outputs.find("service_deployment_arn"), Some(made[0].arn.as_str()));
    let first = "0 of 2 new tasks running, 2 old tasks still there";
    assert!(stage.waited_for().iter().any(|text| text.starts_with(first)), "{:?}", stage.waited_for());
    assert!(
        stage.news().iter().any(|text| text.contains("has reached a steady state")),
        "{:?}",
        stage.news()
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_when_nothing_has_changed() {
    let stage = Stage::of("good");
    stage.deploy().await;
    stage.simulator.reset_calls();
    let report = stage.deploy().await;
    assert_eq!((&report.verdict.outcome, report.exit_code()), (&Outcome::Unchanged, 0), "{}", told(&report));
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[tokio::test(start_paused = true)]
async fn a_family_and_a_revision_and_an_arn_are_deployed_as_they_are() {
    let arn = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1";
    for name in ["web:1", arn] {
        let stage = Stage::of("good");
        let target = stage.made(stage.builder().task_definition(TaskDefinitionSource::parse(name).unwrap()));
        let report = stage.run(&target, &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
        assert_eq!((stage.writes(), stage.live()), (vec!["UpdateService".to_owned()], "web:1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_registered_with_every_field_it_has() {
    let stage = Stage::of("good");
    let text = stage.ecs().task_definitions("web")[1].json.replace(":1.1", ":1.2").replacen(
        '{',
        "{\"aFieldOfTomorrow\": {\"deep\": [1, 2.50]},",
        1,
    );
    let file = TaskDefinitionSource::File { name: "task.json".to_owned(), text };
    let target = stage.made(stage.builder().task_definition(file));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let registered = stage.ecs().task_definitions("web")[2].json.clone();
    assert!(registered.contains("aFieldOfTomorrow") && registered.contains("2.50"), "{registered}");
}

#[tokio::test(start_paused = true)]
async fn values_of_the_environment_are_nowhere_but_in_the_registration() {
    let stage = Stage::of("crash");
    let text = stage.ecs().task_definitions("web")[1].json.replace("\"production\"", "\"hunter2\"");
    assert!(text.contains("hunter2"), "{text}");
    let file = TaskDefinitionSource::File { name: "task.json".to_owned(), text };
    let target = stage.made(stage.builder().task_definition(file));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.exit_code(), 3, "{}", told(&report));
    assert!(stage.ecs().task_definitions("web")[2].json.contains("hunter2"));
    assert!(!stage.everything_told().contains("hunter2"), "an event holds it");
    assert!(
        !serde_json::to_string(&report).unwrap().contains("hunter2"),
        "plan, receipt or verdict holds it"
    );
    assert!(!format!("{target:?}").contains("hunter2"), "the target's debug form holds it");
}

#[tokio::test(start_paused = true)]
async fn bad_input_is_refused_with_all_its_problems_and_without_a_call() {
    let stage = Stage::of("good");
    let text = "{\n  \"family\": \"web\",\n  \"containerDefinitions\": [{\"name\": \"web\", \"image\": \"a:1\", \"essential\": \"yes\"}]\n}";
    let file = TaskDefinitionSource::File { name: "task.json".to_owned(), text: text.to_owned() };
    let error = stage
        .builder()
        .cluster("de mo")
        .service("")
        .task_definition(file)
        .image("web", "")
        .build()
        .unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Invalid, 2));
    let report = error.report();
    for expected in ["no name of a cluster", "name of the service is empty", "task.json:3:", "image"] {
        assert!(report.contains(expected), "{expected} is missing in:\n{report}");
    }
    assert!(stage.simulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_container_is_refused_before_anything_is_written() {
    let stage = Stage::of("good");
    let target = stage.made(stage.builder().image("wbe", "a:1"));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.exit_code(), 2, "{}", told(&report));
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(error.report().contains("web, sidecar"), "{}", error.report());
    assert!(stage.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_that_does_not_fit_the_load_balancer_is_refused_before_anything_is_written() {
    let stage = Stage::of("good");
    let text = stage.ecs().task_definitions("web")[1].json.replace("\"name\":\"web\"", "\"name\":\"app\"");
    let file = TaskDefinitionSource::File { name: "task.json".to_owned(), text };
    let target = stage.made(stage.builder().task_definition(file));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!((report.exit_code(), stage.writes().len()), (2, 0), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_by_aws_is_told_with_the_cause_in_the_tasks() {
    for (scenario, cause, ending) in [
        ("image-not-found", "image-not-found", "circuit-breaker"),
        ("crash", "essential-container-exited", "circuit-breaker"),
        ("out-of-memory", "out-of-memory", "circuit-breaker"),
    ] {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        let to = "web:2".to_owned();
        assert_eq!(report.verdict.outcome, Outcome::Ended(End::RolledBack { to }), "{}", told(&report));
        assert_eq!((report.exit_code(), codes(&report)), (3, vec![cause, ending]), "{}", told(&report));
        assert_eq!((stage.writes(), report.undone), (ONE_OF_EACH.map(str::to_owned).to_vec(), Undone::Kept));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_told_with_its_exit_code_and_last_log_lines() {
    let report = Stage::of("crash").deploy().await;
    let cause = &report.verdict.causes[0];
    assert_eq!(cause.message, "essential container web of web:3 exited with code 1");
    assert!(cause.count >= 3, "{cause:?}");
    let last = cause.evidence.last().map(String::as_str);
    assert_eq!(last, Some("Error: environment variable DATABASE_URL is not set"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_and_a_stop_by_somebody_are_named_as_what_ended_it() {
    for (scenario, cause) in [("alarm-rollback", "alarm-rollback"), ("manual-stop", "rolled-back")] {
        let report = Stage::of(scenario).deploy().await;
        assert_eq!((report.exit_code(), codes(&report)), (3, vec![cause]), "{scenario}: {}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_without_rollback_is_a_failure_that_we_undo() {
    let stage = Stage::of("breaker-no-rollback");
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!((report.exit_code(), &report.undone), (3, &Undone::Reverted), "{}", told(&report));
    assert_eq!(codes(&report), ["essential-container-exited", "circuit-breaker"]);
    assert_eq!(stage.live(), "web:2");
    let stage = Stage::of("breaker-no-rollback");
    let report = stage.run(&stage.target(), &keep()).await;
    assert_eq!((report.exit_code(), stage.live()), (1, "web:3".to_owned()), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_is_no_undo() {
    let report = Stage::of("rollback-fails").deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{}", told(&report));
    assert_eq!(report.exit_code(), 4, "{}", told(&report));
    assert!(codes(&report).contains(&"rollback-failed"), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn a_superseded_deployment_is_named_as_such_and_the_other_one_stays() {
    let stage = Stage::of("superseded");
    let report = stage.deploy().await;
    let theirs = stage.new_deployments().last().unwrap().deployment_id.clone();
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Superseded { by: theirs }), "{}", told(&report));
    assert_eq!((report.exit_code(), codes(&report)), (5, vec!["superseded"]));
    assert_eq!((stage.writes().len(), stage.live()), (2, "web:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_never_settles_times_out_with_a_cause_and_is_rolled_back() {
    for (scenario, cause) in [
        ("never-settles", "tasks-not-starting"),
        ("unable-to-place", "unable-to-place"),
        ("image-not-found-no-breaker", "image-not-found"),
    ] {
        let stage = Stage::of(scenario);
        let target = stage.made(stage.builder().image("web", crate::stage::IMAGE).fail_fast(false));
        let report = stage.run(&target, &Policy::default().timeout(Duration::from_secs(300))).await;
        assert!(
            matches!(report.verdict.outcome, Outcome::TimedOut { person: false, .. }),
            "{}",
            told(&report)
        );
        assert_eq!((report.exit_code(), codes(&report)[0]), (6, cause), "{scenario}: {}", told(&report));
        assert_eq!(report.undone, Undone::Reverted, "{scenario}: {}", told(&report));
        assert_eq!(stage.writes().last().map(String::as_str), Some("StopServiceDeployment"));
        assert_eq!(stage.live(), "web:2");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_name_what_is_missing_and_write_nothing() {
    for (scenario, kind, words) in [
        ("cluster-missing", ErrorKind::NotFound, "no cluster `demo`"),
        ("service-missing", ErrorKind::NotFound, "no service `web` in cluster `demo`"),
        ("code-deploy", ErrorKind::Unsupported, "CODE_DEPLOY"),
        ("external", ErrorKind::Unsupported, "EXTERNAL"),
        ("busy", ErrorKind::Conflict, "service-deployment/demo/web/"),
    ] {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        let Outcome::Refused { error } = &report.verdict.outcome else {
            panic!("{scenario}: {}", told(&report))
        };
        assert_eq!((error.kind(), report.exit_code()), (kind, 1), "{scenario}: {error}");
        assert!(error.message().contains(words), "{scenario}: {error}");
        assert!(error.hint().is_some(), "{scenario}: {error}");
        assert!(stage.writes().is_empty(), "{scenario}: {:?}", stage.writes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_family_is_not_found() {
    let stage = Stage::of("family-missing");
    let source = TaskDefinitionSource::parse("web").unwrap();
    let report = stage.run(&stage.made(stage.builder().task_definition(source)), &Policy::default()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert_eq!(
        (error.kind(), report.exit_code(), stage.writes().len()),
        (ErrorKind::NotFound, 1, 0),
        "{error}"
    );
    assert!(error.message().contains("`web`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_drains_is_refused() {
    let stage = Stage::of("good");
    stage.ecs().set_service_status("demo", "web", "DRAINING");
    let report = stage.deploy().await;
    assert!(told(&report).contains("DRAINING"), "{}", told(&report));
    assert_eq!((report.exit_code(), stage.writes().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_denied_write_names_the_action_and_the_resource_and_leaves_everything_as_it_was() {
    for (scenario, action) in
        [("access-denied", "ecs:UpdateService"), ("register-denied", "ecs:RegisterTaskDefinition")]
    {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
        assert_eq!((error.kind(), report.exit_code()), (ErrorKind::Denied, 1), "{error}");
        assert!(
            error.hint().is_some_and(|hint| hint.contains(action) && hint.contains("arn:aws:ecs:")),
            "{error:?}"
        );
        assert_eq!(stage.live(), "web:2");
    }
}

/// The demonstration world, whose task definitions have no tags, with something denied.
fn denying(actions: &[&str]) -> Stage {
    let mut world = World::demo();
    let account = world.account("111122223333");
    account.denied.extend(actions.iter().map(|action| Denial::of(action)));
    for document in account.region("eu-central-1").task_definitions.get_mut("web").unwrap() {
        document.as_object_mut().unwrap().remove("tags");
    }
    Stage::with(Simulator::builder().world(world).build())
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_tag_the_revision_goes_without_and_it_is_said() {
    let stage = denying(&["ecs:TagResource"]);
    let report = stage.deploy().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"run-tag-dropped".to_owned()), "{:?}", stage.notes());
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_users_own_tags_are_never_dropped() {
    let stage = Stage::of("tagging-denied");
    let report = stage.deploy().await;
    assert!(told(&report).contains("ecs:TagResource"), "{}", told(&report));
    assert_eq!((report.exit_code(), stage.revisions(), stage.calls("RegisterTaskDefinition")), (1, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn without_any_optional_permission_a_deployment_still_succeeds_and_fails_by_name() {
    let optional = [
        "ecs:TagResource",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:StopServiceDeployment",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "logs:GetLogEvents",
    ];
    let stage = denying(&optional);
    let report = stage.deploy().await;
    assert_eq!((&report.verdict.outcome, report.exit_code()), (&Outcome::Succeeded, 0), "{}", told(&report));
    assert!(stage.notes().contains(&"service-deployment-unseen".to_owned()), "{:?}", stage.notes());
    let crash = landfall_simulator::Scenario::named("crash").unwrap().behaviours[0].clone();
    let stage = denying(&optional);
    stage.ecs().behave(crash);
    let report = stage.deploy().await;
    let to = "web:2".to_owned();
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::RolledBack { to }), "{}", told(&report));
    assert_eq!((report.exit_code(), codes(&report).last()), (3, Some(&"rolled-back")), "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn throttles_stale_reads_and_lost_answers_make_no_second_deployment() {
    for scenario in ["throttled", "stale-reads", "broken-connections", "service-deployments-denied"] {
        let stage = Stage::of(scenario);
        let report = stage.deploy().await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{scenario}: {}", told(&report));
        assert_eq!((stage.new_deployments().len(), stage.revisions()), (1, 3), "{scenario}");
    }
}

#[tokio::test(start_paused = true)]
async fn zero_tasks_succeed_with_the_note_that_this_proves_nothing() {
    let stage = Stage::of("scaled-to-zero");
    let report = stage.deploy().await;
    assert_eq!(report.exit_code(), 0, "{}", told(&report));
    assert!(stage.notes().contains(&"image-not-proven".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_in_mid_wait_leaves_the_outcome_unknown_and_undoes_nothing() {
    let stage = Stage::of("session-expires");
    let report = stage.deploy().await;
    assert!(matches!(report.verdict.outcome, Outcome::Unknown { .. }), "{}", told(&report));
    assert_eq!((report.exit_code(), report.undone), (7, Undone::Kept));
    assert_eq!(stage.writes(), ONE_OF_EACH);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_under_way_is_waited_for_adopted_or_superseded_as_asked() {
    let with = |stage: &Stage, if_busy| {
        stage.made(stage.builder().image("web", crate::stage::IMAGE).if_busy(if_busy))
    };
    let stage = Stage::of("busy");
    let report = stage.run(&with(&stage, IfBusy::Supersede), &Policy::default()).await;
    assert_eq!((report.exit_code(), stage.live()), (0, "web:3".to_owned()), "{}", told(&report));
    let stage = Stage::of("busy");
    let report = stage.run(&with(&stage, IfBusy::Wait), &Policy::default()).await;
    assert_eq!((report.exit_code(), stage.live()), (0, "web:3".to_owned()), "{}", told(&report));
    assert_eq!(stage.new_deployments()[0].status, "SUCCESSFUL", "theirs was let end");
    let stage = Stage::of("busy");
    let report = stage.run(&with(&stage, IfBusy::Adopt), &Policy::default()).await;
    assert_eq!((report.exit_code(), stage.writes().len()), (1, 0), "{}", told(&report));
    let stage = Stage::of("busy");
    let theirs = TaskDefinitionSource::parse("web:1").unwrap();
    let target = stage.made(stage.builder().task_definition(theirs).if_busy(IfBusy::Adopt));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(
        (&report.verdict.outcome, stage.writes().len()),
        (&Outcome::Unchanged, 0),
        "{}",
        told(&report)
    );
}

#[tokio::test(start_paused = true)]
async fn a_forced_redeployment_starts_new_tasks_of_the_same_revision() {
    let stage = Stage::of("good");
    let target = stage.made(stage.builder().force_new_deployment(true));
    let report = stage.run(&target, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!((stage.writes(), stage.live()), (vec!["UpdateService".to_owned()], "web:2".to_owned()));
    assert!(stage.notes().contains(&"redeploy-cannot-be-found-again".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn an_undo_leads_to_the_last_revision_that_succeeded_and_not_to_the_last_that_was_tried() {
    let stage = Stage::of("failed-before");
    stage.ecs().behave(landfall_simulator::Scenario::named("never-settles").unwrap().behaviours[0].clone());
    let report = stage.run(&stage.target(), &Policy::default().timeout(Duration::from_secs(120))).await;
    assert_eq!((&report.undone, stage.live()), (&Undone::Reverted, "web:1".to_owned()), "{}", told(&report));
}
