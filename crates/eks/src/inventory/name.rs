//! How a release is called when nobody says it: by the folder that its manifests are in.

use std::path::{Component, Path, PathBuf};

use landfall_core::{Cause, Error, Result};

use super::Release;

impl Release {
    /// The name of a release whose manifests are read from these paths, as [`crate::input::ManifestSource::parse`] takes
    /// them: that of the folder that all of them are in, or are, in lower-case letters, digits and `-`.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] for standard input, which is in no folder, and for paths in several folders.
    pub fn name_of<T: AsRef<str>>(paths: &[T]) -> Result<String> {
        let missing = |why: &str| {
            let problem = Cause::invalid("release", format!("the release has no name: {why}"));
            Err(Error::invalid("the release has no name").with_cause(problem.with_hint("name the release")))
        };
        let mut names: Vec<String> = Vec::new();
        for path in paths.iter().map(AsRef::as_ref) {
            if path == "-" {
                return missing("standard input is in no folder that it could be called by");
            }
            let name = called(&folder(path));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.as_slice() {
            [name] if !name.is_empty() => Ok(name.clone()),
            [_] | [] => missing("the folder of the manifests has no name that could be used"),
            several => missing(&format!("the manifests are in several folders, {}", several.join(" and "))),
        }
    }
}

/// The folder that a path is, or that the file is in; of a glob, what stands before its first pattern.
fn folder(path: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_dir() {
        return path.to_owned();
    }
    let fixed = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let before: PathBuf = path.components().take_while(fixed).collect();
    if before == path { path.parent().map(Path::to_owned).unwrap_or_default() } else { before }
}

fn called(folder: &Path) -> String {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let whole = here.canonicalize().unwrap_or_else(|_| here.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let letters = name.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' });
    letters.collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::Release;

    fn named(paths: &[&str]) -> Result<String, String> {
        Release::name_of(paths).map_err(|error| error.report())
    }

    #[test]
    fn a_release_is_called_by_the_folder_of_its_manifests() {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("Shop_Web");
        std::fs::create_dir(&shop).unwrap();
        let shop = shop.to_str().unwrap();
        for rest in ["", "/", "/web.yaml", "/*.yaml", "/**/*.yaml", "/."] {
            assert_eq!(named(&[&format!("{shop}{rest}")]).as_deref(), Ok("shop-web"), "{rest}");
        }
        let two = [format!("{shop}/web.yaml"), format!("{shop}/settings.yaml")];
        assert_eq!(named(&[&two[0], &two[1]]).as_deref(), Ok("shop-web"));
        assert_eq!(named(&["k8s/not-there.yaml"]).as_deref(), Ok("k8s"));
        // Tests run in the folder of the crate.
        for path in [".", "web.yaml", "*.yaml", "src/.."] {
            assert_eq!(named(&[path]).as_deref(), Ok("eks"), "{path}");
        }
    }

    #[test]
    fn a_release_in_no_folder_or_in_several_has_to_be_named() {
        for (paths, why) in [
            (&["-"][..], "standard input"),
            (&["src/input", "-"], "standard input"),
            (&["src/input", "src/plan"], "several folders, input and plan"),
            (&["/"], "no name that could be used"),
        ] {
            let told = named(paths).unwrap_err();
            assert!(told.contains(why) && told.contains("name the release"), "{paths:?}: {told}");
        }
    }
}
