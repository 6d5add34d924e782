//! Watches: changes as they happen, one JSON document a line.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::list::in_version;
use super::select::Selection;
use crate::KubernetesFault;
use crate::clock::ms;
use crate::kubernetes::Kubernetes;
use crate::kubernetes::asked::Query;
use crate::kubernetes::kinds::KindRef;
use crate::kubernetes::refusal::{Problem, Refusal};
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::Change;

/// How long a watch lasts that does not say. The real server ends one after 30 to 60 minutes.
const LONGEST: Duration = Duration::from_secs(1_800);

/// How often bookmarks come; the real server sends one a minute.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// The first Kubernetes version of those tried that takes `sendInitialEvents`: 1.33 refuses it, 1.36 takes it, and the
/// feature `WatchList` is on by default from 1.34.
const INITIAL_EVENTS_FROM: u32 = 34;

/// What a watch is to tell.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    kind: KindRef,
    namespace: String,
    name: String,
    selection: Selection,
    /// The version that has been told.
    version: u64,
    bookmarks: bool,
    ends: Duration,
    /// A fault ends it before its time.
    cut: Option<(Duration, Cut)>,
    /// A fault: it tells nothing more.
    silent: bool,
}

/// How a fault ends a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// With the connection.
    Broken,
    Ended,
    /// With the word that the history is gone.
    Expired,
}

impl ClusterState {
    /// The watch that a request asks for, and what it begins with.
    pub(crate) fn watch(
        &self,
        kind: &KindRef,
        (namespace, name): (&str, &str),
        query: &Query,
    ) -> Result<(Watch, Vec<Value>), Refusal> {
        let initial = self.initial_events(query)?;
        let mut watch = Watch {
            kind: kind.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            selection: Selection::of(query)?,
            version: self.store.version(),
            bookmarks: query.flag("allowWatchBookmarks"),
            ends: query.number("timeoutSeconds").map_or(LONGEST, Duration::from_secs),
            cut: None,
            silent: false,
        };
        let asked = query.text("resourceVersion");
        let from: Option<u64> = match asked {
            "" | "0" => None,
            text => match text.parse() {
                Ok(version) => Some(version),
                Err(_) => {
                    return Err(Refusal::bad_request(format!(
                        "Invalid value: {text:?}: invalid resource version"
                    )));
                }
            },
        };
        if initial || from.is_none() {
            let mut events = self.present(&watch);
            if initial {
                let annotations = json!({ "k8s.io/initial-events-end": "true" });
                events.push(watch.bookmark(self.store.version(), Some(annotations)));
            }
            return Ok((watch, events));
        }
        let from = from.unwrap_or_default();
        if from < self.store.oldest() {
            return Ok((watch.ended(), vec![too_old(from, self.store.oldest())]));
        }
        watch.version = from;
        Ok((watch, Vec::new()))
    }

    /// Whether the present is to be told first, as `sendInitialEvents` asks for.
    fn initial_events(&self, query: &Query) -> Result<bool, Refusal> {
        if !query.has("sendInitialEvents") {
            return Ok(false);
        }
        let refused = |problem| Err(Refusal::invalid_options("ListOptions", problem));
        if query.text("resourceVersionMatch") != "NotOlderThan" {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return refused(Problem::forbidden("resourceVersionMatch", why));
        }
        let minor: u32 =
            self.version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default();
        if minor < INITIAL_EVENTS_FROM {
            let why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            return refused(Problem::forbidden("sendInitialEvents", why));
        }
        Ok(query.flag("sendInitialEvents"))
    }

    fn present(&self, watch: &Watch) -> Vec<Value> {
        let objects = self.store.of_kind(&watch.kind.group, &watch.kind.plural, &watch.namespace);
        let meant = objects.filter(|(key, object)| {
            (watch.name.is_empty() || key.name == watch.name) && watch.selection.takes(object)
        });
        meant.map(|(_, object)| event("ADDED", in_version(object.clone(), &watch.kind))).collect()
    }
}

fn event(kind: &str, object: Value) -> Value {
    Value::Object(Map::from_iter([("type".to_owned(), kind.into()), ("object".to_owned(), object)]))
}

/// What a watch is told that cannot go on from where it was.
fn too_old(from: u64, oldest: u64) -> Value {
    let refusal = Refusal::expired(format!("too old resource version: {from} ({oldest})"));
    event("ERROR", refusal.status())
}

