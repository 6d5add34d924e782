//! Credentials for landfall: where they come from, whether they can work, and who we are with them.
//!
//! [`Auth`] takes a [`CredentialsSource`] and settings, finds everything that is wrong with them without a call,
//! asks STS who the caller is, and gives a [`Session`] whose `SdkConfig` and `Place` targets are made of.
//!
//! ```no_run
//! use landfall_auth::{Auth, CredentialsSource, Oidc};
//! use landfall_aws::environment::Environment;
//! use landfall_core::Context;
//!
//! # async fn example() -> landfall_core::Result<()> {
//! let oidc = Oidc::from_environment("arn:aws:iam::111122223333:role/deploy", "DEPLOY_TOKEN");
//! let session = Auth::new(CredentialsSource::oidc(oidc))
//!     .environment(Environment::from_process())
//!     .audience("sts.amazonaws.com")
//!     .expected_account("111122223333")
//!     .connect(&Context::builder("shop/42/deploy/production").build())
//!     .await?;
//! println!("{} in {}", session.identity.arn, session.place);
//! # Ok(())
//! # }
//! ```
//!
//! # How long credentials last
//! [`Auth::lasting`] says how long a wait and an undo may take. Sessions are asked for as long, and renewed before they
//! end: with the token while it is good, or along the whole chain. [`Session::validity`] tells until when that can go on,
//! and what would be too short is told before anything is changed. All services of one `SdkConfig` share a session and
//! renew it once. A session that AWS calls ended before its time is renewed too.
//!
//! # Secrets
//! Keys and tokens are kept in types that print `[REDACTED]`. Messages may show what a token *claims* (subject,
//! audience, issuer, times), because STS says nothing more than "not authorized" and a person has to compare them
//! with a trust policy; they never show the token.

mod auth;
mod checks;
mod detect;
mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod length;
mod prepare;
mod provider;
mod renewal;
mod role;
mod session;
mod source;
pub mod token;
mod validity;

pub use auth::Auth;
pub use checks::{check_role_arn, default_session_name};
pub use detect::Flags;
pub use role::AssumedRole;
pub use session::{Identity, Session};
pub use source::{CredentialsSource, Oidc, ProvideToken, StaticKeys, TokenSource};
pub use validity::Validity;
