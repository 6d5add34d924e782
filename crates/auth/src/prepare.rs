//! Everything that is found out before the first call, all of it at once.

use landfall_aws::{config, endpoint, http};
use landfall_core::{Cause, Context, Error, ErrorKind, Result};

use crate::auth::{Auth, Ready};
use crate::checks::{
    SESSION_NAME, check_duration, check_partition, check_role_arn, check_session_name, is_account, parts_of,
};
use crate::default_session_name;
use crate::detect::of_environment;
use crate::length::Length;
use crate::provider::{check, now, read};
use crate::role::{check_chain, check_policies, check_role};
use crate::source::CredentialsSource;
use crate::token::Claims;

/// The variables that name the region, in order.
const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

impl Auth {
    /// Finds everything that is wrong, and what follows from the settings.
    pub(crate) fn prepare(&self, cx: &Context) -> Result<Ready> {
        let source = match &self.source {
            CredentialsSource::DefaultChain => of_environment(&self.environment, &mut Vec::new()),
            other => other.clone(),
        };
        let mut invalid = endpoint::check(&self.environment);
        let region = self.chosen_region(&mut invalid);
        self.check_settings(&source, &region, &mut invalid);
        let client = self.http_client.clone().map_or_else(|| http::client(&self.environment), Ok);
        if let Err(error) = &client {
            invalid.extend(error.causes().iter().cloned());
        }
        let unusable = self.check_credentials(cx, &source);
        if !invalid.is_empty() {
            Error::all("these settings cannot be used", [invalid, unusable].concat())?;
        } else if !unusable.is_empty() {
            return Err(Error::new(ErrorKind::Auth, "there are no usable credentials").with_causes(unusable));
        }
        let mut builder = config::builder(&self.environment, &region, client?);
        if let Some(time) = &self.time_source {
            builder = builder.time_source(time.clone());
        }
        if let Some(sleep) = &self.sleep {
            builder = builder.sleep_impl(sleep.clone());
        }
        let session_name =
            self.session_name.clone().unwrap_or_else(|| default_session_name(&self.environment, cx.run()));
        let description = self.describe(&source);
        let length = Length::of(self.duration, self.lasting);
        let claims = self.claims();
        Ok(Ready { source, description, config: builder.build(), region, session_name, length, claims })
    }

    /// What the OIDC token says of itself, to compare with a trust policy. None when another source is used, the token
    /// comes from a callback, or cannot be read ([`Auth::check`] says why).
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        let source = match &self.source {
            CredentialsSource::DefaultChain => &of_environment(&self.environment, &mut Vec::new()),
            other => other,
        };
        let CredentialsSource::Oidc(oidc) = source else { return None };
        read(&oidc.token, &self.environment)?.ok().map(|token| token.claims().clone())
    }

    /// The region; empty, with a problem, when there is none.
    fn chosen_region(&self, problems: &mut Vec<Cause>) -> String {
        let named = self.region.as_deref().map(|region| ("region", region));
        let Some((field, region)) = named.or_else(|| self.environment.first(&REGION)) else {
            let empty =
                REGION.into_iter().filter(|name| self.environment.is_set_but_empty(name)).collect::<Vec<_>>();
            let seen =
                if empty.is_empty() { String::new() } else { format!(" ({} is empty)", empty.join(" and ")) };
            problems.push(
                Cause::invalid("region", format!("no region is named{seen}"))
                    .with_hint("give --region, or set AWS_REGION, for example to eu-central-1"),
            );
            return String::new();
        };
        problems.extend(endpoint::check_region(field, region));
        region.to_owned()
    }

    fn check_settings(&self, source: &CredentialsSource, region: &str, problems: &mut Vec<Cause>) {
        let field = "role ARN";
        let first = match source {
            CredentialsSource::Oidc(oidc) => Some(oidc.role_arn.as_str()),
            _ => None,
        };
        let all = first.into_iter().chain(self.role_chain.iter().map(|role| role.arn.as_str()));
        for arn in all {
            match check_role_arn(field, arn) {
                Some(problem) => problems.push(problem),
                None if !region.is_empty() => problems.extend(check_partition(field, arn, region)),
                None => {}
            }
        }
        if let CredentialsSource::Oidc(oidc) = source {
            problems.extend(check_policies(&oidc.policies, &oidc.role_arn));
        }
        problems.extend(self.role_chain.iter().flat_map(check_role));
        problems.extend(check_chain(&self.role_chain));
        problems
            .extend(self.session_name.as_deref().and_then(|name| check_session_name("session name", name)));
        if self.session_name.is_none() {
            let named = self.environment.get(SESSION_NAME);
            problems.extend(named.and_then(|name| check_session_name(SESSION_NAME, name)));
        }
        problems.extend(self.duration.and_then(|duration| check_duration(duration.as_secs())));
        if let Some(account) = &self.expected_account
            && !is_account(account)
        {
            let what = format!("the expected account `{account}` is not a number of twelve digits");
            problems.push(
                Cause::invalid("expected account", what).with_hint("write it without blanks and dashes"),
            );
        }
    }

    /// What keeps the credentials from being good, as far as it shows without asking: keys that are not there, a token
    /// that STS would refuse, a role in another account than the expected one.
    fn check_credentials(&self, cx: &Context, source: &CredentialsSource) -> Vec<Cause> {
        let mut problems = match source {
            CredentialsSource::StaticKeys(keys) => keys.problems(&self.environment),
            CredentialsSource::Oidc(oidc) => {
                let now = now(&self.time(cx));
                let token = read(&oidc.token, &self.environment);
                let checked = token.map(|token| {
                    token.and_then(|token| check(token, &oidc.token, self.audience.as_deref(), now))
                });
                checked.and_then(Result::err).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        problems.extend(self.problem_of_account(source));
        problems
    }

    /// The last role decides in whose account we are.
    fn problem_of_account(&self, source: &CredentialsSource) -> Option<Cause> {
        let last = match (self.role_chain.last(), source) {
            (Some(role), _) => role.arn.as_str(),
            (None, CredentialsSource::Oidc(oidc)) => oidc.role_arn.as_str(),
            _ => return None,
        };
        let expected = self.expected_account.as_deref().filter(|account| is_account(account))?;
        let (_, account) = parts_of(last).filter(|(_, account)| is_account(account))?;
        (account != expected).then(|| {
            Cause::new(
                "wrong-account",
                format!("{last} is in account {account}, and account {expected} is expected"),
            )
            .in_field("role ARN")
            .with_hint("use a role of the expected account, or correct --expected-account")
        })
    }

    /// Where the credentials come from, in words.
    fn describe(&self, source: &CredentialsSource) -> String {
        let base = match source {
            CredentialsSource::StaticKeys(keys) => keys.origin.clone(),
            CredentialsSource::Oidc(oidc) => oidc.token.description(),
            CredentialsSource::DefaultChain => {
                "the SDK's chain (profile, SSO, role of the container or instance)".to_owned()
            }
            CredentialsSource::Custom(_) => "a provider of the caller's own".to_owned(),
        };
        match self.role_chain.len() {
            0 => base,
            1 => format!("{base}, then one role"),
            more => format!("{base}, then {more} roles"),
        }
    }
}
