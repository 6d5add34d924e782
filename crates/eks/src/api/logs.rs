//! What a container has written.

use http::Method;
use landfall_core::Context;

use super::Api;
use super::call::{Asked, request};
use super::explain::Answered;

/// Bytes of a log that are asked for: thirty lines of any sane length.
const LARGEST: usize = 16 * 1024;

/// The address. A function of its own, because a serializer must not be alive while an answer is awaited.
fn address(namespace: &str, pod: &str, container: &str, previous: bool, lines: u32) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("container", container);
    query.append_pair("tailLines", &lines.to_string()).append_pair("limitBytes", &LARGEST.to_string());
    if previous {
        query.append_pair("previous", "true");
    }
    let segment = |name: &str| form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    format!("/api/v1/namespaces/{}/pods/{}/log?{}", segment(namespace), segment(pod), query.finish())
}

impl Api {
    /// The last lines of what a container has written, or with `previous` the run of it before the present one. At most 16
    /// KiB.
    ///
    /// # Errors
    /// The refusal or the failure of the request: 400 when there was no such run.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn log(
        &self,
        cx: &Context,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Answered<Vec<String>> {
        let subject = format!("the log of container {container} of Pod {namespace}/{pod}");
        let asked = Asked::of("cannot be read", subject, Some(namespace));
        let address = address(namespace, pod, container, previous, lines);
        let answer = self.call(cx, &asked, request(Method::GET, &address, None)?).await?;
        let text = String::from_utf8_lossy(&answer.body);
        Ok(text.lines().map(str::to_owned).collect())
    }
}
