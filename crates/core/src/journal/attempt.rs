//! What the records of an attempt say, for people and for an undo.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{History, Records};
use crate::target::{Plan, Receipt, Undone, Verdict};

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// A plan is recorded; whether anything of it was done is not.
    Planned,
    /// AWS has accepted the change; how it came out is not recorded.
    Applied,
    /// It succeeded.
    Succeeded,
    /// It did not succeed, and its undo has not come to an end.
    Undoing,
    /// It is over, and what became of it is known.
    Closed,
}

/// One attempt of one step, as its records tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The step's path.
    pub step: String,
    /// Its number, from 1.
    pub number: u32,
    /// How far it has come.
    pub stage: Stage,
    /// What was planned.
    pub plan: Option<Plan>,
    /// What was started last.
    pub receipt: Option<Receipt>,
    /// How it came out; none while that is not known.
    pub verdict: Option<Verdict>,
    /// What became of the change; none while that is not known.
    pub undone: Option<Undone>,
    /// When its first record was written.
    pub began: Timestamp,
    /// When its last record was written.
    pub last: Timestamp,
}

/// One attempt of a pipeline, as its own records tell. Those of its steps are attempts of their own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Whole {
    /// The pipeline's path; those of its steps are below it.
    pub path: String,
    /// Its number, from 1.
    pub number: u32,
    /// The steps that were started, by their names below the path, and which attempt of each it was.
    pub started: BTreeMap<String, u32>,
    /// How those steps came out whose own records do not say it: nothing of them was begun, or they were left as they
    /// are while others were put back.
    pub given_up: BTreeMap<String, Verdict>,
    /// Why what had succeeded is put back, if that was begun.
    pub reverting: Option<String>,
    /// The exit code of the run that ended it; none while it can be gone on with, which a success always can.
    pub exit_code: Option<u8>,
    /// When its first record was written.
    pub began: Timestamp,
    /// When its last record was written.
    pub last: Timestamp,
}

impl History {
    /// All attempts of steps in the order in which they were begun.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        let records = self.by_attempt();
        let steps = records.iter().filter(|(.., records)| !Whole::is_one(records));
        steps.filter_map(|(step, number, records)| Attempt::of(step, *number, records)).collect()
    }

    /// All attempts of pipelines in the order in which they were begun.
    #[must_use]
    pub fn pipelines(&self) -> Vec<Whole> {
        let records = self.by_attempt();
        records.iter().filter_map(|(path, number, records)| Whole::of(path, *number, records)).collect()
    }

    fn by_attempt(&self) -> Vec<(&str, u32, Records)> {
        let mut places: BTreeMap<(&str, u32), usize> = BTreeMap::new();
        let mut all: Vec<(&str, u32, Records)> = Vec::new();
        for entry in &self.entries {
            let place = *places.entry((&entry.step, entry.attempt)).or_insert_with(|| {
                all.push((&entry.step, entry.attempt, Records::new()));
                all.len() - 1
            });
            let (.., records) = &mut all[place];
            records.entry(entry.record.clone()).or_insert_with(|| entry.recorded());
        }
        all
    }
}

impl Whole {
    /// What these records tell; nothing when they are not those of a pipeline.
    #[must_use]
    pub fn of(path: &str, number: u32, records: &Records) -> Option<Self> {
        let times = || records.values().map(|recorded| recorded.at);
        let starts = (0_u32..).map_while(|start| read(records, &format!("started.{start}")));
        let names = records.keys().filter_map(|name| name.strip_prefix("refused."));
        Self::is_one(records).then_some(())?;
        Some(Self {
            path: path.to_owned(),
            number,
            started: starts.flat_map(BTreeMap::<String, u32>::into_iter).collect(),
            given_up: names
                .filter_map(|name| Some((name.to_owned(), read(records, &format!("refused.{name}"))?)))
                .collect(),
            reverting: read(records, "reverting"),
            exit_code: read(records, "closed"),
            began: times().min()?,
            last: times().max()?,
        })
    }

    /// Whether these are records of a pipeline: its first is which steps were started.
    fn is_one(records: &Records) -> bool {
        records.contains_key("started.0")
    }
}

impl Attempt {
    /// What these records tell; nothing when there are none.
    #[must_use]
    pub fn of(step: &str, number: u32, records: &Records) -> Option<Self> {
        let times = || records.values().map(|recorded| recorded.at);
        let has = |name: &str| records.contains_key(name);
        let undone = read(records, "reverted").or_else(|| read(records, "closed"));
        let stage = match () {
            () if has("closed") => Stage::Closed,
            () if has("undo.plan") || has("verdict") => Stage::Undoing,
            () if has("settled") => Stage::Succeeded,
            () if has("apply.0") => Stage::Applied,
            () => Stage::Planned,
        };
        let parts = (0_u32..).map_while(|part| read(records, &format!("apply.{part}")));
        Some(Self {
            step: step.to_owned(),
            number,
            stage,
            plan: read(records, "plan"),
            receipt: parts.last(),
            verdict: read(records, "verdict").or_else(|| read(records, "settled")),
            undone,
            began: times().min()?,
            last: times().max()?,
        })
    }
}

/// A record; nothing when there is none, or another version wrote it.
fn read<V: DeserializeOwned>(records: &Records, name: &str) -> Option<V> {
    V::deserialize(records.get(name)?.value.as_ref().ok()?).ok()
}
