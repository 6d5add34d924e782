//! What the tests of all fuzzed crates share: the files of a target, and inputs that are near to them.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// The files of a target: `corpus` is what the fuzzer knows, `found` what it has found.
pub(crate) fn inputs(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut all = Vec::new();
    for folder in [root.join("corpus").join(target), root.join("found").join(target)] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        all.extend(paths.into_iter().map(|path| std::fs::read(path).unwrap()));
    }
    assert!(all.len() >= 3, "the corpus of {target} is not where it should be");
    all
}

/// Works with an input that is text.
pub(crate) fn text(input: &[u8], work: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        work(text);
    }
}

/// An input of the corpus with a few changes: a piece taken out, given twice, or one of these words put in.
pub(crate) fn near(target: &str, words: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let change = (0..3_u8, any::<Index>(), 0..40_usize, prop::sample::select(words.to_vec()));
    let changes = prop::collection::vec(change, 0..5);
    (prop::sample::select(inputs(target)), changes).prop_map(|(mut input, changes)| {
        for (what, at, length, word) in changes {
            let start = at.index(input.len() + 1);
            let end = (start + length).min(input.len());
            let piece = input[start..end].to_vec();
            match what {
                0 => drop(input.splice(start..end, [])),
                1 => drop(input.splice(start..start, piece)),
                _ => drop(input.splice(start..end.min(start + 4), word.bytes())),
            }
        }
        input
    })
}

/// A part of what other properties have, for there are many of these. `PROPTEST_CASES` asks for more.
pub(crate) fn cases(one_of: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / one_of, failure_persistence: None, ..usual }
}
