//! GET of one object, and lists in pages.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::select::Selection;
use crate::kubernetes::asked::Query;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new \
                       list without the continue parameter, or use the continue token in this response to retrieve the \
                       remainder of the results. Continuing with the provided token results in an inconsistent list - \
                       objects that were created, modified, or deleted between the time the first chunk was returned \
                       and now may show up in the list.";

impl ClusterState {
    /// GET of an object.
    pub(crate) fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let key = ObjectKey::of(kind, namespace, name);
        let object = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        Ok(in_version(object, kind))
    }

    /// GET of a collection. A page shows the present, and not the moment of the first page, as a real one does; a token
    /// older than the history is refused all the same.
    pub(crate) fn list(&self, kind: &Kind, namespace: &str, query: &Query) -> Result<Value, Refusal> {
        let selection = Selection::of(query)?;
        let token = Token::read(query.text("continue"))?;
        if token.as_ref().is_some_and(|token| token.version < self.store.oldest()) {
            return Err(Refusal::expired(EXPIRED));
        }
        let exact = query.text("resourceVersionMatch") == "Exact";
        if let Some(asked) =
            query.number("resourceVersion").filter(|asked| exact && *asked < self.store.oldest())
        {
            let now = self.store.oldest();
            return Err(Refusal::expired(format!("too old resource version: {asked} ({now})")));
        }
        let version = token.as_ref().map_or(self.store.version(), |token| token.version);
        let after = token.map(|token| (token.namespace, token.name));
        let mut found = self
            .store
            .of_kind(&kind.group, &kind.plural, namespace)
            .filter(|(key, _)| {
                after.as_ref().is_none_or(|(namespace, name)| (&key.namespace, &key.name) > (namespace, name))
            })
            .filter(|(_, object)| selection.takes(object));
        let limit = query.number("limit").filter(|limit| *limit > 0).unwrap_or(u64::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<(&ObjectKey, &Value)> = found.by_ref().take(limit).collect();
        let left = found.count();
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if let Some((key, _)) = page.last().filter(|_| left > 0) {
            let token = Token { version, namespace: key.namespace.clone(), name: key.name.clone() };
            metadata["continue"] = token.to_text().into();
            metadata["remainingItemCount"] = left.into();
        }
        // Items of a list do not say what they are; custom resources do.
        let custom = kind.group.contains('.') && !kind.group.ends_with(".k8s.io");
        let items: Vec<Value> = page
            .into_iter()
            .map(|(_, object)| {
                let mut object = in_version(object.clone(), kind);
                if let Some(members) = object.as_object_mut().filter(|_| !custom) {
                    members.shift_remove("apiVersion");
                    members.shift_remove("kind");
                }
                object
            })
            .collect();
        Ok(json!({
            "kind": format!("{}List", kind.kind),
            "apiVersion": kind.api_version(),
            "metadata": metadata,
            "items": items
        }))
    }
}

/// An object as this version of its kind has it; versions differ by their name only.
pub(crate) fn in_version(mut object: Value, kind: &Kind) -> Value {
    object["apiVersion"] = kind.api_version().into();
    object
}

/// Where the next page begins.
struct Token {
    version: u64,
    namespace: String,
    name: String,
}

impl Token {
    fn to_text(&self) -> String {
        let start = format!("{}/{}", self.namespace, self.name);
        URL_SAFE_NO_PAD
            .encode(json!({ "v": "meta.k8s.io/v1", "rv": self.version, "start": start }).to_string())
    }

    fn read(text: &str) -> Result<Option<Self>, Refusal> {
        if text.is_empty() {
            return Ok(None);
        }
        let read = || {
            let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (namespace, name) = token["start"].as_str()?.split_once('/')?;
            let version = token["rv"].as_u64()?;
            Some(Self { version, namespace: namespace.to_owned(), name: name.to_owned() })
        };
        let bad = || Refusal::bad_request("continue key is not valid");
        read().map(Some).ok_or_else(bad)
    }
}
