//! One run at a time for each release: a Lease that expires by itself.
//!
//! A lock that has to be taken back by who took it stays for ever when a CI job is killed ("another operation is in
//! progress", <https://github.com/helm/helm/issues/8987>). A Lease names its holder and until when it holds; a run
//! renews it while it works, and one that finds it expired takes it over. Writes go by the Lease's version, so that of
//! two runs that try one gets it.
//!
//! Times are those of the cluster's clock, as far as it is known ([`Cluster::ahead`](crate::access::Cluster::ahead)).

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Context, Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::api::{Api, ApplyOptions, At, Fault, Live, Meaning};
use crate::inventory::Release;

/// How long a lock holds without being renewed. Long enough for a run that waits for a slow answer, short enough for a
/// person who waits for a run that was killed.
pub const HOLDS: SignedDuration = SignedDuration::from_mins(2);

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    at: At,
    holder: String,
    resource_version: String,
    /// Until when it holds without being renewed.
    pub until: Timestamp,
}

/// The lock of a release as a target holds it: taken when it is needed, and held for longer before its time is over.
#[derive(Debug, Default)]
pub struct Lock(Mutex<Known>);

/// What is known of the lock.
#[derive(Debug, Default)]
enum Known {
    #[default]
    Nothing,
    /// It was looked at.
    Seen(Option<Live>),
    /// It was ours.
    Held(Held),
}

/// Since when nobody else has held the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since it was looked at, or taken, before: what only its holder changes is as it was then.
    Before,
    /// Since now.
    Now,
}

impl Lock {
    /// Who holds the lock, seen by `us`.
    ///
    /// # Errors
    /// The refusal or the failure of the request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time.
    pub async fn look(&self, cx: &Context, api: &Api, release: &Release, us: &str) -> Result<Holder> {
        let mut known = self.0.lock().await;
        let lease = api.read(cx, &place(cx, api, release).await?).await?;
        let holder = holder(lease.as_ref(), us, now(cx, api));
        if !matches!(*known, Known::Held(_)) {
            *known = Known::Seen(lease);
        }
        Ok(holder)
    }

    /// Takes the lock, or holds it for longer; does nothing while more than half of its time is left. One that was free
    /// when it was looked at is taken by one request, which is refused when anybody has held it since.
    ///
    /// # Errors
    /// As [`take`].
    ///
    /// # Cancellation
    /// As [`take`].
    pub async fn take(&self, cx: &Context, api: &Api, release: &Release, us: &str) -> Result<Since> {
        let mut known = self.0.lock().await;
        let at = place(cx, api, release).await?;
        match &*known {
            Known::Held(held) if held.holder == us && held.until >= enough(now(cx, api)) => {
                return Ok(Since::Before);
            }
            Known::Seen(lease) => {
                if let Some(held) = take_as_seen(cx, api, &at, us, lease.as_ref()).await? {
                    *known = Known::Held(held);
                    return Ok(Since::Before);
                }
            }
            _ => {}
        }
        let lease = api.read(cx, &at).await?;
        let held = match found(&at, lease.as_ref(), us, now(cx, api)) {
            Some(held) => held,
            None => take_from(cx, api, &at, release, us, lease).await?,
        };
        *known = Known::Held(held);
        Ok(Since::Now)
    }

    /// Gives the lock back, if it is held.
    ///
    /// # Errors
    /// The refusal or the failure of the request.
    ///
    /// # Cancellation
    /// A lock that is not given back expires.
    pub async fn give_back(&self, cx: &Context, api: &Api) -> Result<()> {
        match std::mem::take(&mut *self.0.lock().await) {
            Known::Held(held) => give_back(cx, api, &held).await,
            Known::Nothing | Known::Seen(_) => Ok(()),
        }
    }
}

/// Until when a lock has to hold to be left as it is.
fn enough(now: Timestamp) -> Timestamp {
    now.checked_add(HOLDS / 2).unwrap_or(Timestamp::MAX)
}

/// The lock as an earlier process of the same run has left it; none when that does not hold it for long enough.
fn found(at: &At, lease: Option<&Live>, us: &str, now: Timestamp) -> Option<Held> {
    let lease = lease.filter(|_| holder(lease, us, now) == Holder::Us)?;
    let until = until(lease).filter(|until| *until >= enough(now))?;
    let resource_version = lease.resource_version().to_owned();
    Some(Held { at: at.clone(), holder: us.to_owned(), resource_version, until })
}

