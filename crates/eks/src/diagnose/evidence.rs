//! What is shown beside a cause: where it is, what state it is in, what was last said of it, and the end of its log.

use jiff::Timestamp;

use super::scrub;
use super::tell::Place;
use crate::facts::{Container, Event, Exit, counted};
use crate::judge::Seen;
use crate::judge::below::{Signal, Trouble};

/// Events that are shown of a pod, or of what makes pods.
const EVENTS: usize = 5;

pub(super) fn of(seen: &Seen<'_>, signal: &Signal, place: &Place<'_>) -> Vec<String> {
    let mut lines = vec![chain(signal, place)];
    lines.extend(state(place));
    lines.extend(said(&signal.trouble).map(scrub));
    lines.extend(events(seen, signal, place));
    lines.extend(log(place));
    lines
}

/// `Deployment shop/web > ReplicaSet web-6d4cf56db6 > Pod web-6d4cf56db6-x2x7p on node ip-10-0-1-2, container web`.
fn chain(signal: &Signal, place: &Place<'_>) -> String {
    let mut chain = place.object.named();
    let (object, maker) = (place.object, place.maker);
    if maker.uid() != object.uid() {
        chain.push_str(&format!(" > {} {}", maker.kind(), maker.name()));
    }
    if let Some(pod) = signal.pod.as_ref().filter(|pod| Some(pod.uid.as_str()) != object.uid()) {
        chain.push_str(&format!(" > Pod {}", pod.name));
    }
    if let Some(node) = signal.pod.as_ref().and_then(|pod| pod.node.as_deref()) {
        chain.push_str(&format!(" on node {node}"));
    }
    if let Some(container) = place.container {
        chain.push_str(&format!(", container {container}"));
    }
    chain
}

/// The state of the container, and the conditions of gates.
fn state(place: &Place<'_>) -> Vec<String> {
    let Some(pod) = place.pod else { return Vec::new() };
    let Some(name) = place.container else {
        let gates = pod.unmet_gates().into_iter().filter_map(|gate| pod.object.condition(gate));
        return gates
            .map(|gate| format!("condition {} is {}{}", gate.kind, gate.status, gate.why()))
            .collect();
    };
    let status = pod.containers().find(|one| one.name == name);
    status.map(of_container).into_iter().collect()
}

pub(super) fn of_container(one: Container<'_>) -> String {
    let mut state = match (one.waiting, one.ended) {
        (Some((reason, _)), _) => format!("waits in {reason}"),
        (None, Some(exit)) => format!("has ended{}", of_exit(exit)),
        (None, None) if one.is_running && one.ready => "runs and is ready".to_owned(),
        (None, None) if one.is_running => "runs and is not ready".to_owned(),
        (None, None) => "has no state yet".to_owned(),
    };
    state.push_str(&format!(", {}", counted(one.restarts, "restart")));
    if let Some(exit) = one.before {
        state.push_str(&format!("; the run before ended{}", of_exit(exit)));
    }
    state
}

fn of_exit(exit: Exit<'_>) -> String {
    let reason = if exit.reason.is_empty() { String::new() } else { format!(", {}", exit.reason) };
    let signal = exit.signal.map(|signal| format!(", signal {signal}")).unwrap_or_default();
    let at = exit.at.map(|at| format!(" at {}", to_the_second(at))).unwrap_or_default();
    format!(" with exit code {}{reason}{signal}{at}", exit.code)
}

fn to_the_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// What the cluster says of the trouble.
fn said(trouble: &Trouble) -> Option<&str> {
    let text = match trouble {
        Trouble::Pull { message, .. }
        | Trouble::Config { message }
        | Trouble::Start { message, .. }
        | Trouble::Unschedulable { message, .. }
        | Trouble::NotCreated { message, .. }
        | Trouble::Mount { message }
        | Trouble::Network { message }
        | Trouble::Probe { message, .. }
        | Trouble::TakenAway { message, .. }
        | Trouble::Provisioning { message }
        | Trouble::Balancer { message, .. } => message.as_str(),
        Trouble::Crash { probe, .. } => probe.as_deref()?,
        Trouble::Gates { .. } => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The last events of the pod, or of what makes pods, oldest first.
fn events(seen: &Seen<'_>, signal: &Signal, place: &Place<'_>) -> Vec<String> {
    let uid = signal.pod.as_ref().map_or(place.maker.uid(), |pod| Some(pod.uid.as_str()));
    let known = said(&signal.trouble);
    let mut events: Vec<Event<'_>> =
        seen.events_about(uid).filter(|event| known != Some(event.words())).collect();
    events.sort_by_key(|event| event.last);
    let from = events.len().saturating_sub(EVENTS);
    events[from..].iter().map(|event| of_event(*event)).collect()
}

fn of_event(event: Event<'_>) -> String {
    let at = event.last.map(|at| format!("{} ", to_the_second(at))).unwrap_or_default();
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    format!("{at}event {}{times}: {}", event.reason, scrub(event.words()))
}

fn log(place: &Place<'_>) -> Vec<String> {
    let Some(log) = place.log else { return Vec::new() };
    if log.lines.is_empty() {
        return vec![format!("container {} has logged nothing", log.container)];
    }
    let which = if log.previous { "the run before" } else { "this run" };
    let mut lines = vec![format!("log of container {}, {which}:", log.container)];
    let from = log.lines.len().saturating_sub(super::LOG_LINES as usize);
    lines.extend(log.lines[from..].iter().map(|line| format!("  {line}")));
    lines
}
