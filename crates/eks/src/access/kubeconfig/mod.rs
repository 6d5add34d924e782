//! A kubeconfig with a context, as the second way into a cluster: GitLab's agent gives one to its jobs, and so does
//! every other cluster than those of EKS.
//! <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>
//!
//! Tokens, token files and client certificates are taken. Programs that make tokens are not run. What `aws eks get-token`
//! and `aws-iam-authenticator` would make is signed here, once a [`TokenSigner`] has the credentials for it.

mod content;
mod entry;
mod exec;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use landfall_aws::bounded::read_text;
use landfall_aws::environment::Environment;
use landfall_aws::near;
use landfall_core::{Cause, Error, Place, Result};

use super::sign_in::SignIn;
use super::{ApiServer, Cluster};
use content::{LARGEST_FILE, cluster_of, problem, sign_in_of};
use entry::{ClusterEntry, ContextEntry, File, Named, UserEntry};
use exec::Exec;

pub use exec::{EksToken, TokenSigner};

/// The partition of places that are not known to be in AWS.
pub const OUTSIDE: &str = "kubernetes";

/// Clusters, users, and contexts that name one of each.
#[derive(Debug, Clone, Default)]
pub struct Kubeconfig {
    contexts: Vec<Entry<ContextEntry>>,
    clusters: Vec<Entry<ClusterEntry>>,
    users: Vec<Entry<UserEntry>>,
    current: Option<String>,
    signer: Option<TokenSigner>,
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
    /// The same way, through the proxy that the environment names for the server, unless the kubeconfig names one itself.
    ///
    /// # Errors
    /// As [`super::Proxy::of_environment`].
    pub fn through_proxy_of(mut self, environment: &Environment) -> Result<Self> {
        self.cluster = self.cluster.through_proxy_of(environment)?;
        Ok(self)
    }

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
            match read_text(path, LARGEST_FILE) {
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
        let chosen = self.context(context)?;
        let mut problems = Vec::new();
        let (name, ContextEntry { cluster, user, namespace }) = (&chosen.name, &chosen.value);
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
            Some(entry) => self.sign_in_of(place, entry, &mut problems),
            None => {
                problems.push(missing("the user", user));
                None
            }
        };
        Error::all(format!("{unusable}, context `{name}`"), problems)?;
        let (Some((place, mut cluster)), Some(sign_in)) = (cluster, sign_in) else {
            return Err(Error::internal(unusable));
        };
        if let Some(token) = self.eks_token(Some(name))? {
            cluster = cluster.of_eks(&token.cluster, token.by_id);
        }
        let namespace = namespace.clone().filter(|namespace| !namespace.is_empty());
        Ok(Way { context: name.clone(), place, cluster, sign_in, namespace })
    }

    /// The namespace that a context names, or the current one.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] for a context that there is not.
    pub fn namespace(&self, context: Option<&str>) -> Result<Option<&str>> {
        let namespace = self.context(context)?.value.namespace.as_deref();
        Ok(namespace.filter(|namespace| !namespace.is_empty()))
    }

    /// What the program of a context's user, or of the current one's, would sign, if that is a token of EKS: whoever
    /// makes a [`TokenSigner`] learns here which role it has to be of.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] for a context that there is not.
    pub fn eks_token(&self, context: Option<&str>) -> Result<Option<EksToken>> {
        let user = &self.context(context)?.value.user;
        let entry = self.users.iter().find(|entry| entry.name == *user);
        Ok(entry.and_then(|entry| entry.value.exec.as_ref()?.eks_token().ok()))
    }

    /// Signs tokens of EKS for users who would get theirs from a program.
    #[must_use]
    pub fn signed_by(mut self, signer: TokenSigner) -> Self {
        self.signer = Some(signer);
        self
    }

    /// The context of this name, or the current one.
    fn context(&self, context: Option<&str>) -> Result<&Entry<ContextEntry>> {
        let Some(name) = context.or(self.current.as_deref()) else {
            let message = format!("{} names no current context; {}", self.files.join(", "), self.known());
            return Err(Error::invalid(message).with_hint("name the context"));
        };
        self.contexts.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let message =
                format!("there is no context `{name}` in {}; {}", self.files.join(", "), self.known());
            let error = Error::invalid(message);
            match near::nearest(name, self.contexts()) {
                Some(other) => error.with_hint(format!("did you mean `{other}`?")),
                None => error,
            }
        })
    }

    fn sign_in_of(
        &self,
        place: Option<&Place>,
        entry: &Entry<UserEntry>,
        problems: &mut Vec<Cause>,
    ) -> Option<SignIn> {
        match &entry.value.exec {
            Some(exec) if entry.value.unknown_way().is_none() => {
                match self.signed_for(place, &entry.name, exec) {
                    Ok(sign_in) => Some(sign_in),
                    Err(problem) => {
                        problems.push(*problem);
                        None
                    }
                }
            }
            _ => sign_in_of(entry, problems),
        }
    }

    /// The tokens that a program would make for this user, signed here.
    fn signed_for(&self, place: Option<&Place>, user: &str, exec: &Exec) -> Result<SignIn, Box<Cause>> {
        let problem = |message: String, hint: &str| Box::new(problem("user", message).with_hint(hint));
        let token = exec.eks_token().map_err(|why| {
            problem(
                format!("user `{user}` {why}, which landfall does not do"),
                "use a kubeconfig with a token, a token file or a client certificate, or name the EKS cluster itself; of \
                 programs `aws eks get-token` and `aws-iam-authenticator token` are known, with the options that say what \
                 is signed",
            )
        })?;
        let Some(signer) = &self.signer else {
            return Err(problem(
                format!(
                    "user `{user}` signs in to EKS cluster {} with credentials of AWS, and there are none",
                    token.cluster
                ),
                "name the EKS cluster itself instead of a kubeconfig, or sign in to AWS too: landfall makes these tokens itself, \
                 without a program",
            ));
        };
        if let Some((why, hint)) = signer.misfit(&token) {
            return Err(problem(format!("user `{user}` {why}"), &hint));
        }
        let Some(region) = signer.region(&token, place) else {
            return Err(problem(
                format!("user `{user}` names no region for its tokens, and the credentials have none either"),
                "name the region (AWS_REGION)",
            ));
        };
        let tokens = signer.tokens(&token, region).map_err(|error| {
            problem(error.message().to_owned(), "sign in to AWS too: landfall makes these tokens itself")
        })?;
        Ok(SignIn::Eks(tokens))
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
