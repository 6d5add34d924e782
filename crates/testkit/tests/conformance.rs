//! The suite finds each rule that a target breaks, and nothing wrong with one that keeps them all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, and a target that breaks rules")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::target::Effect;
use landfall_core::{
    Change, Context, Cursor, DeployTarget, End, Error, ErrorKind, Look, Observation, Outputs, Place, Plan,
    Receipt, Resource, Result, Revert, State,
};
use landfall_testkit::conformance::{Violation, World, check};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

const SECRET: &str = "correct-horse-battery";

/// What a target does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    OtherNames,
    PlanWrites,
    PlanIsEmpty,
    AppliesTwice,
    AppliesTwiceAfterTheEnd,
    LookWrites,
    LookKeepsItsStateInMemory,
    UndoForgets,
    UndoNeedsReceipt,
    UndoAppliesTwice,
    UndoAgainRestoresAgain,
    StopsHalfway,
    IgnoresStops,
    AcceptsAnyPlan,
    AcceptsAnyReceipt,
    Panics,
    WrongErrorKind,
    ShowsSecretInPlan,
    ShowsSecretInDebug,
    Hangs,
}

/// A shelf with one book, and a count of everything that was ever put on it.
#[derive(Debug, Default)]
struct Shelf {
    book: String,
    moves: Vec<String>,
    /// By token: when it was put there.
    put: BTreeMap<String, Instant>,
}

#[derive(Clone)]
struct Placed {
    shelf: Arc<Mutex<Shelf>>,
    fault: Fault,
    applied_here: Arc<Mutex<bool>>,
}

impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.fault == Fault::ShowsSecretInDebug { SECRET } else { "..." };
        f.debug_struct("Placed").field("key", &shown).finish()
    }
}

#[derive(Serialize, Deserialize)]
struct Work {
    from: String,
    to: String,
    token: String,
    note: String,
}

