//! Answers of an API server read as each of the things that they may be.

use super::call::Asked;
use super::discovery::Discovery;
use super::explain::Refusal;
use super::mask::Mask;
use super::status::Status;
use super::watch;

/// Reads any body as a refusal, as what the server serves, and as a line of a watch.
pub(crate) fn read(body: &[u8]) {
    let asked = || Asked::of("cannot be applied", "Secret shop/db", Some("shop"));
    for code in [200, 401, 403, 404, 409, 410, 422, 429, 500, 503] {
        let refusal = Refusal::new(asked(), Status::read(code, body), &Mask::of_secret(body));
        let error = refusal.error();
        assert!(error.message().starts_with("Secret shop/db cannot be applied"), "{error:?}");
    }
    let mut version = String::new();
    // What cannot be read as an event is told as such.
    let _ = watch::event(&asked(), body, &mut version);
    if let Ok(value) = serde_json::from_slice(body) {
        let mut known = Discovery::default();
        super::discovery::read(&value, &mut known);
        assert_eq!(known.find("v1", ""), None, "a kind has a name");
    }
}
