//! What of a folder is packed: the walk, by the crate `ignore`, and what is wrong with what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{FileType, Metadata};
use std::path::{Component, Path};

use ignore::gitignore::Gitignore;
use ignore::{DirEntry, WalkBuilder};
use landfall_core::{Cause, Error, Result};

use super::tree::{Entry, Kind, UNREADABLE};
use crate::bundle::spec::{BundleSpec, Modes, Platform, Symlinks};

/// The file that names what stays out.
const IGNORE_FILE: &str = ".deployignore";

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Cause>,
    pub(super) notes: Vec<(&'static str, String)>,
}

/// Walks the folder. All problems at once.
pub(super) fn walk(spec: &BundleSpec) -> Result<Walked> {
    let root = &spec.source;
    check_root(root)?;
    let mut walked = Walked::default();
    let ignored = BundleSpec::matcher(&spec.ignore, root)?;
    let executable = BundleSpec::matcher(&spec.executable, root)?;
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).add_custom_ignore_filename(IGNORE_FILE);
    builder.follow_links(spec.symlinks == Symlinks::Follow);
    builder.filter_entry(move |entry| entry.depth() == 0 || !stays_out(entry, &ignored));
    for found in builder.build() {
        match found {
            Ok(entry) if entry.depth() == 0 => {}
            Ok(entry) => {
                if let Some(error) = entry.error() {
                    walked.problems.push(ignore_problem(error));
                }
                walked.found(spec, &entry, &executable);
            }
            Err(error) => walked.problems.push(walk_problem(&error)),
        }
    }
    walked.finish(spec);
    Ok(walked)
}

fn check_root(root: &Path) -> Result<()> {
    let refused = |code: &str, what: String, hint: &str| {
        let cause = Cause::new(code, what).in_field("source").with_hint(hint);
        Err(Error::invalid(format!("`{}` cannot be packed", root.display())).with_cause(cause))
    };
    match std::fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => refused(
            "source-no-folder",
            format!("`{}` is no folder", root.display()),
            "give the folder that holds the application specification",
        ),
        Err(error) => refused(
            "source-missing",
            format!("`{}` cannot be read: {error}", root.display()),
            "check the path; a relative one begins at the current folder",
        ),
    }
}

fn stays_out(entry: &DirEntry, ignored: &Gitignore) -> bool {
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    let name = entry.file_name();
    name == ".git" || name == IGNORE_FILE || ignored.matched(entry.path(), is_dir).is_ignore()
}

fn ignore_problem(error: &ignore::Error) -> Cause {
    Cause::new("ignore-file", error.to_string()).with_hint("its lines are patterns as in .gitignore")
}

fn walk_problem(error: &ignore::Error) -> Cause {
    let code = if error.is_io() { "unreadable" } else { "symlink-loop" };
    let hint = if error.is_io() { UNREADABLE } else { "remove the link, or name it in .deployignore" };
    Cause::new(code, error.to_string()).with_hint(hint)
}

impl Walked {
    fn found(&mut self, spec: &BundleSpec, entry: &DirEntry, executable: &Gitignore) {
        let Some(name) = self.name(spec, entry.path()) else { return };
        let (Some(kind), Ok(metadata)) = (entry.file_type(), entry.metadata()) else {
            let message = format!("`{name}` cannot be read");
            self.problems.push(Cause::new("unreadable", message).with_hint(UNREADABLE));
            return;
        };
        let forced = executable.matched(entry.path(), kind.is_dir()).is_ignore();
        let mode = mode_of(spec.modes, &metadata, kind, forced);
        if mode & 0o6000 != 0 {
            let text =
                format!("`{name}` runs as its owner or group (setuid): hardened agents refuse such a bundle");
            self.notes.push(("setuid-packed", text));
        }
        let kind = if kind.is_symlink() {
            match self.link(spec, &name, entry.path()) {
                Some(target) => Kind::Symlink { target },
                None => return,
            }
        } else if kind.is_dir() {
            Kind::Folder
        } else if kind.is_file() {
            Kind::File { size: metadata.len(), crc32: 0 }
        } else {
            self.notes.push((
                "special-file-left-out",
                format!("`{name}` is a socket, pipe or device: it is left out"),
            ));
            return;
        };
        let path = entry.path().to_owned();
        self.entries.push(Entry { name, path, mode, kind });
    }

