//! What is known of the objects before each of them is looked at: what a few requests can tell needs not one for each.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use landfall_core::{Context, Error, Result};

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
    /// Objects by their paths, each until it was looked at.
    found: Mutex<HashMap<String, Live>>,
}

impl Known {
    /// Asks for the Namespaces among the manifests, and lists the objects that are labelled as the release's.
    ///
    /// # Errors
    /// When there is no use in asking for anything: the server is overloaded, away, or does not know us.
    pub(super) async fn of(cx: &Context, api: &Api, manifests: &[Manifest]) -> Result<Self> {
        let namespaces = manifests.iter().filter(|one| one.is("", "Namespace"));
        let namespaces = join_all(namespaces.map(|manifest| read(cx, api, manifest)));
        let lists = join_all(collections(manifests).into_iter().map(|one| list(cx, api, one)));
        let (namespaces, lists) = tokio::join!(namespaces, lists);
        let mut known = Self::default();
        let mut found = HashMap::new();
        for list in lists {
            found.extend(list?);
        }
        for read in namespaces {
            let Some((at, live)) = read? else { continue };
            match live {
                None => drop(known.missing.insert(at.name().to_owned())),
                Some(live) => drop(found.insert(at.path(), live)),
            }
        }
        known.found = Mutex::new(found);
        Ok(known)
    }

    /// Whether the object's namespace is about to be made.
    pub(super) fn namespace_comes(&self, at: &At) -> bool {
        at.namespace().is_some_and(|namespace| self.missing.contains(namespace))
    }

    /// The object as it was found, if it was; the next look has to ask for it.
    pub(super) fn take(&self, at: &At) -> Option<Live> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(&at.path())
    }
}

/// Objects of one kind in one namespace, with the label of their release: the first of them stands for all.
fn collections(manifests: &[Manifest]) -> Vec<(&Manifest, &str)> {
    let mut groups: BTreeMap<_, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        if let Some(release) = manifest.text_at(&["metadata", "labels", PART_OF]) {
            let group = (manifest.api_version(), manifest.kind(), manifest.namespace(), release);
            groups.entry(group).or_default().push(manifest);
        }
    }
    let many = groups.into_iter().filter(|(_, objects)| objects.len() >= LISTED_FROM);
    many.map(|((.., release), objects)| (objects[0], release)).collect()
}

async fn kind_of(cx: &Context, api: &Api, manifest: &Manifest) -> Result<Option<Arc<ApiResource>>> {
    asked(api.resource(cx, manifest.api_version(), manifest.kind(), Duration::ZERO).await)
}

/// What was answered; nothing where the answer concerns this question only.
fn asked<T>(answer: Answered<T>) -> Result<Option<T>> {
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if concerns_all(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn read(cx: &Context, api: &Api, manifest: &Manifest) -> Result<Option<(At, Option<Live>)>> {
    let Some(resource) = kind_of(cx, api, manifest).await? else { return Ok(None) };
    let at = At::new(resource, manifest.namespace(), manifest.name());
    Ok(asked(api.read(cx, &at).await)?.map(|live| (at, live)))
}

/// The objects by their paths; none where they may not be listed.
async fn list(
    cx: &Context,
    api: &Api,
    (manifest, release): (&Manifest, &str),
) -> Result<Vec<(String, Live)>> {
    let Some(resource) = kind_of(cx, api, manifest).await? else { return Ok(Vec::new()) };
    let at = At::new(Arc::clone(&resource), manifest.namespace(), manifest.name());
    let selector = Selector::labels(format!("{PART_OF}={release}"));
    let listed = asked(api.list(cx, &resource, at.namespace(), &selector).await)?.unwrap_or_default();
    let items = listed.items.into_iter().map(|live| {
        let path = At::new(Arc::clone(&resource), at.namespace(), live.name()).path();
        (path, live.of_kind(&resource))
    });
    Ok(items.collect())
}
