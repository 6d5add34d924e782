//! What is known of the objects before each of them is looked at: what a few requests can tell needs not one for each.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use landfall_core::{Context, Error, Result};
use tokio::time::Instant;

use crate::api::{Answered, Api, ApiResource, At, Live, Selector};
use crate::apply::concerns_all;
use crate::input::Manifest;
use crate::inventory::PART_OF;

/// From so many objects of a kind in a namespace on they are listed. A list is one request, but a larger one.
const LISTED_FROM: usize = 4;

/// What is known. What could not be found out is not known, and asked for again with the object, where it is told.
#[derive(Default)]
pub(super) struct Known {
    /// Namespaces of the release that are not there yet. Nothing is in them.
    missing: HashSet<String>,
    /// Objects by their paths, or that there is none; each until it was looked at.
    found: Mutex<HashMap<String, Option<Live>>>,
}

impl Known {
    /// Lists the objects that are labelled as the release's, where there are many of a kind, and reads the others and all
    /// Namespaces, except in Namespaces of the release. What was told of the cluster's kinds `since` then is new enough.
    ///
    /// # Errors
    /// When there is no use in asking for anything: the server is overloaded, away, or does not know us.
    pub(super) async fn of(
        cx: &Context,
        api: &Api,
        manifests: &[Manifest],
        since: Instant,
        at_once: usize,
    ) -> Result<Self> {
        let groups = groups(manifests);
        let (many, few): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.is_listed());
        let lists = join_all(many.iter().map(|group| list(cx, api, group, since)));
        let namespaces: Vec<&Manifest> = manifests.iter().filter(|one| one.is("", "Namespace")).collect();
        // In one that may not be there nothing is looked for yet.
        let is_open = |manifest: &&Manifest| {
            let place = manifest.namespace();
            !manifest.is("", "Namespace") && namespaces.iter().all(|one| Some(one.name()) != place)
        };
        let single = few.into_iter().flat_map(|group| group.objects).filter(is_open);
        let single = single.chain(namespaces.iter().copied());
        let reads: Vec<_> = single.map(|manifest| read(cx, api, manifest, since)).collect();
        let reads = stream::iter(reads).buffer_unordered(at_once).collect::<Vec<_>>();
        let (reads, lists) = tokio::join!(reads, lists);
        let mut known = Self::default();
        let mut found = HashMap::new();
        for list in lists {
            found.extend(list?.into_iter().map(|(path, live)| (path, Some(live))));
        }
        for read in reads {
            let Some((at, live)) = read? else { continue };
            if live.is_none() && at.resource().kind == "Namespace" && at.resource().group.is_empty() {
                known.missing.insert(at.name().to_owned());
            }
            found.insert(at.path(), live);
        }
        known.found = Mutex::new(found);
        Ok(known)
    }

    /// Whether the object's namespace is about to be made.
    pub(super) fn namespace_comes(&self, at: &At) -> bool {
        at.namespace().is_some_and(|namespace| self.missing.contains(namespace))
    }

    /// The object as it was found, or that there is none, where that is known; the next look has to ask for it.
    pub(super) fn take(&self, at: &At) -> Option<Option<Live>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(&at.path())
    }
}

/// Objects of one kind in one namespace, with one label of a release or with none.
struct Group<'a> {
    release: Option<&'a str>,
    objects: Vec<&'a Manifest>,
}

impl Group<'_> {
    fn is_listed(&self) -> bool {
        self.release.is_some() && self.objects.len() >= LISTED_FROM
    }
}

fn groups(manifests: &[Manifest]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<_, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        let release = manifest.text_at(&["metadata", "labels", PART_OF]);
        let group = (manifest.api_version(), manifest.kind(), manifest.namespace(), release);
        groups.entry(group).or_default().push(manifest);
    }
    groups.into_iter().map(|((.., release), objects)| Group { release, objects }).collect()
}

async fn kind_of(
    cx: &Context,
    api: &Api,
    manifest: &Manifest,
    since: Instant,
) -> Result<Option<Arc<ApiResource>>> {
    asked(api.resource_as_of(cx, manifest.api_version(), manifest.kind(), since).await)
}

/// What was answered; nothing where the answer concerns this question only.
fn asked<T>(answer: Answered<T>) -> Result<Option<T>> {
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if concerns_all(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn read(
    cx: &Context,
    api: &Api,
    manifest: &Manifest,
    since: Instant,
) -> Result<Option<(At, Option<Live>)>> {
    let Some(resource) = kind_of(cx, api, manifest, since).await? else { return Ok(None) };
    let at = At::new(resource, manifest.namespace(), manifest.name());
    Ok(asked(api.read(cx, &at).await)?.map(|live| (at, live)))
}

/// The objects by their paths; none where they may not be listed.
async fn list(cx: &Context, api: &Api, group: &Group<'_>, since: Instant) -> Result<Vec<(String, Live)>> {
    let (Some(release), Some(first)) = (group.release, group.objects.first()) else { return Ok(Vec::new()) };
    let Some(resource) = kind_of(cx, api, first, since).await? else { return Ok(Vec::new()) };
    let at = At::new(Arc::clone(&resource), first.namespace(), first.name());
    let selector = Selector::labels(format!("{PART_OF}={release}"));
    let listed = asked(api.list(cx, &resource, at.namespace(), &selector).await)?.unwrap_or_default();
    let items = listed.items.into_iter().map(|live| {
        let path = At::new(Arc::clone(&resource), at.namespace(), live.name()).path();
        (path, live.of_kind(&resource))
    });
    Ok(items.collect())
}