/// Takes a lock that was free when it was looked at, by one request; none when it is not as it was, or was not free.
async fn take_as_seen(
    cx: &Context,
    api: &Api,
    at: &At,
    us: &str,
    lease: Option<&Live>,
) -> Result<Option<Held>> {
    let now = now(cx, api);
    if let Some(held) = found(at, lease, us, now) {
        return Ok(Some(held));
    }
    if !matches!(holder(lease, us, now), Holder::Nobody | Holder::Us) {
        return Ok(None);
    }
    match claim(cx, api, at, us, now, lease).await.map_err(Error::from) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind().is_passing() => Err(error),
        // It is read anew, and told then.
        Err(_) => Ok(None),
    }
}

/// Who a run is to others: the same in every process that goes on with it.
#[must_use]
pub fn name(cx: &Context) -> String {
    format!("{}/{}", cx.run(), cx.step())
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody, or nobody any more.
    Nobody,
    /// We do.
    Us,
    /// Somebody whose time is over.
    Expired {
        /// Who.
        holder: String,
    },
    /// Somebody else.
    Other {
        /// Who.
        holder: String,
        /// Until when, unless it is renewed.
        until: Timestamp,
    },
}

/// Who holds a lock at this time, seen by `us`.
#[must_use]
pub fn holder(lease: Option<&Live>, us: &str, now: Timestamp) -> Holder {
    let spec = |key: &str| lease.map(|lease| &lease.value()["spec"][key]);
    let holder = spec("holderIdentity").and_then(Value::as_str).unwrap_or_default();
    if holder.is_empty() {
        return Holder::Nobody;
    }
    if holder == us {
        return Holder::Us;
    }
    match lease.and_then(until) {
        Some(until) if until > now => Holder::Other { holder: holder.to_owned(), until },
        // A Lease without a time was never one that holds.
        _ => Holder::Expired { holder: holder.to_owned() },
    }
}

