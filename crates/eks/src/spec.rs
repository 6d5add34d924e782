//! The validated input of a release.
//!
//! [`ManifestsBuilder`] takes what a person or program wants, [`ManifestsBuilder::build`] finds all problems that can be
//! found without a call, and [`Manifests`] is the target that holds the result.

use std::time::Duration;

use landfall_core::{Cause, Error, Place, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::access::ApiServer;
use crate::apply::{AT_ONCE, Options};
use crate::conflict::ConflictPolicy;
use crate::input::{Manifest, ManifestSet, wrong_namespace};
use crate::inventory::{PART_OF, Release};
use crate::judge::{Patience, Rules, rules::Rule};
use crate::target::Manifests;
use crate::waves::{self, Wave};

/// Longest name of a release: what is kept of it is named `landfall-NAME.REVISION-found.NUMBER`, of which a label holds 63
/// letters.
const LONGEST_NAME: usize = 53;

/// Whether what is no longer among the manifests is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prune {
    /// It stays, and stays remembered.
    #[default]
    Never,
    /// It is deleted when everything else is ready; Namespaces, CustomResourceDefinitions and PersistentVolumeClaims stay,
    /// because everything in them would go too.
    Safe,
    /// Those too.
    Everything,
}

/// What to do when another run deploys the release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfBusy {
    /// The deployment is refused; nothing was changed.
    #[default]
    Fail,
    /// That run is waited for.
    Wait,
}

/// What is wanted, checked without a call. [`ManifestsSpec::target`] makes the target of it.
#[derive(Debug, Clone)]
pub struct ManifestsSpec {
    pub(crate) release: Release,
    /// Nothing: what was recorded can be undone, and nothing deployed.
    pub(crate) set: Option<ManifestSet>,
    pub(crate) waves: Vec<Wave>,
    pub(crate) options: Options,
    pub(crate) prune: Prune,
    pub(crate) rules: Rules,
    pub(crate) patience: Patience,
    pub(crate) stable_for: Duration,
    pub(crate) if_busy: IfBusy,
    pub(crate) digest: String,
}

/// Makes a [`ManifestsSpec`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct ManifestsBuilder {
    release: Option<Release>,
    set: Option<ManifestSet>,
    options: Options,
    prune: Prune,
    rules: Rules,
    patience: Patience,
    stable_for: Duration,
    if_busy: IfBusy,
}

impl ManifestsBuilder {
    /// The release: what is deployed, pruned and put back as one, and where the cluster remembers it.
    pub fn release(mut self, release: Release) -> Self {
        self.release = Some(release);
        self
    }

    /// The objects, as [`ManifestSet::builder`] has read them.
    pub fn set(mut self, set: ManifestSet) -> Self {
        self.set = Some(set);
        self
    }

    /// What is done with fields that others have set; [`ConflictPolicy::Careful`] when it is not said.
    pub fn conflicts(mut self, policy: ConflictPolicy) -> Self {
        self.options.conflicts = policy;
        self
    }

    /// Objects that are applied at once, 1 to 90; 32 when it is not said.
    pub fn at_once(mut self, objects: usize) -> Self {
        self.options.at_once = objects;
        self
    }

    /// Whether what is no longer among the manifests is deleted; [`Prune::Never`] when it is not said.
    pub fn prune(mut self, prune: Prune) -> Self {
        self.prune = prune;
        self
    }

