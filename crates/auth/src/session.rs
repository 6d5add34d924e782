//! Who we are, once AWS has said it.

use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_core::Place;
use serde::{Deserialize, Serialize};

use crate::validity::Validity;

/// Who the caller is, as STS GetCallerIdentity says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// ARN of the user or of the role's session.
    pub arn: String,
    /// Twelve digits.
    pub account: String,
    /// Unique id; for a role's session `ROLE-ID:SESSION-NAME`.
    pub user_id: String,
}

/// Credentials that work, and what targets are made of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// For the clients of every service. Refreshes its credentials by itself where their source allows it.
    pub config: SdkConfig,
    /// Partition, account and region.
    pub place: Place,
    /// Who we are.
    pub identity: Identity,
    /// Where the credentials came from, in words: `OIDC token from $DEPLOY_TOKEN`.
    pub source: String,
    /// When the session that is used now ends; `None` for keys without an end. It may be renewed before.
    pub expires: Option<Timestamp>,
    /// Until when the credentials are good, renewals counted.
    pub validity: Validity,
}
