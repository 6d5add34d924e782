//! What the cluster shows of some kinds: listed once, and from then on kept current by watches.
//!
//! A look that finds everything as it should be costs one list for each kind and namespace and no more. Only when
//! something has to be waited for is it followed: by a watch, and where that is not allowed by asking again every few
//! seconds. Watches go on between the looks, so that nothing which happens meanwhile is seen late.

mod follow;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use landfall_core::{Context, Error, ErrorKind};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::{Api, ApiResource, At, Selector};
pub(crate) use shown::Shown;

/// Lists that are asked for at once.
const LISTS_AT_ONCE: usize = 8;

/// A watch of which nothing is heard for so long is not trusted: bookmarks come about every minute
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks>).
const SILENCE: Duration = Duration::from_secs(90);

/// Objects that are asked for at once where they may not be listed.
const READS_AT_ONCE: usize = 16;

/// Objects of a kind that are of interest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Topic {
    pub(crate) resource: Arc<ApiResource>,
    /// None: those of the cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) selector: Selector,
}

/// All that is listed and watched for a target. Dropping it ends the watches.
pub(crate) struct Feeds {
    feeds: Mutex<HashMap<Topic, Arc<Feed>>>,
    following: Mutex<HashMap<Topic, Following>>,
    changed: watch::Sender<u64>,
}

/// What is shown of one topic.
pub(crate) struct Feed {
    topic: Topic,
    shown: Mutex<Shown>,
    /// Objects that are asked for by name where they may not be listed.
    names: Mutex<BTreeSet<String>>,
}

/// A task that ends with what it is for.
struct Following(tokio::task::JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Default for Feeds {
    fn default() -> Self {
        Self { feeds: Mutex::default(), following: Mutex::default(), changed: watch::channel(0).0 }
    }
}

impl Feeds {
    /// Told whenever something has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lists what is not followed yet, or of which nothing was heard for long; or all of it `anew`, for who ends a wait by
    /// what is shown. `names` are the objects of interest, for where they may not be listed; empty for
    /// whatever there is. What cannot be read says so in [`Shown::trouble`].
    pub(crate) async fn list(
        &self,
        cx: &Context,
        api: &Api,
        topics: &[(Topic, BTreeSet<String>)],
        anew: bool,
    ) {
        let listing = topics.iter().map(|(topic, names)| {
            let feed = self.feed(topic);
            lock(&feed.names).extend(names.iter().cloned());
            let is_followed = lock(&self.following).contains_key(topic);
            async move {
                let is_silent = lock(&feed.shown).heard.is_none_or(|heard| heard.elapsed() > SILENCE);
                if anew || !is_followed || is_silent {
                    feed.list(cx, api).await;
                }
            }
        });
        stream::iter(listing.collect::<Vec<_>>()).buffer_unordered(LISTS_AT_ONCE).collect::<()>().await;
    }

    /// Watches what is not watched yet, from where its list ended.
    pub(crate) fn follow<'a>(&self, cx: &Context, api: &Api, topics: impl IntoIterator<Item = &'a Topic>) {
        for topic in topics {
            let feed = self.feed(topic);
            lock(&self.following).entry(topic.clone()).or_insert_with(|| {
                let task = follow::follow(cx.outliving(), api.clone(), feed, self.changed.clone());
                Following(tokio::spawn(task))
            });
        }
    }

    /// What is shown of a topic now; nothing before it was listed.
    pub(crate) fn shown<T>(&self, topic: &Topic, read: impl FnOnce(&Shown) -> T) -> T {
        let feed = self.feed(topic);
        let shown = lock(&feed.shown);
        read(&shown)
    }

    /// Puts an object there that was read otherwise, or takes one away.
    pub(crate) fn put(&self, topic: &Topic, name: &str, live: Option<crate::api::Live>) {
        let feed = self.feed(topic);
        let mut shown = lock(&feed.shown);
        match live {
            Some(live) => shown.put(&topic.resource, live),
            None => shown.remove(name),
        }
    }

    fn feed(&self, topic: &Topic) -> Arc<Feed> {
        let mut feeds = lock(&self.feeds);
        let feed = feeds.entry(topic.clone()).or_insert_with(|| Arc::new(Feed::of(topic.clone())));
        Arc::clone(feed)
    }
}

impl Feed {
    fn of(topic: Topic) -> Self {
        Self { topic, shown: Mutex::default(), names: Mutex::default() }
    }

    /// Asks for everything there is.
    async fn list(&self, cx: &Context, api: &Api) {
        let Topic { resource, namespace, selector } = &self.topic;
        let listed = api.list(cx, resource, namespace.as_deref(), selector).await;
        match listed {
            Ok(listed) => lock(&self.shown).replace(resource, listed),
            Err(fault) => {
                let error = Error::from(fault);
                let names = lock(&self.names).clone();
                if error.kind() == ErrorKind::Denied && !names.is_empty() {
                    self.read_each(cx, api, &names).await;
                } else {
                    lock(&self.shown).trouble = Some(error);
                }
            }
        }
    }

    /// Asks for the objects by their names, where they may not be listed.
    async fn read_each(&self, cx: &Context, api: &Api, names: &BTreeSet<String>) {
        let Topic { resource, namespace, .. } = &self.topic;
        let reading = names.iter().map(|name| {
            let at = At::new(Arc::clone(resource), namespace.as_deref(), name);
            async move { (name, api.read(cx, &at).await) }
        });
        let read: Vec<_> =
            stream::iter(reading.collect::<Vec<_>>()).buffer_unordered(READS_AT_ONCE).collect().await;
        let mut shown = lock(&self.shown);
        (shown.trouble, shown.watchable, shown.heard) = (None, false, Some(Instant::now()));
        for (name, live) in read {
            match live {
                Ok(Some(live)) => shown.put(resource, live),
                Ok(None) => shown.remove(name),
                Err(fault) => shown.trouble = Some(fault.into()),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Feeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeds").field("topics", &lock(&self.feeds).len()).finish()
    }
}
