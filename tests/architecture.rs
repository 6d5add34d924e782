//! Rules of the house that no lint can hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn all(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), ending, &mut found);
    found
}

/// The files whose code (not comments) holds any of `words`.
fn naming(words: &[&str]) -> Vec<String> {
    let named = all(".rs").into_iter().filter(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.into_iter().any(|line| words.iter().any(|word| line.contains(word)))
    });
    let mut named: Vec<String> =
        named.map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()).collect();
    named.retain(|name| name != "tests/architecture.rs");
    named.sort();
    named
}

#[test]
fn one_file_names_the_backoff_crate() {
    assert_eq!(naming(&["backoff::", "use backoff"]), ["crates/core/src/wait/delays.rs"]);
}

#[test]
fn one_file_reads_the_process_environment() {
    let readers = naming(&["std::env::var", "env::vars"]);
    assert_eq!(readers, ["crates/aws/src/environment.rs"], "others take an Environment by value");
}

#[test]
fn core_knows_no_aws_crate_and_targets_know_neither_auth_nor_each_other() {
    let manifest =
        |name: &str| std::fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).unwrap();
    let dependencies = |name: &str| {
        let text = manifest(name);
        let start = text.find("[dependencies]").unwrap();
        let rest = &text[start + 1..];
        rest[..rest.find("\n[").unwrap_or(rest.len())].to_owned()
    };
    assert!(!dependencies("core").contains("aws"), "{}", dependencies("core"));
    assert!(!dependencies("core").contains("landfall"));
    assert!(!dependencies("simulator").contains("landfall"), "the simulator follows AWS, not our client");
    assert!(!dependencies("ecs").contains("landfall-auth"));
    for other in ["auth", "ecs", "ec2-cfn"] {
        assert!(!dependencies("eks").contains(&format!("landfall-{other}")), "{other}");
    }
    assert!(!dependencies("aws").contains("landfall-auth"));
    assert!(!dependencies("aws").contains("landfall-ecs"));
    assert!(!dependencies("auth").contains("landfall-ecs"));
}

#[test]
fn of_the_three_targets_of_ec2_none_knows_another() {
    let targets = ["stack", "bundle", "deployment"];
    for target in targets {
        let mut own = Vec::new();
        files(&root().join("crates/ec2-cfn/src").join(target), ".rs", &mut own);
        assert!(own.len() > 5, "{target} has {} files", own.len());
        for path in own {
            let text = std::fs::read_to_string(&path).unwrap();
            for other in targets.into_iter().chain(["release"]).filter(|other| *other != target) {
                let name = format!("crate::{other}");
                assert!(!text.contains(&name), "{} names {name}", path.display());
            }
        }
    }
}

#[test]
fn every_crate_inherits_the_lints_of_the_workspace() {
    for path in all("Cargo.toml") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{}", path.display());
    }
}

#[test]
fn files_can_be_held_in_the_head() {
    let long: Vec<String> = all(".rs")
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 450)
        .map(|(lines, path)| format!("{lines} {}", path.strip_prefix(root()).unwrap().display()))
        .collect();
    assert!(long.is_empty(), "longer than 450 lines: {long:?}");
}

#[test]
fn the_readme_example_of_the_library_is_the_one_that_is_compiled() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("examples/embed.rs")).unwrap();
    let code = example.split_once("\n\n").unwrap().1.trim();
    assert!(readme.contains(code), "README.md does not hold examples/embed.rs as it is");
}