    fn name(&mut self, spec: &BundleSpec, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&spec.source).unwrap_or(path);
        let parts: Option<Vec<&str>> =
            relative.components().map(|component| component.as_os_str().to_str()).collect();
        let Some(parts) = parts else {
            let message = format!("the name of `{}` is not UTF-8", path.display());
            self.problems.push(Cause::new("name-not-utf8", message).with_hint("rename it, or leave it out"));
            return None;
        };
        let name = parts.join("/");
        if name.len() > usize::from(u16::MAX) - 1 {
            let message = format!("the name of `{}` is too long for an archive", path.display());
            self.problems.push(Cause::new("name-too-long", message).with_hint("shorten it, or leave it out"));
            return None;
        }
        if spec.platform == Platform::Windows && name.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
            let message = format!("`{name}` has a character that names on Windows do not have");
            self.problems
                .push(Cause::new("name-on-windows", message).with_hint("rename it, or leave it out"));
        }
        Some(name)
    }

    /// The target of a link that may be packed.
    fn link(&mut self, spec: &BundleSpec, name: &str, path: &Path) -> Option<String> {
        let problem = |code: &str, message: String, hint: &str| Cause::new(code, message).with_hint(hint);
        if spec.symlinks == Symlinks::Refuse {
            let message = format!("`{name}` is a symbolic link");
            self.problems.push(problem("symlink", message, "replace it by what it leads to, or allow links"));
            return None;
        }
        let target = std::fs::read_link(path).ok().and_then(|target| target.to_str().map(str::to_owned));
        let Some(target) = target else {
            let message = format!("the link `{name}` cannot be read");
            self.problems.push(problem("unreadable", message, UNREADABLE));
            return None;
        };
        if leads_out(name, &target) || resolves_outside(&spec.source, path) {
            let message = format!("the link `{name}` leads to `{target}`, out of the folder");
            let hint = "on the host it would lead to something else: make it relative and within the folder, leave it out, \
                        or pack what it leads to (symlinks: follow)";
            self.problems.push(problem("symlink-outside", message, hint));
            return None;
        }
        Some(target)
    }

    fn finish(&mut self, spec: &BundleSpec) {
        self.entries.sort_by(|one, other| one.name.as_bytes().cmp(other.name.as_bytes()));
        let filled: BTreeSet<String> = self
            .entries
            .iter()
            .filter_map(|entry| entry.name.rsplit_once('/').map(|(folder, _)| folder.to_owned()))
            .collect();
        self.entries.retain(|entry| entry.kind != Kind::Folder || !filled.contains(&entry.name));
        if spec.platform == Platform::Windows {
            self.collisions();
        }
        if self.entries.is_empty() && self.problems.is_empty() {
            let message = format!("`{}` has nothing that would be packed", spec.source.display());
            let hint = "check the path and .deployignore";
            self.problems.push(Cause::new("source-empty", message).in_field("source").with_hint(hint));
        }
    }

    /// Names that are one on Windows.
    fn collisions(&mut self) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for entry in &self.entries {
            if let Some(other) = seen.insert(entry.name.to_lowercase(), &entry.name) {
                let message = format!("`{other}` and `{}` are one name on Windows", entry.name);
                self.problems.push(Cause::new("name-collision", message).with_hint("rename one of them"));
            }
        }
    }
}

/// Whether a link leads out of the folder by its words.
fn leads_out(name: &str, target: &str) -> bool {
    let mut depth = name.matches('/').count();
    for component in Path::new(target).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return true,
            Component::CurDir => {}
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
        }
    }
    false
}

/// Whether it leads out by way of another link. One that leads nowhere does not.
fn resolves_outside(root: &Path, link: &Path) -> bool {
    match (std::fs::canonicalize(root), std::fs::canonicalize(link)) {
        (Ok(root), Ok(target)) => !target.starts_with(root),
        _ => false,
    }
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn permissions(_: &Metadata) -> u32 {
    0o644
}

fn mode_of(modes: Modes, metadata: &Metadata, kind: FileType, forced: bool) -> u32 {
    let found = permissions(metadata);
    if kind.is_symlink() {
        return 0o777;
    }
    match modes {
        Modes::Keep if forced => found | 0o111,
        Modes::Keep => found,
        Modes::Normalised if kind.is_dir() || forced || found & 0o111 != 0 => 0o755,
        Modes::Normalised => 0o644,
    }
}
