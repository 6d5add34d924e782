//! What STS answers when it opens no session: codes and statuses of the API reference, words as AWS documents them or
//! as public reports show them.

use serde::{Deserialize, Serialize};

/// A refusal of AssumeRole or AssumeRoleWithWebIdentity, for [`crate::FaultKind::Sts`].
///
/// Codes and statuses: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors>.
/// Where the reference has no message, the one here is from the public report that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StsRefusal {
    /// The trust policy does not fit, or there is no such role.
    NotAuthorized,
    /// The role's ARN is malformed.
    InvalidArn,
    /// `DurationSeconds` is more than the role's maximum.
    DurationTooLong,
    /// The issuer's keys cannot be read.
    KeyUnreachable,
    /// The token's audience is none of the provider's.
    WrongAudience,
    /// The account has no provider for the token's issuer.
    NoProvider,
    /// The issuer's certificate is another one than the provider knows.
    Thumbprint,
    /// The token has no audience.
    MissingAudience,
    /// The token has expired.
    TokenExpired,
    /// The issuer could not be reached.
    IdpUnreachable,
    /// The issuer says that the claim is not good.
    IdpRejectedClaim,
    /// Session policies and tags do not fit into their packed form.
    PackedPolicyTooLarge,
    /// A session policy is no policy.
    MalformedPolicy,
    /// STS is not active in the region.
    RegionDisabled,
}

impl StsRefusal {
    /// Code, HTTP status and message.
    pub fn answer(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::NotAuthorized => {
                ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
            }
            Self::InvalidArn => ("ValidationError", 400, "Request ARN is invalid"),
            // https://github.com/aws-actions/configure-aws-credentials/issues/79
            Self::DurationTooLong => (
                "ValidationError",
                400,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ),
            Self::KeyUnreachable => (
                "InvalidIdentityToken",
                400,
                "Couldn't retrieve verification key from your identity provider, please reference \
                 AssumeRoleWithWebIdentity documentation for requirements",
            ),
            // https://github.com/aws/amazon-eks-pod-identity-webhook/issues/232
            Self::WrongAudience => ("InvalidIdentityToken", 400, "Incorrect token audience"),
            Self::NoProvider => (
                "InvalidIdentityToken",
                400,
                "No OpenIDConnect provider found in your account for https://gitlab.example.com",
            ),
            // https://github.com/aws-actions/configure-aws-credentials/issues/357
            Self::Thumbprint => (
                "InvalidIdentityToken",
                400,
                "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
            ),
            Self::MissingAudience => ("InvalidIdentityToken", 400, "Missing a required claim: aud"),
            Self::TokenExpired => (
                "ExpiredTokenException",
                400,
                "Token expired: current date/time 1767225601 must be before the expiration date/time 1767225600",
            ),
            Self::IdpUnreachable => (
                "IDPCommunicationError",
                400,
                "The identity provider (IdP) could not be reached to verify the incoming identity token",
            ),
            Self::IdpRejectedClaim => {
                ("IDPRejectedClaim", 403, "The identity provider (IdP) reported that authentication failed")
            }
            // https://github.com/aws-actions/configure-aws-credentials/issues/1803
            Self::PackedPolicyTooLarge => {
                ("PackedPolicyTooLarge", 400, "Packed size of session tags consumes 142% of allotted space.")
            }
            Self::MalformedPolicy => ("MalformedPolicyDocument", 400, "Syntax errors in policy."),
            Self::RegionDisabled => (
                "RegionDisabledException",
                403,
                "STS is not activated in this region for account:111122223333. Your account administrator can \
                 activate STS in this region using the IAM Console.",
            ),
        }
    }
}
