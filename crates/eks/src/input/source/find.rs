//! From paths to files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use landfall_core::Cause;

/// What of a folder is read.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Files that make a folder one of kustomize's.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::input) struct Found {
    pub(in crate::input) path: PathBuf,
    /// As the user would write it.
    pub(in crate::input) shown: String,
}

/// The files that a path means, without those that are in `known`, which all are added to: a file that is named twice is
/// read once.
pub(in crate::input) fn files(
    path: &str,
    recursive: bool,
    known: &mut HashSet<PathBuf>,
) -> Result<Vec<Found>, Vec<Cause>> {
    let found = by_name(path, recursive).map_err(|problem| vec![problem])?;
    let fresh = |file: &Found| known.insert(file.path.canonicalize().unwrap_or_else(|_| file.path.clone()));
    Ok(found.into_iter().filter(fresh).collect())
}

fn problem(message: String) -> Cause {
    Cause::invalid("manifests", message)
}

fn by_name(path: &str, recursive: bool) -> Result<Vec<Found>, Cause> {
    if path.trim().is_empty() {
        let hint = "a variable for it was probably not set";
        return Err(problem("a path of manifests is empty".to_owned()).with_hint(hint));
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        let hint = "download it first, check its digest, and give the file";
        return Err(problem(format!("`{path}` is an address, and only files are read")).with_hint(hint));
    }
    let here = Path::new(path);
    if here.is_dir() {
        return folder(here, recursive);
    }
    if here.exists() {
        return Ok(vec![one(here)]);
    }
    if path.contains(['*', '?', '[']) {
        return by_pattern(path, recursive);
    }
    let hint = "check the path; it is taken from the directory the command runs in";
    Err(problem(format!("there is no file or folder `{path}`")).with_hint(hint))
}

fn one(path: &Path) -> Found {
    Found { path: path.to_owned(), shown: path.to_string_lossy().into_owned() }
}

fn is_manifest(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
}

/// The manifests in a folder, in the order of their paths.
fn folder(folder: &Path, recursive: bool) -> Result<Vec<Found>, Cause> {
    let shown = folder.display();
    let mut walk = WalkBuilder::new(folder);
    // Nothing is left out because of a `.gitignore`: what CI makes just before is often in one.
    walk.standard_filters(false).follow_links(true).max_depth((!recursive).then_some(1));
    walk.sort_by_file_path(Path::cmp);
    let mut found = Vec::new();
    for entry in walk.build() {
        let entry =
            entry.map_err(|error| problem(format!("the folder `{shown}` cannot be read: {error}")))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy();
        if KUSTOMIZATIONS.contains(&name.as_ref()) {
            let folder = entry.path().parent().unwrap_or(folder).display();
            let message = format!("the folder `{folder}` is made for kustomize: it holds a {name}");
            return Err(problem(message).with_hint(format!("give what `kustomize build {folder}` prints")));
        }
        if is_manifest(entry.path()) {
            found.push(one(entry.path()));
        }
    }
    if found.is_empty() {
        let below =
            if recursive { "" } else { "; folders below it are not looked into unless that is asked for" };
        return Err(problem(format!("the folder `{shown}` holds no .yaml, .yml or .json file{below}")));
    }
    Ok(found)
}

/// The manifests among the files that match a pattern, and those of the folders that do.
fn by_pattern(pattern: &str, recursive: bool) -> Result<Vec<Found>, Cause> {
    let paths = glob::glob(pattern)
        .map_err(|error| problem(format!("`{pattern}` is not a pattern of paths: {error}")))?;
    let (mut found, mut others) = (Vec::new(), 0_usize);
    for path in paths {
        let path = path.map_err(|error| problem(format!("`{pattern}` cannot be looked for: {error}")))?;
        if path.is_dir() {
            // A pattern such as `k8s/**` names folders and what is in them: those without manifests are no mistake.
            match folder(&path, recursive) {
                Ok(inside) => found.extend(inside),
                Err(wrong) if wrong.hint.is_some() => return Err(wrong),
                Err(_) => {}
            }
        } else if is_manifest(&path) {
            found.push(one(&path));
        } else {
            others += 1;
        }
    }
    match (found.is_empty(), others) {
        (false, _) => Ok(found),
        (true, 0) => Err(problem(format!("no file matches `{pattern}`"))),
        (true, _) => Err(problem(format!(
            "none of the {others} files that match `{pattern}` ends in .yaml, .yml or .json"
        ))),
    }
}
