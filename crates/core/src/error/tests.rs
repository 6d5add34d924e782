use super::{Cause, EVIDENCE_LIMIT, Error, Location, excerpt};

#[test]
fn an_excerpt_keeps_the_last_lines_and_says_how_many_it_left_out() {
    let lines: Vec<String> = (0..2000).map(|n| format!("line {n}")).collect();
    let kept = excerpt(&lines);
    assert!(kept.iter().map(String::len).sum::<usize>() < EVIDENCE_LIMIT + 64);
    assert_eq!(kept.last().map(String::as_str), Some("line 1999"));
    assert!(kept[0].contains("earlier lines left out"), "{}", kept[0]);
    let long = excerpt(&["é".repeat(EVIDENCE_LIMIT)]);
    assert!(long[0].len() <= EVIDENCE_LIMIT / 4 + 4);
}

#[test]
fn a_report_names_message_place_field_evidence_and_next_step() {
    let error = Error::invalid("the task definition cannot be used")
        .with_cause(
            Cause::invalid("containerDefinitions[0].image", "expected a string, found 5")
                .at(Location { file: "td.json".into(), line: 3, column: 7 })
                .with_hint("put the image in quotes"),
        )
        .with_hint("correct the file and run again");
    assert_eq!(
        error.report(),
        "the task definition cannot be used\n  - td.json:3:7: containerDefinitions[0].image: expected a string, \
         found 5\n    next: put the image in quotes\n  next: correct the file and run again"
    );
    let text = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<Error>(&text).unwrap(), error);
}
