//! Who may call, asked of STS and ECS by real SDK clients.
//!
//! Documented: <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>, and "Common errors" of the API
//! reference of each service.

use std::time::Duration;

use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use landfall::context::Clock;
use landfall_simulator::Claims;

use super::{Behaviour, behaviour};
use crate::cloud::{Account, Cloud, EXTERNAL_ID, Kind};
use crate::http::Keys;
use crate::ministack::Servers;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!("the caller is told its account", "the account of the key", caller),
    behaviour!(checked "a wrong secret", "STS SignatureDoesNotMatch, ECS InvalidSignatureException", wrong_secret),
    behaviour!(checked "an unknown key", "STS InvalidClientTokenId, ECS UnrecognizedClientException", unknown_key),
    behaviour!(
        checked "a session's key with an invented token",
        "STS InvalidClientTokenId, ECS UnrecognizedClientException",
        invented_token
    ),
    behaviour!(
        checked "a clock twenty minutes behind",
        "STS SignatureDoesNotMatch, ECS InvalidSignatureException",
        late_clock
    ),
    behaviour!(checked "a role of another account with its external id", "assumed-role/deploy/job there", external_id),
    behaviour!(checked "a role of another account without its external id", "AccessDenied", no_external_id),
    behaviour!(checked "a role of another account with a wrong external id", "AccessDenied", wrong_external_id),
    behaviour!(checked "a role that does not exist", "AccessDenied", missing_role),
    behaviour!(checked "an ARN that is none", "ValidationError", wrong_arn),
    behaviour!(checked "a token that the role trusts", "assumed-role/deploy/job here", token),
    behaviour!(checked "a token of another project", "AccessDenied", other_project),
    behaviour!(checked "a token of a tag where a branch is trusted", "AccessDenied", of_a_tag),
    behaviour!(checked "a token of a missing role", "AccessDenied", token_missing_role),
    behaviour!(checked "a token for another audience", "InvalidIdentityToken", other_audience),
    behaviour!(checked "a token of an issuer without a provider", "InvalidIdentityToken", other_issuer),
    behaviour!(checked "a token without an audience", "InvalidIdentityToken", no_audience),
    behaviour!(checked "a token with a wrong signature", "InvalidIdentityToken", wrong_signature),
    behaviour!(checked "a token that has expired", "ExpiredTokenException", expired_token),
    behaviour!(checked "a session of two seconds", "ValidationError", two_seconds),
    behaviour!(checked "a session longer than the role allows", "ValidationError", twelve_hours),
    behaviour!(restaged "a session that is over", "STS ExpiredToken, ECS ExpiredTokenException", session_over),
];

fn code<T, E: ProvideErrorMetadata>(answered: Result<T, E>) -> String {
    match answered {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().unwrap_or("a refusal without a code").to_owned(),
    }
}

/// How STS and ECS answer these keys.
async fn codes(cloud: &Cloud, keys: &Keys) -> String {
    codes_of(&cloud.sdk(keys)).await
}

async fn codes_of(config: &aws_types::SdkConfig) -> String {
    let sts = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let ecs = aws_sdk_ecs::Client::new(config).describe_clusters().clusters("demo").send().await;
    let ecs = match ecs {
        Ok(_) => "accepted".to_owned(),
        Err(error) => aws_sdk_ecs::error::ProvideErrorMetadata::code(&error).unwrap_or("no code").to_owned(),
    };
    format!("STS {}, ECS {ecs}", code(sts))
}

async fn caller(cloud: &Cloud) -> String {
    let told = cloud.sts().get_caller_identity().send().await.unwrap();
    let same = told.account() == Some(cloud.home.id.as_str());
    if same { "the account of the key".to_owned() } else { format!("{:?}", told.account()) }
}

async fn wrong_secret(cloud: &Cloud) -> String {
    codes(cloud, &Keys { secret: "wrong".to_owned(), ..cloud.home.admin.clone() }).await
}

async fn unknown_key(cloud: &Cloud) -> String {
    codes(cloud, &Keys::new("AKIANOBODYKNOWSTHIS1", "secret")).await
}

async fn invented_token(cloud: &Cloud) -> String {
    let keys = away_session(cloud, 3_600).await.unwrap();
    codes(cloud, &Keys { token: Some("invented".to_owned()), ..keys }).await
}

async fn late_clock(cloud: &Cloud) -> String {
    let seconds = u64::try_from(Clock::start().now().as_second()).unwrap() - 1_200;
    let time = SharedTimeSource::new(StaticTimeSource::from_secs(seconds));
    codes_of(&cloud.sdk(&cloud.home.admin).into_builder().time_source(time).build()).await
}

