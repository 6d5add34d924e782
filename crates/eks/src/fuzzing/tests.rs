//! The same on every test run: the corpus, every past finding, and inputs that are near to them.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// What is put into inputs beside their own parts.
const WORDS: [&str; 20] = [
    "null",
    "~",
    "0644",
    "1e999",
    "\"",
    "'",
    "\n---\n",
    "\n  ",
    "\n- ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "{{",
    "[[",
    "}}",
    "kind: List\nitems:\n",
    "\"deletionTimestamp\":\"2026-08-06T06:26:40Z\",",
    "é",
    "\u{1b}[31m\n",
];

/// The files of a target: `corpus` is what the fuzzer knows, `found` what it has found.
fn inputs(target: &str) -> Vec<Vec<u8>> {
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

fn text(input: &[u8], work: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        work(text);
    }
}

#[test]
fn every_input_of_the_fuzzer_holds() {
    inputs("manifests").iter().for_each(|input| text(input, super::manifests));
    inputs("kubeconfig").iter().for_each(|input| text(input, super::kubeconfig));
    inputs("kubernetes_answer").iter().for_each(|input| super::answer(input));
}

/// An input of the corpus with a few changes: a piece taken out, given twice, or a word put in.
fn near(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let change = (0..3_u8, any::<Index>(), 0..40_usize, prop::sample::select(WORDS.to_vec()));
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

/// Half of what other properties have. `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 2, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn manifests_near_to_real_ones_hold(input in near("manifests")) {
        text(&input, super::manifests);
    }

    #[test]
    fn any_text_holds_as_manifests(input in "\\PC{0,80}") {
        super::manifests(&input);
    }

    #[test]
    fn kubeconfigs_near_to_real_ones_hold(input in near("kubeconfig")) {
        text(&input, super::kubeconfig);
    }

    #[test]
    fn answers_near_to_real_ones_hold(input in near("kubernetes_answer")) {
        super::answer(&input);
    }
}
