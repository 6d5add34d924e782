//! From paths to files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use landfall_core::Cause;

use super::kustomize::KUSTOMIZATIONS;

/// What of a folder is read.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

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
        return made_for_another(here).map_or_else(|| Ok(vec![one(here)]), Err);
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

/// A file that makes its folder one of kustomize's or helm's: what is in it is not applied as it is.
fn made_for_another(path: &Path) -> Option<Cause> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().map(Path::display).filter(|folder| !folder.to_string().is_empty());
    let folder = folder.map_or_else(|| ".".to_owned(), |folder| folder.to_string());
    let (program, hint) = match name {
        "Chart.yaml" => (
            "helm",
            format!(
                "name it as a chart, for which `helm template RELEASE {folder}` is run, or give what that prints"
            ),
        ),
        name if KUSTOMIZATIONS.contains(&name) => (
            "kustomize",
            format!(
                "name it as a kustomization, for which `kustomize build {folder}` is run, or give what that prints"
            ),
        ),
        _ => return None,
    };
    let message = format!("the folder `{folder}` is made for {program}: it holds a {name}");
    Some(problem(message).with_hint(hint))
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
        if let Some(wrong) = made_for_another(entry.path()) {
            return Err(wrong);
        }
        if is_manifest(entry.path()) {
            found.push(one(entry.path()));
        }
    }
    if found.is_empty() {
        let none = format!("the folder `{shown}` holds no .yaml, .yml or .json file");
        return Err(match below(folder).filter(|_| !recursive) {
            Some(path) => problem(format!("{none} itself; `{}` is in a folder below it", path.display()))
                .with_hint("name that folder, or ask for the folders below too (recursive)"),
            None => {
                problem(none).with_hint("check the path, and that the step before this one wrote the files")
            }
        });
    }
    Ok(found)
}

/// A manifest somewhere below a folder.
fn below(folder: &Path) -> Option<PathBuf> {
    let mut walk = WalkBuilder::new(folder);
    walk.standard_filters(false).sort_by_file_path(Path::cmp);
    walk.build().flatten().map(|entry| entry.into_path()).find(|path| is_manifest(path) && path.is_file())
}

/// The manifests among the files that match a pattern, and those of the folders that do.
fn by_pattern(pattern: &str, recursive: bool) -> Result<Vec<Found>, Cause> {
    let paths = glob::glob(pattern)
        .map_err(|error| problem(format!("`{pattern}` is not a pattern of paths: {}", error.msg)))?;
    let (mut found, mut others) = (Vec::new(), 0_usize);
    for path in paths {
        let path = path.map_err(|error| problem(format!("`{pattern}` cannot be looked for: {error}")))?;
        if path.is_dir() {
            // A pattern such as `k8s/**` names folders and what is in them: those without manifests are no mistake.
            match folder(&path, recursive) {
                Ok(inside) => found.extend(inside),
                Err(wrong) if wrong.message.contains(" is made for ") => return Err(wrong),
                Err(_) => {}
            }
        } else if let Some(wrong) = made_for_another(&path) {
            return Err(wrong);
        } else if is_manifest(&path) {
            found.push(one(&path));
        } else {
            others += 1;
        }
    }
    match (found.is_empty(), others) {
        (false, _) => Ok(found),
        (true, 0) => Err(problem(format!("no file matches `{pattern}`"))
            .with_hint("check the pattern; it is taken from the directory the command runs in")),
        (true, _) => Err(problem(format!(
            "none of the {others} files that match `{pattern}` ends in .yaml, .yml or .json"
        ))),
    }
}
