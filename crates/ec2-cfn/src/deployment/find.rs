//! Finds what this run has made already: by its tag in descriptions.

use jiff::{SignedDuration, Timestamp};
use landfall_core::{Context, Result, Token};

use super::client::Client;
use super::facts::Info;
use super::run_tag;

/// The server's `Date` header is cut to the second and servers' clocks differ a little.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// The deployment that carries the tag of this very token, made since `at`; of several the newest.
pub(crate) async fn own(
    client: &Client,
    cx: &Context,
    token: &Token,
    at: Option<Timestamp>,
) -> Result<Option<Info>> {
    let after = at.and_then(|at| at.checked_sub(MARGIN).ok());
    let listed = client.deployments(cx, after, &[]).await?;
    let own = listed.into_iter().filter(|one| run_tag::is_of_token(&one.description, token));
    Ok(own.max_by_key(|one| one.create_time))
}
