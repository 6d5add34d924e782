//! What the refusals of STS mean, and what to do about them.
//!
//! STS says little, on purpose. What it says is documented at
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>; the rest is from public reports, which
//! are named where they are used.

use landfall_aws::failure::Failure;
use landfall_core::{Cause, Error, ErrorKind};

use crate::source::AssumedRole;
use crate::token::Claims;

/// A refusal, recognised by its code and a part of its message (lower case), and what to do. The first that fits holds.
struct Refusal {
    codes: &'static [&'static str],
    says: &'static str,
    cause: &'static str,
    next: &'static str,
}

const REFUSALS: [Refusal; 12] = [
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
    if failure.kind().is_passing() || (found.is_none() && failure.code().is_none()) {
        return failure.into();
    }
    let next =
        found.map_or("check the role, its trust policy and the identity provider", |refusal| refusal.next);
    let code = found.map_or("web-identity-refused", |refusal| refusal.cause);
    let cause =
        Cause::new(code, format!("{role_arn} could not be assumed with this token")).with_evidence(evidence);
    Error::new(ErrorKind::Auth, failure.error().message()).with_cause(cause).with_hint(next)
}

/// What became of AssumeRole.
pub(crate) fn assume_role(failure: Failure, role: &AssumedRole) -> Error {
    if failure.kind().is_passing() || failure.code().is_none() {
        return failure.into();
    }
    let arn = &role.arn;
    let next = match (failure.code(), &role.external_id) {
        (Some("AccessDenied"), None) => format!(
            "two policies must agree: the caller's must allow sts:AssumeRole on {arn}, and the role's trust policy must \
             name the caller; if it asks for an external id, give one. STS answers the same when there is no such role"
        ),
        (Some("AccessDenied"), Some(_)) => format!(
            "two policies must agree: the caller's must allow sts:AssumeRole on {arn}, and the role's trust policy must \
             name the caller and this external id. STS answers the same when there is no such role"
        ),
        _ => find(&failure).map_or("check the role and its trust policy", |refusal| refusal.next).to_owned(),
    };
    let mut error = Error::new(ErrorKind::Auth, failure.error().message());
    if let Some(denial) = failure.denial() {
        let who = denial.principal.as_deref().unwrap_or("the caller");
        error = error.with_cause(Cause::new("trust-policy", format!("{who} could not assume {arn}")));
    }
    error.with_hint(next)
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
