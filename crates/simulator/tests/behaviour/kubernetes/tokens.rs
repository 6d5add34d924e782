//! Tokens of EKS, judged as the real webhook does.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use jiff::SignedDuration;
use landfall_simulator::{DEMO_ROLE_ARN, SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY};
use serde_json::{Value, json};

use super::{Answer, CONFIG_MAPS, Cluster, Token, request};

async fn ask(cluster: &Cluster, token: &str) -> Answer {
    let mut asking = request(Method::GET, CONFIG_MAPS, &Value::Null);
    asking.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    Answer::of(cluster.api.handle(asking).await.unwrap()).await
}

/// Refused, and why in the authenticator's log.
async fn refused(cluster: &Cluster, token: &str) -> String {
    let answer = ask(cluster, token).await;
    assert_eq!(
        (answer.status, answer.json),
        (
            401,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "Unauthorized", "reason": "Unauthorized", "code": 401
            })
        )
    );
    cluster.api.requests().pop().unwrap().token_refused.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_signed_for_the_cluster_is_accepted() {
    let cluster = Cluster::new();
    assert_eq!(ask(&cluster, &cluster.token()).await.status, 200);
    assert_eq!(cluster.api.requests()[0].user, "arn:aws:iam::111122223333:user/deployer");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_role_session_is_accepted_until_the_session_ends() {
    let cluster = Cluster::new();
    let token = cluster.simulator.oidc().token(landfall_simulator::Claims::gitlab("demo/web", "main"));
    let sts = aws_sdk_sts::Client::new(&cluster.simulator.sdk_config_without_credentials());
    let session = sts
        .assume_role_with_web_identity()
        .role_arn(DEMO_ROLE_ARN)
        .role_session_name("ci")
        .web_identity_token(token)
        .send()
        .await
        .unwrap()
        .credentials
        .unwrap();
    let now = cluster.simulator.now();
    let token = Token {
        key: session.access_key_id(),
        secret: session.secret_access_key(),
        session: Some(session.session_token()),
        ..Token::good(now)
    };
    assert_eq!(ask(&cluster, &token.text()).await.status, 200);
    let user = cluster.api.requests()[0].user.clone();
    assert_eq!(user, "arn:aws:sts::111122223333:assumed-role/deploy/ci");
    cluster.simulator.expire_sessions();
    assert_eq!(refused(&cluster, &token.text()).await, "sts getCallerIdentity failed: ExpiredToken");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_fifteen_minutes() {
    let cluster = Cluster::new();
    let token = cluster.token();
    tokio::time::sleep(Duration::from_secs(14 * 60)).await;
    assert_eq!(ask(&cluster, &token).await.status, 200);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(refused(&cluster, &token).await.starts_with("X-Amz-Date parameter is expired"));
    let ahead = cluster.simulator.now() + SignedDuration::from_mins(6);
    assert!(refused(&cluster, &Token::good(ahead).text()).await.contains("not yet current"));
}

#[tokio::test(start_paused = true)]
async fn a_token_for_another_cluster_or_by_a_wrong_key_is_refused() {
    let cluster = Cluster::new();
    let good = || Token::good(cluster.simulator.now());
    let mismatch = "sts getCallerIdentity failed: SignatureDoesNotMatch";
    assert_eq!(refused(&cluster, &Token { cluster: "other", ..good() }.text()).await, mismatch);
    assert_eq!(refused(&cluster, &Token { secret: "wrong", ..good() }.text()).await, mismatch);
    let unknown = Token { key: "AKIANOBODYKNOWSTHISK", ..good() };
    assert_eq!(
        refused(&cluster, &unknown.text()).await,
        "sts getCallerIdentity failed: InvalidClientTokenId"
    );
}

#[tokio::test(start_paused = true)]
async fn the_form_of_a_token_is_held_to() {
    let cluster = Cluster::new();
    let now = cluster.simulator.now();
    let url = Token::good(now).url();
    let wrapped = |url: &str| format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url));
    for (token, why) in [
        ("nonsense".to_owned(), "token is missing expected \"k8s-aws-v1.\" prefix"),
        (format!("k8s-aws-v1.{}", STANDARD.encode(format!("{url}??"))), ""),
        (wrapped(&url.replace("https://", "http://")), "unexpected scheme \"http\" in pre-signed URL"),
        (wrapped(&url.replace("sts.eu-central-1", "sts.example")), "unexpected hostname"),
        (wrapped(&url.replace(".com/?", ".com/x?")), "unexpected path in pre-signed URL"),
        (wrapped(&url.replace("GetCallerIdentity", "AssumeRole")), "unexpected action parameter"),
        (wrapped(&format!("{url}&x-id=GetCallerIdentity")), "non-whitelisted query parameter \"x-id\""),
        (wrapped(&format!("{url}&Action=GetCallerIdentity")), "query parameter with multiple values"),
        (wrapped(&url.replace("X-Amz-Expires=60", "X-Amz-Expires=901")), "invalid X-Amz-Expires parameter"),
        (wrapped(&url.replace("%3Bx-k8s-aws-id", "")), "client did not sign the x-k8s-aws-id header"),
        (wrapped(&format!("{url}&X-Amz-Security-Token={}", "x".repeat(4_096))), "token is too large"),
    ] {
        let told = refused(&cluster, &token).await;
        assert!(told.starts_with(why), "{told} is not {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_no_access_entry_is_not_known() {
    let cluster = Cluster::new();
    let now = cluster.simulator.now();
    let other = Token { key: SECOND_ACCESS_KEY_ID, secret: SECOND_SECRET_ACCESS_KEY, ..Token::good(now) };
    let why = refused(&cluster, &other.text()).await;
    assert_eq!(why, "ARN is not mapped: arn:aws:iam::444455556666:user/deployer");
    let closed = Cluster::with(|setup| setup.access_entries = vec![DEMO_ROLE_ARN.to_owned()]);
    let why = refused(&closed, &closed.token()).await;
    assert_eq!(why, "ARN is not mapped: arn:aws:iam::111122223333:user/deployer");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_the_caller_is_anonymous_and_forbidden() {
    let cluster = Cluster::new();
    let path = "/api/v1/namespaces/default/configmaps";
    let answer =
        Answer::of(cluster.api.handle(request(Method::GET, path, &Value::Null)).await.unwrap()).await;
    assert_eq!((answer.status, answer.reason()), (403, "Forbidden"));
    assert_eq!(
        answer.message(),
        "configmaps is forbidden: User \"system:anonymous\" cannot list resource \"configmaps\" in API group \"\" in the \
         namespace \"default\""
    );
    let answer =
        Answer::of(cluster.api.handle(request(Method::GET, "/apis", &Value::Null)).await.unwrap()).await;
    assert_eq!(answer.message(), "forbidden: User \"system:anonymous\" cannot get path \"/apis\"");
}
