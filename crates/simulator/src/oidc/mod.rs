//! The issuer of identity tokens: what a CI system such as GitLab is for AWS.
//!
//! It signs RS256 tokens with a key that is public on purpose, serves `/.well-known/openid-configuration` and the key
//! set, and is what [`AssumeRoleWithWebIdentity`][sts] verifies tokens against.
//!
//! [sts]: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

mod claims;
mod issuer;
mod verify;

pub use claims::Claims;
pub(crate) use issuer::Issuer;
pub(crate) use verify::{Rejected, VerifiedToken, verify};

use crate::Simulator;

/// The path of the key set, as GitLab serves it.
pub(crate) const KEYS_PATH: &str = "/oauth/discovery/keys";
/// The path of the discovery document.
pub(crate) const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// A handle on the simulator's issuer of identity tokens.
#[derive(Debug, Clone)]
pub struct Oidc {
    pub(crate) simulator: Simulator,
}

impl Oidc {
    /// The issuer's URL: the `iss` claim.
    pub fn issuer(&self) -> String {
        self.simulator.with_state(|state| state.issuer.url.clone())
    }

    /// A signed token. Times are on the simulator's clock.
    pub fn token(&self, claims: impl std::borrow::Borrow<Claims>) -> String {
        self.simulator.with_state(|state| {
            let now = state.clock.now();
            state.issuer.token(claims.borrow(), now)
        })
    }

    /// The key set as it is served: JSON Web Keys.
    pub fn key_set(&self) -> serde_json::Value {
        self.simulator.with_state(|state| state.issuer.key_set())
    }
}
