//! `docs/ec2-causes.md` is what the example prints: every failure mode has a scenario, a cause and a next step.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../examples/ec2_causes/table/mod.rs"]
mod table;

use std::collections::BTreeSet;

#[test]
fn every_failure_mode_of_stacks_bundles_and_deployments_names_its_cause_and_next_step() {
    let rows = table::rows().unwrap();
    let modes: BTreeSet<&str> = rows.iter().map(|row| row.case.mode).collect();
    for (letter, most) in [("S", 15), ("P", 7), ("C", 12)] {
        for number in 1..=most {
            let mode = format!("{letter}{number}");
            assert!(modes.contains(mode.as_str()), "{mode} has no row");
        }
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ec2-causes.md");
    let (written, said) = (std::fs::read_to_string(page).unwrap(), table::markdown(&rows));
    for (line, (is, should)) in written.lines().zip(said.lines()).enumerate() {
        assert_eq!(is, should, "docs/ec2-causes.md, line {}: run `just causes`", line + 1);
    }
    assert_eq!(written.lines().count(), said.lines().count(), "docs/ec2-causes.md: run `just causes`");
}
