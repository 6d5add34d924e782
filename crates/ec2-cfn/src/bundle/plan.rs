//! What would change: the folder is read, and the bucket is asked once.

use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Error, ErrorKind, Plan, Result};

use super::client::Head;
use super::error::Refusal;
use super::memory::{Forward, VERSION, Work};
use super::pack::{MIB, Tree};
use super::target::KIND;
use super::{Bundle, bucket};

/// An upload has 10,000 parts at most; some are left free for what is estimated here.
const MOST_PARTS: u64 = 9_900;

/// Makes the plan. Reads only.
pub(crate) async fn plan(target: &Bundle, cx: &Context) -> Result<Plan> {
    let tree = target.read(cx).await?;
    let key = target.spec.key_of(&tree.manifest);
    let found = look_up(target, cx, &key).await?;
    let mut forward = Forward {
        manifest: tree.manifest.clone(),
        means: target.spec.means(&target.place),
        key: key.clone(),
        bytes: tree.bytes,
        part_size: part_size(target.spec.part_size, &tree),
        made_at: cx.clock().now(),
        unchanged: None,
        before: None,
        makes_bucket: false,
    };
    let changes = match found {
        Found::NoBucket if target.spec.create_bucket => {
            forward.makes_bucket = true;
            vec![bucket::change(target), change(target, Effect::Create, &tree, &key)]
        }
        Found::NoBucket => {
            return Err(Refusal::NoBucket { bucket: target.spec.bucket.clone() }.into());
        }
        Found::Object(head) if head.manifest.as_deref() == Some(tree.manifest.as_str()) => {
            target.saw(&head);
            forward.unchanged = Some(head.object);
            Vec::new()
        }
        Found::Object(_) if target.spec.is_addressed() => {
            return Err(Refusal::NotOurs { bucket: target.spec.bucket.clone(), key }.into());
        }
        Found::Object(head) => {
            let was = head.manifest.unwrap_or_else(|| "not landfall's".to_owned());
            let change = change(target, Effect::Update, &tree, &key);
            forward.before = Some(head.object);
            vec![change.with_details([format!("manifest: {was} -> {}", tree.manifest)])]
        }
        Found::NoObject => vec![change(target, Effect::Create, &tree, &key)],
    };
    Plan::new(KIND, VERSION, changes, &Work::Forward(forward))
}

fn change(target: &Bundle, effect: Effect, tree: &Tree, key: &str) -> Change {
    let files = tree.entries.len();
    let what = format!("{files} files, {}, as {}", told(tree.bytes), target.spec.format.name());
    Change::new(effect, format!("object {}", target.address(key))).with_details([what])
}

/// `12.3 MB`.
pub(crate) fn told(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// The size of a part, so that the archive has no more than S3 takes. Depends on the folder only: a later process cuts
/// the same parts.
fn part_size(wanted: u64, tree: &Tree) -> u64 {
    let names: u64 = tree.entries.iter().map(|entry| 2 * entry.name.len() as u64 + 512).sum();
    let most = tree.bytes + tree.bytes / 1_000 + names + MIB;
    wanted.max(most.div_ceil(MOST_PARTS).next_multiple_of(MIB))
}

/// What is there under the key.
enum Found {
    Object(Head),
    NoObject,
    NoBucket,
}

/// Looks for the object; a bucket that is somebody else's is an error.
async fn look_up(target: &Bundle, cx: &Context, key: &str) -> Result<Found> {
    match target.client.head(cx, key, None).await {
        Ok(Some(head)) => Ok(Found::Object(head)),
        // Without a body, a missing object and a missing bucket look alike.
        Ok(None) => match target.client.head_bucket(cx, true).await {
            Err(failure) if failure.status() == Some(404) => Ok(Found::NoBucket),
            // Whether the bucket is there is told by the write as well.
            _ => Ok(Found::NoObject),
        },
        Err(failure) if failure.status() == Some(403) => denied(target, cx, key, failure).await,
        Err(failure) => Err(failure.into()),
    }
}

/// HeadObject is refused: finds out why.
async fn denied(target: &Bundle, cx: &Context, key: &str, failure: Failure) -> Result<Found> {
    if let Some(other) = other_owner(target, cx).await {
        return Err(other);
    }
    match target.client.first_byte(cx, key).await {
        Ok(()) => Err(failure.into()),
        Err(told) if told.code() == Some("NoSuchKey") => Ok(Found::NoObject),
        Err(told) if told.error().message().contains("s3:ListBucket") => {
            let text = "s3:ListBucket is refused: it cannot be told whether the object is there; it is sent on condition \
                        that it is not";
            cx.note(Level::Info, "permission-missing", text);
            Ok(Found::NoObject)
        }
        Err(told) => Err(told.into()),
    }
}

/// Whether the bucket is somebody else's than is expected.
pub(crate) async fn other_owner(target: &Bundle, cx: &Context) -> Option<Error> {
    let owner = target.client.owner.clone()?;
    let refused = |made: &Result<(), Failure>| matches!(made, Err(failure) if failure.kind() == ErrorKind::Denied || failure.status() == Some(403));
    let expected = target.client.head_bucket(cx, true).await;
    if refused(&expected) && target.client.head_bucket(cx, false).await.is_ok() {
        return Some(Refusal::OtherOwner { bucket: target.spec.bucket.clone(), owner }.into());
    }
    None
}
