//! Makes the bucket when that is asked for and there is none. A bucket that is there is never touched.

use std::sync::PoisonError;

use landfall_aws::failure::{Effect as Carried, Failure};
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, ErrorKind, Result};

use super::Bundle;
use super::client::bucket::UNFINISHED_DAYS;
use super::error::Refusal;

/// What a plan says of the bucket that it makes.
pub(crate) fn change(target: &Bundle) -> Change {
    let key = target.spec.kms_key.as_deref();
    let encrypted = key.map_or_else(|| "S3's own keys".to_owned(), |key| format!("the KMS key {key}"));
    Change::new(Effect::Create, format!("bucket {} in {}", target.spec.bucket, target.place)).with_details([
        format!("encrypted by {encrypted}, closed to the public"),
        format!("unfinished uploads are removed after {UNFINISHED_DAYS} day"),
    ])
}

/// How far this process has come with the bucket that it makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NewBucket {
    #[default]
    NotMade,
    /// It is there, and may not have all of its settings.
    Made,
    Settled,
}

/// Makes the bucket, unless it has come to be since the plan was made. May be called again.
pub(crate) async fn make(target: &Bundle, cx: &Context) -> Result<()> {
    let so_far = || target.new_bucket.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stands = *so_far();
    if stands == NewBucket::NotMade {
        if !create(target, cx).await? {
            there_meanwhile(target, cx);
            return Ok(());
        }
        stands = NewBucket::Made;
        *so_far() = stands;
    }
    if stands == NewBucket::Made {
        set(target, cx).await?;
        *so_far() = NewBucket::Settled;
    }
    Ok(())
}

/// Makes the bucket alone. False: it is there already.
async fn create(target: &Bundle, cx: &Context) -> Result<bool> {
    // In us-east-1 S3 answers as if it had made a bucket of ours that is there: only this look tells it.
    match target.client.head_bucket(cx, true).await {
        Ok(()) => return Ok(false),
        Err(failure) if failure.status() == Some(404) => {}
        Err(failure) => return Err(failure.into()),
    }
    let Err(failure) = target.client.create_bucket(cx, &target.place.region).await else { return Ok(true) };
    match failure.code() {
        Some("BucketAlreadyOwnedByYou") => return Ok(false),
        Some("BucketAlreadyExists") => {
            return Err(Refusal::NameTaken { bucket: target.spec.bucket.clone() }.into());
        }
        _ => {}
    }
    // It was not there a moment ago: when the answer was lost and it is there now, this call has made it.
    if failure.effect() == Carried::Unknown && target.client.head_bucket(cx, true).await.is_ok() {
        return Ok(true);
    }
    Err(failure.into())
}

/// Gives the new bucket its settings.
async fn set(target: &Bundle, cx: &Context) -> Result<()> {
    let client = &target.client;
    tolerate(
        (target, cx),
        client.block_public_access(cx).await,
        "s3:PutBucketPublicAccessBlock",
        "keeps what S3 gives new buckets, which are closed to the public",
    )?;
    tolerate(
        (target, cx),
        client.encrypt_by_default(cx).await,
        "s3:PutEncryptionConfiguration",
        "keeps what S3 gives new buckets, which encrypt by keys of S3's own",
    )?;
    tolerate(
        (target, cx),
        client.remove_unfinished(cx).await,
        "s3:PutLifecycleConfiguration",
        "does not remove unfinished uploads by itself, which cost storage",
    )
}

/// Organisations often refuse such settings to all but a few, and S3 gives new buckets most of them.
fn tolerate(
    (target, cx): (&Bundle, &Context),
    set: Result<(), Failure>,
    permission: &str,
    without: &str,
) -> Result<()> {
    match set {
        Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
            let text = format!("{permission} is refused: bucket `{}` {without}", target.spec.bucket);
            cx.note(Level::Warning, "bucket-setting-refused", text);
            Ok(())
        }
        other => other.map_err(Into::into),
    }
}

fn there_meanwhile(target: &Bundle, cx: &Context) {
    let text = format!(
        "bucket `{}` was made since the plan, by somebody else or by a try of this run that was cut off: it is used, and its \
         settings are left as they are; see that it has a lifecycle rule AbortIncompleteMultipartUpload",
        target.spec.bucket
    );
    cx.note(Level::Warning, "bucket-there-meanwhile", text);
}
