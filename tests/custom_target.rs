//! The example of a target of one's own keeps the rules, and the guide shows it as it is.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own, whose main is not run here")]
#[path = "../examples/custom_target.rs"]
mod custom_target;

use std::path::Path;

use custom_target::StaticSite;
use landfall::{DeployTarget, ErrorKind, Result};
use landfall_testkit::conformance::{World, check};
use serde_json::{Value, json};

/// A folder from which an old site is served.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("releases/old")).unwrap();
        std::fs::write(folder.path().join("releases/old/index.html"), "old").unwrap();
        std::fs::write(folder.path().join("current"), "old").unwrap();
        Self(folder)
    }
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(files(&entry));
        } else {
            all.push((entry.display().to_string(), std::fs::read_to_string(&entry).unwrap()));
        }
    }
    all.sort();
    all
}

#[async_trait::async_trait]
impl World for Folder {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        let pages = vec![("index.html".to_owned(), "new".to_owned())];
        Ok(Box::new(StaticSite::new(self.0.path(), pages)))
    }

    async fn look(&self) -> Value {
        json!(std::fs::read_to_string(self.0.path().join("current")).unwrap())
    }

    async fn effects(&self) -> Value {
        json!(files(self.0.path()))
    }

    /// Pages are for everybody.
    fn knows_no_secret(&self) -> bool {
        true
    }

    fn refusals(&self) -> Vec<ErrorKind> {
        vec![ErrorKind::Transient]
    }

    /// A folder stands where the file was, so that nothing can be read or written.
    async fn refuse(&self, with: Option<ErrorKind>) {
        let (current, aside) = (self.0.path().join("current"), self.0.path().join("aside"));
        if with.is_some() {
            std::fs::rename(&current, aside).unwrap();
            std::fs::create_dir(current).unwrap();
        } else {
            std::fs::remove_dir(&current).unwrap();
            std::fs::rename(aside, current).unwrap();
        }
    }
}

#[tokio::test]
async fn the_example_of_a_target_keeps_every_rule() {
    let broken = check(async || Ok(Folder::new())).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}

#[test]
fn the_guide_shows_the_example_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("docs/writing-a-target.md")).unwrap();
    let example = std::fs::read_to_string(root.join("examples/custom_target.rs")).unwrap();
    let code = example.split_once("\n\n").unwrap().1.trim();
    assert!(
        guide.contains(code),
        "docs/writing-a-target.md does not hold examples/custom_target.rs as it is"
    );
    let test = std::fs::read_to_string(root.join("tests/custom_target.rs")).unwrap();
    let world = &test[test.find("/// A folder from").unwrap()..test.find("#[test]").unwrap()];
    assert!(
        guide.contains(world.trim()),
        "docs/writing-a-target.md does not hold the world of tests/custom_target.rs as it is"
    );
}
