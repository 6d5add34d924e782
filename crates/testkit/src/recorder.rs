//! An observer that keeps every event.

use std::sync::{Arc, Mutex, PoisonError};

use landfall_core::event::{Event, EventKind};
use landfall_core::{News, Observer};

/// Keeps every event. Clones share what they keep.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

impl Recorder {
    /// A recorder without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every event so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The kinds of the events so far, by their names in the JSON form: `planned`, `applied`, `news`.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        self.events().iter().map(|event| kind_name(&event.kind)).collect()
    }

    /// The notes so far, as `(code, text)`.
    #[must_use]
    pub fn notes(&self) -> Vec<(String, String)> {
        let notes = self.events().into_iter().filter_map(|event| match event.kind {
            EventKind::Note { code, text, .. } => Some((code, text)),
            _ => None,
        });
        notes.collect()
    }

    /// The news so far.
    #[must_use]
    pub fn news(&self) -> Vec<News> {
        let news = self.events().into_iter().filter_map(|event| match event.kind {
            EventKind::News { news } => Some(news),
            _ => None,
        });
        news.collect()
    }

    /// Every event as lines of JSON, as the thin binary writes them.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let lines = self.events().into_iter().filter_map(|event| serde_json::to_string(&event).ok());
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn kind_name(kind: &EventKind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value.get("event").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}
