//! One suite of behaviours, asked of every server: what AWS documents, and what the server answers.
//!
//! A server that answers otherwise fails the test, unless the difference is recorded in [`differences`] with its reason.
//! A recorded difference that is gone fails too, so that the list stays true.

mod api;
mod bundles;
mod differences;
mod identity;
mod release;
mod rights;
mod stacks;

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use crate::cloud::{Cloud, Kind};
use crate::ministack::Servers;

pub(crate) use differences::DIFFERENCES;
pub(crate) use identity::away_session;

type Asked<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;

/// A question, with the answer that AWS documents.
pub(crate) struct Behaviour {
    pub(crate) name: &'static str,
    pub(crate) documented: &'static str,
    /// Only of servers that look at who calls.
    pub(crate) needs_checks: bool,
    ask: for<'a> fn(&'a Servers, &'a Cloud) -> Asked<'a>,
}

impl std::fmt::Debug for Behaviour {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// A server that is known to answer otherwise.
pub(crate) struct Difference {
    pub(crate) behaviour: &'static str,
    pub(crate) servers: &'static [Kind],
    pub(crate) answers: &'static str,
    /// Why that is wrong, with the page that says so.
    pub(crate) why: &'static str,
}

macro_rules! behaviour {
    ($name:literal, $documented:literal, $ask:path) => {
        $crate::behaviours::Behaviour {
            name: $name,
            documented: $documented,
            needs_checks: false,
            ask: |_, cloud| Box::pin($ask(cloud)),
        }
    };
    (checked $name:literal, $documented:literal, $ask:path) => {
        $crate::behaviours::Behaviour { needs_checks: true, ..behaviour!($name, $documented, $ask) }
    };
    (restaged $name:literal, $documented:literal, $ask:path) => {
        $crate::behaviours::Behaviour {
            name: $name,
            documented: $documented,
            needs_checks: true,
            ask: |servers, cloud| Box::pin($ask(servers, cloud.kind)),
        }
    };
}
use behaviour;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Behaviour> {
    [
        api::BEHAVIOURS,
        bundles::BEHAVIOURS,
        identity::BEHAVIOURS,
        release::BEHAVIOURS,
        rights::BEHAVIOURS,
        stacks::BEHAVIOURS,
    ]
    .into_iter()
    .flatten()
}

/// One answer, for the table at the end.
pub(crate) struct Row {
    behaviour: &'static str,
    kind: Kind,
    answer: String,
}

/// The answers so far.
#[derive(Default)]
pub(crate) struct Table {
    rows: Mutex<Vec<Row>>,
}

/// Asks a server, and compares.
pub(crate) async fn check(
    behaviour: &'static Behaviour,
    kind: Kind,
    servers: &Servers,
    table: &Table,
) -> Result<(), String> {
    let cloud = Cloud::new(kind, servers).await;
    let answer = (behaviour.ask)(servers, &cloud).await;
    let row = Row { behaviour: behaviour.name, kind, answer: answer.clone() };
    table.rows.lock().unwrap().push(row);
    let documented = behaviour.documented;
    match (recorded(behaviour.name, kind), answer == documented) {
        (None, true) => Ok(()),
        (None, false) => Err(format!("AWS documents  {documented}\n{:<14} {answer}", kind.name())),
        (Some(_), true) => Err(format!(
            "{} now answers as AWS documents: take the recorded difference out of behaviours/differences.rs",
            kind.name()
        )),
        (Some(difference), false) if difference.answers == answer => Ok(()),
        (Some(difference), false) => Err(format!(
            "AWS documents  {documented}\nrecorded       {}\n{:<14} {answer}",
            difference.answers,
            kind.name()
        )),
    }
}

fn recorded(behaviour: &str, kind: Kind) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|one| one.behaviour == behaviour && one.servers.contains(&kind))
}

/// Every recorded difference is about a behaviour that is asked for.
pub(crate) fn differences_are_asked_for() -> Result<(), String> {
    let unknown: Vec<&str> = DIFFERENCES
        .iter()
        .map(|one| one.behaviour)
        .filter(|name| !all().any(|behaviour| behaviour.name == *name))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("nothing asks for {unknown:?}")) }
}

impl Table {
    /// What was found: counts, and with `all` every answer.
    pub(crate) fn print(&self, all: bool) {
        let rows = self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for kind in Kind::ALL {
            let of: Vec<&Row> = rows.iter().filter(|row| row.kind == kind).collect();
            if of.is_empty() {
                continue;
            }
            let same = of.iter().filter(|row| documented(row.behaviour) == row.answer).count();
            let differing = of.len() - same;
            println!("{:<14} {same} behaviours as AWS documents them, {differing} differing", kind.name());
        }
        if all {
            self::all().for_each(|behaviour| tell(behaviour, &rows));
        }
    }
}

fn documented(name: &str) -> &'static str {
    all().find(|behaviour| behaviour.name == name).map_or("", |behaviour| behaviour.documented)
}

fn tell(behaviour: &Behaviour, rows: &[Row]) {
    let of: Vec<&Row> = rows.iter().filter(|row| row.behaviour == behaviour.name).collect();
    if of.is_empty() {
        return;
    }
    println!("\n{}\n  AWS            {}", behaviour.name, behaviour.documented);
    for kind in Kind::ALL {
        let Some(row) = of.iter().find(|row| row.kind == kind) else { continue };
        if row.answer == behaviour.documented {
            println!("  {:<14} the same", kind.name());
            continue;
        }
        let why = recorded(behaviour.name, kind).map_or("NOT RECORDED", |difference| difference.why);
        println!("  {:<14} {}\n                 why: {why}", kind.name(), row.answer);
    }
}
