//! Sessions that end while a rollout goes on: whole deployments on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall_auth::{Auth, CredentialsSource, Oidc};
use landfall_aws::call::{self, Call};
use landfall_aws::failure::Failure;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, DeployTargetExt, Outcome, Policy, StepReport};
use landfall_ecs::EcsService;
use landfall_simulator::{
    Behaviour, BehaviourRule, Claims, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, Fault, FaultKind, Simulator,
    StsRefusal,
};

use crate::support::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A rollout of more than twenty minutes.
fn slow() -> Simulator {
    let simulator = Simulator::builder().build();
    let behaviour = Behaviour { start_ms: 21 * 60 * 1000, ..Behaviour::default() };
    simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).behave(BehaviourRule::new_revisions(behaviour));
    simulator
}

fn token_for(simulator: &Simulator, lifetime: Duration) -> String {
    simulator.oidc().token(Claims::gitlab("demo/web", "main").expires_in(lifetime))
}

/// Signs in with sessions of fifteen minutes and deploys.
async fn deploy(simulator: &Simulator, auth: Auth) -> (StepReport, Arc<Mutex<Vec<Event>>>) {
    let (cx, told) = context(simulator);
    (deploy_in(&cx, auth).await, told)
}

async fn deploy_in(cx: &Context, auth: Auth) -> StepReport {
    let session = auth.duration(15 * MINUTE).connect(cx).await.unwrap();
    let wanted =
        EcsService::builder().cluster("demo").service("web").image("web", "registry.example.com/web:2.0");
    let target = wanted.build().unwrap().target(&session.config, session.place).unwrap();
    target.deploy(cx, &Policy::default()).await
}

fn opened(simulator: &Simulator) -> usize {
    simulator.count("sts", "AssumeRoleWithWebIdentity")
}

