//! What is passed to STS with a session of a chain, and what it does there.

use landfall_auth::{AssumedRole, Auth, CredentialsSource, Flags, Oidc, Session};
use landfall_aws::environment::Environment;
use landfall_aws::failure::Failure;
use landfall_core::ErrorKind;
use landfall_simulator::{DEMO_ACCOUNT, DEMO_ROLE_ARN, Denial, Role, SECOND_ACCOUNT, Simulator, World};
use serde_json::{Value, json};

use crate::support::*;

const MIDDLE: &str = "arn:aws:iam::111122223333:role/middle";

/// The demonstration with a role `middle` between, and a role in the second account that asks for more.
fn world(condition: &Value) -> World {
    let mut world = World::demo();
    let trust = |role: &str, actions: Value, condition: &Value| {
        json!({ "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{DEMO_ACCOUNT}:role/{role}") },
            "Action": actions, "Condition": condition
        }] })
    };
    let tagging = json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    let middle = Role { trust_policy: trust("deploy", tagging.clone(), &json!({})), ..Role::default() };
    world.account(DEMO_ACCOUNT).roles.insert("middle".to_owned(), middle);
    let last = Role { trust_policy: trust("middle", tagging, condition), ..Role::default() };
    world.account(SECOND_ACCOUNT).roles.insert("deploy".to_owned(), last);
    world
}

fn simulator(condition: &Value) -> Simulator {
    Simulator::builder().world(world(condition)).build()
}

/// Whether the session may do it; else AWS's words and what to do.
async fn lists_clusters(session: &Session) -> Result<(), String> {
    let asked = aws_sdk_ecs::Client::new(&session.config).list_clusters().send().await;
    asked.map(|_| ()).map_err(|error| Failure::from(error).error().report())
}

