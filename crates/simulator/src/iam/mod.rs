//! Who calls, and what they may do. IAM only as far as deployments meet it: access keys, role sessions, and lists of
//! refused actions. Policies are not evaluated, except the trust policies of roles and the session policies that are
//! passed to STS.

mod authenticate;
mod authorise;
mod session_policy;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::{Account, Denial};

pub(crate) use authenticate::{AuthenticationError, authenticate, find, identify};
pub(crate) use authorise::authorise;
pub(crate) use session_policy::parse_session_policy;
pub(crate) use trust::{TrustRequest, trusts};

/// A caller whose signature was right.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) user_id: String,
    pub(crate) access_key_id: String,
    pub(crate) denied: Vec<Denial>,
    /// The region of the signature's credential scope: the region whose world answers.
    pub(crate) region: String,
    /// The role session whose credentials signed; none for a user.
    pub(crate) session: Option<SessionLimits>,
}

/// Temporary credentials that STS handed out.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) account: String,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) limits: SessionLimits,
}

/// What was passed to STS with a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionLimits {
    /// Session policies: when there are any, only what one of them allows may be done.
    pub(crate) policies: Vec<Value>,
    /// Session tags that the next session of a chain inherits.
    pub(crate) transitive: BTreeMap<String, String>,
    /// Kept along a chain.
    pub(crate) source_identity: Option<String>,
}

/// Accounts and sessions.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) accounts: BTreeMap<String, Account>,
    /// By access key id.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Access keys that a fault has ended.
    pub(crate) ended: BTreeSet<String>,
}

impl Directory {
    pub(crate) fn new(accounts: BTreeMap<String, Account>) -> Self {
        Self { accounts, ..Self::default() }
    }
}

/// True if `pattern` covers all of `text`; `*` stands for any characters, `?` for one: IAM's StringLike.
pub(crate) fn wildcard_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        if at < pattern.len() && pattern[at] == '*' {
            star = Some((at, seen));
            at += 1;
        } else if at < pattern.len() && (pattern[at] == '?' || pattern[at] == text[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((star_at, star_seen)) = star {
            at = star_at + 1;
            seen = star_seen + 1;
            star = Some((star_at, seen));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&character| character == '*')
}
