//! `docs/causes.md` is what the example prints: it says what landfall says, and nothing else.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../examples/causes/table.rs"]
mod table;

#[test]
fn the_page_about_causes_is_what_the_program_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/causes.md");
    let (written, said) = (std::fs::read_to_string(page).unwrap(), table::markdown().unwrap());
    for (line, (is, should)) in written.lines().zip(said.lines()).enumerate() {
        assert_eq!(is, should, "docs/causes.md, line {}: run `just causes`", line + 1);
    }
    assert_eq!(written.lines().count(), said.lines().count(), "docs/causes.md: run `just causes`");
}
