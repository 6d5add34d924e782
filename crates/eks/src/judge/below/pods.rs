//! Signals of a pod as a whole.

use super::{Search, Severity, Trouble};
use crate::facts::{Event, Pod};

/// Events that say that a node is being made for a pod: Karpenter, which EKS Auto Mode is too
/// (<https://karpenter.sh/docs/troubleshooting/>), and the Cluster Autoscaler
/// (<https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md>).
const PROVISIONING: [&str; 2] = ["Nominated", "TriggeredScaleUp"];

/// Events after which a pod has its volumes and its network.
const PREPARED: [&str; 4] = ["Pulling", "Pulled", "Created", "Started"];

/// Whether a pod counts as one of the revision. One that has ended as a whole is replaced by another.
pub(super) fn is_alive(pod: Pod<'_>) -> bool {
    !matches!(pod.phase(), "Failed" | "Succeeded")
}

impl<'a> Search<'_, 'a> {
    pub(super) fn pod(&mut self, pod: Pod<'a>) {
        match pod.phase() {
            "Succeeded" => return,
            "Failed" if !pod.reason().is_empty() => {
                let message = pod.object.at("status.message").text_or_empty().to_owned();
                let trouble = Trouble::TakenAway { reason: pod.reason().to_owned(), message };
                return self.add(trouble, (Some(pod), None), None, |_| Severity::Passing);
            }
            _ => {}
        }
        if pod.not_scheduled().is_some() {
            return self.unschedulable(pod);
        }
        for one in pod.containers() {
            self.container(pod, one);
        }
        if pod.phase() != "Failed" {
            self.preparation(pod);
            self.not_ready(pod);
        }
    }

    /// A node that is missing is the ordinary course where nodes are made on demand, and so never fatal on Fargate and in
    /// Auto Mode; elsewhere it is when nothing makes one.
    fn unschedulable(&mut self, pod: Pod<'a>) {
        let Some(condition) = pod.not_scheduled() else { return };
        let began = condition.changed.or_else(|| pod.object.created());
        let events: Vec<Event<'a>> = self.seen.events_about(pod.object.uid()).collect();
        let made = events
            .iter()
            .filter(|event| PROVISIONING.contains(&event.reason))
            .filter_map(|event| event.last)
            .max();
        let refusals = events.iter().filter(|event| is_refusal(**event) && event.last > made);
        let refusal = refusals.max_by_key(|event| event.last).copied();
        let gated = condition.reason == "SchedulingGated";
        let on_demand = self.seen.auto_mode || pod.is_on_fargate() || gated;
        let last = made.max(began).max(self.applied.at);
        let quiet = self.seen.since(last);
        let refused = refusal.and_then(|event| self.seen.since(event.first.max(last)));
        let hopeless = !on_demand
            && (quiet.is_some_and(|quiet| quiet >= self.patience.unschedulable)
                || refused.is_some_and(|refused| refused >= self.patience.unschedulable_refused));
        let trouble = Trouble::Unschedulable {
            message: condition.message.to_owned(),
            refused: refusal.map(|event| event.words().to_owned()),
            gated,
        };
        let warning = self.patience.unschedulable_warning;
        self.add(trouble, (Some(pod), None), began, |age| match (hopeless, age >= warning) {
            (true, _) => Severity::Fatal,
            (false, true) => Severity::Warning,
            (false, false) => Severity::Passing,
        });
    }

    /// Volumes and network, before the first container can start.
    fn preparation(&mut self, pod: Pod<'a>) {
        let events: Vec<Event<'a>> = self.seen.events_about(pod.object.uid()).collect();
        let prepared = events
            .iter()
            .filter(|event| PREPARED.contains(&event.reason))
            .filter_map(|event| event.last)
            .max();
        let started = pod.containers().any(|one| one.is_running || one.last_exit().is_some());
        let open = |reasons: &[&str]| -> Vec<Event<'a>> {
            let meant =
                events.iter().filter(|event| reasons.contains(&event.reason) && event.last >= prepared);
            if started { Vec::new() } else { meant.copied().collect() }
        };
        let mounts = open(&["FailedMount", "FailedAttachVolume", "FailedMapVolume"]);
        // The event that names what is missing says more than the one that time has run out.
        let telling = mounts.iter().max_by_key(|event| (is_missing(event.words()), event.last));
        let (warning, fatal) = (self.patience.mount_warning, self.patience.mount);
        if let Some(event) = telling {
            let missing = is_missing(event.words());
            let since = mounts.iter().filter_map(|event| event.first).min();
            let trouble = Trouble::Mount { message: event.words().to_owned() };
            self.add(trouble, (Some(pod), None), since, |age| match age {
                age if missing && age >= fatal => Severity::Fatal,
                age if age >= warning => Severity::Warning,
                _ => Severity::Passing,
            });
        }
        let networks = open(&["FailedCreatePodSandBox"]);
        if let Some(event) = networks.iter().max_by_key(|event| event.last) {
            let since = networks.iter().filter_map(|event| event.first).min();
            let trouble = Trouble::Network { message: event.words().to_owned() };
            self.add(trouble, (Some(pod), None), since, |age| {
                if age >= warning { Severity::Warning } else { Severity::Passing }
            });
        }
    }

    /// Probes that fail, and gates that others keep shut. Never fatal: how long that takes is for the deadline to say.
    fn not_ready(&mut self, pod: Pod<'a>) {
        if pod.phase() != "Running" || pod.object.has("Ready").is_some() {
            return;
        }
        let gates: Vec<String> = pod.unmet_gates().into_iter().map(str::to_owned).collect();
        if !gates.is_empty() && pod.object.has("ContainersReady").is_some() {
            return self.add(Trouble::Gates { gates }, (Some(pod), None), None, |_| Severity::Warning);
        }
        let unready: Vec<&str> = pod
            .containers()
            .filter(|one| !one.init && one.is_running && !one.ready)
            .map(|one| one.name)
            .collect();
        let probes = self.seen.events_about(pod.object.uid()).filter(|event| {
            event.reason == "Unhealthy"
                && (event.words().starts_with("Readiness probe")
                    || event.words().starts_with("Startup probe"))
        });
        let Some(last) = probes.max_by_key(|event| event.last).filter(|_| !unready.is_empty()) else {
            return;
        };
        let trouble = Trouble::Probe { message: last.words().to_owned(), count: last.count };
        let container = if unready.len() == 1 { unready.first().copied() } else { None };
        self.add(trouble, (Some(pod), container), last.first, |_| Severity::Warning);
    }
}

/// An autoscaler says that no node it can make would take the pod.
fn is_refusal(event: Event<'_>) -> bool {
    let karpenter = event.from.contains("karpenter") || event.from.contains("eks-auto-mode");
    let words = event.words();
    event.reason == "NotTriggerScaleUp"
        || (event.reason == "FailedScheduling"
            && karpenter
            && (words.contains("incompatible with nodepool") || words.contains("no instance type")))
}

/// Kubelet names something that does not exist.
fn is_missing(words: &str) -> bool {
    let lower = words.to_lowercase();
    ["not found", "non-existent", "does not exist", "notfound"].iter().any(|word| lower.contains(word))
}