impl Placed {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn put(&self, work: &Work, token: &str) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.book.clone_from(&work.to);
        shelf.moves.push(token.to_owned());
        shelf.put.insert(token.to_owned(), Instant::now());
    }

    fn work(&self, plan: &Plan) -> Result<Work> {
        match plan.read("placed", 1) {
            Ok(work) => Ok(work),
            Err(_) if self.is(Fault::Panics) => panic!("unknown plan"),
            Err(error) if self.is(Fault::WrongErrorKind) => {
                Err(Error::new(ErrorKind::Rejected, error.message()))
            }
            Err(_) if self.is(Fault::AcceptsAnyPlan) => {
                Ok(Work { from: "old".into(), to: "new".into(), token: String::new(), note: String::new() })
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl DeployTarget for Placed {
    fn kind(&self) -> &'static str {
        "placed"
    }

    fn resource(&self) -> Resource {
        let name = if self.is(Fault::OtherNames) {
            format!("{:p}", Arc::as_ptr(&self.applied_here))
        } else {
            "shelf".into()
        };
        Resource::new(Place::new("local", "this", "machine"), "placed", [name])
    }

    fn specification(&self) -> String {
        "new".to_owned()
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        if self.is(Fault::PlanWrites) {
            self.shelf.lock().unwrap().moves.push("plan".into());
        }
        let from = self.shelf.lock().unwrap().book.clone();
        let changes = vec![Change::new(Effect::Update, "shelf")];
        let changes = if self.is(Fault::PlanIsEmpty) { Vec::new() } else { changes };
        let note = if self.is(Fault::ShowsSecretInPlan) { SECRET } else { "" }.to_owned();
        Plan::new("placed", 1, changes, &Work { from, to: "new".into(), token: String::new(), note })
    }

    async fn apply(&self, cx: &Context, plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        let work = self.work(plan)?;
        let token = plan.token.to_string();
        if self.is(Fault::Hangs) {
            std::future::pending::<()>().await;
        }
        if self.is(Fault::StopsHalfway) && cx.is_cancelled() {
            self.shelf.lock().unwrap().moves.push("half".into());
            return Err(Error::new(ErrorKind::Transient, "stopped"));
        }
        let known = self.shelf.lock().unwrap().put.get(&token).copied();
        let again = (self.is(Fault::AppliesTwice) && !plan.token.is_undo())
            || (self.is(Fault::UndoAppliesTwice) && plan.token.is_undo())
            || (self.is(Fault::AppliesTwiceAfterTheEnd)
                && !plan.token.is_undo()
                && known.is_some_and(|put| put.elapsed() > Duration::from_secs(2)));
        if known.is_none() || again {
            self.put(&work, &token);
        }
        *self.applied_here.lock().unwrap() = true;
        Receipt::new("placed", 1, "it was put there", &Work { token, ..work })
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        let work: Work = match receipt.read("placed", 1) {
            Err(_) if self.is(Fault::AcceptsAnyReceipt) => {
                return Ok(Observation::new(State::pending("something")));
            }
            read => read?,
        };
        if self.is(Fault::IgnoresStops) && cx.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
        if self.is(Fault::LookWrites) {
            self.shelf.lock().unwrap().moves.push("look".into());
        }
        if self.is(Fault::LookKeepsItsStateInMemory) && !*self.applied_here.lock().unwrap() {
            return Err(Error::internal("nothing was applied here"));
        }
        let shelf = self.shelf.lock().unwrap();
        let put = shelf.put.get(&work.token).ok_or_else(|| Error::internal("it was never put there"))?;
        if put.elapsed() < Duration::from_secs(5) {
            return Ok(Observation::new(State::pending("the shelf to settle")).with_cursor(Cursor::new(&1)));
        }
        if shelf.book != work.to {
            return Ok(Observation::new(State::Ended(End::Superseded { by: shelf.book.clone() })));
        }
        Ok(Observation::new(State::Ready(Outputs::new().with("book", &work.to))))
    }

    async fn revert(&self, _cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let work = self.work(plan)?;
        let restored = self.shelf.lock().unwrap().book == work.from;
        if self.is(Fault::UndoNeedsReceipt) && receipt.is_none() {
            return Ok(Revert::NothingToDo);
        }
        if restored && !self.is(Fault::UndoAgainRestoresAgain) {
            return Ok(Revert::NothingToDo);
        }
        if restored {
            self.put(&Work { to: work.from.clone(), ..self.work(plan)? }, "again");
        }
        let to = if self.is(Fault::UndoForgets) { "nothing".to_owned() } else { work.from };
        let back = Work { from: work.to, to, token: String::new(), note: String::new() };
        Ok(Revert::Plan(Box::new(Plan::new("placed", 1, vec![Change::new(Effect::Update, "shelf")], &back)?)))
    }
}

struct Room(Arc<Mutex<Shelf>>, Fault);

#[async_trait]
impl World for Room {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        Ok(Box::new(Placed { shelf: Arc::clone(&self.0), fault: self.1, applied_here: Arc::default() }))
    }

    async fn look(&self) -> Value {
        json!(self.0.lock().unwrap().book)
    }

    async fn effects(&self) -> Value {
        json!(self.0.lock().unwrap().moves)
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}

async fn broken(fault: Fault) -> Vec<Violation> {
    let shelf = || Arc::new(Mutex::new(Shelf { book: "old".into(), ..Shelf::default() }));
    check(async || Ok(Room(shelf(), fault))).await
}

#[tokio::test(start_paused = true)]
async fn a_target_that_keeps_the_rules_is_not_blamed() {
    assert_eq!(broken(Fault::None).await, []);
}

#[tokio::test(start_paused = true)]
async fn each_broken_rule_is_found_and_named_in_words() {
    let table = [
        (Fault::OtherNames, "names", "two instances are called"),
        (Fault::PlanWrites, "plan-is-read-only", "two plans changed the world"),
        (Fault::PlanIsEmpty, "plan-is-read-only", "nothing to do in a new world"),
        (Fault::AppliesTwice, "apply-repeats", "a second apply with the same plan had an effect"),
        (Fault::AppliesTwiceAfterTheEnd, "apply-repeats", "an apply after the end"),
        (Fault::LookWrites, "observe-is-read-only", "looks changed the world"),
        (Fault::LookKeepsItsStateInMemory, "receipt-travels", "nothing was applied here"),
        (Fault::UndoForgets, "revert-restores", "after the undo it is not what it was"),
        (Fault::UndoNeedsReceipt, "revert-restores", "after an undo without a receipt"),
        (Fault::UndoAppliesTwice, "revert-repeats", "a second apply of the undo had an effect"),
        (Fault::UndoAgainRestoresAgain, "revert-repeats", "undoing what is undone already had an effect"),
        (Fault::StopsHalfway, "apply-when-stopped", "after it had changed the world"),
        (Fault::AcceptsAnyPlan, "errors", "a record of another kind was accepted"),
        (Fault::AcceptsAnyReceipt, "errors", "observe with a record of another kind was accepted"),
        (Fault::Panics, "errors", "panicked: unknown plan"),
        (Fault::WrongErrorKind, "errors", "is Rejected and not Conflict"),
        (Fault::ShowsSecretInPlan, "secrets", "its plan shows a secret"),
        (Fault::ShowsSecretInDebug, "secrets", "its Debug form shows a secret"),
        (Fault::Hangs, "apply-repeats", "apply took longer than 30 s"),
    ];
    for (fault, rule, words) in table {
        let broken = broken(fault).await;
        let found = broken.iter().find(|violation| violation.rule == rule);
        assert!(found.is_some_and(|violation| violation.what.contains(words)), "{fault:?}: {broken:#?}");
        assert!(broken.iter().all(|violation| !violation.what.contains(SECRET)), "{broken:#?}");
    }
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
