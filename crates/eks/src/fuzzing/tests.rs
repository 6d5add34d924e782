//! The same on every test run: the corpus, every past finding, and inputs that are near to them.

use proptest::prelude::*;

use near::{cases, inputs, near, text};

#[path = "../../../../fuzz/near.rs"]
mod near;

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

#[test]
fn every_input_of_the_fuzzer_holds() {
    inputs("manifests").iter().for_each(|input| text(input, super::manifests));
    inputs("kubeconfig").iter().for_each(|input| text(input, super::kubeconfig));
    inputs("kubernetes_answer").iter().for_each(|input| super::answer(input));
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn manifests_near_to_real_ones_hold(input in near("manifests", &WORDS)) {
        text(&input, super::manifests);
    }

    #[test]
    fn any_text_holds_as_manifests(input in "\\PC{0,80}") {
        super::manifests(&input);
    }

    #[test]
    fn kubeconfigs_near_to_real_ones_hold(input in near("kubeconfig", &WORDS)) {
        text(&input, super::kubeconfig);
    }

    #[test]
    fn answers_near_to_real_ones_hold(input in near("kubernetes_answer", &WORDS)) {
        super::answer(&input);
    }
}