fn updates(simulator: &Simulator) -> usize {
    simulator.count("ecs", "UpdateService")
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_in_mid_wait_is_renewed_while_the_token_is_good() {
    let simulator = slow();
    let (report, _) = deploy(&simulator, with_token(&simulator, &token_for(&simulator, 60 * MINUTE))).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert!(report.ended.duration_since(report.started).as_secs() > 20 * 60);
    assert_eq!((opened(&simulator), updates(&simulator)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_in_its_file_renews_the_session() {
    let simulator = slow();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token_for(&simulator, 5 * MINUTE)).unwrap();
    let oidc = Oidc::from_file(DEMO_ROLE_ARN, file.path());
    let auth = within(&simulator, Auth::new(CredentialsSource::oidc(oidc)).region(DEMO_REGION));
    let (path, other) = (file.path().to_owned(), simulator.clone());
    tokio::spawn(async move {
        tokio::time::sleep(14 * MINUTE).await;
        std::fs::write(path, token_for(&other, 5 * MINUTE)).unwrap();
    });
    let (report, _) = deploy(&simulator, auth).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert_eq!((opened(&simulator), updates(&simulator)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_renewed_from_its_base() {
    let mut world = landfall_simulator::World::demo();
    let trust = serde_json::json!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": DEMO_ROLE_ARN } } });
    let role = landfall_simulator::Role { trust_policy: trust, ..landfall_simulator::Role::default() };
    world.account(DEMO_ACCOUNT).roles.insert("last".to_owned(), role);
    let simulator = Simulator::builder().world(world).build();
    let behaviour = Behaviour { start_ms: 21 * 60 * 1000, ..Behaviour::default() };
    simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).behave(BehaviourRule::new_revisions(behaviour));
    let last = landfall_auth::AssumedRole::new(format!("arn:aws:iam::{DEMO_ACCOUNT}:role/last"));
    let auth = with_token(&simulator, &token_for(&simulator, 60 * MINUTE)).role_chain(vec![last]);
    let (report, _) = deploy(&simulator, auth).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert_eq!((simulator.count("sts", "AssumeRole"), updates(&simulator)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn both_sessions_of_a_chain_are_renewed_when_both_have_ended() {
    let simulator = Simulator::builder().build();
    let role = second_role().external_id("demo-external-id");
    let auth = with_token(&simulator, &token_for(&simulator, 60 * MINUTE)).role_chain(vec![role]);
    let session = connect(&simulator, &auth.duration(15 * MINUTE)).await.unwrap();
    let sts = aws_sdk_sts::Client::new(&session.config);
    for round in 1..=3 {
        assert_eq!((opened(&simulator), simulator.count("sts", "AssumeRole")), (round, round));
        tokio::time::advance(15 * MINUTE).await;
        sts.get_caller_identity().send().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_renewed_ends_the_wait_with_the_tokens_end_and_the_fix() {
    let simulator = slow();
    let (report, _) = deploy(&simulator, with_token(&simulator, &token_for(&simulator, 5 * MINUTE))).await;
    assert_eq!(report.exit_code(), 7, "{report:?}");
    let Outcome::Unknown { error } = &report.verdict.outcome else { panic!("{report:?}") };
    let told = error.report();
    for words in [
        "OIDC token from $DEPLOY_TOKEN",
        "at 2026-01-01T00:05:00Z",
        "`timeout:`",
        "token exp: 2026-01-01T00:05:00Z",
    ] {
        assert!(told.contains(words), "{words:?} is not in {told}");
    }
    assert_eq!(
        (opened(&simulator), updates(&simulator)),
        (1, 1),
        "nothing is undone and nothing started anew"
    );
    assert!(report.receipt.is_some(), "what goes on in AWS is known: {report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_cannot_be_reached_at_renewal_is_borne_like_any_fault_that_may_pass() {
    let simulator = slow();
    let fault = Fault::new("sts", "AssumeRoleWithWebIdentity", FaultKind::Sts(StsRefusal::IdpUnreachable));
    // The first call signs in; two looks fail in spite of their retries.
    simulator.add_fault(fault.clone().on(landfall_simulator::CallNumbers::Nth(2)));
    for call in 3..10 {
        simulator.add_fault(fault.clone().on(landfall_simulator::CallNumbers::Nth(call)));
    }
    let (report, _) = deploy(&simulator, with_token(&simulator, &token_for(&simulator, 60 * MINUTE))).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert_eq!(updates(&simulator), 1);
}

#[tokio::test(start_paused = true)]
async fn services_that_need_new_credentials_at_once_open_one_session() {
    let simulator = Simulator::builder().build();
    let auth = with_token(&simulator, &token_for(&simulator, 60 * MINUTE)).duration(15 * MINUTE);
    let session = connect(&simulator, &auth).await.unwrap();
    let ecs = aws_sdk_ecs::Client::new(&session.config);
    let sts = aws_sdk_sts::Client::new(&session.config);
    for round in 1..4 {
        tokio::time::advance(15 * MINUTE).await;
        let many = (0..20).map(|number| {
            let (ecs, sts) = (ecs.clone(), sts.clone());
            async move {
                if number % 2 == 0 {
                    ecs.list_clusters().send().await.unwrap();
                } else {
                    sts.get_caller_identity().send().await.unwrap();
                }
            }
        });
        let mut all = tokio::task::JoinSet::new();
        many.for_each(|one| drop(all.spawn(one)));
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
        assert_eq!(opened(&simulator), 1 + round, "round {round}");
    }
}

/// A rollout of a few seconds whose session AWS ends at the third look.
fn ending() -> Simulator {
    Simulator::builder().scenario(landfall_simulator::Scenario::named("session-expires").unwrap()).build()
}

#[tokio::test(start_paused = true)]
async fn a_session_that_aws_ends_before_its_time_is_renewed_while_the_token_is_good() {
    let simulator = ending();
    let (report, told) = deploy(&simulator, with_token(&simulator, &token_for(&simulator, 5 * MINUTE))).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert_eq!((opened(&simulator), updates(&simulator)), (2, 1));
    let retried = |event: &Event| matches!(&event.kind, EventKind::Retrying { error, .. } if error.message().contains("ExpiredToken"));
    assert_eq!(told.lock().unwrap().iter().filter(|event| retried(event)).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_chain_whose_base_aws_ends_before_its_time_is_renewed_from_the_token() {
    let simulator = Simulator::builder().build();
    let role = second_role().external_id("demo-external-id");
    let auth = with_token(&simulator, &token_for(&simulator, 60 * MINUTE)).role_chain(vec![role]);
    // The base's session ends at the AssumeRole with which the chain is renewed.
    let kind = FaultKind::ExpireSession;
    simulator.add_fault(Fault::new("sts", "AssumeRole", kind).on(landfall_simulator::CallNumbers::Nth(2)));
    let session = connect(&simulator, &auth.duration(15 * MINUTE)).await.unwrap();
    tokio::time::advance(15 * MINUTE).await;
    aws_sdk_sts::Client::new(&session.config).get_caller_identity().send().await.unwrap();
    assert_eq!((opened(&simulator), simulator.count("sts", "AssumeRole")), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn many_calls_of_an_ended_session_open_one_new_one() {
    let simulator = Simulator::builder().build();
    let auth = with_token(&simulator, &token_for(&simulator, 60 * MINUTE));
    let (cx, _) = context(&simulator);
    let session = auth.connect(&cx).await.unwrap();
    let ecs = aws_sdk_ecs::Client::new(&session.config);
    // All are sent with the first session, and all come back refused.
    simulator.add_fault(
        Fault::new("ecs", "ListClusters", FaultKind::ExpireSession)
            .on(landfall_simulator::CallNumbers::First(1)),
    );
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (ecs, cx) = (ecs.clone(), cx.clone());
        all.spawn(async move {
            let call = Call::read("ecs", "ListClusters");
            call::run(&cx, &call, || async { ecs.list_clusters().send().await.map_err(Failure::from) }).await
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(opened(&simulator), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_aws_ends_with_a_token_that_has_expired_names_the_tokens_end_and_the_fix() {
    let simulator = ending();
    let (cx, _) = context(&simulator);
    let auth = with_token(&simulator, &token_for(&simulator, MINUTE)).duration(15 * MINUTE);
    let session = auth.connect(&cx).await.unwrap();
    tokio::time::advance(2 * MINUTE).await;
    let wanted =
        EcsService::builder().cluster("demo").service("web").image("web", "registry.example.com/web:2.0");
    let target = wanted.build().unwrap().target(&session.config, session.place).unwrap();
    let report = target.deploy(&cx, &Policy::default()).await;
    assert_eq!((report.exit_code(), updates(&simulator)), (7, 1), "{report:?}");
    let Outcome::Unknown { error } = &report.verdict.outcome else { panic!("{report:?}") };
    for words in ["it expired 1 min", "at 2026-01-01T00:01:00Z", "`timeout:`"] {
        assert!(error.report().contains(words), "{words:?} is not in {}", error.report());
    }
}
