//! `kustomize build`, by the program of that name or the one that `kubectl` has built in.

use std::path::Path;

use landfall_aws::environment::Environment;
use landfall_core::Cause;

use super::program::{LIMITS, command, find, is_flag, run};

/// Files that make a folder one of kustomize's.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What the kustomization in a folder comes to, with the command that printed it.
pub(in crate::input) fn build(
    folder: &str,
    environment: &Environment,
) -> Result<(String, String), Box<Cause>> {
    check(folder)?;
    let candidates = [("kustomize", "build"), ("kubectl", "kustomize")];
    let found = candidates.into_iter().find_map(|(name, verb)| Some((name, verb, find(environment, name)?)));
    let Some((name, verb, program)) = found else {
        let message =
            format!("`{folder}` is a kustomization, and there is neither `kustomize` nor `kubectl` in PATH");
        let hint = "put one of them into the image of the job (kubectl has kustomize built in), or build the kustomization \
                    elsewhere and give what that prints";
        return Err(Box::new(Cause::invalid("kustomize", message).with_hint(hint)));
    };
    let shown = format!("{name} {verb} {folder}");
    let mut command = command(&program, environment);
    command.arg(verb).arg(if is_flag(folder) { format!("./{folder}") } else { folder.to_owned() });
    let text = run(command, &shown, &LIMITS).map_err(|cause| {
        let wants_flag = cause
            .evidence
            .iter()
            .any(|line| line.contains("--enable-") || line.contains("--load-restrictor"));
        let hint = match wants_flag {
            true => "landfall gives it no flags: run it with those it asks for, and give what it prints"
                .to_owned(),
            false => format!("run `{shown}` by hand: it has to succeed there first"),
        };
        Box::new(cause.with_hint(hint))
    })?;
    Ok((shown, text))
}

fn check(folder: &str) -> Result<(), Box<Cause>> {
    let problem = |message: String, hint: &str| {
        Err(Box::new(Cause::invalid("kustomize", format!("kustomize: {message}")).with_hint(hint)))
    };
    let path = Path::new(folder);
    if folder.trim().is_empty() {
        return problem("the folder is empty".to_owned(), "a variable for it was probably not set");
    }
    if path.is_dir() {
        return match KUSTOMIZATIONS.iter().any(|name| path.join(name).is_file()) {
            true => Ok(()),
            false => problem(
                format!("the folder `{folder}` holds no kustomization.yaml"),
                "name the folder that holds it, or give the folder as one of manifests",
            ),
        };
    }
    if path.exists() {
        let parent = path.parent().map(Path::to_string_lossy).filter(|parent| !parent.is_empty());
        let parent = parent.unwrap_or(".".into());
        return problem(format!("`{folder}` is a file"), &format!("name its folder: {parent}"));
    }
    if folder.contains("://") || folder.starts_with("github.com/") || folder.starts_with("git@") {
        let hint = "fetch it first at a commit that you know, and name the folder";
        return problem(format!("`{folder}` is an address, and only folders are built"), hint);
    }
    problem(
        format!("there is no folder `{folder}`"),
        "check the path; it is taken from the directory the command runs in",
    )
}
