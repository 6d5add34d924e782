//! What a look at an object means. Pure.

use landfall_core::{Cause, End, Outputs, State};

use super::client::Head;
use super::memory::Object;

/// The verdict about a stored object, with causes when it is none of success.
pub(crate) fn stored(
    bucket: &str,
    bundle_type: &str,
    expected: (&Object, &str),
    found: Option<&Head>,
) -> (State, Vec<Cause>) {
    let (object, manifest) = expected;
    let Some(head) = found else {
        let message = format!("s3://{bucket}/{} is gone again", object.key);
        let hint = "somebody or a lifecycle rule has deleted it: CloudTrail names who called DeleteObject; run again";
        return (State::Ended(End::Failed), vec![Cause::new("object-gone", message).with_hint(hint)]);
    };
    if head.object.etag != object.etag {
        let message = format!(
            "s3://{bucket}/{} has the eTag {}, and {} was stored",
            object.key, head.object.etag, object.etag
        );
        let hint = "somebody else has written the same key since: find out who, then run again";
        let cause = Cause::new("object-replaced", message).with_hint(hint);
        return (State::Ended(End::Superseded { by: format!("eTag {}", head.object.etag) }), vec![cause]);
    }
    let mut outputs = Outputs::new()
        .with("bucket", bucket)
        .with("key", &object.key)
        .with("e_tag", &object.etag)
        .with("bundle_type", bundle_type)
        .with("size", object.size.to_string())
        .with("manifest", manifest);
    if let Some(version) = &object.version {
        outputs = outputs.with("version_id", version);
    }
    (State::Ready(outputs), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_ready_when_it_is_the_very_one_that_was_stored() {
        let object = |etag: &str| Object {
            key: "k.zip".to_owned(),
            etag: etag.to_owned(),
            version: Some("v1".to_owned()),
            size: 7,
        };
        let head = |etag: &str| Head { object: object(etag), manifest: None, mark: None, checksum: None };
        let judged = |found: Option<Head>| stored("b", "zip", (&object("e1"), "m"), found.as_ref());
        let (state, causes) = judged(Some(head("e1")));
        let State::Ready(outputs) = state else { panic!("{state:?}") };
        assert_eq!(outputs.find("version_id"), Some("v1"));
        assert_eq!(causes, []);
        let (state, causes) = judged(None);
        assert_eq!((state, causes[0].code.as_str()), (State::Ended(End::Failed), "object-gone"));
        let (state, causes) = judged(Some(head("e2")));
        assert!(matches!(state, State::Ended(End::Superseded { .. })), "{state:?}");
        assert_eq!(causes[0].code, "object-replaced");
    }
}
