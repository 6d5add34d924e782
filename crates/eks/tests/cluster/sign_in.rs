//! Signing in: our tokens, judged by an authenticator that shares no code with them.

use std::fmt::Debug;

use futures_util::future::try_join_all;
use http::{Method, StatusCode, Version};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::{Context, ErrorKind};
use landfall_eks::access::TokenSource;
use serde_json::{Value, json};

use crate::Tested;
use crate::answers::Sender;
use crate::senders::deployer;
use crate::signed_in::SignedIn;
use crate::support::identities::{DEPLOYER, DEPLOYERS, Identity, STRANGER};
use crate::support::{CLUSTER, ControlPlane, request, tokens};

type Test = for<'a> fn(&'a ControlPlane) -> Tested<'a>;

pub(crate) const TESTS: [(&str, Test); 8] = [
    ("a_token_of_ours_opens_the_api", |plane| Box::pin(opens(plane))),
    ("the_server_knows_the_role_and_its_groups", |plane| Box::pin(known(plane))),
    ("requests_at_once_share_http2", |plane| Box::pin(http2(plane))),
    ("a_token_for_another_cluster_is_refused_with_what_to_do", |plane| Box::pin(other_cluster(plane))),
    ("a_token_signed_with_a_wrong_key_is_refused_with_what_to_do", |plane| Box::pin(wrong_key(plane))),
    ("a_token_that_has_expired_is_refused_with_what_to_do", |plane| Box::pin(expired(plane))),
    ("a_role_without_rights_is_answered_with_what_it_may_not_do", |plane| Box::pin(no_rights(plane))),
    ("the_administrators_token_is_no_token_of_ours", |plane| Box::pin(administrator(plane))),
];

fn read(path: &str) -> http::Request<bytes::Bytes> {
    request(Method::GET, path, &Value::Null)
}

fn expect<T: PartialEq + Debug + ?Sized>(seen: &T, expected: &T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("expected {expected:?}\nseen     {seen:?}")) }
}

async fn opens(plane: &ControlPlane) -> Result<(), String> {
    let server = deployer(plane)?;
    let version = server.send(read("/version")).await?.json();
    let pinned = include_str!("../../../../tests/kubernetes/go.mod");
    let pinned = pinned.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    expect(&version["gitVersion"].as_str(), &pinned)?;
    let namespaces = server.send(read("/api/v1/namespaces")).await?.json();
    let names = namespaces["items"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect();
    expect(&(names.contains(&"kube-system") && names.contains(&"default")), &true)
}

/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review>.
async fn known(plane: &ControlPlane) -> Result<(), String> {
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let user = deployer(plane)?.send(request(Method::POST, path, &review)).await?.json();
    let user = &user["status"]["userInfo"];
    expect(&user["username"], &json!(DEPLOYER.user))?;
    expect(&user["groups"], &json!([DEPLOYERS, "system:authenticated"]))
}

async fn http2(plane: &ControlPlane) -> Result<(), String> {
    let SignedIn(server) = deployer(plane)?;
    let cx = Context::builder("run").build();
    let all = (0..60).map(|_| server.send(&cx, read("/api/v1/namespaces/default")));
    for answer in try_join_all(all).await.map_err(|error| error.report())? {
        expect(&(answer.version(), answer.status()), &(Version::HTTP_2, StatusCode::OK))?;
    }
    Ok(())
}

async fn other_cluster(plane: &ControlPlane) -> Result<(), String> {
    refused(plane, tokens(&DEPLOYER, "production", Clock::start())?, "the signature does not match").await
}

async fn wrong_key(plane: &ControlPlane) -> Result<(), String> {
    let forged = Identity { secret: "another secret", ..DEPLOYER };
    refused(plane, tokens(&forged, CLUSTER, Clock::start())?, "the signature does not match").await
}

/// The same as a clock that is sixteen minutes slow.
async fn expired(plane: &ControlPlane) -> Result<(), String> {
    let slow = Clock::starting_at(Clock::start().now() - SignedDuration::from_mins(16));
    refused(plane, tokens(&DEPLOYER, CLUSTER, slow)?, "the token has expired: it is 96").await
}

/// The API server answers 401, twice, and landfall says what that means.
async fn refused(plane: &ControlPlane, tokens: TokenSource, why: &str) -> Result<(), String> {
    let first = tokens.token().await.map_err(|error| error.report())?;
    let cx = Context::builder("run").build();
    let Err(error) = plane.signed_in(tokens)?.send(&cx, read("/version")).await else {
        return Err("the token was taken".to_owned());
    };
    expect(&error.kind(), &ErrorKind::Auth)?;
    expect(error.message(), "the API server of cluster demo does not know who we are (HTTP 401)")?;
    let hint = error.hint().unwrap_or_default();
    expect(&hint.contains("aws eks create-access-entry --cluster-name demo"), &true)?;
    let refusal = plane.refusal(first.expose()).unwrap_or_default();
    if refusal.starts_with(why) { Ok(()) } else { Err(format!("refused for another reason: {refusal}")) }
}

/// HTTP 403 is an answer, in the words of Kubernetes: who, what, on what, where.
async fn no_rights(plane: &ControlPlane) -> Result<(), String> {
    let server = plane.signed_in(tokens(&STRANGER, CLUSTER, Clock::start())?)?;
    let cx = Context::builder("run").build();
    let answer = server.send(&cx, read("/api/v1/namespaces")).await.map_err(|error| error.report())?;
    expect(&answer.status(), &StatusCode::FORBIDDEN)?;
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    expect(&body["reason"], &json!("Forbidden"))?;
    let message = format!(
        "namespaces is forbidden: User \"{}\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope",
        STRANGER.user
    );
    expect(&body["message"], &json!(message))?;
    // What everybody may read can be read.
    let answer = server.send(&cx, read("/version")).await.map_err(|error| error.report())?;
    expect(&answer.status(), &StatusCode::OK)
}

/// The other way in goes past the authenticator, which never sees it.
async fn administrator(plane: &ControlPlane) -> Result<(), String> {
    let answer = plane.administrator()?.send(read("/api/v1/namespaces/default")).await?;
    expect(&answer.status(), &StatusCode::OK)
}
