//! The way of a request: counted, hit by a fault or not, authenticated, authorised, done, recorded.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, header};

use super::access::{User, token};
use super::asked::{Path, Query, verb};
use super::perform::Performed;
use super::refusal::Refusal;
use super::respond::{respond, truncated};
use super::serve::KubernetesBody;
use super::{Kubernetes, KubernetesRequest};
use crate::clock::earlier;
use crate::dispatch::State;
use crate::hold::Hold;
use crate::{Call, Fault, FaultKind, KubernetesFault, Outcome, Phase};

/// What faults, calls and holds call this service.
const SERVICE: &str = "kubernetes";

/// A request, understood as far as its address goes.
pub(super) struct Asked {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) path: Path,
    pub(super) query: Query,
    pub(super) verb: &'static str,
}

impl Asked {
    fn of(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let (path, query) = (Path::of(head.uri.path()), Query::of(&head));
        let verb = verb(&head.method, &path, &query);
        Self { head, body, path, query, verb }
    }

    /// `patch deployments`, `get pods/log`, `get /version`.
    fn operation(&self) -> String {
        match &self.path {
            Path::Object(place) if place.subresource.is_empty() => format!("{} {}", self.verb, place.plural),
            Path::Object(place) => format!("{} {}/{}", self.verb, place.plural, place.subresource),
            Path::Other(_) => format!("{} {}", self.verb, self.head.uri.path()),
        }
    }

    /// True when an answer without an error means that something has changed.
    fn writes(&self) -> bool {
        let reads = matches!(self.verb, "get" | "list" | "watch");
        !reads && self.query.text("dryRun").is_empty() && matches!(self.path, Path::Object(_))
    }

    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Answers a request, waiting where a fault delays it. `trusted`: a caller that needs no token and meets no fault.
pub(super) async fn answer(
    cluster: &Kubernetes,
    request: Request<Bytes>,
    trusted: Option<User>,
) -> io::Result<Response<KubernetesBody>> {
    let asked = Asked::of(request);
    if trusted.is_some() {
        let (result, _) =
            cluster.simulator().with_state(|state| attempt(cluster, state, &asked, trusted, None));
        return Ok(respond(cluster, result, None));
    }
    let _under_way = UnderWay::begin(cluster);
    let operation = asked.operation();
    let (number, fault, hold) = cluster.simulator().with_state(|state| {
        let (number, fault) = state.faults.next(SERVICE, &operation);
        (number, fault, state.hold.as_mut().and_then(Hold::next))
    });
    if let Some(hold) = hold.as_ref().filter(|hold| hold.phase == Phase::Before) {
        hold.forever().await;
    }
    pause(fault.as_ref(), Phase::Before).await;
    let result = cluster.simulator().with_state(|state| {
        let (result, caller) = attempt(cluster, state, &asked, None, fault.as_ref());
        record(cluster, state, &asked, (number, fault.as_ref()), &result, caller);
        result
    });
    pause(fault.as_ref(), Phase::After).await;
    if let Some(hold) = &hold {
        hold.forever().await;
    }
    match fault.as_ref().map(|fault| &fault.kind) {
        Some(FaultKind::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
        Some(FaultKind::Truncate) => Ok(truncated(&result)),
        _ => Ok(respond(cluster, result, fault.as_ref())),
    }
}

/// A request that is counted until it is answered, or given up.
struct UnderWay<'a>(&'a Kubernetes);

impl<'a> UnderWay<'a> {
    fn begin(cluster: &'a Kubernetes) -> Self {
        cluster.with(|state| {
            let (now, most) = &mut state.under_way;
            *now += 1;
            *most = (*most).max(*now);
        });
        Self(cluster)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.under_way.0 -= 1);
    }
}

async fn pause(fault: Option<&Fault>, at: Phase) {
    if let Some(Fault { kind: FaultKind::Delay { ms: length }, phase, .. }) = fault
        && *phase == at
    {
        tokio::time::sleep(Duration::from_millis(*length)).await;
    }
}

/// Who called, and why a token was not accepted.
struct Caller {
    name: String,
    account: Option<String>,
    refused: Option<String>,
}

