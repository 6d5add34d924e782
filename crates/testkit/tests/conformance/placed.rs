//! A target that keeps every rule, or breaks a chosen one.

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
use landfall_testkit::conformance::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const SECRET: &str = "correct-horse-battery";

/// A secret that JSON and `Debug` write in another way.
pub(crate) const QUOTED: &str = "say \"friend\"\nand enter\\";

/// What a target does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    OtherNames,
    OtherSpecifications,
    OtherKind,
    PlanWrites,
    PlanWritesLater,
    PlanIsEmpty,
    DoesNothing,
    AppliesTwice,
    AppliesTwiceAfterTheEnd,
    LookWrites,
    LookKeepsItsStateInMemory,
    LookForgetsOutputs,
    DroppedLookStaysAtWork,
    UndoForgets,
    UndoNeedsReceipt,
    UndoAppliesTwice,
    UndoAgainRestoresAgain,
    UndoIsNotNeeded,
    UndoIsImpossible,
    StopsHalfway,
    StopsInTheMiddle,
    LeavesHalfToTheNext,
    IgnoresStops,
    AcceptsAnyPlan,
    AcceptsAnyReceipt,
    Panics,
    WrongErrorKind,
    NeedsItsCursor,
    WordlessError,
    ShowsSecretInPlan,
    ShowsQuotedSecret,
    ShowsSecretInDebug,
    ShowsSecretInError,
    Hangs,
    WrongKindWhenRefused,
    NothingToDoWhenRefused,
    AppliesWhenRefused,
    HalfWhenRefused,
    FailedWhenRefused,
    RestoredWhenRefused,
    GivesUpForeverWhenRefused,
}

/// A shelf with one book, and a count of everything that was ever put on it.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) book: String,
    moves: Vec<String>,
    /// By token: when it was put there.
    put: BTreeMap<String, Instant>,
    /// How it refuses everything.
    refusing: Option<ErrorKind>,
    refused: bool,
    looking: bool,
}

#[derive(Clone)]
pub(crate) struct Placed {
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

    /// The shelf, if it answers.
    fn open(&self) -> Result<()> {
        let mut shelf = self.shelf.lock().unwrap();
        let Some(kind) = shelf.refusing else { return Ok(()) };
        shelf.refused = true;
        let kind = if self.is(Fault::WrongKindWhenRefused) { ErrorKind::Internal } else { kind };
        let key = if self.is(Fault::ShowsSecretInError) { SECRET } else { "its key" };
        Err(Error::new(kind, format!("the shelf is not opened by {key}")))
    }

