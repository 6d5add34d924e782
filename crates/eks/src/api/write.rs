//! Writing: server-side apply, JSON patches, deletion.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use landfall_core::Context;
use serde_json::{Value, json};

use super::call::{Asked, request};
use super::explain::Answered;
use super::meaning::Meaning;
use super::object::{At, Live};
use super::{Api, FIELD_MANAGER};

/// How an object is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Fields of other managers are taken over, instead of being a conflict.
    pub force: bool,
    /// Everything is done but the writing, admission webhooks included.
    pub dry_run: bool,
}

/// An object that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// As it is now.
    pub object: Live,
    /// Whether it was not there before (HTTP 201).
    pub created: bool,
    /// When, by the server's clock.
    pub date: Option<Timestamp>,
}

/// What becomes of the objects that belong to one that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it.
    Background,
    /// They are deleted first, and it stays until they are gone.
    Foreground,
}

/// What came of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The server deletes it, or has done so.
    Begun,
    /// It was gone already.
    Gone,
    /// There is another object of its name, which was not touched.
    Another,
}

impl Api {
    /// Applies an object: `body` is the object as JSON, which is a form of YAML, and goes out as it is. Unknown fields
    /// are refused. The same body twice is as good as once.
    ///
    /// # Errors
    /// The refusal, [`Meaning::FieldConflict`] among others, or the failure of the request.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been carried out.
    pub async fn apply(
        &self,
        cx: &Context,
        at: &At,
        body: Bytes,
        options: ApplyOptions,
    ) -> Answered<Applied> {
        let force = if options.force { "&force=true" } else { "&force=false" };
        let address = format!("{}?{}{force}", at.path(), writing(options.dry_run));
        let asked = Asked::at("cannot be applied", at);
        let content = Some(("application/apply-patch+yaml", body));
        let answer = self.call(cx, &asked, request(Method::PATCH, &address, content)?).await?;
        let object = Live::new(answer.json(&asked)?);
        Ok(Applied { object, created: answer.code == 201, date: answer.date })
    }

    /// Makes an object that must not be there yet. It is not sent twice when its answer is lost.
    ///
    /// # Errors
    /// The refusal, [`Meaning::Exists`] among others, or the failure of the request.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been carried out.
    pub async fn create(&self, cx: &Context, at: &At, object: &Value) -> Answered<Live> {
        let address = format!("{}?{}", at.resource().collection(at.namespace()), writing(false));
        let asked = Asked::at("cannot be created", at);
        let content = Some(("application/json", Bytes::from(object.to_string())));
        let answer = self.call(cx, &asked, request(Method::POST, &address, content)?).await?;
        Ok(Live::new(answer.json(&asked)?))
    }

    /// Patches an object by operations of RFC 6902. A patch that replaces `/metadata/resourceVersion` is refused as
    /// [`Meaning::Stale`] when the object has changed since.
    ///
    /// # Errors
    /// The refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been carried out.
    pub async fn patch(&self, cx: &Context, at: &At, operations: &Value, dry_run: bool) -> Answered<Live> {
        let address = format!("{}?{}", at.path(), writing(dry_run));
        let asked = Asked::at("cannot be patched", at);
        let content = Some(("application/json-patch+json", Bytes::from(operations.to_string())));
        let answer = self.call(cx, &asked, request(Method::PATCH, &address, content)?).await?;
        Ok(Live::new(answer.json(&asked)?))
    }

    /// Deletes the object of this name if it is the one of this UID, and no other.
    ///
    /// # Errors
    /// The refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Dropping the future abandons a request that may have been carried out.
    pub async fn delete(
        &self,
        cx: &Context,
        at: &At,
        uid: &str,
        propagation: Propagation,
    ) -> Answered<Deleted> {
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
        };
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy, "preconditions": {"uid": uid},
        });
        let asked = Asked::at("cannot be deleted", at);
        let content = Some(("application/json", Bytes::from(options.to_string())));
        match self.call(cx, &asked, request(Method::DELETE, &at.path(), content)?).await {
            Ok(_) => Ok(Deleted::Begun),
            Err(fault) => match fault.meaning() {
                Some(Meaning::ObjectMissing | Meaning::NamespaceMissing(_) | Meaning::KindMissing) => {
                    Ok(Deleted::Gone)
                }
                Some(Meaning::Stale) => Ok(Deleted::Another),
                _ => Err(fault),
            },
        }
    }
}

/// The query that every write has.
fn writing(dry_run: bool) -> String {
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    format!("fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry_run}")
}
