//! Containers that are not started, or that end.

use super::names::Missing;
use super::tell::{Place, Told};
use crate::facts::command;
use crate::judge::below::Exited;

/// What the loader of a kernel says of a program for another processor. A container that runs such a program ends like any
/// other that fails, and says so only in its log.
const EXEC_FORMAT: &str = "exec format error";

pub(super) fn config(place: &Place<'_>, message: &str) -> Told {
    if let Some(missing) = Missing::read(message) {
        return tell_missing(place, &missing);
    }
    let who = place.named();
    let told = if message.contains("runAsNonRoot") {
        Told::new(
            "runs-as-root",
            format!(
                "{who}: its image runs as root, or as a user without number, and runAsNonRoot forbids that"
            ),
            "set runAsUser to a number other than 0, or USER in the image",
        )
    } else {
        Told::new(
            "container-config",
            format!("{who} cannot be configured: {message}"),
            "the message names what is wrong in the pod template",
        )
    };
    told.then(&place.describe())
}

/// A Secret, a ConfigMap or a key that is missing. Its values are never shown: `describe` lists the keys of a Secret alone.
pub(super) fn tell_missing(place: &Place<'_>, missing: &Missing<'_>) -> Told {
    let Missing { kind, name, key } = missing;
    let space = place.object.namespace().unwrap_or("default");
    let full = name.map_or_else(|| format!("the {kind}"), |name| format!("{kind} {space}/{name}"));
    let (secret, who) = (*kind == "Secret", place.named());
    let show = name.map(|name| format!("kubectl -n {space} describe {} {name}", kind.to_ascii_lowercase()));
    match key {
        Some(key) => Told::new(
            if secret { "secret-key-missing" } else { "config-map-key-missing" },
            format!("{who}: {full} has no key {key}"),
            "add the key, or correct it in the pod template",
        )
        .then(&show.unwrap_or_else(|| place.describe())),
        None => Told::new(
            if secret { "secret-missing" } else { "config-map-missing" },
            format!("{who}: there is no {full}"),
            "create it in that namespace, or correct its name in the pod template",
        )
        .then(&place.describe()),
    }
}

pub(super) fn start(place: &Place<'_>, message: &str, code: Option<i64>) -> Told {
    let (who, lower) = (place.named(), message.to_lowercase());
    if lower.contains(EXEC_FORMAT) {
        return unfit(place);
    }
    let command =
        ["executable file not found", "no such file or directory", "permission denied", "is a directory"];
    let told = if command.iter().any(|words| lower.contains(words)) {
        Told::new(
            "bad-command",
            format!("{who} cannot be started: its command is not in the image, or is no program"),
            "check command and args in the pod template against what is in the image",
        )
    } else {
        let code = code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        Told::new(
            "container-not-started",
            format!("{who} cannot be started{code}"),
            "the message of the container runtime says why",
        )
    };
    told.then(&place.describe())
}

fn unfit(place: &Place<'_>) -> Told {
    Told::new(
        "wrong-architecture",
        format!("{}: its program is built for another processor than the node's", place.named()),
        "build the image for that processor too (docker buildx build --platform), or choose nodes by kubernetes.io/arch",
    )
    .then(&place.describe())
}

pub(super) fn crash(place: &Place<'_>, exit: Option<&Exited>, probe: Option<&str>, init: bool) -> Told {
    if place.log.is_some_and(|log| log.lines.iter().any(|line| line.contains(EXEC_FORMAT))) {
        return unfit(place);
    }
    let who = if init { format!("init {}", place.named()) } else { place.named() };
    let told = match (exit, probe) {
        (Some(exit), _) if exit.reason == "OOMKilled" => Told::new(
            "out-of-memory",
            format!("{who} was killed because it ran out of memory{}", limit(place)),
            "raise resources.limits.memory, or find out why the program needs that much",
        ),
        (_, Some(probe)) => {
            let kind = if probe.starts_with("Startup") { "startup" } else { "liveness" };
            Told::new(
                "container-health",
                format!("{who} is killed because its {kind} probe fails"),
                format!(
                    "see what the {kind} probe asks for, and whether the program needs more time to start"
                ),
            )
        }
        (Some(exit), None) => ended(&who, place, exit),
        (None, None) => {
            Told::new("crash-loop", format!("{who} ends again and again"), "its last log lines say why")
        }
    };
    told.then(&logs(place))
}

fn ended(who: &str, place: &Place<'_>, exit: &Exited) -> Told {
    let code = exit.code;
    let (meaning, hint) = match code {
        0 => (", though it should run on", "its command must not end: check command and args"),
        126 | 127 => (": the command cannot be run", "check command and args against what is in the image"),
        134 => (" (SIGABRT)", "the program aborted; its log says why"),
        137 => (" (SIGKILL)", "it was killed: out of the node's memory, or it did not stop in time"),
        139 => (" (SIGSEGV)", "the program crashed; its log may say where"),
        143 => (" (SIGTERM)", "something asked it to stop: look at the pod's events"),
        _ => ("", "its last log lines say why"),
    };
    let signal = exit.signal.map(|signal| format!(" by signal {signal}")).unwrap_or_default();
    if place.object.group() == "batch" || place.object.kind() == "Pod" {
        return Told::new(
            "container-exited",
            format!("{who} exited with code {code}{meaning}{signal}"),
            hint,
        );
    }
    Told::new(
        "crash-loop",
        format!("{who} ends again and again with exit code {code}{meaning}{signal}"),
        hint,
    )
}

/// The limit of a container's memory, from the pod.
fn limit(place: &Place<'_>) -> String {
    let Some(pod) = place.pod else { return String::new() };
    let all = pod.object.at("spec.containers").items().chain(pod.object.at("spec.initContainers").items());
    let mut meant = all.filter(|one| one.member("name").text() == place.container);
    let limit = meant.next().and_then(|one| one.at("resources.limits.memory").text());
    limit.map(|limit| format!(" (its limit is {limit})")).unwrap_or_default()
}

fn logs(place: &Place<'_>) -> String {
    match (place.pod, place.container) {
        (Some(pod), Some(container)) => {
            let status = pod.containers().find(|one| one.name == container);
            let previous = status.is_some_and(|status| status.ended.is_none() && status.before.is_some());
            command::logs(pod.object.namespace(), pod.name(), container, previous)
        }
        _ => place.describe(),
    }
}
