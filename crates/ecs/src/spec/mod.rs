//! The validated input of an ECS deployment.
//!
//! [`EcsServiceBuilder`] takes what a person or program wants, [`EcsServiceBuilder::build`] finds all problems
//! that can be found without a call, and [`EcsService`] is the target that holds the result.

mod source;

use aws_types::SdkConfig;
use landfall_core::{Cause, Error, Place, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::document::{self, Document};
use crate::target::EcsService;
pub use source::TaskDefinitionSource;

/// What to do when somebody else's deployment of the service is under way.
///
/// A deployment of the same run is always followed, whatever this says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IfBusy {
    /// Refuse; nothing is changed.
    #[default]
    Fail,
    /// Wait for its end, then deploy.
    Wait,
    /// Follow it instead of deploying, if it rolls out what is wanted; refuse otherwise. It is never undone.
    Adopt,
    /// Deploy over it: it ends as stopped.
    Supersede,
}

/// What is wanted, checked without a call. [`ServiceSpec::target`] makes the target of it.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) source: Source,
    pub(crate) image_for_all: Option<String>,
    pub(crate) images: Vec<(String, String)>,
    pub(crate) force: bool,
    pub(crate) if_busy: IfBusy,
    pub(crate) fail_fast: bool,
}

/// Where the wanted document starts from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Live,
    /// Family, `family:revision` or ARN, as DescribeTaskDefinition takes it.
    Named(String),
    Document(Box<Document>),
}

/// Makes a [`ServiceSpec`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct EcsServiceBuilder {
    cluster: String,
    service: String,
    source: TaskDefinitionSource,
    image_for_all: Option<String>,
    images: Vec<(String, String)>,
    force: bool,
    if_busy: IfBusy,
    fail_fast: bool,
}

impl EcsServiceBuilder {
    pub(crate) fn new() -> Self {
        Self {
            cluster: String::new(),
            service: String::new(),
            source: TaskDefinitionSource::Live,
            image_for_all: None,
            images: Vec::new(),
            force: false,
            if_busy: IfBusy::default(),
            fail_fast: true,
        }
    }

    /// The cluster: its name or ARN.
    pub fn cluster(mut self, cluster: impl Into<String>) -> Self {
        self.cluster = cluster.into();
        self
    }

    /// The service: its name or ARN.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Where the task definition comes from; [`TaskDefinitionSource::Live`] when it is not said.
    pub fn task_definition(mut self, source: TaskDefinitionSource) -> Self {
        self.source = source;
        self
    }

    /// Gives one container an image. Goes before [`EcsServiceBuilder::image_for_all`], in whatever order they are
    /// called.
    pub fn image(mut self, container: impl Into<String>, image: impl Into<String>) -> Self {
        self.images.push((container.into(), image.into()));
        self
    }

    /// Gives every container the same image.
    pub fn image_for_all(mut self, image: impl Into<String>) -> Self {
        self.image_for_all = Some(image.into());
        self
    }

    /// Starts new tasks even when nothing has changed.
    pub fn force_new_deployment(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// What to do about somebody else's deployment; [`IfBusy::Fail`] when it is not said.
    pub fn if_busy(mut self, if_busy: IfBusy) -> Self {
        self.if_busy = if_busy;
        self
    }

    /// Whether the wait ends as failed when three tasks of this deployment have stopped for the same reason that does not
    /// pass by itself (no such image or secret, no permission to read them, a command that is not there, the wrong
    /// processor, no log group, a full disk), none of its tasks runs, and no circuit breaker of the service is there to end
    /// it; true when it is not said. With false, and for causes that may pass, the wait lasts until its deadline.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Checks the input. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem, those of a file with line and
    /// column.
    pub fn build(self) -> Result<ServiceSpec> {
        let mut problems = Vec::new();
        check_name(&mut problems, "cluster", &self.cluster);
        check_name(&mut problems, "service", &self.service);
        check_images(&mut problems, &self.images, self.image_for_all.as_deref());
        let source = self.read_source(&mut problems);
        Error::all(refused(&self.service, &self.cluster), problems)?;
        Ok(ServiceSpec {
            cluster: self.cluster,
            service: self.service,
            source,
            image_for_all: self.image_for_all,
            images: self.images,
            force: self.force,
            if_busy: self.if_busy,
            fail_fast: self.fail_fast,
        })
    }

    /// The source, with its problems and those of the images in it.
    fn read_source(&self, problems: &mut Vec<Cause>) -> Source {
        problems.extend(self.source.problem());
        let (name, text) = match &self.source {
            TaskDefinitionSource::Live => return Source::Live,
            TaskDefinitionSource::Family(name) | TaskDefinitionSource::Arn(name) => {
                return Source::Named(name.clone());
            }
            TaskDefinitionSource::File { name, text } => (name, text),
        };
        let mut document = match Document::parse(name, text) {
            Ok(document) => document,
            Err(error) => {
                problems.extend(problems_of(&error));
                return Source::Live;
            }
        };
        let original = document.clone();
        if let Err(error) = set_images(&mut document, self.image_for_all.as_deref(), &self.images) {
            // A problem of an image was found without the document already.
            let is_new = |cause: &Cause| !problems.iter().any(|known| known.message == cause.message);
            let new: Vec<Cause> = problems_of(&error).into_iter().filter(is_new).collect();
            problems.extend(new);
        } else if let Err(error) = document.finish() {
            problems.extend(problems_of(&error));
        }
        Source::Document(Box::new(original))
    }
}

impl ServiceSpec {
    /// The target in this place. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when the cluster or service is an ARN of another place, or `config` is
    /// for another region than `place`.
    pub fn target(self, config: &SdkConfig, place: Place) -> Result<EcsService> {
        let mut problems = Vec::new();
        check_place(&mut problems, "cluster", &self.cluster, &place);
        check_place(&mut problems, "service", &self.service, &place);
        check_region(&mut problems, config, &place);
        Error::all(refused(&self.service, &self.cluster), problems)?;
        let client = Client::new(config, &place, &self.cluster, &self.service);
        Ok(EcsService::new(place, self, client))
    }

