//! A kubeconfig with a context, as the second way into a cluster: GitLab's agent gives one to its jobs, and so does
//! every other cluster than those of EKS.
//! <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>
//!
//! Tokens, token files and client certificates are taken. Programs that make tokens are not run: `aws eks get-token`
//! among them, since landfall signs such tokens itself when the cluster is named.

mod entry;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_aws::near;
use landfall_core::{Cause, Error, Place, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;

use super::sign_in::{ClientCertificate, SignIn};
use super::{ApiServer, Cluster};
use entry::{ClusterEntry, ContextEntry, File, Named, UserEntry};

/// The partition of places that are not known to be in AWS.
pub const OUTSIDE: &str = "kubernetes";

/// Clusters, users, and contexts that name one of each.
#[derive(Debug, Clone, Default)]
pub struct Kubeconfig {
    contexts: Vec<Entry<ContextEntry>>,
    clusters: Vec<Entry<ClusterEntry>>,
    users: Vec<Entry<UserEntry>>,
    current: Option<String>,
    /// The files as they were named, for messages.
    files: Vec<String>,
}

/// An entry, and the folder that its paths begin at.
#[derive(Debug, Clone)]
struct Entry<T> {
    name: String,
    folder: PathBuf,
    value: T,
}

/// The way into the cluster of a context.
#[derive(Debug, Clone)]
pub struct Way {
    /// The context's name.
    pub context: String,
    /// Where the cluster is.
    pub place: Place,
    /// The cluster.
    pub cluster: Cluster,
    /// How to sign in.
    pub sign_in: SignIn,
    /// The namespace of objects that name none, where the context says one.
    pub namespace: Option<String>,
}

impl Way {
    /// The API server. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`ApiServer::new`].
    pub fn server(&self) -> Result<ApiServer> {
        ApiServer::new(self.cluster.clone(), self.sign_in.clone())
    }
}

impl Kubeconfig {
    /// Reads files, as `KUBECONFIG` names them: of two entries of a name the first one counts. Blocks while it reads.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with every file that cannot be read or is no kubeconfig.
    pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let (mut config, mut problems) = (Self::default(), Vec::new());
        for path in paths.iter().map(AsRef::as_ref) {
            let shown = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                    problems.extend(config.add(&shown, &folder, &text));
                }
                Err(error) => {
                    problems.push(Cause::invalid("kubeconfig", format!("{shown} cannot be read: {error}")));
                }
            }
        }
        Error::all("the kubeconfig cannot be used", problems)?;
        Ok(config)
    }

    /// Reads a text. Relative paths in it begin at the working directory.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when it is no kubeconfig.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut config = Self::default();
        let problems = config.add(name, Path::new(""), text);
        Error::all("the kubeconfig cannot be used", problems)?;
        Ok(config)
    }

    /// The names of its contexts.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.contexts.iter().map(|entry| entry.name.as_str())
    }

    /// Adds a file; gives what is wrong with it.
    fn add(&mut self, name: &str, folder: &Path, text: &str) -> Vec<Cause> {
        self.files.push(name.to_owned());
        let documents = match crate::input::to_json(name, text) {
            Ok(documents) => documents,
            Err(problems) => return problems,
        };
        for document in documents {
            // The error of serde is not told: it quotes values, and here they are secrets.
            let Ok(file) = serde_json::from_str::<File>(&document) else {
                let message = format!("{name} does not have the form of a kubeconfig (kind: Config)");
                return vec![Cause::invalid("kubeconfig", message)];
            };
            self.current = self.current.take().or(file.current_context.filter(|name| !name.is_empty()));
            merge(&mut self.contexts, file.contexts, folder);
            merge(&mut self.clusters, file.clusters, folder);
            merge(&mut self.users, file.users, folder);
        }
        Vec::new()
    }

    /// The way into the cluster of a context, or of the current one. `place` is where the cluster is in AWS, when that is
    /// known: what is deployed to is told apart by it. A kubeconfig does not say it, so that otherwise the place is the
    /// host of the server and the name of the context, in the partition [`OUTSIDE`]: behind GitLab's address are the clusters
    /// of all agents, and their contexts tell them apart.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with every problem: a context that there is not, with those that there
    /// are, files that cannot be read, ways to sign in that landfall does not know.
    pub fn choose(&self, place: Option<&Place>, context: Option<&str>) -> Result<Way> {
        let unusable = "the kubeconfig cannot be used";
        let Some(name) = context.or(self.current.as_deref()) else {
            let message = format!("{} names no current context; {}", self.files.join(", "), self.known());
            return Err(Error::invalid(message).with_hint("name the context"));
        };
        let Some(chosen) = self.contexts.iter().find(|entry| entry.name == name) else {
            let message =
                format!("there is no context `{name}` in {}; {}", self.files.join(", "), self.known());
            let error = Error::invalid(message);
            return Err(match near::nearest(name, self.contexts()) {
                Some(other) => error.with_hint(format!("did you mean `{other}`?")),
                None => error,
            });
        };
        let mut problems = Vec::new();
        let ContextEntry { cluster, user, namespace } = &chosen.value;
        let missing = |what: &str, name: &str| {
            Cause::invalid("kubeconfig", format!("the context names {what} `{name}`, which there is not"))
        };
        let cluster = match self.clusters.iter().find(|entry| entry.name == *cluster) {
            Some(entry) => {
                let place = place.cloned().unwrap_or_else(|| outside(&entry.value.server, name));
                cluster_of(&place, entry, &mut problems).map(|cluster| (place, cluster))
            }
            None => {
                problems.push(missing("the cluster", cluster));
                None
            }
        };
        let sign_in = match self.users.iter().find(|entry| entry.name == *user) {
            Some(entry) => sign_in_of(entry, &mut problems),
            None => {
                problems.push(missing("the user", user));
                None
            }
        };
        Error::all(format!("{unusable}, context `{name}`"), problems)?;
        let (Some((place, cluster)), Some(sign_in)) = (cluster, sign_in) else {
            return Err(Error::internal(unusable));
        };
        let namespace = namespace.clone().filter(|namespace| !namespace.is_empty());
        Ok(Way { context: name.to_owned(), place, cluster, sign_in, namespace })
    }

    fn known(&self) -> String {
        let names: Vec<&str> = self.contexts().collect();
        if names.is_empty() {
            "there are none".to_owned()
        } else {
            format!("contexts there: {}", names.join(", "))
        }
    }
}

