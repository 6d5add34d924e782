//! The same on every test run: the corpus, every past finding, and inputs that are near to them.

use proptest::prelude::*;

use proptest::sample::Index;
use serde_json::{Value, json};

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

/// Where the values of a document are, itself included.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| places(item, &format!("{at}/{place}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            places(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
}

/// An answer of the corpus with other values in some places: it is still JSON, as what changes its bytes seldom is.
fn altered() -> impl Strategy<Value = Vec<u8>> {
    let others = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(i64::MAX),
        json!(""),
        json!("no time"),
        json!("2026-08-06T06:26:40Z"),
        json!("9999-12-31T23:59:59Z"),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let answers = inputs("kubernetes_answer").into_iter();
    let answers: Vec<Value> = answers.filter_map(|answer| serde_json::from_slice(&answer).ok()).collect();
    let changes = prop::collection::vec((any::<Index>(), prop::sample::select(others)), 1..4);
    (prop::sample::select(answers), changes).prop_map(|(mut answer, changes)| {
        for (index, other) in changes {
            let mut found = Vec::new();
            places(&answer, "", &mut found);
            *answer.pointer_mut(&found[index.index(found.len())]).unwrap() = other;
        }
        answer.to_string().into_bytes()
    })
}

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

    #[test]
    fn answers_with_other_values_hold(input in altered()) {
        super::answer(&input);
    }
}
