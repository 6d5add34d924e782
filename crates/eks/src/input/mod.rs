//! ManifestSet: read, checked and edited before the cluster hears of anything.
//!
//! [`ManifestSet::builder`] takes sources (files, folders, globs, standard input, texts, kustomizations, charts) and what to change: images by the
//! name of their container, a default namespace, labels. All problems are told at once, each with file, line and number
//! of the document, and when there is one there are no manifests.
//!
//! 1. `source`: which files, and their text.
//! 2. `document`: YAML and JSON as trees in which nothing is lost.
//! 3. `objects`: lists unfolded, each object with kind, namespace and name.
//! 4. `images`, `labels`, `secrets`: the edits. `pods` knows where pod templates are, `strings` where only strings may be.

mod document;
mod images;
mod labels;
mod names;
mod objects;
mod pods;
mod secrets;
mod source;
mod strings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use landfall_aws::environment::Environment;
use landfall_core::{Cause, Error, Result};

pub(crate) use names::DEFAULT_NAMESPACE;
pub(crate) use objects::wrong_namespace;
pub use objects::{Manifest, Scope};
pub use source::{HelmChart, LARGEST_FILE, ManifestSource};

use document::Mark;
use objects::{Origin, unfold};

/// As many problems as a person mends at once.
const MOST_PROBLEMS: usize = 50;

/// The objects of a release, in the order in which they were read.
#[derive(Clone, Default)]
pub struct ManifestSet {
    objects: Vec<Manifest>,
}

impl ManifestSet {
    /// Begins to describe what to read.
    pub fn builder() -> ManifestSetBuilder {
        ManifestSetBuilder::default()
    }

    /// The objects; one at least.
    #[must_use]
    pub fn objects(&self) -> &[Manifest] {
        &self.objects
    }

    /// The same objects with a label more.
    ///
    /// # Errors
    /// A problem for each object that has the label already, with another value.
    pub(crate) fn labelled(mut self, key: &str, value: &str) -> Result<Self, Vec<Cause>> {
        let mut problems = Vec::new();
        let label = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        labels::put(&mut self.objects, &label, &mut problems);
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    /// These objects and those of another set.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.objects.extend(other.objects);
        self
    }
}

impl fmt::Debug for ManifestSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.objects).finish()
    }
}

/// What to read, and what to change in it.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it reads"]
pub struct ManifestSetBuilder {
    sources: Vec<ManifestSource>,
    recursive: bool,
    images: Vec<(String, String)>,
    namespace: Option<String>,
    labels: Vec<(String, String)>,
    environment: Option<Environment>,
}

impl ManifestSetBuilder {
    /// Adds a source.
    pub fn source(mut self, source: ManifestSource) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds a file, a folder or a glob.
    pub fn path(self, path: impl Into<String>) -> Self {
        self.source(ManifestSource::Path(path.into()))
    }