    /// Edits a base document to what is wanted.
    pub(crate) fn edit(&self, base: &Document) -> Result<Document> {
        let mut wanted = base.clone();
        set_images(&mut wanted, self.image_for_all.as_deref(), &self.images)?;
        wanted.finish()?;
        Ok(wanted)
    }

    /// Pins what is wanted: the same on resume, or it is another deployment.
    pub(crate) fn digest(&self) -> String {
        let source = match &self.source {
            Source::Live => json!("live"),
            Source::Named(name) => json!({ "named": name }),
            Source::Document(document) => json!({ "document": document.digest() }),
        };
        let pinned = json!({
            "cluster": self.cluster,
            "service": self.service,
            "source": source,
            "image_for_all": self.image_for_all,
            "images": self.images,
            "force": self.force,
        });
        Sha256::digest(pinned.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Sets the images; all problems at once.
fn set_images(document: &mut Document, for_all: Option<&str>, images: &[(String, String)]) -> Result<()> {
    let mut problems = Vec::new();
    if let Some(image) = for_all
        && let Err(error) = document.set_image_for_all(image)
    {
        problems.extend(problems_of(&error));
    }
    for (container, image) in images {
        if let Err(error) = document.set_image(container, image) {
            problems.extend(problems_of(&error));
        }
    }
    Error::all("the images do not fit the task definition", problems)
}

fn problems_of(error: &Error) -> Vec<Cause> {
    if error.causes().is_empty() {
        return vec![Cause::new("invalid-input", error.message())];
    }
    error.causes().to_vec()
}

fn refused(service: &str, cluster: &str) -> String {
    format!("the deployment of service `{service}` in cluster `{cluster}` cannot be made as asked")
}

/// Names of clusters and services: "Up to 255 letters (uppercase and lowercase), numbers, underscores, and
/// hyphens" (CreateCluster, CreateService).
fn check_name(problems: &mut Vec<Cause>, what: &str, name: &str) {
    let plain = |text: &str| {
        !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if name.is_empty() {
        problems.push(Cause::invalid(what, format!("the name of the {what} is empty")));
    } else if name.starts_with("arn:") {
        let fits = match name.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "ecs", _, _, resource] => {
                resource.strip_prefix(what).is_some_and(|rest| rest.starts_with('/'))
            }
            _ => false,
        };
        if !fits {
            let wanted = format!("arn:aws:ecs:REGION:ACCOUNT:{what}/...");
            problems.push(Cause::invalid(
                what,
                format!("`{name}` is no ARN of a {what}: those look like {wanted}"),
            ));
        }
    } else if !plain(name) {
        let rule = "up to 255 letters, digits, `-` and `_`";
        problems.push(Cause::invalid(what, format!("`{name}` is no name of a {what}: those have {rule}")));
    }
}

/// An ARN must be of the place that is deployed to.
fn check_place(problems: &mut Vec<Cause>, what: &str, name: &str, place: &Place) {
    let begin = format!("arn:{}:ecs:{}:{}:{what}/", place.partition, place.region, place.account);
    if name.starts_with("arn:") && !name.starts_with(&begin) {
        problems.push(Cause::invalid(
            what,
            format!("`{name}` is no {what} of the place deployed to: {begin}..."),
        ));
    }
}

fn check_region(problems: &mut Vec<Cause>, config: &SdkConfig, place: &Place) {
    let region = config.region().map(|region| region.as_ref().to_owned());
    if region.as_deref() != Some(place.region.as_str()) {
        let seen = region.unwrap_or_else(|| "none".to_owned());
        let message = format!("the SDK configuration is for region {seen} and the place is {place}");
        problems.push(Cause::invalid("region", message));
    }
}

fn check_images(problems: &mut Vec<Cause>, images: &[(String, String)], for_all: Option<&str>) {
    for image in for_all.into_iter().chain(images.iter().map(|(_, image)| image.as_str())) {
        if let Err(cause) = document::image::check(image) {
            problems.push(cause);
        }
    }
    for (index, (container, _)) in images.iter().enumerate() {
        if images.iter().take(index).any(|(other, _)| other == container) {
            problems.push(Cause::invalid("image", format!("container `{container}` is given two images")));
        }
    }
}
