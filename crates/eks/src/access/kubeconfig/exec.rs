//! Programs that make tokens: those of EKS's are read for what they would sign, and all others are not run.
//!
//! `aws eks update-kubeconfig` writes `aws [--region R] eks get-token --cluster-name X [--role-arn R] --output json`, and
//! older files have `aws-iam-authenticator token -i X [-r R]`:
//! <https://docs.aws.amazon.com/cli/latest/reference/eks/get-token.html>,
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator#5-set-up-kubectl-to-use-authentication-tokens-provided-by-aws-iam-authenticator-for-kubernetes>.

use std::fmt;

use aws_types::SdkConfig;
use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::{Place, Result};
use serde::Deserialize;

use crate::access::TokenSource;

/// What a program that makes tokens of EKS is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EksToken {
    /// The cluster's name, or the id of a local cluster on an Outpost.
    pub cluster: String,
    /// The region; none: that of the credentials.
    pub region: Option<String>,
    /// The role that signs, by its ARN; none: who has the credentials.
    pub role: Option<String>,
    /// The profile that the credentials are to come from; none: any.
    pub profile: Option<String>,
    /// Whether `cluster` is an id.
    pub(super) by_id: bool,
}

/// What signs tokens for the users of a kubeconfig who get theirs from `aws eks get-token` or `aws-iam-authenticator`.
#[derive(Clone)]
pub struct TokenSigner {
    config: SdkConfig,
    clock: Clock,
    role: Option<String>,
    profile: Option<String>,
}

impl TokenSigner {
    /// Signs with the credentials of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, clock: Clock) -> Self {
        Self { config: config.clone(), clock, role: None, profile: None }
    }

    /// Says that the credentials are those of this role, by its ARN, which was assumed. A user with `--role-arn` needs it.
    #[must_use]
    pub fn of_role(mut self, arn: impl Into<String>) -> Self {
        self.role = Some(arn.into());
        self
    }

    /// Says that the credentials come from this profile. A user with `AWS_PROFILE` or `--profile` needs it.
    #[must_use]
    pub fn of_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// The region that signs: as the program is told, else that of the credentials, else that of the place.
    pub(super) fn region<'a>(&'a self, token: &'a EksToken, place: Option<&'a Place>) -> Option<&'a str> {
        let own = self.config.region().map(AsRef::as_ref);
        let named = [token.region.as_deref(), own, place.map(|place| place.region.as_str())];
        named.into_iter().flatten().find(|region| !region.is_empty())
    }

    /// The tokens that the program would make.
    pub(super) fn tokens(&self, token: &EksToken, region: &str) -> Result<TokenSource> {
        TokenSource::new(&self.config, region, &token.cluster, self.clock, SignedDuration::ZERO)
    }

    /// Why these are not the credentials that the token has to be signed with, and what to do.
    pub(super) fn misfit(&self, token: &EksToken) -> Option<(String, String)> {
        if let Some(role) = token.role.as_ref().filter(|role| self.role.as_ref() != Some(*role)) {
            let who = match &self.role {
                Some(other) => format!("those of {other}"),
                None => "not those of a role that was assumed".to_owned(),
            };
            return Some((
                format!("wants its tokens signed by {role}, and the credentials are {who}"),
                format!(
                    "assume that role for this run (--role-arn {role}), or take the role out of the kubeconfig"
                ),
            ));
        }
        let profile = token.profile.as_ref().filter(|profile| self.profile.as_ref() != Some(*profile))?;
        Some((
            format!(
                "wants its tokens signed with the profile {profile}, and the credentials are not from it"
            ),
            format!("run with AWS_PROFILE={profile}, or take the profile out of the kubeconfig"),
        ))
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("role", &self.role)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// A program, its arguments and the variables that are set for it. The variables may be secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Exec {
    pub(super) command: String,
    args: Option<Vec<String>>,
    env: Option<Vec<Variable>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Variable {
    name: String,
    value: String,
}

/// What an option says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Cluster,
    ClusterId,
    Region,
    Role,
    Profile,
    /// Nothing that matters; it has a value.
    Value,
    /// Nothing that matters, without a value.
    Nothing,
}

