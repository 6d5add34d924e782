//! What is passed to STS with a session: tags, policies, a source identity, a length; and what becomes of it.

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use landfall_simulator::{Claims, DEMO_ACCOUNT, DEMO_REGION, DEMO_ROLE_ARN, Denial, Role, Simulator, World};
use serde_json::{Value, json};

const LAST: &str = "arn:aws:iam::111122223333:role/last";

/// Roles `first` and `last` that everybody in the account may assume; `actions` is what they trust with.
fn world(actions: &Value) -> World {
    let mut world = World::demo();
    let account = world.account(DEMO_ACCOUNT);
    for name in ["first", "last"] {
        let trust_policy = json!({ "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{DEMO_ACCOUNT}:root") }, "Action": actions
        }] });
        let role = Role { trust_policy, max_session_seconds: 7_200, ..Role::default() };
        account.roles.insert(name.to_owned(), role);
    }
    let read = json!({ "Statement": { "Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*" } });
    account.policies.insert("arn:aws:iam::111122223333:policy/read".to_owned(), read);
    world
}

fn simulator(actions: &Value) -> Simulator {
    Simulator::builder().world(world(actions)).build()
}

fn ask(simulator: &Simulator, credentials: Option<Credentials>, role: &str) -> AssumeRoleFluentBuilder {
    let config = match credentials {
        Some(credentials) => simulator.sdk_config_as(credentials),
        None => simulator.sdk_config(),
    };
    aws_sdk_sts::Client::new(&config).assume_role().role_arn(role).role_session_name("job-1")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

async fn refused(request: AssumeRoleFluentBuilder) -> (String, String) {
    let error = request.send().await.unwrap_err();
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

async fn session(request: AssumeRoleFluentBuilder) -> Credentials {
    let found = request.send().await.unwrap().credentials.unwrap();
    Credentials::new(found.access_key_id, found.secret_access_key, Some(found.session_token), None, "session")
}

/// What a session may do: DescribeServices and ListTasks, or the message of the refusal.
async fn does(simulator: &Simulator, credentials: Credentials) -> (Result<(), String>, Result<(), String>) {
    let ecs = aws_sdk_ecs::Client::new(&simulator.sdk_config_as(credentials));
    let described = ecs.describe_services().cluster("demo").services("web").send().await;
    let listed = ecs.list_tasks().cluster("demo").service_name("web").send().await;
    let words = |message: Option<&str>| message.unwrap_or_default().to_owned();
    (
        described.map(|_| ()).map_err(|error| words(error.message())),
        listed.map(|_| ()).map_err(|error| words(error.message())),
    )
}

#[tokio::test(start_paused = true)]
async fn session_tags_need_an_action_of_their_own_on_both_sides() {
    let without = simulator(&json!("sts:AssumeRole"));
    let (code, message) = refused(ask(&without, None, LAST).tags(tag("team", "web"))).await;
    assert_eq!(code, "AccessDenied");
    assert!(message.ends_with(&format!("is not authorized to perform: sts:TagSession on resource: {LAST}")));
    let mut denied = world(&json!("sts:*"));
    denied.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap().denied =
        vec![Denial::of("sts:TagSession")];
    let denied = Simulator::builder().world(denied).build();
    assert_eq!(refused(ask(&denied, None, LAST).tags(tag("team", "web"))).await.0, "AccessDenied");
    let with = simulator(&json!(["sts:AssumeRole", "sts:TagSession"]));
    session(ask(&with, None, LAST).tags(tag("team", "web"))).await;
}

#[tokio::test(start_paused = true)]
async fn a_transitive_tag_is_inherited_and_cannot_be_passed_again() {
    let simulator = simulator(&json!(["sts:AssumeRole", "sts:TagSession"]));
    let first = "arn:aws:iam::111122223333:role/first";
    let request = ask(&simulator, None, first).tags(tag("team", "web")).transitive_tag_keys("team");
    let credentials = session(request).await;
    let again = ask(&simulator, Some(credentials.clone()), LAST).tags(tag("Team", "other"));
    assert_eq!(refused(again).await.0, "ValidationError");
    session(ask(&simulator, Some(credentials), LAST).tags(tag("stage", "production"))).await;
    // The tag that is inherited needs sts:TagSession of the next role as well.
    let only_first = {
        let mut world = world(&json!(["sts:AssumeRole", "sts:TagSession"]));
        let last = world.account(DEMO_ACCOUNT).roles.get_mut("last").unwrap();
        last.trust_policy["Statement"][0]["Action"] = json!("sts:AssumeRole");
        Simulator::builder().world(world).build()
    };
    let request = ask(&only_first, None, first).tags(tag("team", "web")).transitive_tag_keys("team");
    let credentials = session(request).await;
    let (code, message) = refused(ask(&only_first, Some(credentials), LAST)).await;
    assert!(code == "AccessDenied" && message.contains("sts:TagSession"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_trust_policy_can_ask_for_tags_and_for_a_source_identity() {
    let mut world = world(&json!("sts:*"));
    let last = world.account(DEMO_ACCOUNT).roles.get_mut("last").unwrap();
    last.trust_policy["Statement"][0]["Condition"] = json!({
        "StringEquals": { "aws:RequestTag/team": "web", "sts:SourceIdentity": "pipeline-81" },
        "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] }
    });
    let simulator = Simulator::builder().world(world).build();
    let ask = || ask(&simulator, None, LAST);
    let good = ask().tags(tag("team", "web")).source_identity("pipeline-81");
    assert_eq!(good.send().await.unwrap().source_identity.as_deref(), Some("pipeline-81"));
    for wrong in [
        ask().tags(tag("team", "web")),
        ask().tags(tag("team", "shop")).source_identity("pipeline-81"),
        ask().tags(tag("team", "web")).tags(tag("x", "y")).source_identity("pipeline-81"),
    ] {
        assert_eq!(refused(wrong).await.0, "AccessDenied");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_identity_stays_along_a_chain() {
    let simulator = simulator(&json!("sts:*"));
    let first = ask(&simulator, None, "arn:aws:iam::111122223333:role/first").source_identity("one");
    let credentials = session(first).await;
    let other = ask(&simulator, Some(credentials.clone()), LAST).source_identity("two");
    assert_eq!(refused(other).await.0, "ValidationError");
    session(ask(&simulator, Some(credentials), LAST)).await;
}

#[tokio::test(start_paused = true)]
async fn session_policies_narrow_what_the_session_may_do() {
    let simulator = simulator(&json!("sts:AssumeRole"));
    let all = session(ask(&simulator, None, LAST)).await;
    assert_eq!(does(&simulator, all).await, (Ok(()), Ok(())));
    let inline = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ECS:describe*"], "Resource": format!("arn:aws:ecs:{DEMO_REGION}:*") }
    ] });
    let managed = PolicyDescriptorType::builder().arn("arn:aws:iam::111122223333:policy/read").build();
    for request in [
        ask(&simulator, None, LAST).policy(inline.to_string()),
        ask(&simulator, None, LAST).policy_arns(managed),
    ] {
        let (described, listed) = does(&simulator, session(request).await).await;
        assert_eq!(described, Ok(()));
        let message = listed.unwrap_err();
        assert!(message.ends_with("because no session policy allows the ecs:ListTasks action"), "{message}");
    }
    let deny = json!({ "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "NotAction": "ecs:List*", "Resource": "*" }
    ] });
    let (described, listed) =
        does(&simulator, session(ask(&simulator, None, LAST).policy(deny.to_string())).await).await;
    assert!(described.unwrap_err().ends_with("with an explicit deny in a session policy"));
    assert_eq!(listed, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_token_can_bring_policies_too() {
    let simulator = Simulator::builder().build();
    let sts = aws_sdk_sts::Client::new(&simulator.sdk_config_without_credentials());
    let token = simulator.oidc().token(Claims::gitlab("demo/web", "main"));
    let policy = json!({ "Statement": { "Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "*" } });
    let request = sts.assume_role_with_web_identity().role_arn(DEMO_ROLE_ARN).role_session_name("job-1");
    let answer = request.web_identity_token(token).policy(policy.to_string()).send().await.unwrap();
    let found = answer.credentials.unwrap();
    let credentials =
        Credentials::new(found.access_key_id, found.secret_access_key, Some(found.session_token), None, "x");
    let (described, listed) = does(&simulator, credentials).await;
    assert!(described.is_err() && listed.is_ok(), "{described:?} {listed:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_bounds_is_refused_with_a_code_of_its_own() {
    let simulator = simulator(&json!("sts:*"));
    let ask = || ask(&simulator, None, LAST);
    let arn = |arn: &str| PolicyDescriptorType::builder().arn(arn).build();
    let many = (0..51).fold(ask(), |request, number| request.tags(tag(&format!("k{number}"), "v")));
    let long = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "x".repeat(2_000) } });
    for (request, code) in [
        (ask().policy("{"), "MalformedPolicyDocument"),
        (ask().policy("{}"), "MalformedPolicyDocument"),
        (ask().policy(r#"{"Statement": {"Effect": "Allow", "Action": "*"}}"#), "MalformedPolicyDocument"),
        (ask().policy(long.to_string()), "ValidationError"),
        (ask().policy_arns(arn("arn:aws:iam::111122223333:policy/missing")), "ValidationError"),
        (many, "ValidationError"),
        (ask().tags(tag("k!", "v")), "ValidationError"),
        (ask().tags(tag("k", &"v".repeat(257))), "ValidationError"),
        (ask().tags(tag("Team", "a")).tags(tag("team", "b")), "ValidationError"),
        (ask().tags(tag("aws:x", "a")), "ValidationError"),
        (ask().transitive_tag_keys("x"), "ValidationError"),
        (ask().source_identity("aws:me"), "ValidationError"),
        (ask().tags(tag("a", &"v".repeat(250))).tags(tag("b", &"v".repeat(250))), "PackedPolicyTooLarge"),
        (ask().duration_seconds(7_201), "ValidationError"),
    ] {
        let (found, message) = refused(request).await;
        assert_eq!(found, code, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_assumed_by_a_role_lasts_an_hour_at_most() {
    let simulator = simulator(&json!("sts:AssumeRole"));
    // A user is no role: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining.
    let first = ask(&simulator, None, "arn:aws:iam::111122223333:role/first").duration_seconds(7_200);
    let credentials = session(first).await;
    let (code, message) =
        refused(ask(&simulator, Some(credentials.clone()), LAST).duration_seconds(3_601)).await;
    assert!(code == "ValidationError" && message.contains("role chaining"), "{message}");
    session(ask(&simulator, Some(credentials), LAST).duration_seconds(3_600)).await;
}