/// Everything up to the effect, and the effect.
fn attempt(
    cluster: &Kubernetes,
    state: &mut State,
    asked: &Asked,
    trusted: Option<User>,
    fault: Option<&Fault>,
) -> (Result<Performed, Refusal>, Caller) {
    let now = state.clock.now();
    state.kubernetes(&cluster.name).advance(now);
    let user = match trusted {
        Some(user) => user,
        None => match authenticate(cluster, state, asked, fault) {
            Ok(user) => user,
            Err(why) => {
                let caller = Caller { name: String::new(), account: None, refused: Some(why) };
                return (Err(Refusal::unauthorized()), caller);
            }
        },
    };
    let account = Some(user.account.clone()).filter(|account| !account.is_empty());
    let caller = Caller { name: user.name.clone(), account, refused: None };
    let before = fault.filter(|fault| fault.phase == Phase::Before);
    if let Some(refusal) = before.and_then(|fault| refused_by(&fault.kind)) {
        return (Err(refusal), caller);
    }
    let state = state.kubernetes(&cluster.name);
    let past = match fault.map(|fault| &fault.kind) {
        Some(FaultKind::Stale { seconds }) if matches!(asked.verb, "get" | "list") => {
            Some(state.store.as_of(earlier(now, Duration::from_secs(*seconds))))
        }
        _ => None,
    };
    // A read that lags sees the objects of that time; it writes nothing.
    let present = past.map(|past| std::mem::replace(&mut state.store, past));
    let result = state
        .authorise(&user, asked.verb, &asked.path, asked.head.uri.path())
        .and_then(|()| state.perform(asked, &user));
    if let Some(present) = present {
        state.store = present;
    }
    let after = fault.filter(|fault| fault.phase == Phase::After);
    match after.and_then(|fault| refused_by(&fault.kind)) {
        Some(refusal) => (Err(refusal), caller),
        None => (result, caller),
    }
}

/// Who calls. A fault may end the session here: before the effect for this call too.
fn authenticate(
    cluster: &Kubernetes,
    state: &mut State,
    asked: &Asked,
    fault: Option<&Fault>,
) -> Result<User, String> {
    let (name, now) = (&cluster.name, state.clock.now());
    let entries = state.kubernetes(name).setup.access_entries.clone();
    let header = asked.header(header::AUTHORIZATION);
    let Some(token) = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer ")) else {
        return Ok(User::anonymous());
    };
    let expires = matches!(fault, Some(Fault { kind: FaultKind::ExpireSession, .. }));
    let mut judged = token::judge(&state.directory, token.trim(), &name.cluster, now);
    if let (true, Ok(principal)) = (expires, &judged) {
        state.end_session(fault, Some(principal));
        if fault.is_some_and(|fault| fault.phase == Phase::Before) {
            judged = token::judge(&state.directory, token.trim(), &name.cluster, now);
        }
    }
    let principal = judged?;
    let canonical = canonical(&principal.arn);
    let admitted =
        if entries.is_empty() { principal.account == name.account } else { entries.contains(&canonical) };
    if !admitted {
        return Err(format!("ARN is not mapped: {canonical}"));
    }
    Ok(User { name: principal.arn, account: principal.account, trusted: false })
}

/// The ARN of the role, and not that of its session: access entries are for roles.
fn canonical(arn: &str) -> String {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "sts", "", account, session] => {
            let role = session.split('/').nth(1).unwrap_or_default();
            format!("arn:{partition}:iam::{account}:role/{role}")
        }
        _ => arn.to_owned(),
    }
}

/// What the server says when this fault strikes; none for faults that show otherwise.
fn refused_by(kind: &FaultKind) -> Option<Refusal> {
    match kind {
        FaultKind::Throttle { .. } => Some(Refusal::too_many_requests(1)),
        FaultKind::Error { code, message, status } => Some(Refusal::of(*status, code, message)),
        FaultKind::Kubernetes(KubernetesFault::TooManyRequests { retry_after }) => {
            Some(Refusal::too_many_requests(*retry_after))
        }
        FaultKind::Kubernetes(KubernetesFault::Unavailable { retry_after }) => {
            Some(Refusal::unavailable(*retry_after))
        }
        FaultKind::Kubernetes(KubernetesFault::Unauthorized) => Some(Refusal::unauthorized()),
        // These replace the answer, or break the connection; what matters here is that the effect does not happen.
        FaultKind::Http { .. } | FaultKind::Html500 | FaultKind::Reset => {
            Some(Refusal::internal("the answer is replaced by a fault"))
        }
        _ => None,
    }
}

fn record(
    cluster: &Kubernetes,
    state: &mut State,
    asked: &Asked,
    (number, fault): (u64, Option<&Fault>),
    result: &Result<Performed, Refusal>,
    caller: Caller,
) {
    let refused = result.as_ref().err();
    let at = state.clock.now();
    state.calls.push(Call {
        service: SERVICE.to_owned(),
        operation: asked.operation(),
        account: caller.account,
        at,
        number,
        body: asked.body.len() as u64,
        write: asked.writes(),
        outcome: refused.map_or(Outcome::Answered, |refusal| Outcome::Refused(refusal.reason.clone())),
        fault: fault.map(|fault| fault.kind.name().to_owned()),
    });
    let broken = matches!(fault, Some(Fault { kind: FaultKind::Reset, .. }));
    let status = match result {
        _ if broken => 0,
        Ok(performed) => performed.status(),
        Err(refusal) => refusal.code,
    };
    state.kubernetes(&cluster.name).requests.push(KubernetesRequest {
        method: asked.head.method.to_string(),
        path: asked.head.uri.path().to_owned(),
        query: asked.head.uri.query().unwrap_or_default().to_owned(),
        user: caller.name,
        status,
        token_refused: caller.refused,
        at,
    });
}
