//! What both ways to assume a role share: the request's limits, and the session that comes of it.

use std::time::Duration;

use super::Sts;
use crate::Role;
use crate::clock::later;
use crate::iam::{Session, SessionLimits};
use crate::wire::query::element;
use crate::wire::{Form, ServiceError};

/// A role as a request names it.
pub(super) struct RoleName {
    pub(super) account: String,
    pub(super) name: String,
}

/// A role session as a request wants it.
pub(super) struct Wanted {
    pub(super) role: RoleName,
    pub(super) session_name: String,
    pub(super) seconds: u32,
}

pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ValidationError", message)
}

/// Reads and checks what both operations share.
pub(super) fn wanted(form: &Form) -> Result<Wanted, ServiceError> {
    let session_name = required(form, "RoleSessionName", "roleSessionName")?;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if !session_name.chars().all(allowed) {
        return Err(constraint(
            session_name,
            "roleSessionName",
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
        ));
    }
    if !(2..=64).contains(&session_name.len()) {
        let bound =
            if session_name.len() < 2 { "greater than or equal to 2" } else { "less than or equal to 64" };
        return Err(constraint(session_name, "roleSessionName", &format!("Member must have length {bound}")));
    }
    let text = form.text("DurationSeconds").unwrap_or("3600");
    let seconds = text.parse().map_err(|_| validation(format!("Invalid number: {text}")))?;
    if !(900..=43_200).contains(&seconds) {
        let bound =
            if seconds < 900 { "greater than or equal to 900" } else { "less than or equal to 43200" };
        return Err(constraint(text, "durationSeconds", &format!("Member must have value {bound}")));
    }
    let arn = required(form, "RoleArn", "roleArn")?;
    let role = parse_arn(arn).ok_or_else(|| validation("Request ARN is invalid"))?;
    Ok(Wanted { role, session_name: session_name.to_owned(), seconds })
}

pub(super) fn required<'a>(form: &'a Form, name: &str, member: &str) -> Result<&'a str, ServiceError> {
    form.text(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

pub(super) fn constraint(value: &str, member: &str, what: &str) -> ServiceError {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {what}"
    ))
}

fn parse_arn(arn: &str) -> Option<RoleName> {
    let [_, _, "iam", "", account, resource] = arn.splitn(6, ':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (arn.starts_with("arn:aws") && digits && !name.is_empty())
        .then(|| RoleName { account: account.to_owned(), name: name.to_owned() })
}

impl Sts<'_> {
    pub(super) fn role(&self, name: &RoleName) -> Option<&Role> {
        self.directory.accounts.get(&name.account)?.roles.get(&name.name)
    }

    /// Makes the session and answers `<Credentials>` and `<AssumedRoleUser>`.
    pub(super) fn open_session(
        &mut self,
        wanted: &Wanted,
        limits: SessionLimits,
    ) -> Result<String, ServiceError> {
        let maximum = self.role(&wanted.role).map_or(3_600, |role| role.max_session_seconds);
        if wanted.seconds > maximum {
            return Err(validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let key = format!("ASIA{}", self.ids.capitals(16));
        let RoleName { account, name } = &wanted.role;
        let session = Session {
            account: account.clone(),
            role: name.clone(),
            name: wanted.session_name.clone(),
            secret: self.ids.hex32(),
            token: format!("simulated-session-token-{}", self.ids.hex32()),
            expires_at: later(self.now, Duration::from_secs(u64::from(wanted.seconds))),
            limits,
        };
        let mut text = String::from("<Credentials>");
        element(&mut text, "AccessKeyId", &key);
        element(&mut text, "SecretAccessKey", &session.secret);
        element(&mut text, "SessionToken", &session.token);
        element(&mut text, "Expiration", &session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        text.push_str("</Credentials><AssumedRoleUser>");
        let user_id = format!("AROASIMULATED{}:{}", name.to_uppercase(), session.name);
        element(&mut text, "AssumedRoleId", &user_id);
        element(&mut text, "Arn", &format!("arn:aws:sts::{account}:assumed-role/{name}/{}", session.name));
        text.push_str("</AssumedRoleUser>");
        self.directory.sessions.insert(key, session);
        Ok(text)
    }
}
