//! A service that somebody else is deploying to, and what each policy makes of it.

use landfall_simulator::{Behaviour, BehaviourRule, Failure, Scenario, Simulator};

use crate::support::{Cloud, run};

/// What somebody else rolls out in the busy scenarios, asked for by us as well.
const THE_SAME: [&str; 9] =
    ["ecs", "--cluster", "demo", "--service", "web", "--task-definition", "web:1", "--if-busy", "adopt"];

#[tokio::test]
async fn waiting_lets_the_other_deployment_end_and_then_makes_ours_and_says_so() {
    let cloud = Cloud::new("busy-brief").await;
    let ran = run(cloud.deploy(&["--if-busy", "wait"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    for words in
        ["waits for deployment", "of web:1 to end", "has ended; this run's own is made now", "SUCCEEDED"]
    {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    let history = cloud.simulator.ecs("111122223333", "eu-central-1").service_deployments("demo", "web");
    let ends: Vec<&str> = history.iter().rev().take(2).map(|deployment| deployment.status.as_str()).collect();
    assert_eq!((ends, cloud.updates()), (vec!["SUCCESSFUL", "SUCCESSFUL"], 1));
}

#[tokio::test]
async fn a_deadline_while_waiting_for_the_other_changes_nothing() {
    let cloud = Cloud::new("busy").await;
    let ran = run(cloud.deploy(&["--if-busy", "wait", "--timeout", "3s"])).await;
    assert_eq!(ran.code, 6, "{}", ran.told());
    assert!(
        ran.stdout.contains("TIMED OUT while waiting for somebody else's deployment to end"),
        "{}",
        ran.stdout
    );
    assert!(cloud.written().is_empty(), "{:?}", cloud.written());
}

#[tokio::test]
async fn the_others_paused_hook_is_waited_for_as_for_a_person() {
    let cloud = Cloud::new("busy-paused").await;
    let ran = run(cloud.deploy(&["--if-busy", "wait", "--timeout", "8s"])).await;
    assert_eq!(ran.code, 8, "{}", ran.told());
    for words in ["WAITS FOR A PERSON", "aws ecs continue-service-deployment", "paused at POST_SCALE_UP"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    assert!(cloud.written().is_empty(), "{:?}", cloud.written());
}

#[tokio::test]
async fn an_adopted_deployment_that_succeeds_is_followed_without_a_write() {
    let cloud = Cloud::new("busy-brief").await;
    let ran = run(cloud.command(&THE_SAME)).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stdout.contains("it is followed, and never undone"), "{}", ran.stdout);
    assert!(cloud.written().is_empty(), "{:?}", cloud.written());
}

#[tokio::test]
async fn an_adopted_deployment_that_fails_is_our_verdict_and_is_never_undone() {
    let mut scenario = Scenario::named("busy-brief").unwrap();
    let slow = Behaviour { start_ms: 2_500, ..Behaviour::failing(Failure::ImageNotFound) };
    scenario.behaviours =
        vec![BehaviourRule { image: "*/demo/web:1.0".to_owned(), ..BehaviourRule::everything(slow) }];
    // Neither circuit breaker nor undo: the deployment fails for as long as somebody else lets it.
    scenario.world = Scenario::named("image-not-found-no-breaker").unwrap().world;
    let cloud = Cloud::of(Simulator::builder().scenario(scenario.clone()).build()).await;
    let ran = run(cloud.command(&[&THE_SAME[..], &["--timeout", "15s"]].concat())).await;
    assert_eq!(ran.code, 6, "not ours to give up: {}", ran.told());
    assert!(ran.stdout.contains("there is no image") && cloud.written().is_empty(), "{}", ran.stdout);
    scenario.world = serde_json::Value::Null;
    let cloud = Cloud::of(Simulator::builder().scenario(scenario).build()).await;
    let ran = run(cloud.command(&THE_SAME)).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(ran.stdout.contains("ROLLED BACK by AWS to web:2"), "{}", ran.stdout);
    assert!(cloud.written().is_empty(), "{:?}", cloud.written());
}

#[tokio::test]
async fn what_is_not_wanted_cannot_be_adopted() {
    let cloud = Cloud::new("busy").await;
    let ran = run(cloud.deploy(&["--if-busy", "adopt"])).await;
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stdout.contains("cannot be adopted") && cloud.written().is_empty(), "{}", ran.stdout);
}

#[tokio::test]
async fn this_runs_own_deployment_is_gone_on_with_whatever_the_policy() {
    for policy in ["fail", "wait", "adopt", "supersede"] {
        let cloud = Cloud::new("good").await;
        let run_id = ["--run-id", "shop/9", "--if-busy", policy];
        let started = run(cloud.deploy(&[&run_id[..], &["--no-wait"]].concat())).await;
        assert_eq!(started.code, 0, "{policy}: {}", started.told());
        let again = run(cloud.deploy(&run_id)).await;
        assert_eq!(again.code, 0, "{policy}: {}", again.told());
        assert!(again.stdout.contains("was started by this run already"), "{policy}: {}", again.stdout);
        assert_eq!(cloud.updates(), 1, "{policy}");
    }
}