/// A program, the words of its command, and its options.
type Known = (&'static str, &'static [&'static str], &'static [(&'static str, Says)]);

const KNOWN: [Known; 2] = [
    (
        "aws",
        &["eks", "get-token"],
        &[
            ("--cluster-name", Says::Cluster),
            ("--cluster-id", Says::ClusterId),
            ("--region", Says::Region),
            ("--role-arn", Says::Role),
            ("--profile", Says::Profile),
            ("--output", Says::Value),
        ],
    ),
    (
        "aws-iam-authenticator",
        &["token"],
        &[
            ("-i", Says::Cluster),
            ("--cluster-id", Says::Cluster),
            ("--region", Says::Region),
            ("-r", Says::Role),
            ("--role", Says::Role),
            ("--cache", Says::Nothing),
        ],
    ),
];

/// Variables of AWS that do not change what is signed.
const HARMLESS: [&str; 4] =
    ["AWS_STS_REGIONAL_ENDPOINTS", "AWS_PAGER", "AWS_DEFAULT_OUTPUT", "AWS_CA_BUNDLE"];

impl Exec {
    /// The token of EKS that the program is asked for.
    ///
    /// # Errors
    /// Why that is not known, to be read behind the user's name.
    pub(super) fn eks_token(&self) -> Result<EksToken, String> {
        let name = self.command.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let Some((_, command, options)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
            return Err(format!("gets its token from the program `{}`", self.command));
        };
        let mut token = EksToken::default();
        let mut words = Vec::new();
        let mut args = self.args.iter().flatten().map(String::as_str);
        while let Some(arg) = args.next() {
            if !arg.starts_with('-') {
                words.push(arg);
                continue;
            }
            let (option, joined) = match arg.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (arg, None),
            };
            let Some((_, says)) = options.iter().find(|(known, _)| *known == option) else {
                return Err(format!("has {name} run with {option}"));
            };
            if *says == Says::Nothing {
                continue;
            }
            let Some(value) = joined.or_else(|| args.next()).filter(|value| !value.is_empty()) else {
                return Err(format!("has {name} run with {option} and no value for it"));
            };
            token.learn(*says, value);
        }
        if words != *command {
            return Err(format!("has `{name} {}` run", words.join(" ")));
        }
        if token.cluster.is_empty() {
            return Err(format!("has `{name} {}` run without the name of a cluster", words.join(" ")));
        }
        self.variables(&mut token)?;
        Ok(token)
    }

    /// What the variables say that are set for the program; options go before them.
    fn variables(&self, token: &mut EksToken) -> Result<(), String> {
        for Variable { name, value } in self.env.iter().flatten() {
            let says = match name.as_str() {
                "AWS_PROFILE" | "AWS_DEFAULT_PROFILE" if token.profile.is_none() => Says::Profile,
                "AWS_REGION" | "AWS_DEFAULT_REGION" if token.region.is_none() => Says::Region,
                "AWS_PROFILE" | "AWS_DEFAULT_PROFILE" | "AWS_REGION" | "AWS_DEFAULT_REGION" => continue,
                harmless if !harmless.starts_with("AWS_") || HARMLESS.contains(&harmless) => continue,
                other => return Err(format!("sets {other} for the program that makes its tokens")),
            };
            if !value.is_empty() {
                token.learn(says, value);
            }
        }
        Ok(())
    }
}

impl EksToken {
    fn learn(&mut self, says: Says, value: &str) {
        let text = value.to_owned();
        match says {
            Says::Cluster | Says::ClusterId => {
                self.cluster = text;
                self.by_id = says == Says::ClusterId;
            }
            Says::Region => self.region = Some(text),
            Says::Role => self.role = Some(text),
            Says::Profile => self.profile = Some(text),
            Says::Value | Says::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EksToken, Exec, Variable};

    fn read(command: &str, args: &[&str], env: &[(&str, &str)]) -> Result<EksToken, String> {
        let env =
            env.iter().map(|(name, value)| Variable { name: (*name).to_owned(), value: (*value).to_owned() });
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Exec { command: command.to_owned(), args: Some(args), env: Some(env.collect()) }.eks_token()
    }

    fn token(cluster: &str, region: Option<&str>, role: Option<&str>, profile: Option<&str>) -> EksToken {
        let text = |text: Option<&str>| text.map(str::to_owned);
        EksToken {
            cluster: cluster.to_owned(),
            region: text(region),
            role: text(role),
            profile: text(profile),
            by_id: false,
        }
    }

    #[test]
    fn what_the_two_programs_would_sign_is_read_from_their_arguments() {
        let role = "arn:aws:iam::111122223333:role/ci";
        let written =
            ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "web", "--output", "json"];
        let own = [("AWS_PROFILE", "shop"), ("AWS_STS_REGIONAL_ENDPOINTS", "regional"), ("HOME", "/x")];
        for (command, args, env, expected) in [
            ("aws", &written[..], &[][..], token("web", Some("eu-west-1"), None, None)),
            ("/usr/local/bin/aws", &written[2..], &own[..], token("web", None, None, Some("shop"))),
            (
                "C:\\aws\\aws.exe",
                &written[2..],
                &[("AWS_REGION", "r-1")],
                token("web", Some("r-1"), None, None),
            ),
            ("aws", &written[..], &[("AWS_REGION", "r-1")], token("web", Some("eu-west-1"), None, None)),
            (
                "aws",
                &["eks", "get-token", "--cluster-name=web", "--role-arn", role, "--profile=p"],
                &[("AWS_PROFILE", "other")],
                token("web", None, Some(role), Some("p")),
            ),
            (
                "aws-iam-authenticator",
                &["token", "-i", "web", "-r", role, "--cache"],
                &[],
                token("web", None, Some(role), None),
            ),
            (
                "aws-iam-authenticator",
                &["token", "--cluster-id=web", "--region", "r-1"],
                &[],
                token("web", Some("r-1"), None, None),
            ),
        ] {
            assert_eq!(read(command, args, env), Ok(expected), "{command} {args:?}");
        }
        let by_id = read("aws", &["eks", "get-token", "--cluster-id", "0-1"], &[]).unwrap();
        assert!(by_id.by_id && by_id.cluster == "0-1");
    }

    #[test]
    fn what_would_sign_something_else_is_refused_and_named() {
        let good = ["eks", "get-token", "--cluster-name", "web"];
        for (command, args, env, why) in [
            ("gcloud", &good[..], &[][..], "gets its token from the program `gcloud`"),
            ("not-aws", &good, &[], "gets its token from the program `not-aws`"),
            ("aws", &["eks", "update-kubeconfig"], &[], "has `aws eks update-kubeconfig` run"),
            ("aws", &["eks", "get-token"], &[], "has `aws eks get-token` run without the name of a cluster"),
            (
                "aws",
                &["eks", "get-token", "--cluster-name"],
                &[],
                "has aws run with --cluster-name and no value for it",
            ),
            (
                "aws",
                &["--endpoint-url", "http://x", "eks", "get-token"],
                &[],
                "has aws run with --endpoint-url",
            ),
            (
                "aws-iam-authenticator",
                &["token", "-i", "web", "-s", "me"],
                &[],
                "has aws-iam-authenticator run with -s",
            ),
            (
                "aws",
                &good,
                &[("AWS_SECRET_ACCESS_KEY", "canary")],
                "sets AWS_SECRET_ACCESS_KEY for the program that makes its tokens",
            ),
        ] {
            assert_eq!(read(command, args, env), Err(why.to_owned()), "{command} {args:?}");
        }
    }
}
