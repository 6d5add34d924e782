//! A cluster that a kubeconfig leads to.

use std::path::PathBuf;

use aws_types::SdkConfig;
use clap::Args;
use landfall::aws::environment::Environment;
use landfall::context::Clock;
use landfall::eks::access::{self, EksToken, Kubeconfig, OUTSIDE, TokenSigner};
use landfall::target::Resource;
use landfall::{Error, ErrorKind, Place, Result};

use super::way::Way;
use crate::flags::Global;

/// A cluster that is reached without AWS.
#[derive(Debug, Args)]
pub(crate) struct ByFile {
    /// File that says how a cluster is reached, instead of AWS [default: KUBECONFIG]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// A kubeconfig that was read, and the context in it.
pub(crate) struct File {
    kubeconfig: Kubeconfig,
    context: Option<String>,
    process: Environment,
}

impl ByFile {
    pub(super) fn is_given(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    pub(super) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The way that the flag or else `KUBECONFIG` leads; nothing when neither is set. `context` is used when no flag names
    /// one.
    ///
    /// # Errors
    /// Every problem of the files.
    pub(super) fn way(&self, process: &Environment, context: Option<&str>) -> Result<Option<Way>> {
        let files = match (&self.kubeconfig, process.get("KUBECONFIG")) {
            (Some(file), _) => vec![file.clone()],
            (None, Some(list)) => listed(list),
            (None, None) => return Ok(None),
        };
        let context = self.context().or(context).map(str::to_owned);
        let file = File { kubeconfig: Kubeconfig::read(&files)?, context, process: process.clone() };
        let token = file.kubeconfig.eks_token(file.context.as_deref())?;
        Ok(Some(match token {
            Some(token) => Way::Signed(Box::new(file), token),
            None => Way::Kubeconfig(Box::new(file.way(None)?)),
        }))
    }

    /// The way to a cluster that was reached by a kubeconfig, by what is recorded of it; nothing for one of EKS.
    ///
    /// # Errors
    /// No kubeconfig, or one that cannot be used.
    pub(crate) fn way_again(&self, process: &Environment, resource: &Resource) -> Result<Option<Way>> {
        let place = &resource.place;
        if place.partition != OUTSIDE {
            return Ok(None);
        }
        let context = &place.region;
        let missing = || {
            let message = format!("the run went by the context {context} of a kubeconfig, and none is given");
            Error::invalid(message).with_hint("give it with --kubeconfig or the variable KUBECONFIG")
        };
        self.way(process, Some(context))?.ok_or_else(missing).map(Some)
    }
}

impl File {
    /// The namespace that the context names.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.kubeconfig.namespace(self.context.as_deref()).ok().flatten()
    }

    /// The way, with tokens that are signed by these credentials.
    ///
    /// # Errors
    /// Credentials that are not those that the kubeconfig asks for.
    pub(crate) fn signed(&self, global: &Global, clock: Clock, config: &SdkConfig) -> Result<access::Way> {
        let mut signer = TokenSigner::new(config, clock);
        if let Some(role) = global.role_arn.last() {
            signer = signer.of_role(role);
        }
        // Where nothing goes before the default chain, that is what the credentials are from.
        let before = self.process.first(&["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"]).is_some();
        let by_token = global.oidc_token_env.is_some() || global.oidc_token_file.is_some();
        if let Some(profile) = self.process.get("AWS_PROFILE").filter(|_| !before && !by_token) {
            signer = signer.of_profile(profile);
        }
        self.way(Some(signer))
    }

    fn way(&self, signer: Option<TokenSigner>) -> Result<access::Way> {
        let kubeconfig = self.kubeconfig.clone();
        let kubeconfig = match signer {
            Some(signer) => kubeconfig.signed_by(signer),
            None => kubeconfig,
        };
        kubeconfig.choose(None, self.context.as_deref())?.through_proxy_of(&self.process)
    }
}

/// The files of a list as `kubectl` reads it: what is not there is left out, unless nothing is
/// (<https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#the-kubeconfig-environment-variable>).
fn listed(list: &str) -> Vec<PathBuf> {
    let named: Vec<PathBuf> =
        std::env::split_paths(list).filter(|file| !file.as_os_str().is_empty()).collect();
    let there: Vec<PathBuf> = named.iter().filter(|file| file.exists()).cloned().collect();
    if there.is_empty() { named } else { there }
}

/// The environment with the region of the tokens, where no region is named.
pub(crate) fn in_region(process: Environment, token: &EksToken) -> Environment {
    let named = process.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).is_some();
    let Some(region) = token.region.as_deref().filter(|_| !named) else { return process };
    let pairs = process.names().filter_map(|name| Some((name, process.get(name)?)));
    Environment::from_pairs(pairs.chain([("AWS_REGION", region)]))
}

/// Refuses a way that leads elsewhere than a run has gone.
///
/// # Errors
/// Another server or context.
pub(crate) fn is_the_same(way: &access::Way, place: &Place) -> Result<()> {
    if way.place == *place {
        return Ok(());
    }
    let message = format!("the run deployed to {place}, and the kubeconfig leads to {}", way.place);
    Err(Error::new(ErrorKind::Conflict, message).with_hint("name the context of the run, or no context"))
}

/// Which way was taken, in words.
pub(crate) fn told(way: &access::Way) -> String {
    let through = way.cluster.proxy().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
    format!("by the kubeconfig's context {} to {}{through}", way.context, way.cluster.endpoint())
}
