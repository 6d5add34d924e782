mod bad_input;
mod edits;
#[cfg(unix)]
mod programs;
mod reading;

use landfall_core::Error;

use super::{ManifestSet, ManifestSetBuilder};

/// A builder that reads this text as `m.yaml`.
fn text(text: &str) -> ManifestSetBuilder {
    ManifestSet::builder().text("m.yaml", text)
}

fn refused(builder: ManifestSetBuilder) -> Error {
    builder.read().expect_err("it was taken")
}

/// A deployment with these containers in its template.
fn deployment(name: &str, containers: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      \
         containers:\n{containers}"
    )
}