/// The place of a cluster of which a kubeconfig is all that is known.
fn outside(server: &str, context: &str) -> Place {
    let server = server.parse::<http::Uri>().ok();
    // Without the name and password that an address may hold.
    let host = server.as_ref().and_then(|server| server.authority()?.as_str().rsplit('@').next());
    Place::new(OUTSIDE, host.unwrap_or_default(), context)
}

fn merge<T>(into: &mut Vec<Entry<T>>, from: Vec<Named<T>>, folder: &Path) {
    for Named { name, value } in from {
        if !into.iter().any(|known| known.name == name) {
            into.push(Entry { name, folder: folder.to_owned(), value });
        }
    }
}

fn problem(field: &str, message: String) -> Cause {
    Cause::invalid(field, message)
}

/// What stands in the file itself, behind base64, or in another file.
fn content<T>(
    entry: &Entry<T>,
    field: &str,
    data: &str,
    file: &str,
    problems: &mut Vec<Cause>,
) -> Option<Vec<u8>> {
    if !data.is_empty() {
        let decoded = STANDARD.decode(data.trim());
        if decoded.is_err() {
            problems.push(problem(field, format!("{field}-data of `{}` is not base64", entry.name)));
        }
        return decoded.ok();
    }
    if file.is_empty() {
        return None;
    }
    let path = entry.folder.join(file);
    let read = std::fs::read(&path);
    if let Err(error) = &read {
        problems.push(problem(field, format!("{field} of `{}`, {}: {error}", entry.name, path.display())));
    }
    read.ok()
}

fn cluster_of(place: &Place, entry: &Entry<ClusterEntry>, problems: &mut Vec<Cause>) -> Option<Cluster> {
    let (found, name, wanted) = (problems.len(), &entry.name, &entry.value);
    if !wanted.server.starts_with("https://") {
        let message = format!("server of `{name}`, `{}`, is not an address of https", wanted.server);
        problems.push(problem("server", message));
    }
    if wanted.insecure_skip_tls_verify {
        let message = format!(
            "`{name}` asks not to check the server's certificate, and whoever answers would get our token"
        );
        problems.push(
            problem("insecure-skip-tls-verify", message).with_hint("give its certificate-authority instead"),
        );
    }
    for (field, value) in [("proxy-url", &wanted.proxy_url), ("tls-server-name", &wanted.tls_server_name)] {
        if !value.is_empty() {
            problems.push(problem(field, format!("landfall does not know {field}, which `{name}` sets")));
        }
    }
    let field = "certificate-authority";
    let data = &wanted.certificate_authority_data;
    let pem = content(entry, field, data, &wanted.certificate_authority, problems);
    let certificates: Vec<CertificateDer<'static>> =
        pem.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).flatten()).collect();
    if pem.is_some() && certificates.is_empty() {
        problems.push(problem(field, format!("there is no certificate in {field} of `{name}` (PEM)")));
    }
    (problems.len() == found).then(|| Cluster::of_kubeconfig(place, name, &wanted.server, certificates))
}

fn sign_in_of(entry: &Entry<UserEntry>, problems: &mut Vec<Cause>) -> Option<SignIn> {
    let (name, wanted) = (&entry.name, &entry.value);
    if let Some(why) = wanted.unknown_way() {
        let cause = problem("user", format!("user `{name}` {why}, which landfall does not do"));
        problems.push(cause.with_hint(match wanted.is_aws() {
            true => "name the cluster itself instead of a kubeconfig: landfall signs these tokens without a program",
            false => "use a kubeconfig with a token, a token file or a client certificate",
        }));
        return None;
    }
    if !wanted.token_file.is_empty() {
        return Some(SignIn::TokenFile(entry.folder.join(&wanted.token_file)));
    }
    if !wanted.token.is_empty() {
        return Some(SignIn::Token(SecretString::from(wanted.token.as_str())));
    }
    let found = problems.len();
    let (certificate, key) = ("client-certificate", "client-key");
    let chain =
        content(entry, certificate, &wanted.client_certificate_data, &wanted.client_certificate, problems);
    let secret = content(entry, key, &wanted.client_key_data, &wanted.client_key, problems);
    let chain: Vec<CertificateDer<'static>> =
        chain.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).flatten()).collect();
    let secret = secret.and_then(|pem| PrivateKeyDer::from_pem_slice(&pem).ok());
    match secret {
        Some(key) if !chain.is_empty() => {
            Some(SignIn::Certificate(Arc::new(ClientCertificate { chain, key })))
        }
        _ => {
            if problems.len() == found {
                let message =
                    format!("user `{name}` has neither a token nor a certificate with its key (PEM)");
                problems.push(problem("user", message));
            }
            None
        }
    }
}
