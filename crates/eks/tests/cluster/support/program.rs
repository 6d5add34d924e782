//! The program that `bash tests/kubernetes/build` builds.

use std::path::{Path, PathBuf};

use landfall_aws::environment::Environment;
use ring::digest::{SHA256, digest};

/// What it is built from.
const SOURCES: [&str; 3] = [
    include_str!("../../../../../tests/kubernetes/go.mod"),
    include_str!("../../../../../tests/kubernetes/go.sum"),
    include_str!("../../../../../tests/kubernetes/main.go"),
];

/// Where it is, or why there is none.
pub(crate) fn find(environment: &Environment) -> Result<PathBuf, String> {
    let cache = environment.get("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".cache")));
    let folder = format!("landfall/kubernetes-{}", key());
    cache.map(|cache| cache.join(folder).join("kubernetes")).filter(|program| program.is_file()).ok_or_else(
        || {
            "there is no Kubernetes control plane: run `bash tests/kubernetes/build`, which needs Go 1.26 or newer"
                .to_owned()
        },
    )
}

/// The name that `build` gives it.
fn key() -> String {
    let hash = digest(&SHA256, SOURCES.concat().as_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