impl Watch {
    /// Takes a fault; those of other requests do nothing.
    pub(crate) fn suffer(&mut self, fault: &KubernetesFault) {
        match fault {
            KubernetesFault::BrokenWatch { after_ms } => self.cut = Some((ms(*after_ms), Cut::Broken)),
            KubernetesFault::EndedWatch { after_ms } => self.cut = Some((ms(*after_ms), Cut::Ended)),
            KubernetesFault::ExpiredWatch { after_ms } => self.cut = Some((ms(*after_ms), Cut::Expired)),
            KubernetesFault::SilentWatch => self.silent = true,
            _ => {}
        }
    }

    fn ended(mut self) -> Self {
        self.ends = Duration::ZERO;
        self
    }

    fn bookmark(&self, version: u64, annotations: Option<Value>) -> Value {
        let mut metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
        if let Some(annotations) = annotations {
            metadata["annotations"] = annotations;
        }
        let object =
            json!({ "kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": metadata });
        event("BOOKMARK", object)
    }

    /// The changes since the last time, as this watch sees them: an object that comes into the selection is added, one that
    /// leaves it is deleted.
    fn news(&mut self, state: &ClusterState) -> Vec<Value> {
        let news = state.store.since(self.version).filter_map(|change| self.seen(change)).collect();
        self.version = self.version.max(state.store.version());
        news
    }

    fn expired(&self, state: &ClusterState) -> Value {
        too_old(self.version, state.store.version() + 1)
    }

    fn seen(&self, change: &Change) -> Option<Value> {
        let key = &change.key;
        let ours = key.is_of(&self.kind.group, &self.kind.plural)
            && (self.namespace.is_empty() || key.namespace == self.namespace)
            && (self.name.is_empty() || key.name == self.name);
        if !ours {
            return None;
        }
        let within = |object: &Option<Value>| object.clone().filter(|object| self.selection.takes(object));
        let (before, after) = (within(&change.before), within(&change.after));
        let (kind, mut object) = match (before, after) {
            (None, Some(after)) => ("ADDED", after),
            (Some(_), Some(after)) => ("MODIFIED", after),
            (Some(before), None) => ("DELETED", before),
            (None, None) => return None,
        };
        object["metadata"]["resourceVersion"] = change.version.to_string().into();
        Some(event(kind, in_version(object, &self.kind)))
    }
}

/// Tells a watch's events until it ends or nobody listens any more.
pub(crate) async fn tell(
    cluster: Kubernetes,
    mut watch: Watch,
    first: Vec<Value>,
    lines: mpsc::Sender<Result<Bytes, std::io::Error>>,
) {
    let begun = Instant::now();
    let end = begun + watch.ends;
    let cut = watch.cut.map(|(after, how)| (begun + after, how));
    let mut next_bookmark = begun + BOOKMARK_EVERY;
    // What has changed between the version that the watch goes on from and now is told first: nothing else may ever happen.
    let (mut changed, missed) = cluster.with(|state| (state.store.subscribe(), watch.news(state)));
    let mut news = first;
    news.extend(missed);
    loop {
        for event in news.into_iter().filter(|_| !watch.silent) {
            if lines.send(Ok(Bytes::from(format!("{event}\n")))).await.is_err() {
                return;
            }
        }
        if Instant::now() >= end {
            return;
        }
        let due = cluster.next_due();
        let cut_at = cut.map(|(at, _)| at);
        let wake = [Some(end), cut_at, Some(next_bookmark), due].into_iter().flatten().min().unwrap_or(end);
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep_until(wake) => {}
            () = lines.closed() => return,
        }
        let now = Instant::now();
        if let Some((_, how)) = cut.filter(|(at, _)| now >= *at) {
            let last = match how {
                Cut::Ended => return,
                Cut::Broken => Err(std::io::ErrorKind::ConnectionReset.into()),
                Cut::Expired => Ok(Bytes::from(format!("{}\n", cluster.with(|state| watch.expired(state))))),
            };
            // Nobody may listen any more, which is as good.
            let _ = lines.send(last).await;
            return;
        }
        news = cluster.with(|state| watch.news(state));
        if now >= next_bookmark {
            next_bookmark = now + BOOKMARK_EVERY;
            if watch.bookmarks {
                news.push(watch.bookmark(watch.version, None));
            }
        }
    }
}
