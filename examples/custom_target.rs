//! A target of one's own: a static site in a folder on disk, published by one rename.
//!
//! `cargo run --example custom_target` publishes a page into a temporary folder.

use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use landfall::target::Effect;
use landfall::{
    Change, Context, DeployTarget, DeployTargetExt, End, Error, ErrorKind, Look, Observation, Outputs, Place,
    Plan, Policy, Receipt, Resource, Result, Revert, State,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::fs;

/// Names the kind in events and journals. Never changed: another process finds its records by it.
const KIND: &str = "static-site";

/// Version of what plans and receipts hold. Raised when their form changes.
const VERSION: u32 = 1;

/// A site that consists of pages, and the folder that it is served from.
///
/// `root/releases/DIGEST` holds the pages of a release, and the file `root/current` names the one that is served.
#[derive(Debug, Clone)]
pub struct StaticSite {
    root: PathBuf,
    pages: Vec<(String, String)>,
}

/// What a plan tells a later `apply`. Names and digests; the pages themselves are the target's own.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// The release that is to be served; none takes the site down.
    to: Option<String>,
    /// What was served when the plan was made.
    from: Option<String>,
}

impl StaticSite {
    /// A site of these pages, each with its name and content, served from `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, pages: Vec<(String, String)>) -> Self {
        Self { root: root.into(), pages }
    }

    /// The name of the release: a digest of everything in it, so that the same pages are the same release.
    fn release(&self) -> String {
        let mut hash = Sha256::new();
        for (name, content) in &self.pages {
            hash.update(name.len().to_le_bytes());
            hash.update(name);
            hash.update(content.len().to_le_bytes());
            hash.update(content);
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn folder(&self, release: &str) -> PathBuf {
        self.root.join("releases").join(release)
    }

    /// What is served now.
    async fn current(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.root.join("current")).await {
            Ok(release) => Ok(Some(release)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&self.root, &error)),
        }
    }

    /// Writes the pages of the release. Renamed when they are complete, so that no half of a release is ever there.
    async fn upload(&self, release: &str) -> std::io::Result<()> {
        if fs::try_exists(self.folder(release)).await? {
            return Ok(()); // This apply, or an earlier one, has done it.
        }
        let part = self.root.join("releases").join(format!(".{release}.part"));
        fs::create_dir_all(&part).await?;
        for (name, content) in &self.pages {
            fs::write(part.join(name), content).await?;
        }
        fs::rename(&part, self.folder(release)).await
    }

    /// Serves a release, by one rename.
    async fn switch(&self, to: Option<&str>) -> std::io::Result<()> {
        let Some(release) = to else { return fs::remove_file(self.root.join("current")).await };
        let next = self.root.join(".current.next");
        fs::write(&next, release).await?;
        fs::rename(&next, self.root.join("current")).await
    }
}

/// Errors carry a kind, so that the caller knows what they mean: a fault of the disk may pass.
fn unreadable(root: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Transient, format!("{} cannot be read or written", root.display()))
        .with_source(error)
        .with_hint("see that the folder is there, may be written and has room")
}

#[async_trait]
impl DeployTarget for StaticSite {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(Place::new("local", "this", "machine"), KIND, [self.root.display().to_string()])
    }

    fn specification(&self) -> String {
        self.release()
    }

    /// Looks, and says what would change.
    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        let (from, to) = (self.current().await?, self.release());
        let changes = if from.as_ref() == Some(&to) {
            Vec::new()
        } else {
            let effect = if from.is_some() { Effect::Update } else { Effect::Create };
            let before = from.as_deref().unwrap_or("nothing");
            vec![Change::new(effect, "site").with_details([format!("release: {before} -> {to}")])]
        };
        Plan::new(KIND, VERSION, changes, &Work { to: Some(to), from })
    }

    /// Makes what is planned so. Called again it finds it so, and does nothing.
    async fn apply(&self, _cx: &Context, plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        let work: Work = plan.read(KIND, VERSION)?;
        let current = self.current().await?;
        if current != work.to {
            if current != work.from {
                // Somebody else was here since the plan was made. Theirs stays.
                let found = current.as_deref().unwrap_or("nothing");
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("{found} is served, which this plan does not expect"),
                )
                .with_hint("see who published it, then deploy with a new run id"));
            }
            let io = |error: std::io::Error| unreadable(&self.root, &error);
            if let Some(release) = work.to.as_deref().filter(|release| *release == self.release()) {
                self.upload(release).await.map_err(io)?;
            }
            self.switch(work.to.as_deref()).await.map_err(io)?;
        }
        let summary = format!("{} is served", work.to.as_deref().unwrap_or("nothing"));
        Receipt::new(KIND, VERSION, summary, &work)
    }

    /// Looks once. A target that takes time answers `State::pending` until it is ready.
    async fn observe(&self, _cx: &Context, receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        let work: Work = receipt.read(KIND, VERSION)?;
        let current = self.current().await?;
        if current == work.to {
            let url = format!("file://{}", self.folder(work.to.as_deref().unwrap_or_default()).display());
            return Ok(Observation::new(State::Ready(Outputs::new().with("url", url))));
        }
        let by = current.unwrap_or_else(|| "nothing".to_owned());
        Ok(Observation::new(State::Ended(End::Superseded { by })))
    }

    /// The plan that puts back what was there. `apply` refuses it when something else is served by then.
    async fn revert(&self, _cx: &Context, plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        let Work { to, from } = plan.read(KIND, VERSION)?;
        if plan.is_empty() || self.current().await? == from {
            return Ok(Revert::NothingToDo);
        }
        let before = from.as_deref().unwrap_or("nothing").to_owned();
        let change = Change::new(Effect::Update, "site").with_details([format!("back to {before}")]);
        Ok(Revert::Plan(Box::new(Plan::new(KIND, VERSION, vec![change], &Work { to: from, from: to })?)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let page = ("index.html".to_owned(), "<h1>Hello</h1>".to_owned());
    let site = StaticSite::new(root.path(), vec![page]);
    let report = site.deploy(&Context::builder("site/1").build(), &Policy::default()).await;
    writeln!(std::io::stdout(), "{:?}, exit code {}", report.verdict.outcome, report.exit_code())?;
    Ok(())
}
