//! The suite finds each rule that a target breaks, and nothing wrong with one that keeps them all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, and a target that breaks rules")]

mod placed;

use std::collections::BTreeSet;

use landfall_core::Error;
use landfall_testkit::conformance::{RULES, Violation, check};
use placed::{Fault, QUOTED, Room, SECRET};

async fn broken(fault: Fault) -> Vec<Violation> {
    check(async || Ok(Room::new(fault))).await
}

/// What a target does wrong, the rule that it breaks, and words of what is said of it.
const TABLE: [(Fault, &str, &str); 37] = [
    (Fault::OtherNames, "names", "two instances are called"),
    (Fault::OtherSpecifications, "names", "have different specifications"),
    (Fault::OtherKind, "names", "kind placed makes plans of another"),
    (Fault::PlanWrites, "plan-is-read-only", "two plans changed the world"),
    (Fault::PlanIsEmpty, "plan-is-read-only", "nothing to do in a new world"),
    (Fault::AppliesTwice, "apply-repeats", "a second apply with the same plan had an effect"),
    (Fault::AppliesTwiceAfterTheEnd, "apply-repeats", "an apply after the end"),
    (Fault::DoesNothing, "apply-repeats", "the world shows no effect of it"),
    (Fault::Hangs, "apply-repeats", "apply took longer than 30 s"),
    (Fault::LookWrites, "observe-is-read-only", "looks changed the world"),
    (Fault::DroppedLookStaysAtWork, "observe-is-read-only", "somebody looks already"),
    (Fault::LookKeepsItsStateInMemory, "receipt-travels", "nothing was applied here"),
    (Fault::LookForgetsOutputs, "receipt-travels", "from the receipt of a change that is ready"),
    (Fault::UndoForgets, "revert-restores", "after the undo it is not what it was"),
    (Fault::UndoNeedsReceipt, "revert-restores", "after an undo without a receipt"),
    (Fault::UndoIsImpossible, "revert-restores", "cannot be undone: nobody knows"),
    (Fault::UndoAppliesTwice, "revert-repeats", "a second apply of the undo had an effect"),
    (Fault::UndoAgainRestoresAgain, "revert-repeats", "undoing what is undone already had an effect"),
    (Fault::UndoIsNotNeeded, "revert-repeats", "a change that was just made and stands is not undone"),
    (Fault::PlanWritesLater, "stops", "stopped before its change changed the world"),
    (Fault::StopsHalfway, "apply-when-stopped", "after it had changed the world"),
    (Fault::StopsInTheMiddle, "apply-when-stopped", "after it had changed the world"),
    (Fault::LeavesHalfToTheNext, "apply-when-stopped", "left half of its work"),
    (Fault::AcceptsAnyPlan, "errors", "a record of another kind was accepted"),
    (Fault::AcceptsAnyReceipt, "errors", "observe with a record of another kind was accepted"),
    (Fault::Panics, "errors", "panicked: unknown plan"),
    (Fault::WrongErrorKind, "errors", "is Rejected and not Conflict"),
    (Fault::WordlessError, "errors", "without a word"),
    (Fault::NeedsItsCursor, "errors", "an odd cursor"),
    (Fault::WrongKindWhenRefused, "refusals", "is Internal and not Denied"),
    (Fault::NothingToDoWhenRefused, "refusals", "says that there is nothing to do"),
    (Fault::AppliesWhenRefused, "refusals", "says that it was done"),
    (Fault::HalfWhenRefused, "refusals", "had an effect"),
    (Fault::FailedWhenRefused, "refusals", "which it cannot have seen"),
    (Fault::RestoredWhenRefused, "refusals", "revert in a world that refuses says NothingToDo"),
    (Fault::GivesUpForeverWhenRefused, "refusals", "when the world answers again"),
    (Fault::ShowsSecretInError, "refusals", "shows a secret"),
];

/// As above, for the last rule, which has worlds of its own too.
const SECRETS: [(Fault, &str, &str); 3] = [
    (Fault::ShowsSecretInPlan, "secrets", "its plan shows a secret"),
    (Fault::ShowsQuotedSecret, "secrets", "its plan shows a secret"),
    (Fault::ShowsSecretInDebug, "secrets", "its Debug form shows a secret"),
];

#[tokio::test(start_paused = true)]
async fn a_target_that_keeps_the_rules_is_not_blamed() {
    assert_eq!(broken(Fault::None).await, []);
}

#[tokio::test(start_paused = true)]
async fn each_broken_rule_is_found_and_named_in_words() {
    for (fault, rule, words) in TABLE.into_iter().chain(SECRETS) {
        let broken = broken(fault).await;
        let found = broken.iter().find(|violation| violation.rule == rule);
        assert!(found.is_some_and(|violation| violation.what.contains(words)), "{fault:?}: {broken:#?}");
        assert!(broken.iter().all(|violation| !violation.what.contains(SECRET)), "{broken:#?}");
    }
}

#[test]
fn every_rule_is_broken_by_a_target_of_these_tests() {
    let broken: BTreeSet<&str> = TABLE.into_iter().chain(SECRETS).map(|(_, rule, _)| rule).collect();
    assert_eq!(broken, BTreeSet::from(RULES));
}

#[tokio::test(start_paused = true)]
async fn a_world_without_secrets_has_to_say_so_and_an_empty_secret_is_none() {
    let said = |secrets: Vec<String>| async move {
        let world = async || Ok(Room { secrets: secrets.clone(), ..Room::new(Fault::None) });
        check(world).await.into_iter().map(|violation| violation.to_string()).collect::<String>()
    };
    let none = said(Vec::new()).await;
    assert!(none.starts_with("secrets: the world gives no secrets"), "{none}");
    let empty = said(vec![QUOTED.to_owned(), "\n".to_owned()]).await;
    assert!(empty.starts_with("secrets: a secret of the world is empty"), "{empty}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_cannot_be_dropped_in_time_is_no_hindrance_to_a_stop() {
    assert_eq!(broken(Fault::IgnoresStops).await, [], "the life cycle drops looks");
}

#[tokio::test(start_paused = true)]
async fn a_world_that_cannot_be_made_is_said() {
    let nobody = check::<Room>(async || Err(Error::internal("no room"))).await;
    assert_eq!((nobody.len(), nobody[0].what.contains("no room")), (1, true));
}
