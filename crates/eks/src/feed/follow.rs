//! Keeps a feed current.

use std::sync::Arc;
use std::time::Duration;

use landfall_core::event::Level;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Context, Error, ErrorKind};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Feed, lock};
use crate::api::{Api, Fault, Watch, WatchEvent};

/// How often is asked where nothing may be watched.
const POLLED_EVERY: Duration = Duration::from_secs(2);

/// A watch that tells nothing and ends sooner than this is followed by a pause, like one that broke: a server that ends each
/// of them at once would be asked without one.
const BRIEF: Duration = Duration::from_secs(1);

/// Pauses before a watch that broke is begun again.
const PAUSES: Pace = Pace::growing(Duration::from_millis(200), Duration::from_secs(5));

/// What is done next.
enum Next {
    /// Watch from where the last one ended.
    Watch,
    /// List again: what happened meanwhile is forgotten.
    List,
    /// The same, after a pause.
    Pause,
    /// There is no watching here.
    Poll,
}

/// Follows a feed for as long as the task lives.
pub(super) async fn follow(cx: Context, api: Api, feed: Arc<Feed>, changed: watch::Sender<u64>) {
    let mut pauses = Delays::new(PAUSES, &format!("{}/{}", cx.id(), feed.topic.resource.plural));
    let mut next = Next::Watch;
    loop {
        let (watchable, listed) = {
            let shown = lock(&feed.shown);
            (shown.watchable, shown.listed)
        };
        next = match next {
            Next::Watch if !watchable => Next::Poll,
            Next::Watch if listed => watched(&cx, &api, &feed, &changed, &mut pauses).await,
            Next::Watch | Next::List => {
                feed.list(&cx, &api).await;
                tell(&changed);
                if lock(&feed.shown).trouble.is_some() { Next::Pause } else { Next::Watch }
            }
            Next::Pause => {
                tokio::time::sleep(pauses.next(false, false)).await;
                Next::List
            }
            Next::Poll => {
                tokio::time::sleep(POLLED_EVERY).await;
                feed.list(&cx, &api).await;
                tell(&changed);
                Next::Poll
            }
        };
    }
}

/// One watch from its beginning to its end.
async fn watched(
    cx: &Context,
    api: &Api,
    feed: &Arc<Feed>,
    changed: &watch::Sender<u64>,
    pauses: &mut Delays,
) -> Next {
    let topic = &feed.topic;
    let version = lock(&feed.shown).version.clone();
    let (began, mut heard) = (Instant::now(), false);
    let begun = api.watch(cx, &topic.resource, topic.namespace.as_deref(), &topic.selector, &version).await;
    let mut watch = match begun {
        Ok(watch) => watch,
        Err(fault) => return after(cx, feed, fault),
    };
    loop {
        match watch.next().await {
            Ok(Some(event)) => {
                let expired = matches!(event, WatchEvent::Expired);
                let moved = take(feed, &watch, event);
                if moved {
                    tell(changed);
                }
                if expired {
                    return if heard || began.elapsed() >= BRIEF { Next::List } else { Next::Pause };
                }
                heard = true;
                *pauses = Delays::new(PAUSES, &cx.id());
            }
            // The server ends each watch after a while; nothing is lost.
            Ok(None) => return if heard || began.elapsed() >= BRIEF { Next::Watch } else { Next::Pause },
            Err(fault) => return after(cx, feed, fault),
        }
    }
}

/// Notes what an event tells; gives whether an object has changed.
fn take(feed: &Feed, watch: &Watch, event: WatchEvent) -> bool {
    let mut shown = lock(&feed.shown);
    let resource = &feed.topic.resource;
    let moved = match event {
        WatchEvent::Added(live) | WatchEvent::Modified(live) => {
            shown.put(resource, live);
            true
        }
        WatchEvent::Deleted(live) => {
            let name = live.name().to_owned();
            shown.put(resource, live);
            shown.remove(&name);
            true
        }
        WatchEvent::Bookmark | WatchEvent::Expired => false,
    };
    watch.resource_version().clone_into(&mut shown.version);
    shown.trouble = None;
    shown.heard = Some(Instant::now());
    moved
}

/// What to do after a watch that could not be begun, or broke.
fn after(cx: &Context, feed: &Feed, fault: Fault) -> Next {
    let error = Error::from(fault);
    if error.kind() != ErrorKind::Denied {
        // A list says whether it lasts: a watch that breaks is ordinary.
        return Next::Pause;
    }
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let text =
        format!("{}: it is asked for every {} s instead{hint}", error.message(), POLLED_EVERY.as_secs());
    cx.note(Level::Warning, "watch-denied", text);
    lock(&feed.shown).watchable = false;
    Next::Poll
}

fn tell(changed: &watch::Sender<u64>) {
    changed.send_modify(|count| *count += 1);
}