    /// A rule for when objects of a kind are ready or have failed. It is asked before those that are there.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules = self.rules.with(rule);
        self
    }

    /// For how long what is tolerated.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// For how long everything has to stay ready, without a restart of a container, before the release counts as good.
    /// Nothing when it is not said: a container that crashes a moment after it was ready is then not seen.
    pub fn stable_for(mut self, duration: Duration) -> Self {
        self.stable_for = duration;
        self
    }

    /// What to do when another run deploys the release; [`IfBusy::Fail`] when it is not said. This run's own is always
    /// gone on with.
    pub fn if_busy(mut self, choice: IfBusy) -> Self {
        self.if_busy = choice;
        self
    }

    /// Checks the input. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with one cause for each problem, those of manifests with file, document and
    /// line.
    pub fn build(self) -> Result<ManifestsSpec> {
        let mut problems = self.problems();
        let set = match self.set.clone() {
            None => {
                problems.push(Cause::invalid("manifests", "no manifests are given"));
                None
            }
            Some(set) => match &self.release {
                None => Some(set),
                Some(release) => match set.labelled(PART_OF, &release.id()) {
                    Ok(set) => Some(set),
                    Err(wrong) => {
                        problems.extend(wrong);
                        None
                    }
                },
            },
        };
        let waves = match set.as_ref().map(|set| waves::order(set.objects())) {
            Some(Ok(waves)) => waves,
            Some(Err(error)) => {
                problems.extend(error.causes().to_vec());
                Vec::new()
            }
            None => Vec::new(),
        };
        self.finish(set, waves, problems)
    }

    /// Makes a target that can undo what another process has recorded, and cannot deploy: the release is enough. No call
    /// is made.
    ///
    /// # Errors
    /// As [`ManifestsBuilder::build`].
    pub fn build_for_undo(self) -> Result<ManifestsSpec> {
        let problems = self.problems();
        self.finish(None, Vec::new(), problems)
    }

    fn problems(&self) -> Vec<Cause> {
        let mut problems = Vec::new();
        if let Some(release) = &self.release {
            problems.extend(wrong_release(release));
        }
        if !(1..=90).contains(&self.options.at_once) {
            let text = format!("{} objects at once are not between 1 and 90", self.options.at_once);
            let hint = format!("{AT_ONCE} is the default, and more than the server does at once");
            problems.push(Cause::invalid("at_once", text).with_hint(hint));
        }
        problems
    }

    fn finish(
        self,
        set: Option<ManifestSet>,
        waves: Vec<Wave>,
        mut problems: Vec<Cause>,
    ) -> Result<ManifestsSpec> {
        if self.release.is_none() {
            problems.push(Cause::invalid("release", "no release is given"));
        }
        Error::all("the release cannot be deployed as asked; nothing was sent", problems)?;
        let Some(release) = self.release else {
            return Err(Error::internal("there is no release, and no problem was found with it"));
        };
        let mut spec = ManifestsSpec {
            release,
            set,
            waves,
            options: self.options,
            prune: self.prune,
            rules: self.rules,
            patience: self.patience,
            stable_for: self.stable_for,
            if_busy: self.if_busy,
            digest: String::new(),
        };
        spec.digest = spec.digested();
        Ok(spec)
    }
}

impl ManifestsSpec {
    /// The target behind an API server. `place` is where the cluster is. No call is made.
    #[must_use]
    pub fn target(self, place: Place, server: ApiServer) -> Manifests {
        Manifests::new(place, self, server)
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// A digest of all that decides what is done. Of Secrets it covers the names and no values: what is short could be
    /// guessed from a digest, and this one is written into journals.
    fn digested(&self) -> String {
        let mut hash = Sha256::new();
        let asked = format!(
            "{} {:?} {:?} {:?} {:?}",
            self.release, self.options.conflicts, self.prune, self.rules, self.stable_for
        );
        hash.update(asked);
        for manifest in self.set.iter().flat_map(ManifestSet::objects) {
            hash.update([0]);
            hash.update(without_secrets(manifest));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn without_secrets(manifest: &Manifest) -> String {
    let text = manifest.to_json();
    if !manifest.is("", "Secret") {
        return text;
    }
    let mut object: Value = serde_json::from_str(&text).unwrap_or_default();
    for field in ["data", "stringData"] {
        if let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) {
            values.values_mut().for_each(|value| *value = Value::Null);
        }
    }
    object.to_string()
}

/// What is wrong with a release's name and namespace.
fn wrong_release(release: &Release) -> Vec<Cause> {
    let mut problems = Vec::new();
    let name = release.name.as_str();
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let edges = [name.chars().next(), name.chars().last()];
    let edges = edges.iter().all(|edge| edge.is_some_and(|c| c.is_ascii_alphanumeric()));
    if !letters || !edges || name.len() > LONGEST_NAME {
        let text = format!("the release cannot be named `{}`", name.escape_debug());
        let hint = format!(
            "1 to {LONGEST_NAME} lower-case letters, digits and `-`, with a letter or digit at both ends"
        );
        problems.push(Cause::invalid("release", text).with_hint(hint));
    }
    if let Some(wrong) = wrong_namespace(&release.namespace) {
        problems.push(Cause::invalid("namespace", format!("the {wrong}")));
    }
    problems
}
