//! Lists, page by page.

use http::Method;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::Value;

use super::Api;
use super::call::{Asked, request};
use super::explain::Answered;
use super::meaning::Meaning;
use super::object::{ApiResource, Live};

/// Objects in one page, as `kubectl` has it.
const PAGE: u32 = 500;

/// How often a list is begun anew because the server forgot where it was.
const BEGUN_ANEW: u32 = 3;

/// Which objects of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    /// `app=web,tier in (front)`; empty for all.
    pub labels: String,
    /// `involvedObject.uid=...`; empty for all.
    pub fields: String,
}

impl Selector {
    /// All objects.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with these labels.
    #[must_use]
    pub fn labels(selector: impl Into<String>) -> Self {
        Self { labels: selector.into(), ..Self::default() }
    }

    /// Those with these values in fields that the server selects by.
    #[must_use]
    pub fn fields(selector: impl Into<String>) -> Self {
        Self { fields: selector.into(), ..Self::default() }
    }

    /// Adds what is selected to a query.
    pub(super) fn put(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        for (key, value) in [("labelSelector", &self.labels), ("fieldSelector", &self.fields)] {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
    }
}

/// The objects of a list.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The objects. They do not say their kind.
    pub items: Vec<Live>,
    /// From where a watch goes on.
    pub resource_version: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Page {
    metadata: Metadata,
    items: Vec<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    r#continue: String,
}

/// The address of a page. A function of its own, because a serializer must not be alive while an answer is awaited.
fn page(path: &str, selector: &Selector, from: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    selector.put(&mut query);
    if !from.is_empty() {
        query.append_pair("continue", from);
    }
    format!("{path}?{}", query.finish())
}

impl Api {
    /// All objects of a kind in a namespace, or in all of them. A list that the server forgets halfway is begun anew.
    ///
    /// # Errors
    /// The refusal or the failure of a request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn list(
        &self,
        cx: &Context,
        resource: &ApiResource,
        namespace: Option<&str>,
        selector: &Selector,
    ) -> Answered<Listed> {
        let subject = match namespace {
            Some(namespace) => format!("{} in namespace {namespace}", resource.plural),
            None => resource.plural.clone(),
        };
        let asked = Asked::of("cannot be listed", subject, namespace);
        let path = resource.collection(namespace);
        let (mut listed, mut from, mut anew) = (Listed::default(), String::new(), 0);
        loop {
            let address = page(&path, selector, &from);
            let page: Page = match self.call(cx, &asked, request(Method::GET, &address, None)?).await {
                Ok(answer) => answer.json(&asked)?,
                Err(fault) if fault.meaning() == Some(&Meaning::Expired) && anew < BEGUN_ANEW => {
                    (listed, from, anew) = (Listed::default(), String::new(), anew + 1);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            listed.items.extend(page.items.into_iter().map(Live::new));
            listed.resource_version = page.metadata.resource_version;
            if page.metadata.r#continue.is_empty() {
                return Ok(listed);
            }
            from = page.metadata.r#continue;
        }
    }
}
