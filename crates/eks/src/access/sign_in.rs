//! How requests say who we are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use landfall_aws::bounded::read_text;
use landfall_core::{Error, ErrorKind, Result};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};

use super::{Cluster, Token, TokenSource};

/// Bytes of a file with a token, which takes a few kilobytes.
const LARGEST_TOKEN: usize = 1024 * 1024;

/// How to sign in to an API server. `Debug` shows the way only.
#[derive(Clone)]
#[non_exhaustive]
pub enum SignIn {
    /// By tokens of EKS.
    Eks(TokenSource),
    /// By a token that does not change.
    Token(SecretString),
    /// By the token in a file, which is read for every request: who put it there may renew it.
    TokenFile(PathBuf),
    /// By a certificate.
    Certificate(Arc<ClientCertificate>),
}

/// A certificate that says who we are, with its key.
pub struct ClientCertificate {
    pub(in crate::access) chain: Vec<CertificateDer<'static>>,
    pub(in crate::access) key: PrivateKeyDer<'static>,
}

/// What a request is signed in with.
pub(super) enum Presented {
    Signed(Token),
    Text(SecretString),
    /// The connection says it.
    Nothing,
}

impl SignIn {
    /// What the next request is signed in with.
    pub(super) async fn present(&self) -> Result<Presented> {
        Ok(match self {
            Self::Eks(tokens) => Presented::Signed(tokens.token().await?),
            Self::Token(token) => Presented::Text(token.clone()),
            Self::TokenFile(file) => {
                let text = read_text(file, LARGEST_TOKEN).map_err(|error| {
                    let message = format!("the token in {} cannot be read", file.display());
                    Error::new(ErrorKind::Auth, message).with_source(&error)
                })?;
                Presented::Text(SecretString::from(text.trim()))
            }
            Self::Certificate(_) => Presented::Nothing,
        })
    }

    /// What was presented was refused: the next one is another, where there can be another.
    pub(super) async fn refused(&self, presented: &Presented) {
        if let (Self::Eks(tokens), Presented::Signed(token)) = (self, presented) {
            tokens.refused(token).await;
        }
    }

    /// What to do about HTTP 401, which came twice: the cluster does not know who we say that we are. With EKS the
    /// signature was right, or STS would not have named anybody:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>.
    pub(super) fn advice(&self, cluster: &Cluster) -> String {
        let name = cluster.name();
        match self {
            Self::Eks(_) if cluster.authentication_mode() == Some("CONFIG_MAP") => format!(
                "map the role that signs in (its ARN without a path, and not that of the session) in the ConfigMap aws-auth in \
                 kube-system of cluster {name}; check that account and region are those of the cluster"
            ),
            Self::Eks(_) => format!(
                "give the role that signs in an access entry: aws eks create-access-entry --cluster-name {name} \
                 --principal-arn ROLE_ARN (the role's ARN, and not that of the session), then aws eks associate-access-policy. A \
                 new entry takes some seconds. Being an administrator of the account is not enough"
            ),
            Self::Token(_) | Self::TokenFile(_) => format!(
                "the token of the kubeconfig is not one of cluster {name}, or is none any more: check the context; with GitLab's \
                 agent, that ci_access of its configuration names this project and its protected branches or environments"
            ),
            Self::Certificate(_) => format!(
                "the certificate of the kubeconfig is not one of cluster {name}, or has expired: check the context, or ask for \
                 a new kubeconfig"
            ),
        }
    }
}

impl SignIn {
    /// What to do about a server that ends the connection because of our certificate, or because there is none.
    pub(super) fn certificate_advice(&self, cluster: &Cluster) -> String {
        match self {
            Self::Certificate(_) => self.advice(cluster),
            _ => "it demands a client certificate, and this run signs in by a token: use a kubeconfig with \
                  client-certificate and client-key"
                .to_owned(),
        }
    }
}

impl Presented {
    /// The token, if it is one.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Signed(token) => Some(token.expose()),
            Self::Text(token) => Some(token.expose_secret()),
            Self::Nothing => None,
        }
    }
}

impl From<TokenSource> for SignIn {
    fn from(tokens: TokenSource) -> Self {
        Self::Eks(tokens)
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eks(_) => "SignIn::Eks(..)",
            Self::Token(_) => "SignIn::Token(..)",
            Self::TokenFile(_) => "SignIn::TokenFile(..)",
            Self::Certificate(_) => "SignIn::Certificate(..)",
        })
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}