    fn moved(&self, what: &str) {
        self.shelf.lock().unwrap().moves.push(what.to_owned());
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
            Err(_) if self.is(Fault::WordlessError) => Err(Error::new(ErrorKind::Conflict, " ")),
            Err(error) => Err(error),
        }
    }

    /// Puts it there, in two moves of which each takes a moment.
    async fn place(&self, cx: &Context, work: &Work, token: &str) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let stopped = cx.is_cancelled();
        if stopped && self.is(Fault::StopsInTheMiddle) {
            self.moved("half");
            return Err(Error::new(ErrorKind::Transient, "stopped"));
        }
        if stopped && self.is(Fault::LeavesHalfToTheNext) {
            return Ok(());
        }
        if !self.is(Fault::DoesNothing) {
            self.put(work, token);
        }
        Ok(())
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
        let here = format!("{:p}", Arc::as_ptr(&self.applied_here));
        if self.is(Fault::OtherSpecifications) { here } else { "new".to_owned() }
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        let kind = if self.is(Fault::OtherKind) { "another" } else { "placed" };
        match self.open() {
            Err(_) if self.is(Fault::NothingToDoWhenRefused) => {
                return Plan::new(kind, 1, Vec::new(), &"nothing");
            }
            opened => opened?,
        }
        if self.is(Fault::PlanWrites) {
            self.moved("plan");
        }
        if self.is(Fault::PlanWritesLater) {
            let later = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                later.moved("later");
            });
        }
        let from = self.shelf.lock().unwrap().book.clone();
        let changes = vec![Change::new(Effect::Update, "shelf")];
        let changes = if self.is(Fault::PlanIsEmpty) { Vec::new() } else { changes };
        let note = match self.fault {
            Fault::ShowsSecretInPlan => SECRET,
            Fault::ShowsQuotedSecret => QUOTED,
            _ => "",
        };
        let note = note.to_owned();
        Plan::new(kind, 1, changes, &Work { from, to: "new".into(), token: String::new(), note })
    }

    async fn apply(&self, cx: &Context, plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        let work = self.work(plan)?;
        let token = plan.token.to_string();
        if self.is(Fault::Hangs) {
            std::future::pending::<()>().await;
        }
        match self.open() {
            Err(_) if self.is(Fault::AppliesWhenRefused) => {}
            Err(error) => {
                if self.is(Fault::HalfWhenRefused) {
                    self.moved("half");
                }
                return Err(error);
            }
            Ok(()) => {}
        }
        if self.is(Fault::GivesUpForeverWhenRefused) && self.shelf.lock().unwrap().refused {
            return Receipt::new("placed", 1, "it is given up", &Work { token, ..work });
        }
        if self.is(Fault::StopsInTheMiddle) && cx.is_cancelled() {
            return Err(Error::new(ErrorKind::Transient, "stopped before it was begun"));
        }
        if self.is(Fault::StopsHalfway) && cx.is_cancelled() {
            self.moved("half");
            return Err(Error::new(ErrorKind::Transient, "stopped"));
        }
        let known = self.shelf.lock().unwrap().put.get(&token).copied();
        let again = (self.is(Fault::AppliesTwice) && !plan.token.is_undo())
            || (self.is(Fault::UndoAppliesTwice) && plan.token.is_undo())
            || (self.is(Fault::AppliesTwiceAfterTheEnd)
                && !plan.token.is_undo()
                && known.is_some_and(|put| put.elapsed() > Duration::from_secs(2)));
        if known.is_none() || again {
            self.place(cx, &work, &token).await?;
        }
        *self.applied_here.lock().unwrap() = true;
        Receipt::new("placed", 1, "it was put there", &Work { token, ..work })
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let work: Work = match receipt.read("placed", 1) {
            Err(_) if self.is(Fault::AcceptsAnyReceipt) => {
                return Ok(Observation::new(State::pending("something")));
            }
            read => read?,
        };
        match self.open() {
            Err(_) if self.is(Fault::FailedWhenRefused) => {
                return Ok(Observation::new(State::Ended(End::Failed)));
            }
            opened => opened?,
        }
        if self.is(Fault::IgnoresStops) && cx.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        if self.is(Fault::NeedsItsCursor) && *look.cursor != Cursor::default() {
            let _: u32 = look.cursor.read().ok_or_else(|| Error::internal("an odd cursor"))?;
        }
        if self.is(Fault::DroppedLookStaysAtWork)
            && std::mem::replace(&mut self.shelf.lock().unwrap().looking, true)
        {
            return Err(Error::internal("somebody looks already"));
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
        self.shelf.lock().unwrap().looking = false;
        if self.is(Fault::LookWrites) {
            self.moved("look");
        }
        if self.is(Fault::LookKeepsItsStateInMemory) && !*self.applied_here.lock().unwrap() {
            return Err(Error::internal("nothing was applied here"));
        }
        let shelf = self.shelf.lock().unwrap();
        if self.is(Fault::DoesNothing) {
            return Ok(Observation::new(State::Ready(Outputs::new())));
        }
        let put = shelf.put.get(&work.token).ok_or_else(|| Error::internal("it was never put there"))?;
        if put.elapsed() < Duration::from_secs(5) {
            return Ok(Observation::new(State::pending("the shelf to settle")).with_cursor(Cursor::new(&1)));
        }
        if shelf.book != work.to {
            return Ok(Observation::new(State::Ended(End::Superseded { by: shelf.book.clone() })));
        }
        let looked = format!("{:?}", put.elapsed());
        let book = if self.is(Fault::LookForgetsOutputs) { &looked } else { &work.to };
        Ok(Observation::new(State::Ready(Outputs::new().with("book", book))))
    }

    async fn revert(&self, _cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let work = self.work(plan)?;
        match self.open() {
            Err(_) if self.is(Fault::RestoredWhenRefused) => return Ok(Revert::NothingToDo),
            opened => opened?,
        }
        if self.is(Fault::UndoIsNotNeeded) && receipt.is_some() {
            return Ok(Revert::NothingToDo);
        }
        if self.is(Fault::UndoIsImpossible) {
            return Ok(Revert::Impossible { reason: "nobody knows".into() });
        }
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

pub(crate) struct Room {
    pub(crate) shelf: Arc<Mutex<Shelf>>,
    pub(crate) fault: Fault,
    pub(crate) secrets: Vec<String>,
}

impl Room {
    pub(crate) fn new(fault: Fault) -> Self {
        let shelf = Arc::new(Mutex::new(Shelf { book: "old".into(), ..Shelf::default() }));
        Self { shelf, fault, secrets: vec![SECRET.to_owned(), QUOTED.to_owned()] }
    }
}

#[async_trait]
impl World for Room {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        let (shelf, fault) = (Arc::clone(&self.shelf), self.fault);
        Ok(Box::new(Placed { shelf, fault, applied_here: Arc::default() }))
    }

    async fn look(&self) -> Value {
        json!(self.shelf.lock().unwrap().book)
    }

    async fn effects(&self) -> Value {
        json!(self.shelf.lock().unwrap().moves)
    }

    fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }

    fn refusals(&self) -> Vec<ErrorKind> {
        vec![ErrorKind::Denied, ErrorKind::Transient]
    }

    async fn refuse(&self, with: Option<ErrorKind>) {
        self.shelf.lock().unwrap().refusing = with;
    }
}
