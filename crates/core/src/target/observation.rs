//! One look at a deployment, and what was seen.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::data::Outputs;
use crate::error::{Cause, one_line};
use crate::event::Level;

/// How to look.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Look<'a> {
    /// What the look before this one saw; empty at the first.
    pub cursor: &'a Cursor,
    /// How long the look may wait for news, if the target has a way to be told of them. A target without one
    /// answers at once.
    pub patience: Duration,
    /// The answer ends the wait, whatever it is: spend the calls that find causes.
    pub last: bool,
}

impl<'a> Look<'a> {
    /// A look after `cursor` that holds no longer than `patience`.
    #[must_use]
    pub fn new(cursor: &'a Cursor, patience: Duration, last: bool) -> Self {
        Self { cursor, patience, last }
    }
}

/// What a look remembers for the next one. When it differs from the one before, something moved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Value);

impl Cursor {
    /// A cursor that holds `value`; the empty cursor if it cannot be written as JSON.
    #[must_use]
    pub fn new<T: Serialize>(value: &T) -> Self {
        Self(serde_json::to_value(value).unwrap_or(Value::Null))
    }

    /// What the cursor holds; nothing when it is empty or of another form.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observation {
    /// For the next look.
    pub cursor: Cursor,
    /// What AWS said since the look before. News told twice are told once.
    pub news: Vec<News>,
    /// Counts.
    pub progress: Vec<Progress>,
    /// Root causes of a failure, as far as they can be told now.
    pub causes: Vec<Cause>,
    /// Where the deployment stands.
    pub state: State,
    /// How long before the look began all this was so. Zero for a target that asks at each look; one that shares
    /// calls with others may answer with what was asked a moment before. The pause after the look is counted from that
    /// moment.
    #[serde(default)]
    pub age: Duration,
    /// The look was told of changes as they came, and ends when there is something to tell: the next one may begin at
    /// once, since what happens during a pause would be seen late. For a target with a watch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
}

impl Observation {
    /// An observation of this state and nothing else.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self {
            cursor: Cursor::default(),
            news: Vec::new(),
            progress: Vec::new(),
            causes: Vec::new(),
            state,
            age: Duration::ZERO,
            watched: false,
        }
    }

    /// Remembers something for the next look.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = cursor;
        self
    }

    /// Adds news, oldest first.
    #[must_use]
    pub fn with_news(mut self, news: impl IntoIterator<Item = News>) -> Self {
        self.news.extend(news);
        self
    }

    /// Adds counts.
    #[must_use]
    pub fn with_progress(mut self, progress: impl IntoIterator<Item = Progress>) -> Self {
        self.progress.extend(progress);
        self
    }

    /// Says how long before the look began all this was so.
    #[must_use]
    pub fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Says that the look was told of changes as they came.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// Adds root causes.
    #[must_use]
    pub fn with_causes(mut self, causes: impl IntoIterator<Item = Cause>) -> Self {
        self.causes.extend(causes);
        self
    }
}

/// Something AWS said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct News {
    /// AWS's own id of it, or one made of its content: the same news has the same id.
    pub id: String,
    /// When AWS says it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<jiff::Timestamp>,
    /// How important.
    pub level: Level,
    /// What was said, redacted.
    pub text: String,
}

impl News {
    /// News with AWS's id.
    #[must_use]
    pub fn new(id: impl Into<String>, level: Level, text: impl AsRef<str>) -> Self {
        Self { id: id.into(), at: None, level, text: one_line(text.as_ref()) }
    }

    /// Says when it happened.
    #[must_use]
    pub fn at(mut self, at: jiff::Timestamp) -> Self {
        self.at = Some(at);
        self
    }
}

/// A count that moves: tasks running, bytes sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Progress {
    /// Of what: `new tasks running`.
    pub of: String,
    /// How many are done.
    pub done: u64,
    /// Of how many, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted: `tasks`, `bytes`.
    pub unit: String,
    /// How many a second are done at present, where that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
    /// Milliseconds until all is done, if it goes on like this: an estimate, which can be told where `total` is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
}

impl Progress {
    /// `done` of `total` units.
    #[must_use]
    pub fn new(of: impl Into<String>, done: u64, total: Option<u64>, unit: impl Into<String>) -> Self {
        Self { of: of.into(), done, total, unit: unit.into(), per_second: None, left_ms: None }
    }

    /// Says how many units a second are done at present.
    #[must_use]
    pub fn with_rate(mut self, per_second: u64) -> Self {
        self.per_second = Some(per_second);
        self
    }

    /// Says how long the rest takes, by estimate.
    #[must_use]
    pub fn with_left(mut self, left: Duration) -> Self {
        self.left_ms = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Whether everything that is counted is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.done >= total)
    }
}

/// Where a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum State {
    /// It goes on.
    Pending {
        /// What is waited for.
        waiting_for: String,
        /// Whether a person has to act before it can go on.
        person: bool,
    },
    /// The part that was applied is done; `apply` is called for the next one.
    Proceed,
    /// It succeeded.
    Ready(Outputs),
    /// There was nothing to change after all, as AWS found and the plan could not know; what is there is healthy.
    Unchanged(Outputs),
    /// It ended in another way.
    Ended(End),
}

impl State {
    /// It goes on by itself.
    #[must_use]
    pub fn pending(waiting_for: impl Into<String>) -> Self {
        Self::Pending { waiting_for: waiting_for.into(), person: false }
    }
}

/// How a deployment ended without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum End {
    /// It failed and stays as it is.
    Failed,
    /// AWS has put back what was there before.
    RolledBack {
        /// What is there now.
        to: String,
    },
    /// Another deployment took its place.
    Superseded {
        /// Which.
        by: String,
    },
    /// Somebody stopped it.
    Stopped,
}