/// Until when a Lease holds, if it says so.
fn until(lease: &Live) -> Option<Timestamp> {
    let spec = &lease.value()["spec"];
    let renewed: Timestamp = spec["renewTime"].as_str()?.parse().ok()?;
    let seconds = spec["leaseDurationSeconds"].as_i64().unwrap_or_default();
    renewed.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Takes the lock of a release for `us`, a name that is the same for the same run: a run that goes on finds its own.
///
/// # Errors
/// [`ErrorKind::Conflict`] when somebody else holds it, with who and until when, or takes it at the same time; the
/// refusal or the failure of a request.
///
/// # Cancellation
/// Dropping the future may leave the lock taken; it expires, and the same run gets it again.
pub async fn take(cx: &Context, api: &Api, release: &Release, us: &str) -> Result<Held> {
    let at = place(cx, api, release).await?;
    let lease = api.read(cx, &at).await?;
    take_from(cx, api, &at, release, us, lease).await
}

/// Takes the lock as it was just read.
async fn take_from(
    cx: &Context,
    api: &Api,
    at: &At,
    release: &Release,
    us: &str,
    lease: Option<Live>,
) -> Result<Held> {
    let now = now(cx, api);
    match holder(lease.as_ref(), us, now) {
        Holder::Other { holder, until } => return Err(busy(release, &holder, until)),
        Holder::Expired { holder } => {
            let text =
                format!("the lock of release {release} was {holder}'s, whose time is over: it is taken over");
            cx.note(Level::Warning, "lock-taken-over", text);
        }
        Holder::Nobody | Holder::Us => {}
    }
    match claim(cx, api, at, us, now, lease.as_ref()).await {
        Ok(held) => Ok(held),
        // An answer that was lost on the way, and the request repeated: it is ours.
        Err(fault) if is_overtaken(&fault) => match api.read(cx, at).await? {
            Some(lease) if holder(Some(&lease), us, now) == Holder::Us => {
                Ok(held(at.clone(), us, &lease, now))
            }
            _ => Err(lost(release, fault)),
        },
        Err(fault) => Err(fault.into()),
    }
}

/// Writes our name into the Lease as it was read, unless anybody has written into it since.
async fn claim(
    cx: &Context,
    api: &Api,
    at: &At,
    us: &str,
    now: Timestamp,
    lease: Option<&Live>,
) -> Result<Held, Fault> {
    let written = match lease {
        None => api.create(cx, at, &body(at, us, now, None)).await?,
        Some(lease) => write(cx, api, at, us, now, lease.resource_version()).await?,
    };
    Ok(held(at.clone(), us, &written, now))
}

/// Holds the lock for longer.
///
/// # Errors
/// [`ErrorKind::Conflict`] when somebody else has taken it, after our time was over; the refusal or the failure of a
/// request.
///
/// # Cancellation
/// Dropping the future may leave the lock renewed.
pub async fn renew(cx: &Context, api: &Api, release: &Release, held: &Held) -> Result<Held> {
    let now = now(cx, api);
    match write(cx, api, &held.at, &held.holder, now, &held.resource_version).await {
        Ok(lease) => Ok(self::held(held.at.clone(), &held.holder, &lease, now)),
        Err(fault) => Err(lost(release, fault)),
    }
}

/// Gives the lock back. One that somebody else has taken meanwhile is left alone.
///
/// # Errors
/// The refusal or the failure of the request.
///
/// # Cancellation
/// A lock that is not given back expires.
pub async fn give_back(cx: &Context, api: &Api, held: &Held) -> Result<()> {
    match write(cx, api, &held.at, "", now(cx, api), &held.resource_version).await {
        Err(fault) if fault.meaning() != Some(&Meaning::Stale) => Err(fault.into()),
        _ => Ok(()),
    }
}

async fn place(cx: &Context, api: &Api, release: &Release) -> Result<At> {
    let leases = api.resource(cx, "coordination.k8s.io/v1", "Lease", Duration::ZERO).await?;
    Ok(At::new(leases, Some(&release.namespace), &release.secret()))
}

/// What the cluster's clock shows, as far as it is known.
pub(crate) fn now(cx: &Context, api: &Api) -> Timestamp {
    let ours = cx.clock().now();
    ours.checked_add(api.server().cluster().ahead()).unwrap_or(ours)
}

async fn write(
    cx: &Context,
    api: &Api,
    at: &At,
    holder: &str,
    now: Timestamp,
    version: &str,
) -> Result<Live, Fault> {
    let body = Bytes::from(body(at, holder, now, Some(version)).to_string());
    let applied = api.apply(cx, at, body, ApplyOptions { force: true, dry_run: false }).await?;
    Ok(applied.object)
}

/// With a version the write is refused when the Lease has changed since.
fn body(at: &At, holder: &str, now: Timestamp, version: Option<&str>) -> Value {
    let mut body = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": at.name(), "namespace": at.namespace()},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": HOLDS.as_secs(),
            // The server takes six digits behind the second, and no others.
            "renewTime": format!("{now:.6}"),
        },
    });
    if let Some(version) = version {
        body["metadata"]["resourceVersion"] = json!(version);
    }
    body
}

fn held(at: At, us: &str, lease: &Live, now: Timestamp) -> Held {
    let until = now.checked_add(HOLDS).unwrap_or(now);
    Held { at, holder: us.to_owned(), resource_version: lease.resource_version().to_owned(), until }
}

pub(crate) fn busy(release: &Release, holder: &str, until: Timestamp) -> Error {
    let message = format!("release {release} is being deployed by {holder}");
    let error = Error::new(ErrorKind::Conflict, message);
    error.with_hint(format!(
        "wait for that run to end; if it was killed, its lock is over at {}",
        until.strftime("%H:%M:%S UTC")
    ))
}

/// A write that was refused because somebody else was quicker is a lock that is taken.
fn lost(release: &Release, fault: Fault) -> Error {
    if !is_overtaken(&fault) {
        return fault.into();
    }
    let message = format!("the lock of release {release} was taken by somebody else at the same time");
    Error::new(ErrorKind::Conflict, message).with_hint("wait for that run to end, then run again")
}

/// Whether a write was refused because the Lease is not what it was.
fn is_overtaken(fault: &Fault) -> bool {
    matches!(fault.meaning(), Some(Meaning::Stale | Meaning::Exists))
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.at, self.holder)
    }
}
