//! What the refusals of STS mean, and what to do about them.
//!
//! STS says little, on purpose. What it says is documented at
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>; the rest is from public reports, which
//! are named where they are used.

use landfall_aws::failure::Failure;
use landfall_core::{Cause, Error, ErrorKind};

use crate::role::AssumedRole;
use crate::token::Claims;

/// A refusal, recognised by its code and a part of its message (lower case), and what to do. The first that fits holds.
struct Refusal {
    codes: &'static [&'static str],
    says: &'static str,
    cause: &'static str,
    next: &'static str,
}

const REFUSALS: [Refusal; 17] = [
    Refusal {
        codes: &["AccessDenied"],
        says: "",
        cause: "trust-policy",
        next: "compare the claims above with the role's trust policy: the provider's ARN under `Federated`, `aud`, and \
               `sub`. A `*` in a condition needs StringLike. Jobs for tags and merge requests have another `sub` than \
               jobs for a branch. The condition's key is the issuer's host without https://. STS answers the same when \
               there is no such role",
    },
    Refusal {
        codes: &["ValidationError"],
        says: "request arn is invalid",
        cause: "role-arn",
        next: "check the role's ARN: a variable in it may have been empty",
    },
    Refusal {
        codes: &["ValidationError"],
        says: "maxsessionduration",
        cause: "session-duration",
        next: "ask for a shorter session, or raise the role's maximum session duration",
    },
    Refusal {
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
        codes: &["ValidationError"],
        says: "role chaining",
        cause: "session-duration",
        next: "ask for an hour at most: a role that is assumed with another role's session allows no more, whatever its \
               maximum session duration",
    },
    Refusal {
        // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
        codes: &["PackedPolicyTooLarge"],
        says: "",
        cause: "session-too-large",
        next: "pass fewer or shorter session tags and policies: they must fit into a packed form whose size AWS does not \
               tell, of which tags that are inherited along the chain take their part; a managed policy's ARN takes less \
               than its document",
    },
    Refusal {
        codes: &["MalformedPolicyDocument"],
        says: "",
        cause: "session-policy",
        next: "correct the session policy: AWS says above what is wrong with it; IAM's policy editor checks it in full",
    },
    Refusal {
        // https://github.com/aws/amazon-eks-pod-identity-webhook/issues/232
        codes: &["InvalidIdentityToken"],
        says: "incorrect token audience",
        cause: "token-audience",
        next: "add the token's `aud` to the audiences of the IAM identity provider, or ask for one that is there in the \
               job's `id_tokens:` block",
    },
    Refusal {
        codes: &["InvalidIdentityToken"],
        says: "no openidconnect provider found",
        cause: "identity-provider",
        next: "create an IAM OIDC identity provider for the token's `iss` in the account of the role; check that the \
               role's ARN names the account you mean",
    },
    Refusal {
        codes: &["InvalidIdentityToken"],
        says: "couldn't retrieve verification key",
        cause: "issuer-unreachable",
        next: "AWS must be able to read the issuer's /.well-known/openid-configuration and its keys over the internet \
               within seconds; a private GitLab needs a public copy of them (`ci_id_tokens_issuer_url`)",
    },
    Refusal {
        // https://github.com/aws-actions/configure-aws-credentials/issues/357
        codes: &["InvalidIdentityToken"],
        says: "thumbprint",
        cause: "issuer-certificate",
        next: "the issuer's certificate changed: update the thumbprint of the IAM identity provider, or serve a \
               certificate of a public authority",
    },
    Refusal {
        codes: &["InvalidIdentityToken"],
        says: "missing a required claim",
        cause: "token-claims",
        next: "the token is not one for AWS, as CI_JOB_JWT of older GitLab versions: declare an `id_tokens:` block",
    },
    Refusal {
        // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html, retried before.
        codes: &["IDPCommunicationError"],
        says: "",
        cause: "issuer-unreachable",
        next: "AWS could not reach the issuer, several times in a row: check that the issuer is up and that its \
               /.well-known/openid-configuration can be read over the internet within seconds, then start the job anew",
    },
    Refusal {
        codes: &["InvalidIdentityToken"],
        says: "",
        cause: "token-invalid",
        next: "AWS could not verify the token: check that the variable holds the token as it was issued",
    },
    Refusal {
        codes: &["ExpiredTokenException", "ExpiredToken"],
        says: "",
        cause: "token-expired",
        next: "a token of GitLab lives as long as the job's timeout, or five minutes when the job has none: set \
               `timeout:` in the job, or deploy earlier in it",
    },
    Refusal {
        codes: &["IDPRejectedClaim"],
        says: "",
        cause: "issuer-rejected",
        next: "the issuer says that the token is no longer good: start the job anew",
    },
    Refusal {
        codes: &["ValidationError"],
        says: "",
        cause: "request",
        next: "AWS says above which part of the request it does not take: check the flags that it names",
    },
    Refusal {
        codes: &["RegionDisabledException"],
        says: "",
        cause: "region-disabled",
        next: "STS is not active in this region for the account: activate it in IAM's account settings, or use another \
               region",
    },
];

