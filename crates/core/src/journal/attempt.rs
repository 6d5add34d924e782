//! What the records of an attempt say, for people and for an undo.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Entry, History, Records};
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

impl History {
    /// All attempts in the order in which they were begun.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        let mut order: Vec<(&str, u32)> = Vec::new();
        let mut records: BTreeMap<(&str, u32), Records> = BTreeMap::new();
        for Entry { step, attempt, .. } in &self.entries {
            if !order.contains(&(step.as_str(), *attempt)) {
                order.push((step, *attempt));
            }
        }
        for entry in &self.entries {
            let of = records.entry((entry.step.as_str(), entry.attempt)).or_default();
            of.entry(entry.record.clone()).or_insert_with(|| entry.recorded());
        }
        let made = |(step, number): &(&str, u32)| Attempt::of(step, *number, records.get(&(*step, *number))?);
        order.iter().filter_map(made).collect()
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