fn asked(session: &str) -> Vec<String> {
    session.lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_leads_over_two_roles_into_another_account_with_all_that_its_trust_policy_asks_for() {
    let simulator = simulator(&json!({ "StringEquals": {
        "sts:ExternalId": "shop-1", "aws:RequestTag/stage": "production", "aws:PrincipalTag/team": "web",
        "sts:SourceIdentity": "pipeline-81", "sts:RoleSessionName": "GitLabRunner-72-81"
    } }));
    let middle =
        AssumedRole::new(MIDDLE).transitive_session_tag("team", "web").source_identity("pipeline-81");
    let last = || second_role().session_tag("stage", "production").source_identity("pipeline-81");
    let text = token(&simulator);
    let environment = Environment::from_pairs([
        REGION,
        (TOKEN, text.as_str()),
        ("CI_PROJECT_ID", "72"),
        ("CI_PIPELINE_ID", "81"),
    ]);
    let auth = |last: AssumedRole| {
        with_token(&simulator, "")
            .environment(environment.clone())
            .role_chain(vec![middle.clone(), last])
            .expected_account(SECOND_ACCOUNT)
    };
    let session = connect(&simulator, &auth(last().external_id("shop-1"))).await.unwrap();
    assert_eq!(
        session.identity.arn,
        format!("arn:aws:sts::{SECOND_ACCOUNT}:assumed-role/deploy/GitLabRunner-72-81")
    );
    assert_eq!(session.source, "OIDC token from $DEPLOY_TOKEN, then 2 roles");

    let error = connect(&simulator, &auth(last())).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Auth, 7));
    let report = error.report();
    for words in [
        "sts AssumeRole on arn:aws:iam::444455556666:role/deploy",
        "assumed-role/middle/GitLabRunner-72-81 could not assume",
        "external id: none",
        "session tag: stage=production",
        "source identity: pipeline-81",
        "give one",
    ] {
        assert!(report.contains(words), "{words:?} is not in {report}");
    }
    assert!(simulator.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_account_of_the_last_role_is_the_one_that_is_expected() {
    let simulator = Simulator::builder().build();
    let auth = with_token(&simulator, &token(&simulator))
        .role_chain(vec![second_role().external_id("demo-external-id")])
        .expected_account(DEMO_ACCOUNT);
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!((error.kind(), error.causes()[0].code.as_str()), (ErrorKind::Auth, "wrong-account"));
    assert!(error.report().contains(SECOND_ACCOUNT), "{}", error.report());
    assert!(simulator.calls().is_empty(), "the ARN tells it before anything is sent");
}

#[tokio::test(start_paused = true)]
async fn a_missing_sts_tag_session_is_named_as_what_it_is() {
    let simulator = Simulator::builder().build();
    let role = second_role().external_id("demo-external-id").session_tag("team", "web");
    let auth = with_token(&simulator, &token(&simulator)).role_chain(vec![role]);
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!(error.exit_code(), 7);
    let hint = error.hint().unwrap();
    assert!(hint.contains("must allow sts:TagSession on arn:aws:iam::444455556666:role/deploy"), "{hint}");
    assert!(hint.contains("trust policy"), "{hint}");
    // The same when it is the caller's own policy that lacks it.
    let mut world = world(&json!({}));
    world.account(DEMO_ACCOUNT).roles.get_mut("deploy").unwrap().denied = vec![Denial::of("sts:TagSession")];
    let simulator = Simulator::builder().world(world).build();
    let middle = AssumedRole::new(MIDDLE).session_tag("team", "web");
    let auth = with_token(&simulator, &token(&simulator)).role_chain(vec![middle]);
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert!(error.hint().unwrap().contains("the caller's must allow sts:TagSession"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn session_policies_narrow_the_session_and_the_refusal_says_so() {
    let simulator = simulator(&json!({}));
    let narrow = r#"{
        "Version": "2012-10-17",
        "Statement": [ { "Effect": "Allow", "Action": "sts:*", "Resource": "*" } ]
    }"#;
    let by_token = |oidc: Oidc| {
        let environment = Environment::from_pairs([REGION, (TOKEN, token(&simulator).as_str())]);
        within(&simulator, Auth::new(CredentialsSource::oidc(oidc)).environment(environment))
    };
    let oidc = || Oidc::from_environment(DEMO_ROLE_ARN, TOKEN);
    let chained = by_token(oidc()).role_chain(vec![AssumedRole::new(MIDDLE).session_policy(narrow)]);
    for auth in [by_token(oidc().session_policy(narrow)), chained] {
        let session = connect(&simulator, &auth).await.unwrap();
        let report = lists_clusters(&session).await.unwrap_err();
        assert!(report.contains("because no session policy allows the ecs:ListClusters action"), "{report}");
        assert!(report.contains("capped by a permissions boundary or a session policy"), "{report}");
    }
    let session = connect(&simulator, &by_token(oidc())).await.unwrap();
    lists_clusters(&session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn flags_pass_tags_and_policies_to_the_last_role() {
    let mut world =
        world(&json!({ "StringEquals": { "aws:RequestTag/team": "a=b", "aws:RequestTag/empty": "" } }));
    let read = "arn:aws:iam::444455556666:policy/read";
    let allowed = json!({ "Statement": { "Effect": "Allow", "Action": "ecs:List*", "Resource": "*" } });
    world.account(SECOND_ACCOUNT).policies.insert(read.to_owned(), allowed);
    let simulator = Simulator::builder().world(world).build();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        r#"{"Statement": {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}}"#,
    )
    .unwrap();
    let flags = |policies: &[&str]| Flags {
        role_arns: vec![DEMO_ROLE_ARN.to_owned(), MIDDLE.to_owned(), second_role().arn().to_owned()],
        oidc_token_env: Some(TOKEN.to_owned()),
        session_tags: asked("team=a=b\nempty="),
        session_policies: policies.iter().map(|text| (*text).to_owned()).collect(),
        ..Flags::default()
    };
    let path = file.path().to_str().unwrap();
    let connected = async |policies: &[&str]| {
        let environment = Environment::from_pairs([REGION, (TOKEN, token(&simulator).as_str())]);
        let auth = within(&simulator, Auth::detect(environment, &flags(policies)).unwrap());
        connect(&simulator, &auth).await.unwrap()
    };
    lists_clusters(&connected(&[read, path]).await).await.unwrap();
    let report = lists_clusters(&connected(&[path]).await).await.unwrap_err();
    assert!(report.contains("no session policy allows"), "{report}");
}

#[test]
fn flags_that_belong_to_no_role_or_cannot_be_read_are_named_together() {
    let detect = |flags: Flags| {
        let error = Auth::detect(Environment::default(), &flags).map(|_| ()).unwrap_err();
        let fields: Vec<String> = error.causes().iter().filter_map(|cause| cause.field.clone()).collect();
        (fields, error.report())
    };
    let (fields, report) = detect(Flags {
        role_arns: vec![DEMO_ROLE_ARN.to_owned()],
        oidc_token_env: Some(TOKEN.to_owned()),
        session_tags: asked("team=web"),
        external_id: Some("shop-1".to_owned()),
        ..Flags::default()
    });
    assert_eq!(fields, ["--external-id", "--session-tag"]);
    assert!(
        report.contains("https://aws.amazon.com/tags") && report.contains("second --role-arn"),
        "{report}"
    );
    let (fields, report) = detect(Flags {
        session_tags: asked("team"),
        session_policies: asked("/nonexistent/narrow.json\narn:aws:iam::aws:policy/ReadOnlyAccess"),
        ..Flags::default()
    });
    assert_eq!(fields, ["--session-tag", "session policy", "--session-tag", "--session-policy"]);
    assert!(report.contains("KEY=VALUE") && report.contains("/nonexistent/narrow.json"), "{report}");
}

#[test]
fn one_policy_document_is_taken_and_a_second_is_named() {
    let file = || {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}").unwrap();
        file
    };
    let (one, two) = (file(), file());
    let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
    let flags = Flags {
        role_arns: vec![DEMO_ROLE_ARN.to_owned()],
        session_policies: vec![path(&one), path(&two), String::new()],
        ..Flags::default()
    };
    let error = Auth::detect(Environment::default(), &flags).map(|_| ()).unwrap_err();
    assert!(error.report().contains(&format!("{} is a second file", path(&two))), "{}", error.report());
    // An empty variable is not taken for a file.
    let flags = Flags { session_policies: vec![String::new()], ..flags };
    let error = Auth::detect(Environment::default(), &flags).map(|_| ()).unwrap_err();
    assert!(error.report().contains("it is empty"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn everything_that_sts_would_refuse_of_a_chain_is_told_at_once_and_nothing_is_sent() {
    let simulator = Simulator::builder().build();
    let auth = with_token(&simulator, &token(&simulator)).role_chain(vec![
        AssumedRole::new(MIDDLE).transitive_session_tag("team!", "a").source_identity("x"),
        second_role()
            .external_id("x")
            .session_tag("team!", "b")
            .session_policy("{}")
            .session_policy_arn(format!("arn:aws:iam::{DEMO_ACCOUNT}:policy/read")),
    ]);
    let error = connect(&simulator, &auth).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let mut fields: Vec<&str> = error.causes().iter().filter_map(|cause| cause.field.as_deref()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "external id",
            "session policy",
            "session policy",
            "session tag",
            "session tag",
            "session tag",
            "source identity"
        ]
    );
    assert!(simulator.calls().is_empty());
}