/// A session of the other account's role; else the code of the refusal.
pub(crate) async fn away_session(cloud: &Cloud, seconds: i32) -> Result<Keys, String> {
    let request = cloud.sts().assume_role().role_arn(cloud.away.role()).role_session_name("job");
    let answer = request.external_id(EXTERNAL_ID).duration_seconds(seconds).send().await;
    let answer = answer.map_err(|error| error.code().unwrap_or("no code").to_owned())?;
    let made = answer.credentials.unwrap();
    let token = Some(made.session_token);
    Ok(Keys { id: made.access_key_id, secret: made.secret_access_key, token })
}

/// `assumed-role/deploy/job here`, or the code of the refusal.
fn assumed<E: ProvideErrorMetadata>(
    cloud: &Cloud,
    answered: Result<Option<aws_sdk_sts::types::AssumedRoleUser>, E>,
) -> String {
    let user = match answered {
        Ok(user) => user.unwrap(),
        refused => return code(refused),
    };
    let whole = |account: &Account| format!("arn:aws:sts::{}:assumed-role/deploy/job", account.id);
    match user.arn {
        arn if arn == whole(&cloud.home) => "assumed-role/deploy/job here".to_owned(),
        arn if arn == whole(&cloud.away) => "assumed-role/deploy/job there".to_owned(),
        other => other,
    }
}

async fn assume(cloud: &Cloud, arn: &str, external_id: Option<&str>) -> String {
    let request = cloud.sts().assume_role().role_arn(arn).role_session_name("job");
    let answer = request.set_external_id(external_id.map(str::to_owned)).send().await;
    assumed(cloud, answer.map(|answer| answer.assumed_role_user))
}

async fn external_id(cloud: &Cloud) -> String {
    assume(cloud, &cloud.away.role(), Some(EXTERNAL_ID)).await
}

async fn no_external_id(cloud: &Cloud) -> String {
    assume(cloud, &cloud.away.role(), None).await
}

async fn wrong_external_id(cloud: &Cloud) -> String {
    assume(cloud, &cloud.away.role(), Some("another-id")).await
}

async fn missing_role(cloud: &Cloud) -> String {
    assume(cloud, &cloud.away.role().replace("deploy", "nobody"), Some(EXTERNAL_ID)).await
}

async fn wrong_arn(cloud: &Cloud) -> String {
    assume(cloud, "arn:aws:iam:::role/deploy", None).await
}

async fn by_token(cloud: &Cloud, token: &str, role: &str, seconds: Option<i32>) -> String {
    let request = cloud.sts().assume_role_with_web_identity().role_arn(role).role_session_name("job");
    let answer = request.web_identity_token(token).set_duration_seconds(seconds).send().await;
    assumed(cloud, answer.map(|answer| answer.assumed_role_user))
}

async fn by_claims(cloud: &Cloud, claims: Claims) -> String {
    by_token(cloud, &cloud.simulator.oidc().token(claims), &cloud.home.role(), None).await
}

fn good() -> Claims {
    Claims::gitlab("demo/web", "main")
}

async fn token(cloud: &Cloud) -> String {
    by_claims(cloud, good()).await
}

async fn other_project(cloud: &Cloud) -> String {
    by_claims(cloud, Claims::gitlab("demo/other", "main")).await
}

async fn of_a_tag(cloud: &Cloud) -> String {
    by_claims(cloud, Claims::gitlab_tag("demo/web", "v1")).await
}

async fn token_missing_role(cloud: &Cloud) -> String {
    by_token(cloud, &cloud.token(), &cloud.home.role().replace("deploy", "nobody"), None).await
}

async fn other_audience(cloud: &Cloud) -> String {
    by_claims(cloud, good().audience("https://gitlab.example.com")).await
}

async fn other_issuer(cloud: &Cloud) -> String {
    by_claims(cloud, good().claim("iss", "https://other.example.com")).await
}

async fn no_audience(cloud: &Cloud) -> String {
    by_claims(cloud, good().without("aud")).await
}

async fn wrong_signature(cloud: &Cloud) -> String {
    by_claims(cloud, good().wrong_signature()).await
}

async fn expired_token(cloud: &Cloud) -> String {
    by_claims(cloud, good().expired_for(Duration::from_secs(60))).await
}

async fn two_seconds(cloud: &Cloud) -> String {
    away_session(cloud, 2).await.map_or_else(|code| code, |_| "accepted".to_owned())
}

async fn twelve_hours(cloud: &Cloud) -> String {
    by_token(cloud, &cloud.token(), &cloud.home.role(), Some(43_200)).await
}

/// The simulator ends its sessions on demand; the other server takes sessions that are short enough to wait for, but
/// forgets those that are over when somebody opens another one: nobody else may use it.
async fn session_over(_: &Servers, kind: Kind) -> String {
    let servers = Servers::default();
    let cloud = Cloud::new(kind, &servers).await;
    if kind == Kind::Simulator {
        let keys = away_session(&cloud, 900).await.unwrap();
        cloud.simulator.expire_sessions();
        return codes(&cloud, &keys).await;
    }
    let keys = away_session(&cloud, 1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    codes(&cloud, &keys).await
}
