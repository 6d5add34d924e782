//! Which source of credentials wins, and what lost.

use std::path::PathBuf;

use landfall_aws::environment::Environment;
use landfall_core::event::Level;
use landfall_core::{Cause, Error, Result};

use crate::auth::Auth;
use crate::provider::looks_like_tokens;
use crate::role::{self, AssumedRole};
use crate::source::{
    ACCESS_KEY_ID, CredentialsSource, Oidc, SECRET_ACCESS_KEY, SESSION_TOKEN, StaticKeys, TokenSource,
};

/// The variables of a web identity, as AWS's own tools read them:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>.
pub(crate) const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(crate) const ROLE_ARN: &str = "AWS_ROLE_ARN";

/// What a command line says about credentials. Empty means that the environment decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--role-arn`, in order. With an OIDC token the first is assumed with the token, the others one after another.
    pub role_arns: Vec<String>,
    /// `--external-id`, for the last role of the chain.
    pub external_id: Option<String>,
    /// `--oidc-token-env`: name of the variable that holds the token.
    pub oidc_token_env: Option<String>,
    /// `--oidc-token-file`: the file that holds the token.
    pub oidc_token_file: Option<PathBuf>,
    /// `--session-tag`: `KEY=VALUE`, for the session of the last role of the chain.
    pub session_tags: Vec<String>,
    /// `--session-policy`: ARNs of managed policies and at most one file with a policy document, for the session that
    /// deploys: that of the last role.
    pub session_policies: Vec<String>,
}

impl Auth {
    /// The source that flags and environment ask for: a token named by a flag; else keys in variables, a web identity in
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, and the SDK's chain, in the order of AWS's own tools. What won and what lost is
    /// told by [`Auth::connect`].
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] for flags that contradict each other or lack one another.
    pub fn detect(environment: Environment, flags: &Flags) -> Result<Self> {
        let mut roles = flags.role_arns.clone();
        let mut problems = Vec::new();
        let token = match (&flags.oidc_token_env, &flags.oidc_token_file) {
            (Some(_), Some(_)) => {
                let what = "--oidc-token-env and --oidc-token-file are both given, and there is one token";
                problems.push(Cause::invalid("--oidc-token-file", what).with_hint("leave one of them out"));
                None
            }
            (Some(name), None) => Some(TokenSource::Environment(name.clone())),
            (None, Some(path)) => Some(TokenSource::File(path.clone())),
            (None, None) => None,
        };
        let mut source = match token {
            Some(token) => match first_role(&mut roles, &environment) {
                Some(role) => CredentialsSource::Oidc(Oidc::new(role, token)),
                None => {
                    problems.push(
                        Cause::invalid(
                            "--role-arn",
                            format!("an {} is given, and no role to assume", token.description()),
                        )
                        .with_hint(format!("give --role-arn, or set {ROLE_ARN}")),
                    );
                    CredentialsSource::DefaultChain
                }
            },
            None => of_environment(&environment, &mut roles),
        };
        let mut chain: Vec<AssumedRole> = roles.into_iter().map(AssumedRole::new).collect();
        flags.pass_with(&mut source, chain.last_mut(), &mut problems);
        Error::all("the credentials cannot be chosen", problems)?;
        Ok(Self::new(source).environment(environment).role_chain(chain))
    }
}

impl Flags {
    /// Hands what is passed to STS to the role that it is for: the last one.
    fn pass_with(
        &self,
        source: &mut CredentialsSource,
        last: Option<&mut AssumedRole>,
        problems: &mut Vec<Cause>,
    ) {
        // With a token and no role, what belongs to which role is not known.
        let known = problems.is_empty();
        let tags = self.tags(problems);
        let policies = role::of_flags(&self.session_policies, problems);
        if let Some(last) = last {
            last.external_id.clone_from(&self.external_id);
            last.policies = policies;
            let tagged =
                tags.into_iter().fold(last.clone(), |role, (key, value)| role.session_tag(key, value));
            *last = tagged;
            return;
        }
        if !known {
            return;
        }
        let mut without_role = |flag: &str, hint: &str| {
            let what = format!("{flag} is given, and no role that is assumed by AssumeRole");
            problems.push(Cause::invalid(flag, what).with_hint(hint));
        };
        if self.external_id.is_some() {
            let hint = "an OIDC token has no external id; it belongs to a second --role-arn";
            without_role("--external-id", hint);
        }
        if !self.session_tags.is_empty() {
            without_role("--session-tag", OF_TOKEN);
        }
        match source {
            CredentialsSource::Oidc(oidc) => oidc.policies = policies,
            _ if self.session_policies.is_empty() => {}
            _ => without_role("--session-policy", "give --role-arn: keys as they are cannot be narrowed"),
        }
    }

