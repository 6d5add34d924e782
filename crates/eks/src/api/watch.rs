//! Watches: what changes, as it changes.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::Method;
use http_body_util::BodyExt;
use landfall_core::{Context, Error, ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use super::Api;
use super::call::{Asked, request, whole};
use super::explain::{Answered, Fault, Refusal};
use super::list::Selector;
use super::mask::Mask;
use super::meaning::Meaning;
use super::object::{ApiResource, Live};
use super::status::Status;
use crate::access::Body;

/// How long the server keeps a watch open; it ends them by itself after five minutes at the least.
const KEPT_OPEN: Duration = Duration::from_secs(290);

/// How much longer it may be silent before it counts as gone.
const MARGIN: Duration = Duration::from_secs(15);

/// Longest line of a watch: one object.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// What a watch tells.
#[derive(Debug, Clone)]
pub enum WatchEvent {
    /// There is a new object.
    Added(Live),
    /// An object has changed.
    Modified(Live),
    /// An object is gone; as it was last.
    Deleted(Live),
    /// Nothing has changed up to [`Watch::resource_version`].
    Bookmark,
    /// The server has forgotten what came after [`Watch::resource_version`] (410): list again.
    Expired,
}

/// A watch that is open. Dropping it ends it.
pub struct Watch {
    asked: Asked,
    body: Body,
    read: BytesMut,
    resource_version: String,
}

#[derive(Deserialize)]
struct Line {
    r#type: String,
    object: Value,
}

fn address(path: &str, selector: &Selector, resource_version: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("watch", "true").append_pair("allowWatchBookmarks", "true");
    query.append_pair("timeoutSeconds", &KEPT_OPEN.as_secs().to_string());
    query.append_pair("resourceVersion", resource_version);
    selector.put(&mut query);
    format!("{path}?{}", query.finish())
}

impl Api {
    /// Watches the objects of a kind in a namespace, or in all of them, from a version on: that of a list, or of an
    /// event of an earlier watch.
    ///
    /// # Errors
    /// The refusal ([`Meaning::Expired`] when the version is too old) or the failure of the request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn watch(
        &self,
        cx: &Context,
        resource: &ApiResource,
        namespace: Option<&str>,
        selector: &Selector,
        resource_version: &str,
    ) -> Answered<Watch> {
        let address = address(&resource.collection(namespace), selector, resource_version);
        let asked = Asked::of("cannot be watched", resource.plural.as_str(), namespace);
        let answer = self.0.server.send(cx, request(Method::GET, &address, None)?).await?;
        let code = answer.status();
        if !code.is_success() {
            let body = whole(&asked, answer).await?;
            let status = Status::read(code.as_u16(), &body);
            return Err(Fault::Refused(Box::new(Refusal::new(asked, status, &Mask::default()))));
        }
        let resource_version = resource_version.to_owned();
        Ok(Watch { asked, body: answer.into_body(), read: BytesMut::new(), resource_version })
    }
}

impl Watch {
    /// From where the next watch goes on.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// The next event; none when the server has ended the watch, as it does every few minutes.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`] when the connection breaks; the refusal that the server tells in the stream.
    ///
    /// # Cancellation
    /// May be dropped at any time; nothing is lost, and the next call goes on.
    pub async fn next(&mut self) -> Answered<Option<WatchEvent>> {
        let Some(line) = self.line().await? else { return Ok(None) };
        event(&self.asked, &line, &mut self.resource_version).map(Some)
    }

    /// The next line that is not empty.
    async fn line(&mut self) -> Answered<Option<Bytes>> {
        let mut looked_at = 0;
        loop {
            if let Some(end) = self.read[looked_at..].iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(looked_at + end).freeze();
                self.read.advance(1);
                looked_at = 0;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            looked_at = self.read.len();
            if looked_at > LONGEST_LINE {
                return Err(Error::internal(format!("{}: one event is too long", self.asked)).into());
            }
            let frame = match tokio::time::timeout(KEPT_OPEN + MARGIN, self.body.frame()).await {
                Err(_) | Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let message = format!("{}: the watch broke off: {error}", self.asked);
                    return Err(Error::new(ErrorKind::Transient, message).into());
                }
            };
            if let Ok(data) = frame.into_data() {
                self.read.extend_from_slice(&data);
            }
        }
    }
}

/// The event of a line. `resource_version` is kept where the line says none.
pub(super) fn event(asked: &Asked, line: &[u8], resource_version: &mut String) -> Answered<WatchEvent> {
    let line: Line = serde_json::from_slice(line).map_err(|error| asked.nonsense(&error))?;
    if line.r#type == "ERROR" {
        let code = line.object["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
        let status = Status::read(code, line.object.to_string().as_bytes());
        if Meaning::of(&status) == Meaning::Expired {
            return Ok(WatchEvent::Expired);
        }
        return Err(Fault::Refused(Box::new(Refusal::new(asked.clone(), status, &Mask::default()))));
    }
    let object = Live::new(line.object);
    if !object.resource_version().is_empty() {
        object.resource_version().clone_into(resource_version);
    }
    Ok(match line.r#type.as_str() {
        "ADDED" => WatchEvent::Added(object),
        "MODIFIED" => WatchEvent::Modified(object),
        "DELETED" => WatchEvent::Deleted(object),
        _ => WatchEvent::Bookmark,
    })
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("resource_version", &self.resource_version).finish_non_exhaustive()
    }
}