    /// Adds documents that a program has; `name` stands for them in messages.
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.source(ManifestSource::text(name, text))
    }

    /// Adds what the kustomization in a folder comes to: `kustomize build FOLDER` is run or, where there is no kustomize,
    /// `kubectl kustomize FOLDER`. Without a shell and without flags, for two minutes at most.
    pub fn kustomize(self, folder: impl Into<String>) -> Self {
        self.source(ManifestSource::Kustomize(folder.into()))
    }

    /// Adds what a chart comes to: `helm template RELEASE CHART` is run, with files of values and single ones
    /// (`key=value`), and with the default namespace, if one is given. Its CustomResourceDefinitions are among it and its
    /// tests are not; its hooks are objects like all others, which [`crate::waves::WAVE`] puts into their place. Without a
    /// shell, for two minutes at most.
    pub fn helm(
        self,
        chart: impl Into<String>,
        release: impl Into<String>,
        values: &[String],
        sets: &[String],
    ) -> Self {
        self.source(ManifestSource::Helm(HelmChart {
            chart: chart.into(),
            release: release.into(),
            values: values.to_vec(),
            sets: sets.to_vec(),
        }))
    }

    /// The variables that such programs get, and the `PATH` that they are found in: those of this process by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Looks into the folders below the given ones too. Off by default, as with `kubectl`.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// Gives all containers of this name, init containers too, an image: `repository:tag` or `repository@sha256:...`.
    pub fn image(mut self, container: impl Into<String>, image: impl Into<String>) -> Self {
        self.images.push((container.into(), image.into()));
        self
    }

    /// The namespace of objects that name none. Objects of the cluster get none, and of kinds that only the cluster knows
    /// ([`Scope::Unknown`]) nothing is said here.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Labels every object (and neither its pod template nor its selector).
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Reads everything. Blocks while files are read and programs run.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with every problem as a cause, up to fifty of them: files that cannot be read,
    /// programs that are not there or fail, broken documents, objects without kind or name, two of the same name, images
    /// for containers that there are not.
    pub fn read(self) -> Result<ManifestSet> {
        let mut problems = Vec::new();
        let images = unique("image", "an image for container", &self.images, &mut problems);
        for (container, image) in &images {
            let wrong = landfall_aws::image::check(image).err();
            problems.extend(wrong.map(|mut wrong| {
                wrong.message = format!("the image for container `{container}`: {}", wrong.message);
                wrong
            }));
        }
        let labels = unique("labels", "the label", &self.labels, &mut problems);
        problems.extend(labels.iter().filter_map(|(key, value)| labels::check(key, value)));
        if let Some(wrong) = self.namespace.as_deref().and_then(objects::wrong_namespace) {
            problems.push(Cause::invalid("namespace", format!("the {wrong}")));
        }
        let mut objects = Vec::new();
        let texts = self.texts(&mut problems);
        for (file, text) in &texts {
            collect(file, text, &mut objects, &mut problems);
        }
        // What follows would only repeat what is wrong already: an image for a container in a document that is broken.
        if problems.is_empty() {
            names::settle(&mut objects, self.namespace.as_deref(), &mut problems);
            images::substitute(&mut objects, &images, &mut problems);
            images::check(&objects, &mut problems);
            strings::check(&objects, &mut problems);
            labels::put(&mut objects, &labels, &mut problems);
        }
        if problems.is_empty() {
            secrets::encode(&mut objects);
        }
        if problems.is_empty() && objects.is_empty() {
            problems.push(nothing(&texts));
        }
        let found = problems.len();
        if found > MOST_PROBLEMS {
            problems.truncate(MOST_PROBLEMS);
            let more = found - MOST_PROBLEMS;
            problems.push(Cause::new(
                "more-problems",
                format!("there are {more} more, told when these are mended"),
            ));
        }
        Error::all("the manifests cannot be used; nothing was sent", problems)?;
        Ok(ManifestSet { objects })
    }

    /// The texts of all sources, each with its name.
    fn texts(&self, problems: &mut Vec<Cause>) -> Vec<(Arc<str>, String)> {
        if self.sources.is_empty() {
            let problem = Cause::invalid("manifests", "no manifests are given");
            problems.push(problem.with_hint("name files, folders or patterns such as k8s/*.yaml"));
        }
        let (mut texts, mut known, mut environment) = (Vec::new(), HashSet::new(), self.environment.clone());
        for source in &self.sources {
            match source {
                ManifestSource::Text { name, text } => texts.push((Arc::from(name.as_str()), text.clone())),
                ManifestSource::Path(path) => match source::files(path, self.recursive, &mut known) {
                    Ok(files) => {
                        for file in files {
                            match source::text_of(Path::new(&file.path), &file.shown) {
                                Ok(text) => texts.push((Arc::from(file.shown.as_str()), text)),
                                Err(problem) => problems.push(problem),
                            }
                        }
                    }
                    Err(wrong) => problems.extend(wrong),
                },
                ManifestSource::Kustomize(folder) => {
                    let built =
                        source::build(folder, environment.get_or_insert_with(Environment::from_process));
                    take(built.map_err(|problem| vec![*problem]), &mut texts, problems);
                }
                ManifestSource::Helm(chart) => {
                    let environment = environment.get_or_insert_with(Environment::from_process);
                    take(
                        source::template(chart, self.namespace.as_deref(), environment),
                        &mut texts,
                        problems,
                    );
                }
            }
        }
        texts
    }
}

/// The problem of texts without any object in them.
fn nothing(texts: &[(Arc<str>, String)]) -> Cause {
    /// As many names as a person reads.
    const MOST: usize = 5;
    let mut names: Vec<&str> = texts.iter().map(|(name, _)| name.as_ref()).take(MOST).collect();
    let more = format!("{} more", texts.len().saturating_sub(MOST));
    if texts.len() > MOST {
        names.push(&more);
    }
    let problem =
        Cause::invalid("manifests", format!("there is no object in what was read: {}", names.join(", ")));
    problem.with_hint("it is empty, or holds nothing but comments: name the file that has the manifests")
}

/// What a program printed, under the name of its command.
fn take(
    printed: Result<(String, String), Vec<Cause>>,
    texts: &mut Vec<(Arc<str>, String)>,
    problems: &mut Vec<Cause>,
) {
    match printed {
        Ok((command, text)) => texts.push((Arc::from(command), text)),
        Err(wrong) => problems.extend(wrong),
    }
}

/// The documents of a text as JSON, for files of YAML that are no manifests.
pub(crate) fn to_json(file: &str, text: &str) -> Result<Vec<String>, Vec<Cause>> {
    let told = |problems: document::Problems| {
        problems.into_iter().map(|(number, problem)| problem.cause(file, number)).collect::<Vec<_>>()
    };
    let documents = document::parse(text).map_err(told)?;
    Ok(documents.into_iter().map(|document| document.root.to_string()).collect())
}

/// Pairs as a map; two of one name are a problem when they differ.
fn unique(
    field: &str,
    what: &str,
    pairs: &[(String, String)],
    problems: &mut Vec<Cause>,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if let Some(other) = map.insert(key.clone(), value.clone())
            && other != *value
        {
            problems.push(Cause::invalid(
                field,
                format!("{what} `{key}` is given twice: `{other}` and `{value}`"),
            ));
        }
    }
    map
}

/// The objects of a text.
fn collect(file: &Arc<str>, text: &str, objects: &mut Vec<Manifest>, problems: &mut Vec<Cause>) {
    match document::parse(text) {
        Ok(documents) => {
            for document in documents {
                let origin =
                    Origin { file: Arc::clone(file), document: document.number, at: Mark::default() };
                unfold(&origin, document.root, objects, problems);
            }
        }
        Err(wrong) => {
            problems.extend(wrong.into_iter().map(|(document, problem)| problem.cause(file, document)));
        }
    }
}