    /// Keys and values of `--session-tag`.
    fn tags<'a>(&'a self, problems: &mut Vec<Cause>) -> Vec<(&'a str, &'a str)> {
        let mut tags = Vec::new();
        for text in &self.session_tags {
            match text.split_once('=') {
                Some(tag) => tags.push(tag),
                None => {
                    let what = format!("--session-tag {text:?} is not KEY=VALUE");
                    problems.push(Cause::invalid("--session-tag", what).with_hint("write it like team=web"));
                }
            }
        }
        tags
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp>, and
/// for GitLab <https://gitlab.com/gitlab-org/gitlab/-/issues/462017>.
const OF_TOKEN: &str = "session tags belong to a second --role-arn: with an OIDC token, STS takes them from the token's \
                        claim https://aws.amazon.com/tags only, which GitLab does not set";

/// The role for a token: the first of the flags, else that of the environment.
fn first_role(roles: &mut Vec<String>, environment: &Environment) -> Option<String> {
    if roles.is_empty() { environment.get(ROLE_ARN).map(str::to_owned) } else { Some(roles.remove(0)) }
}

/// What the environment offers. A web identity without `AWS_ROLE_ARN` takes the first of `roles`.
pub(crate) fn of_environment(environment: &Environment, roles: &mut Vec<String>) -> CredentialsSource {
    if environment.get(ACCESS_KEY_ID).is_some() || environment.get(SECRET_ACCESS_KEY).is_some() {
        return CredentialsSource::StaticKeys(StaticKeys::from_environment(environment));
    }
    let Some(file) = environment.get(TOKEN_FILE) else { return CredentialsSource::DefaultChain };
    let role = environment.get(ROLE_ARN).map(str::to_owned);
    // A flag that says the same as the variable is not a second role.
    if roles.first() == role.as_ref() && !roles.is_empty() {
        roles.remove(0);
    }
    match role.or_else(|| (!roles.is_empty()).then(|| roles.remove(0))) {
        Some(role) => CredentialsSource::Oidc(Oidc::from_file(role, file)),
        None => CredentialsSource::DefaultChain,
    }
}

/// Something to tell before signing in.
pub(crate) struct Remark {
    pub(crate) code: &'static str,
    pub(crate) level: Level,
    pub(crate) text: String,
}

/// What the source wins over, and what looks left over.
pub(crate) fn remarks(source: &CredentialsSource, environment: &Environment) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let keys = environment.get(ACCESS_KEY_ID).is_some();
    match source {
        CredentialsSource::Oidc(oidc) if keys => remarks.push(Remark {
            code: "shadowed-keys",
            level: Level::Warning,
            text: format!(
                "{ACCESS_KEY_ID} is set and would win over the OIDC token in the default chain of AWS's tools; landfall \
                 uses the {}. Remove the keys if nothing else needs them",
                oidc.token.description()
            ),
        }),
        CredentialsSource::StaticKeys(_) if environment.get(TOKEN_FILE).is_some() => remarks.push(Remark {
            code: "shadowed-oidc",
            level: Level::Warning,
            text: format!(
                "{ACCESS_KEY_ID} wins over the OIDC token in {TOKEN_FILE}, as in AWS's own tools; remove the keys to use \
                 the token"
            ),
        }),
        _ => {}
    }
    if let CredentialsSource::StaticKeys(keys) = source
        && keys.access_key_id.starts_with("AKIA")
        && keys.session_token.is_some()
    {
        remarks.push(Remark {
            code: "stale-session-token",
            level: Level::Warning,
            text: format!(
                "{ACCESS_KEY_ID} is a long-term key, which has no session token, but {SESSION_TOKEN} is set: if AWS \
                 refuses the key, remove the token"
            ),
        });
    }
    remarks
}

/// What lies about when no credentials were found, and may have been meant: variables that are empty, tokens that no
/// flag names.
pub(crate) fn left_over(environment: &Environment) -> Vec<Cause> {
    let empty = [ACCESS_KEY_ID, SECRET_ACCESS_KEY, TOKEN_FILE, ROLE_ARN]
        .into_iter()
        .filter(|name| environment.is_set_but_empty(name))
        .map(|name| {
            Cause::new("empty-variable", format!("{name} is set but empty")).in_field(name).with_hint(
                "a protected variable of GitLab is empty on an unprotected ref: protect the branch or tag, or lift the \
                 protection of the variable",
            )
        });
    let tokens = looks_like_tokens(environment).map(|name| {
        Cause::new("unused-token", format!("{name} looks like an OIDC token, and nothing names it"))
            .in_field(name)
            .with_hint(format!("give --oidc-token-env {name} and --role-arn"))
    });
    empty.chain(tokens).collect()
}

#[cfg(test)]
mod tests {
    use landfall_aws::environment::Environment;

    use super::left_over;

    #[test]
    fn what_may_have_been_meant_is_named_and_old_tokens_of_gitlab_are_not() {
        let token = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";
        let environment = Environment::from_pairs([
            ("AWS_ACCESS_KEY_ID", ""),
            ("CI_JOB_JWT_V2", token),
            ("DEPLOY_TOKEN", token),
            ("NOT_A_TOKEN", "eyJub3Q"),
        ]);
        let causes = left_over(&environment);
        let fields: Vec<_> = causes.iter().filter_map(|cause| cause.field.as_deref()).collect();
        assert_eq!(fields, ["AWS_ACCESS_KEY_ID", "DEPLOY_TOKEN"]);
        assert!(!format!("{causes:?}").contains(token));
    }
}
