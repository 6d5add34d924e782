//! The plan that takes away what a run has brought. Reads only.
//!
//! In a bucket that keeps versions, an object whose key is made of its content is only hidden behind a delete marker:
//! another pipeline may have found it meanwhile and deploy it by its version. Under a fixed key the version is deleted,
//! so that the one before is the current one again. A bucket that the run has made stays.

use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Plan, Result, Revert, Token};

use super::Bundle;
use super::client::Head;
use super::memory::{Back, Forward, VERSION, Watch, Work, mark};
use super::target::KIND;

/// How to get back to what was there before.
pub(crate) async fn revert(
    target: &Bundle,
    cx: &Context,
    token: &Token,
    forward: &Forward,
    receipt: Option<&Watch>,
) -> Result<Revert> {
    // The threads that pack have nothing to do any more.
    target.session.lock().await.take();
    if forward.makes_bucket {
        // Others may use it already, and a name that is given up can be taken by anybody.
        let text = format!(
            "bucket `{}` stays, if it has been made: there was none before this run",
            target.spec.bucket
        );
        cx.note(Level::Info, "bucket-stays", text);
    }
    let ours = mark(token);
    if let Some(head) = target.client.head(cx, &forward.key, None).await?
        && head.mark.as_deref() == Some(ours.as_str())
    {
        return object(target, forward, head);
    }
    match receipt {
        Some(Watch::Uploading { key, upload_id, ours: true, .. }) => upload(target, cx, key, upload_id).await,
        _ => {
            open_uploads(target, cx, forward).await;
            Ok(Revert::NothingToDo)
        }
    }
}

fn object(target: &Bundle, forward: &Forward, head: Head) -> Result<Revert> {
    if forward.before.is_some() && head.object.version.is_none() {
        return Ok(Revert::Impossible {
            reason: format!(
                "{} was replaced, and bucket `{}` keeps no versions: send the bundle of the commit before once more",
                target.address(&head.object.key),
                target.spec.bucket
            ),
        });
    }
    let hide = target.spec.is_addressed() && head.object.version.is_some();
    let how = if hide { "hidden behind a delete marker; its version stays" } else { "deleted" };
    let change = Change::new(Effect::Delete, format!("object {}", target.address(&head.object.key)));
    let work = Work::Back(Back::Object { object: head.object, hide });
    Ok(Revert::Plan(Box::new(Plan::new(KIND, VERSION, vec![change.with_details([how])], &work)?)))
}

async fn upload(target: &Bundle, cx: &Context, key: &str, upload_id: &str) -> Result<Revert> {
    match target.client.list_parts(cx, key, upload_id).await {
        Err(failure) if failure.code() == Some("NoSuchUpload") => return Ok(Revert::NothingToDo),
        Err(failure) => return Err(failure.into()),
        Ok(_) => {}
    }
    let change = Change::new(Effect::Delete, format!("upload to {}", target.address(key)));
    let work = Work::Back(Back::Upload { key: key.to_owned(), upload_id: upload_id.to_owned() });
    Ok(Revert::Plan(Box::new(Plan::new(KIND, VERSION, vec![change], &work)?)))
}

/// Uploads of the same key that may be somebody else's stay, and are told of.
async fn open_uploads(target: &Bundle, cx: &Context, forward: &Forward) {
    let open = target.client.list_uploads(cx, &forward.key).await.unwrap_or_default();
    let count = open.iter().filter(|upload| upload.key == forward.key).count();
    if count > 0 {
        let text = format!(
            "{count} unfinished uploads to {} stay, because they may be another run's: a lifecycle rule \
             (AbortIncompleteMultipartUpload) removes such after a while",
            target.address(&forward.key)
        );
        cx.note(Level::Warning, "upload-left-open", text);
    }
}
