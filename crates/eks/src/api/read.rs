//! Reading one object.

use http::Method;
use landfall_core::Context;

use super::Api;
use super::call::{Asked, request};
use super::explain::Answered;
use super::meaning::Meaning;
use super::object::{At, Live};

impl Api {
    /// The object as it is now; none when it is not there, nor its namespace, nor its kind.
    ///
    /// # Errors
    /// The refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn read(&self, cx: &Context, at: &At) -> Answered<Option<Live>> {
        let asked = Asked::at("cannot be read", at);
        match self.call(cx, &asked, request(Method::GET, &at.path(), None)?).await {
            Ok(answer) => Ok(Some(Live::new(answer.json(&asked)?))),
            Err(fault) => match fault.meaning() {
                Some(Meaning::ObjectMissing | Meaning::NamespaceMissing(_) | Meaning::KindMissing) => {
                    Ok(None)
                }
                _ => Err(fault),
            },
        }
    }
}
