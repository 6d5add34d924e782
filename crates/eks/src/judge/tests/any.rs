//! Whatever a server answers, judging it does not panic, and judging it twice gives the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::below::{self, Sightings};
use super::super::{Applied, Patience, Rules, Seen, gone, judge};
use crate::diagnose::{Log, causes, wanted_logs};
use crate::fixtures::{after, all, anything, applied, count, damaged};

/// Everything that can be done with an object, of which every document lies below and around.
fn everything(object: &Value, documents: &[Value], applied: &Applied) {
    let mut seen = Seen::new(object).at(after(600));
    seen.replica_sets = documents.iter().collect();
    seen.controller_revisions = documents.iter().collect();
    seen.pods = documents.iter().collect();
    seen.events = documents.iter().collect();
    seen.storage_class = documents.first();
    seen.status_subresource = true;
    let patience = Patience::default();
    let first = judge(&seen, applied, &Rules::default(), &patience);
    assert_eq!(first, judge(&seen, applied, &Rules::default(), &patience));
    let _ = gone(object);
    let found = below::judge(&seen, applied, &Sightings::default(), &patience);
    let sightings = Sightings::default().after(&found, after(600));
    assert_eq!(sightings, sightings.after(&found, after(700)), "what is still there keeps its time");
    let line = "exec format error".to_owned();
    let logs: Vec<Log> =
        wanted_logs(&seen, &found).into_iter().map(|log| Log { lines: vec![line.clone()], ..log }).collect();
    for cause in causes(&seen, &found, &logs) {
        assert!(!cause.code.is_empty() && !cause.message.is_empty() && cause.hint.is_some(), "{cause:?}");
    }
    let _ = (format!("{seen:?}"), applied.clone().after(&seen));
}

#[test]
fn every_part_of_every_document_may_be_anything() {
    let hostile = [
        json!(null),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!("x"),
        json!([[{}]]),
        json!({ "é%": "\u{1b}" }),
    ];
    let all = all();
    for (index, document) in all.iter().enumerate() {
        for place in 0..count(document) {
            let with = &hostile[place % hostile.len()];
            let mut documents = all.clone();
            documents[index] = damaged(document.clone(), place, with);
            for object in [0, index] {
                everything(&documents[object], &documents, &applied());
            }
            // Each value at each place of the object itself, where there is little to be told.
            for with in &hostile {
                let object = damaged(document.clone(), place, with);
                everything(&object, std::slice::from_ref(&object), &Applied::default());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_can_be_judged_and_diagnosed(documents in prop::collection::vec(anything(), 1..4)) {
        for object in &documents {
            everything(object, &documents, &applied());
            everything(object, &documents, &Applied::default());
        }
    }

    #[test]
    fn damaged_documents_can_be_judged_and_diagnosed(
        places in prop::collection::vec(any::<usize>(), 1..5),
        with in anything(),
        object in any::<prop::sample::Index>(),
    ) {
        let damage = |document| places.iter().fold(document, |document, place| damaged(document, *place, &with));
        let documents: Vec<Value> = all().into_iter().map(damage).collect();
        everything(object.get(&documents), &documents, &applied());
    }
}
