//! What STS checks of an identity token before it looks at any role.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::Issuer;
use crate::Account;

/// A token that is what it claims to be.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedToken {
    /// The issuer without scheme: the prefix of condition keys.
    pub(crate) host: String,
    pub(crate) subject: String,
    /// The audience that fits the provider.
    pub(crate) audience: String,
    pub(crate) audiences: Vec<String>,
}

/// Why a token was rejected, in AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// `InvalidIdentityToken` with this message.
    Invalid(String),
    /// `ExpiredTokenException` with this message.
    Expired(String),
}

fn invalid(message: &str) -> Rejected {
    Rejected::Invalid(message.to_owned())
}

/// Verifies a token for an account. The order of the checks is not documented; this is the order in which each needs
/// the one before.
pub(crate) fn verify(
    token: &str,
    issuer: &Issuer,
    account: &Account,
    now: Timestamp,
) -> Result<VerifiedToken, Rejected> {
    let (header, payload) = decode(token).ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })?;
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        if payload[claim].is_null() {
            return Err(Rejected::Invalid(format!("Missing a required claim: {claim}")));
        }
    }
    let issued_by = text(&payload, "iss");
    let host = Issuer::host(&issued_by).to_owned();
    let provider =
        account.oidc_providers.get(&host).filter(|_| issued_by.starts_with("https://")).ok_or_else(|| {
            Rejected::Invalid(format!("No OpenIDConnect provider found in your account for {issued_by}"))
        })?;
    if issued_by != issuer.url || !issuer.has_key(&text(&header, "kid")) {
        return Err(invalid(
            "Couldn't retrieve verification key from your identity provider, please reference \
             AssumeRoleWithWebIdentity documentation for requirements",
        ));
    }
    check_signature(token, &header, issuer)?;
    let audiences = audiences(&payload["aud"]);
    let audience = audiences
        .iter()
        .find(|audience| provider.client_ids.contains(audience))
        .cloned()
        .ok_or_else(|| invalid("Incorrect token audience"))?;
    check_times(&payload, now)?;
    Ok(VerifiedToken { host, subject: text(&payload, "sub"), audience, audiences })
}

fn decode(token: &str) -> Option<(Value, Value)> {
    let [header, payload, _] = token.split('.').collect::<Vec<_>>()[..] else { return None };
    let parse = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    Some((parse(header)?, parse(payload)?))
        .filter(|(header, payload)| header.is_object() && payload.is_object())
}

fn check_signature(token: &str, header: &Value, issuer: &Issuer) -> Result<(), Rejected> {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if header["alg"] == "RS256" && issuer.verifies(signed.as_bytes(), &signature) {
        return Ok(());
    }
    // The code is documented ("could not be validated"), the message is not.
    Err(invalid("The web identity token that was passed could not be validated: invalid signature"))
}

fn check_times(payload: &Value, now: Timestamp) -> Result<(), Rejected> {
    let now = now.as_second();
    let expires_at = payload["exp"].as_i64().unwrap_or_default();
    if expires_at <= now {
        return Err(Rejected::Expired(format!(
            "Token expired: current date/time {now} must be before the expiration date/time {expires_at}"
        )));
    }
    if let Some(not_before) = payload["nbf"].as_i64().filter(|not_before| *not_before > now) {
        // The message for a token from the future is not documented.
        return Err(Rejected::Invalid(format!(
            "Token not yet valid: current date/time {now} must be after the not-before date/time {not_before}"
        )));
    }
    Ok(())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn audiences(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
