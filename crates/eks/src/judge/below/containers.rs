//! Signals in the containers of a pod.

use super::pull::PullFailure;
use super::{Search, Severity, Trouble};
use crate::facts::{Container, Event, Exit, Pod};

/// What runtimes say when a container can never be started as it is described.
const NEVER_STARTS: [&str; 8] = [
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "is a directory",
    "not a directory",
    "unable to find user",
    "no command specified",
];

/// The exit code that a runtime gives to a container that never ran.
const NEVER_RAN: i64 = 128;

impl<'a> Search<'_, 'a> {
    pub(super) fn container(&mut self, pod: Pod<'a>, one: Container<'a>) {
        match one.waiting {
            Some((
                reason @ ("ErrImagePull"
                | "ImagePullBackOff"
                | "ErrImageNeverPull"
                | "InvalidImageName"
                | "ImageInspectError"
                | "RegistryUnavailable"
                | "SignatureValidationFailed"),
                message,
            )) => self.pull(pod, one, reason, message),
            Some(("CreateContainerConfigError", message)) => self.config(pod, one, message),
            Some(("CreateContainerError" | "RunContainerError", message)) => {
                self.start(pod, one, message, one.last_exit());
            }
            _ => match one.last_exit().filter(|exit| never_ran(*exit)) {
                Some(exit) if !one.is_running => self.start(pod, one, exit.message, Some(exit)),
                _ => self.crash(pod, one),
            },
        }
    }

    fn pull(&mut self, pod: Pod<'a>, one: Container<'a>, reason: &str, message: &str) {
        let tried = |event: &Event<'a>| {
            event.reason == "Failed"
                && event.words().starts_with("Failed to pull image")
                && event.words().contains(one.image)
        };
        let tries: Vec<Event<'a>> = self.seen.events_about(pod.object.uid()).filter(tried).collect();
        let last = tries.iter().max_by_key(|event| event.last);
        // "Back-off pulling image" says nothing; the event of the try does.
        let said = match PullFailure::of(reason, message) {
            PullFailure::Other => last.map_or(message, |event| event.words()),
            _ => message,
        };
        let untried = self.is_untried(pod, last.and_then(|event| event.last));
        let lasting = PullFailure::of(reason, said).is_lasting() && !untried;
        let first = tries.iter().filter_map(|event| event.first).min();
        let since = first.or_else(|| pod.object.created().filter(|_| untried));
        let patience = self.patience.pull;
        let trouble = Trouble::Pull {
            image: one.image.to_owned(),
            message: said.to_owned(),
            reason: reason.to_owned(),
        };
        self.add(trouble, (Some(pod), Some(one.name)), since, |age| {
            if lasting || age >= patience { Severity::Fatal } else { Severity::Warning }
        });
    }

    /// A cache of kubelet's that is not filled yet passes; anything else names what is missing.
    fn config(&mut self, pod: Pod<'a>, one: Container<'a>, message: &str) {
        let passes = message.contains("failed to sync") && message.contains("cache");
        let same = |event: &Event<'a>| event.reason == "Failed" && event.words().contains(message);
        let tried =
            self.seen.events_about(pod.object.uid()).filter(same).filter_map(|event| event.last).max();
        let untried = self.is_untried(pod, tried);
        let since = pod.object.created().filter(|_| untried);
        let patience = self.patience.pull;
        let trouble = Trouble::Config { message: message.to_owned() };
        self.add(trouble, (Some(pod), Some(one.name)), since, |age| match (passes, untried) {
            (true, _) => Severity::Passing,
            (false, true) if age < patience => Severity::Warning,
            (false, _) => Severity::Fatal,
        });
    }

    /// The runtime gives 128 both for a command that does not exist and for trouble of the node. Its words tell the one
    /// from the other; where they do not, it is counted as a crash.
    fn start(&mut self, pod: Pod<'a>, one: Container<'a>, message: &str, exit: Option<Exit<'a>>) {
        let lower = message.to_lowercase();
        let never = NEVER_STARTS.iter().any(|words| lower.contains(words));
        let code = exit.map(|exit| exit.code);
        let untried = self.is_untried(pod, exit.and_then(|exit| exit.at));
        let fatal = !untried && (never || code.is_some_and(|code| code != NEVER_RAN));
        let severity = if fatal { Severity::Fatal } else { Severity::Warning };
        let trouble =
            Trouble::Start { message: message.to_owned(), code, restarts: one.restarts, tried: !untried };
        self.add(trouble, (Some(pod), Some(one.name)), exit.and_then(|exit| exit.at), |_| severity);
    }

    /// A container that has ended although it should run, or that has been started again and is not ready.
    fn crash(&mut self, pod: Pod<'a>, one: Container<'a>) {
        let ended =
            one.ended.is_some_and(|exit| exit.code != 0 || (!one.init && pod.restart_policy() == "Always"));
        let down = ended || one.waits_for("CrashLoopBackOff");
        let again = one.is_running && !one.ready && !one.init && one.restarts >= self.patience.restarts;
        if !down && !again {
            return;
        }
        let since = one.last_exit().and_then(|exit| exit.at);
        let trouble = Trouble::Crash {
            restarts: one.restarts,
            exit: one.last_exit().map(Into::into),
            probe: self.killed_by_probe(pod, one.name),
            init: one.init,
            down,
            tried: !self.is_untried(pod, since),
        };
        self.add(trouble, (Some(pod), Some(one.name)), since, |_| Severity::Warning);
    }

    /// The words of a liveness or startup probe for which kubelet killed the container.
    fn killed_by_probe(&self, pod: Pod<'a>, container: &str) -> Option<String> {
        let killed = self.seen.events_about(pod.object.uid()).any(|event| {
            event.reason == "Killing"
                && event.words().contains(container)
                && (event.words().contains("failed liveness probe")
                    || event.words().contains("failed startup probe"))
        });
        if !killed {
            return None;
        }
        let probes = self.seen.events_about(pod.object.uid()).filter(|event| {
            event.reason == "Unhealthy"
                && (event.words().starts_with("Liveness probe") || event.words().starts_with("Startup probe"))
        });
        let last = probes.max_by_key(|event| event.last).map(|event| event.words().to_owned());
        Some(last.unwrap_or_else(|| "a probe failed".to_owned()))
    }
}

fn never_ran(exit: Exit<'_>) -> bool {
    matches!(exit.reason, "StartError" | "ContainerCannotRun")
}
