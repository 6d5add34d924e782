//! Tests of the whole module; the round trip of files is in the crate's `tests/round_trip.rs`.

mod bad_documents;
mod diffs;
mod edits;
mod shapes;

use super::Document;

/// A document from a file that is good.
fn good(text: &str) -> Document {
    match Document::parse("td.json", text) {
        Ok(document) => document,
        Err(error) => panic!("{}", error.report()),
    }
}

/// A document of family `web` whose only container `web` has these members besides its name.
fn with_container(members: &str) -> Document {
    good(&format!(r#"{{"family":"web","containerDefinitions":[{{"name":"web",{members}}}]}}"#))
}

/// A document of family `web` with one container and these members besides.
fn with_members(members: &str) -> Document {
    good(&format!(r#"{{"family":"web",{members},"containerDefinitions":[{{"name":"web"}}]}}"#))
}
