use landfall_core::End;

use super::super::memory::Purpose;
use super::start::{Start, start, way_out};
use super::{Standing, judge};

/// One letter for each judgement: g goes on, D done, N next part, F failed, R rolled back, S superseded.
fn letter(purpose: Purpose, status: Option<&str>, entered: bool) -> char {
    match judge(purpose, status, entered) {
        Standing::Going(_) => 'g',
        Standing::Done => 'D',
        Standing::Next => 'N',
        Standing::Ended(End::Failed) => 'F',
        Standing::Ended(End::RolledBack { .. }) => 'R',
        Standing::Ended(End::Superseded { .. }) => 'S',
        Standing::Ended(_) => '?',
    }
}

/// All 23 statuses and none: what they mean once the operation was seen, for a creation, an update, our own rollback,
/// a deletion, a deletion before a new creation, somebody else's operation, and when nothing was to be done.
const TABLE: [(&str, &str, Start); 24] = [
    ("", "RSSDNNS", Start::Create),
    ("REVIEW_IN_PROGRESS", "ggggg Ng", Start::Create),
    ("CREATE_IN_PROGRESS", "ggggg gg", Start::Busy),
    ("CREATE_FAILED", "Fgggg NF", Start::Kept),
    ("CREATE_COMPLETE", "Dgggg ND", Start::Update),
    ("ROLLBACK_IN_PROGRESS", "ggggg gg", Start::Busy),
    ("ROLLBACK_FAILED", "FgFgg NF", Start::OnlyDelete),
    ("ROLLBACK_COMPLETE", "RgDgg NF", Start::OnlyDelete),
    ("UPDATE_IN_PROGRESS", "Sgggg gg", Start::Busy),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Sgggg gD", Start::Busy),
    ("UPDATE_COMPLETE", "SDNgg ND", Start::Update),
    ("UPDATE_FAILED", "SFggg NF", Start::Kept),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "Sgggg gg", Start::Busy),
    ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "Sgggg gg", Start::Busy),
    ("UPDATE_ROLLBACK_COMPLETE", "SRDgg ND", Start::Update),
    ("UPDATE_ROLLBACK_FAILED", "SFFgg NF", Start::Broken),
    ("IMPORT_IN_PROGRESS", "ggggg gg", Start::Busy),
    ("IMPORT_COMPLETE", "DDggg ND", Start::Update),
    ("IMPORT_ROLLBACK_IN_PROGRESS", "ggggg gg", Start::Busy),
    ("IMPORT_ROLLBACK_COMPLETE", "RRDgg ND", Start::Update),
    ("IMPORT_ROLLBACK_FAILED", "FFFgg NF", Start::Broken),
    ("DELETE_IN_PROGRESS", "gSSgg gg", Start::Busy),
    ("DELETE_FAILED", "FSSFF NF", Start::Broken),
    ("DELETE_COMPLETE", "RSSDN NF", Start::Create),
];

const PURPOSES: [Purpose; 7] = [
    Purpose::Create,
    Purpose::Update,
    Purpose::RollBack,
    Purpose::Delete,
    Purpose::Recreate,
    Purpose::Busy,
    Purpose::Standing,
];

#[test]
fn every_status_means_what_the_table_says() {
    for (status, want, begin) in TABLE {
        let known = (!status.is_empty()).then_some(status);
        let seen: String = PURPOSES.iter().map(|purpose| letter(*purpose, known, true)).collect();
        assert_eq!(seen, want.replace(' ', ""), "{status}");
        assert_eq!(start(known), begin, "{status}");
    }
}

#[test]
fn no_status_is_a_verdict_before_the_operation_was_seen() {
    for (status, ..) in TABLE {
        for purpose in [Purpose::Create, Purpose::Update, Purpose::RollBack] {
            let known = (!status.is_empty()).then_some(status);
            assert_eq!(letter(purpose, known, false), 'g', "{purpose:?} {status}");
        }
    }
    assert_eq!(letter(Purpose::Delete, Some("DELETE_FAILED"), false), 'g', "of an earlier deletion");
}

#[test]
fn a_stack_that_is_brought_back_is_ready_when_it_is_complete_and_has_failed_only_if_the_rollback_was_seen() {
    let judged = |status: &str, entered| letter(Purpose::BringBack, Some(status), entered);
    for (status, before, seen) in [
        ("UPDATE_FAILED", 'g', 'g'),
        ("UPDATE_ROLLBACK_FAILED", 'g', 'F'),
        ("UPDATE_ROLLBACK_IN_PROGRESS", 'g', 'g'),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", 'g', 'g'),
        ("UPDATE_ROLLBACK_COMPLETE", 'N', 'N'),
        ("DELETE_IN_PROGRESS", 'S', 'S'),
    ] {
        assert_eq!((judged(status, false), judged(status, true)), (before, seen), "{status}");
    }
}

#[test]
fn a_status_that_nobody_knows_is_never_a_success() {
    for purpose in PURPOSES {
        let judged = letter(purpose, Some("SOMETHING_NEW"), true);
        assert!(judged != 'D', "{purpose:?}: {judged}");
    }
    assert_eq!(start(Some("SOMETHING_NEW")), Start::Broken);
}

#[test]
fn every_status_that_blocks_names_its_meaning_and_a_command() {
    for (status, _, begin) in TABLE {
        if matches!(begin, Start::OnlyDelete | Start::Kept | Start::Broken) {
            let (meaning, next) = way_out("web", status);
            assert!(!meaning.contains("does not know"), "{status}");
            assert!(
                next.contains("aws cloudformation ") && next.contains("--stack-name web"),
                "{status}: {next}"
            );
        }
    }
}
