//! One look: reads, does not judge.

use landfall_core::target::Progress;
use landfall_core::{Context, Observation, Outputs, Result, State};

use super::memory::{Object, Watch};
use super::{Bundle, judge};

/// Looks once.
pub(crate) async fn observe(target: &Bundle, cx: &Context, watch: &Watch) -> Result<Observation> {
    match watch {
        Watch::Uploading { sent, kept, .. } => {
            let progress = Progress::new("archive", sent + kept, None, "bytes");
            Ok(Observation::new(State::Proceed).with_progress([progress]))
        }
        Watch::Stored { object, manifest, found, .. } => stored(target, cx, object, manifest, *found).await,
        Watch::Removed { key, etag } => {
            let there = target.client.head(cx, key, None).await?;
            let back = etag.is_some() && there.is_some_and(|head| Some(&head.object.etag) == etag.as_ref());
            let state =
                if back { State::pending("the object to disappear") } else { State::Ready(Outputs::new()) };
            Ok(Observation::new(state))
        }
    }
}

async fn stored(
    target: &Bundle,
    cx: &Context,
    object: &Object,
    manifest: &str,
    found: bool,
) -> Result<Observation> {
    let seen = if found { target.seen(&object.etag) } else { None };
    let seen = match seen {
        Some(seen) => Some(seen),
        None => target.client.head(cx, &object.key, object.version.as_deref()).await?,
    };
    let kind = target.spec.format.name();
    let (state, causes) = judge::stored(&target.spec.bucket, kind, (object, manifest), seen.as_ref());
    let progress = Progress::new("archive", object.size, Some(object.size), "bytes");
    Ok(Observation::new(state).with_causes(causes).with_progress([progress]))
}
