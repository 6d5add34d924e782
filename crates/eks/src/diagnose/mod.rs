//! Why a workload does not come up: causes with their evidence, and what a person does next. Pure, as [`crate::judge`].
//!
//! [`wanted_logs`] names the logs that would tell more; [`causes`] makes of the signals, of the events and of those logs
//! what a person reads. Equal troubles of many pods are told once, with their number.
//!
//! - `tell`: which words belong to which trouble. `pull`, `container`, `pod`, `creation`: the words.
//! - `evidence`: the chain of owners, the state, the last events, the end of the log.
//! - `scrub`: what registries should not have said.
//!
//! Evidence has to be collected before anything is put back: a rollback takes the pods away.

mod container;
mod creation;
mod evidence;
mod names;
mod pod;
mod pull;
mod scrub;
mod tell;
#[cfg(test)]
mod tests;
mod unfinished;

use landfall_core::Cause;

use crate::facts::{Object, Pod, command};
use crate::judge::Seen;
use crate::judge::below::{Below, Severity, Signal, Trouble, current};

pub use unfinished::unfinished;

use scrub::scrub;
use tell::Told;

/// How many lines of a log are asked for: its last ones.
pub const LOG_LINES: u32 = 30;

/// Most causes that are told. More is no answer to "why".
const MOST: usize = 8;

/// Most logs that are asked for in one diagnosis. One pod is an example for all that fail alike.
const MOST_LOGS: usize = 4;

/// A log of a container, and the request for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Namespace of the pod.
    pub namespace: Option<String>,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// That of the run before the present one.
    pub previous: bool,
    /// Its last lines, [`LOG_LINES`] at most; empty in a request.
    pub lines: Vec<String>,
}

/// The logs that would tell more. Each is of another container, or of another trouble of the same.
#[must_use]
pub fn wanted_logs(seen: &Seen<'_>, below: &Below) -> Vec<Log> {
    let object = Object::of(seen.object);
    let mut wanted: Vec<Log> = Vec::new();
    for signal in told(below) {
        let (Some(pod), Some(container)) = (&signal.pod, &signal.container) else { continue };
        let logs = matches!(signal.trouble, Trouble::Crash { .. } | Trouble::Probe { .. });
        if !logs || wanted.iter().any(|known| known.container == *container) || wanted.len() == MOST_LOGS {
            continue;
        }
        wanted.push(Log {
            namespace: object.namespace().map(str::to_owned),
            pod: pod.name.clone(),
            container: container.clone(),
            previous: has_ended_before(seen, &pod.uid, container),
            lines: Vec::new(),
        });
    }
    wanted
}

/// Whether what is meant by the end of a container is the run before the present one.
fn has_ended_before(seen: &Seen<'_>, uid: &str, container: &str) -> bool {
    let pod = find(seen, uid);
    let status = pod.and_then(|pod| pod.containers().find(|one| one.name == container));
    status.is_some_and(|status| status.ended.is_none() && status.before.is_some())
}

fn find<'a>(seen: &Seen<'a>, uid: &str) -> Option<Pod<'a>> {
    seen.pods.iter().copied().chain([seen.object]).map(Pod::of).find(|pod| pod.object.uid() == Some(uid))
}

/// The causes, the gravest first and the most frequent of those.
#[must_use]
pub fn causes(seen: &Seen<'_>, below: &Below, logs: &[Log]) -> Vec<Cause> {
    let object = Object::of(seen.object);
    let maker = current(seen).maker.unwrap_or(object);
    let mut found: Vec<(Severity, Told, Cause)> = Vec::new();
    for signal in told(below) {
        let pod = signal.pod.as_ref().and_then(|name| find(seen, &name.uid));
        let log = signal.pod.as_ref().zip(signal.container.as_ref()).and_then(|(pod, container)| {
            logs.iter().find(|log| log.pod == pod.name && log.container == *container)
        });
        let place = tell::Place { object, maker, pod, container: signal.container.as_deref(), log };
        let told = tell::tell(&signal.trouble, &place);
        let same = |known: &&mut (Severity, Told, Cause)| {
            known.1.code == told.code && known.1.message == told.message
        };
        match found.iter_mut().find(same) {
            Some((_, _, known)) => known.count += 1,
            None => {
                let evidence = evidence::of(seen, signal, &place);
                let cause = Cause::new(told.code, scrub(&told.message));
                found.push((
                    signal.severity,
                    told.clone(),
                    cause.with_evidence(evidence).with_hint(&told.hint),
                ));
            }
        }
    }
    found.sort_by_key(|(severity, _, cause)| std::cmp::Reverse((*severity, cause.count)));
    let mut causes: Vec<Cause> = found.into_iter().map(|(_, _, cause)| cause).collect();
    if causes.len() > MOST {
        let left = causes.len() - MOST;
        causes.truncate(MOST);
        let text = format!("{left} more causes are left out");
        causes.push(Cause::new("more-causes", text).with_hint(command::describe(object)));
    }
    causes
}

/// The signals worth telling: those of the ordinary course only where there is nothing else.
fn told(below: &Below) -> impl Iterator<Item = &Signal> {
    let worth = below.signals.iter().any(|signal| signal.severity > Severity::Passing);
    below.signals.iter().filter(move |signal| !worth || signal.severity > Severity::Passing)
}
