//! The application specification: what the CodeDeploy agent would only find out on each host.
//!
//! "AppSpec file reference" and "AppSpec 'hooks' section for an EC2/On-Premises deployment", CodeDeploy user guide.

use std::path::Path;

use landfall_core::Cause;
use landfall_core::error::Location;

use super::tree::{Entry, Kind};
use super::yaml::{self, Node};
use crate::bundle::spec::{BundleSpec, Platform};

const NAME: &str = "appspec.yml";
const OTHER_NAME: &str = "appspec.yaml";

/// Lifecycle events that may have scripts.
const HOOKS: [&str; 9] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

struct Check<'a> {
    spec: &'a BundleSpec,
    entries: &'a [Entry],
    problems: &'a mut Vec<Cause>,
    notes: &'a mut Vec<(&'static str, String)>,
}

/// Checks the specification among the entries and what it names. All problems at once.
pub(super) fn check(
    spec: &BundleSpec,
    entries: &[Entry],
    problems: &mut Vec<Cause>,
    notes: &mut Vec<(&'static str, String)>,
) {
    Check { spec, entries, problems, notes }.all();
}

impl Check<'_> {
    fn all(&mut self) {
        let Some(entry) = self.locate() else { return };
        let text = match std::fs::read_to_string(&entry.path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("`{}` cannot be read as text: {error}", entry.name);
                return self.problems.push(Cause::new("appspec", message).with_hint("save it as UTF-8"));
            }
        };
        match yaml::parse(&entry.name, &text) {
            Ok(document) => self.document(&document),
            Err(broken) => {
                let cause = Cause::new("appspec", format!("it is no YAML: {}", broken.message)).at(broken.at);
                self.problems.push(cause.with_hint("indent with blanks, and check the line above too"));
            }
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name.as_bytes()));
        at.ok().and_then(|at| self.entries.get(at))
    }

    /// The specification at the root, or why there is none.
    fn locate(&mut self) -> Option<Entry> {
        let (first, second) = (self.entry(NAME).cloned(), self.entry(OTHER_NAME).cloned());
        if first.is_some() && second.is_some() {
            let text = format!("there are {NAME} and {OTHER_NAME}: agents take {NAME}");
            self.notes.push(("two-appspecs", text));
        }
        if first.is_none() && second.is_some() {
            let text = format!(
                "the specification is called {OTHER_NAME}: old agents know {NAME} only, and so does \
                 `aws deploy push`"
            );
            self.notes.push(("appspec-yaml", text));
        }
        if let Some(found) = first.or(second) {
            return Some(found);
        }
        let below = self.entries.iter().find(|entry| {
            let name = entry.name.rsplit('/').next().unwrap_or_default();
            name == NAME || name == OTHER_NAME
        });
        let message = format!("there is no {NAME} at the root of `{}`", self.spec.source.display());
        let hint = match below {
            Some(entry) => {
                let folder = entry.name.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("there is one in `{folder}`: give that folder as the source, or move it to the root")
            }
            None => format!("write {NAME} there; its reference is in CodeDeploy's user guide"),
        };
        self.problems.push(Cause::new("appspec-missing", message).in_field("source").with_hint(hint));
        None
    }

    fn problem(&mut self, code: &str, at: &Location, message: String, hint: &str) {
        self.problems.push(Cause::new(code, message).at(at.clone()).with_hint(hint));
    }

    fn document(&mut self, document: &Node) {
        if document.members().is_empty() {
            let hint = "it begins with `version: 0.0` and `os: linux`";
            return self.problem("appspec", &document.at, "it is no map of sections".to_owned(), hint);
        }
        match document.member("version").map(|node| (node.text(), node.at.clone())) {
            Some((Some("0.0"), _)) => {}
            Some((seen, at)) => {
                let message = format!("the version is `{}`", seen.unwrap_or("something else than a number"));
                self.problem("appspec", &at, message, "write `version: 0.0`, the only one there is");
            }
            None => {
                let message = "there is no `version`".to_owned();
                self.problem("appspec", &document.at, message, "write `version: 0.0` into the first line");
            }
        }
        self.system(document);
        for file in document.member("files").map(Node::elements).unwrap_or_default() {
            self.file(file);
        }
        for (event, scripts) in document.member("hooks").map(Node::members).unwrap_or_default() {
            let name = event.text().unwrap_or_default();
            if !HOOKS.contains(&name) {
                let message = format!("`{name}` is no lifecycle event that may have scripts");
                let hint = format!("those are {}", HOOKS.join(", "));
                self.problem("appspec", &event.at, message, &hint);
            }
            scripts.elements().iter().for_each(|script| self.hook(name, script));
        }
    }

    fn system(&mut self, document: &Node) {
        let wanted = match self.spec.platform {
            Platform::Linux => "linux",
            Platform::Windows => "windows",
        };
        let (seen, at) = match document.member("os") {
            Some(node) => (node.text().unwrap_or_default().to_owned(), node.at.clone()),
            None => (String::new(), document.at.clone()),
        };
        if seen != wanted {
            let message = if seen.is_empty() {
                "there is no `os`".to_owned()
            } else {
                format!("`os` is `{seen}`, and what is deployed to is {wanted}")
            };
            let hint = format!("write `os: {wanted}`, or name another platform for the bundle");
            self.problem("appspec-os", &at, message, &hint);
        }
    }

    fn file(&mut self, file: &Node) {
        let Some((source, at)) = file.member("source").and_then(|node| Some((node.text()?, node.at.clone())))
        else {
            let message = "an entry of `files` has no `source`".to_owned();
            return self.problem("appspec", &file.at, message, "write `source` and `destination`");
        };
        let name = plain(source);
        let folder = format!("{name}/");
        let there = name.is_empty()
            || self.entry(&name).is_some()
            || self.entries.iter().any(|entry| entry.name.starts_with(&folder));
        if !there {
            let message = format!("`files` names `{source}`, which is not in the bundle");
            self.problem(
                "appspec-file-missing",
                &at,
                message,
                "check the path from the root, and .deployignore",
            );
        }
    }

    fn hook(&mut self, event: &str, script: &Node) {
        let located =
            script.member("location").and_then(|node| Some((node.text()?.to_owned(), node.at.clone())));
        let Some((location, at)) = located else {
            let message = format!("a script of {event} has no `location`");
            return self.problem(
                "appspec",
                &script.at,
                message,
                "write its path from the root of the bundle",
            );
        };
        let Some(entry) = self.entry(&plain(&location)).cloned() else {
            let message = format!("{event} names `{location}`, which is not in the bundle");
            let hint = "check the path from the root, capitals included, and .deployignore";
            return self.problem("hook-missing", &at, message, hint);
        };
        if !matches!(entry.kind, Kind::File { .. }) || self.spec.platform == Platform::Windows {
            return;
        }
        if entry.mode & 0o111 == 0 {
            let message = format!("{event} names `{location}`, which is not executable");
            let hint = format!("run `git update-index --chmod=+x {location}` or `chmod +x {location}`");
            self.problem("hook-not-executable", &at, message, &hint);
        }
        if let Some(line) = windows_line(&entry.path) {
            let message = format!("{event} names `{location}`, whose line {line} ends as on Windows (CR LF)");
            let hint = "the host would look for an interpreter with a CR in its name: save it with LF, and put \
                        `*.sh text eol=lf` into .gitattributes";
            self.problem("hook-line-ends", &at, message, hint);
        }
    }
}

/// A path from the root as entries are named.
fn plain(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// The first line that ends with CR LF, if the file is a script at all.
fn windows_line(path: &Path) -> Option<usize> {
    let bytes = std::fs::read(path).ok().filter(|bytes| bytes.starts_with(b"#!"))?;
    let at = bytes.windows(2).position(|two| two == b"\r\n")?;
    Some(bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1)
}