/// What became of AssumeRoleWithWebIdentity.
pub(crate) fn web_identity(failure: Failure, role_arn: &str, claims: &Claims) -> Error {
    let evidence = std::iter::once(format!("role: {role_arn}")).chain(claims.lines());
    let found = find(&failure);
    if found.is_none() && (failure.kind().is_passing() || failure.code().is_none()) {
        return failure.into();
    }
    let next =
        found.map_or("check the role, its trust policy and the identity provider", |refusal| refusal.next);
    let code = found.map_or("web-identity-refused", |refusal| refusal.cause);
    let cause =
        Cause::new(code, format!("{role_arn} could not be assumed with this token")).with_evidence(evidence);
    // What may pass stays what it is, so that a wait goes on asking.
    let kind = if failure.kind().is_passing() { failure.kind() } else { ErrorKind::Auth };
    Error::new(kind, failure.error().message()).with_cause(cause).with_hint(next)
}

/// What became of AssumeRole.
pub(crate) fn assume_role(failure: Failure, role: &AssumedRole, session_name: &str) -> Error {
    if failure.kind().is_passing() || failure.code().is_none() {
        return failure.into();
    }
    let found = find(&failure);
    let denied = (failure.code() == Some("AccessDenied")).then(|| next_when_denied(&failure, role));
    let next = denied.unwrap_or_else(|| {
        found.map_or("check the role and its trust policy", |refusal| refusal.next).to_owned()
    });
    let code = found.map_or("role-refused", |refusal| refusal.cause);
    let denial = failure.denial().and_then(|denial| denial.principal.as_deref());
    let who = denial.unwrap_or("the caller");
    let cause = Cause::new(code, format!("{who} could not assume {}", role.arn))
        .with_evidence(passed(role, session_name));
    Error::new(ErrorKind::Auth, failure.error().message()).with_cause(cause).with_hint(next)
}

/// Which permission is missing on which side.
fn next_when_denied(failure: &Failure, role: &AssumedRole) -> String {
    let arn = &role.arn;
    let action = failure.denial().map_or("sts:AssumeRole", |denial| denial.action.as_str());
    let why = match action {
        "sts:TagSession" => "session tags are passed or inherited, ",
        "sts:SetSourceIdentity" => "a source identity is passed or kept, ",
        _ => "",
    };
    let both = format!(
        "{why}two policies must agree: the caller's must allow {action} on {arn}, and the role's trust policy must allow \
         it and name the caller"
    );
    match (&role.external_id, why.is_empty()) {
        (_, false) => both,
        (None, true) => format!(
            "{both}; if it asks for an external id, give one. STS answers the same when there is no such role"
        ),
        (Some(_), true) => {
            format!("{both} and this external id. STS answers the same when there is no such role")
        }
    }
}

/// What a trust policy can ask for, to compare with it. The external id is left out: others may take it for a secret.
fn passed(role: &AssumedRole, session_name: &str) -> Vec<String> {
    let external = if role.external_id.is_some() { "given" } else { "none" };
    let mut lines = vec![format!("session name: {session_name}"), format!("external id: {external}")];
    lines.extend(role.tags.iter().map(|tag| format!("session tag: {}={}", tag.key, tag.value)));
    lines.extend(role.source_identity.iter().map(|name| format!("source identity: {name}")));
    lines
}

/// Whether STS gives no session of the length that was asked for.
pub(crate) fn is_too_long(failure: &Failure) -> bool {
    find(failure).is_some_and(|refusal| refusal.cause == "session-duration")
}

fn find(failure: &Failure) -> Option<&'static Refusal> {
    let code = failure.code()?;
    let code = code.strip_suffix("Exception").unwrap_or(code);
    let message = failure.error().message().to_lowercase();
    REFUSALS.iter().find(|refusal| {
        let same = refusal.codes.iter().any(|known| known.strip_suffix("Exception").unwrap_or(known) == code);
        same && message.contains(refusal.says)
    })
}
