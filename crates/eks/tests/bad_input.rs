//! `docs/eks-bad-input.md` is what the example prints, and what it prints is fit to be read.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../examples/bad_input/cases.rs"]
mod cases;
#[path = "../examples/bad_input/table.rs"]
mod table;

#[test]
fn the_page_about_bad_input_is_what_is_said() {
    let rows = table::rows().unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/eks-bad-input.md");
    let (written, said) = (std::fs::read_to_string(page).unwrap(), table::markdown(&rows));
    for (line, (is, should)) in written.lines().zip(said.lines()).enumerate() {
        assert_eq!(is, should, "docs/eks-bad-input.md, line {}: run `just causes`", line + 1);
    }
    assert_eq!(written.lines().count(), said.lines().count(), "docs/eks-bad-input.md: run `just causes`");
}

#[test]
fn every_bad_input_is_told_with_its_place_and_no_secret_is_shown() {
    let rows = table::rows().unwrap();
    assert!(rows.len() >= 100, "{}", rows.len());
    for row in &rows {
        let (title, said) = (row.case.title, row.said.join("\n"));
        assert!(!said.is_empty(), "{title}");
        for secret in ["hunter2", "aHVudGVyMg", "31337"] {
            assert!(!said.contains(secret), "{title}: {said}");
        }
        let of_text = matches!(row.case.input, cases::Input::Yaml(_) | cases::Input::Json(_));
        if of_text && !said.contains("there is no object in what was read") {
            assert!(
                row.said.iter().all(|said| said.starts_with("m.") && said.contains("document ")),
                "{title}: {said}"
            );
        }
    }
}
