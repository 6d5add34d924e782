//! Pods without a node, without volumes or network, and pods that nobody calls ready.

use super::container::tell_missing;
use super::names::{Missing, quoted_after};
use super::tell::{Place, Told};

/// What the scheduler's words mean for the one who has to act, in lower case; the first row that fits counts.
/// Words: the plugins in kubernetes/pkg/scheduler/framework/plugins.
const NO_NODE: [(&str, &str); 10] = [
    (
        "eks.amazonaws.com/compute-type: fargate",
        "the pod matched no Fargate profile when it was made, and one that is added later does not change that: correct the \
         profile's namespace and labels, then delete the pod",
    ),
    ("persistentvolumeclaim", "the claim is missing or has no volume yet: create it, or see its events"),
    ("volume node affinity conflict", "its volume is in another zone than the nodes that fit: add one there"),
    ("untolerated taint", "add a toleration to the pod template, or nodes without that taint"),
    ("node affinity/selector", "no node has the labels that nodeSelector or affinity ask for"),
    (
        "topology spread",
        "topologySpreadConstraints leave no node: loosen them, or add nodes in the other zones",
    ),
    ("anti-affinity", "podAntiAffinity leaves no node: add nodes, or make it preferred"),
    (
        "too many pods",
        "the nodes take no more pods: add nodes, or raise how many a node takes (prefix delegation)",
    ),
    ("insufficient", "add nodes, or lower resources.requests in the pod template"),
    ("free ports", "hostPort or hostNetwork takes a port that is in use on every node"),
];

pub(super) fn unschedulable(place: &Place<'_>, message: &str, refused: Option<&str>, gated: bool) -> Told {
    let who = place.pods();
    if gated {
        return Told::new(
            "scheduling-gated",
            format!("{who} wait for a scheduling gate to be taken away"),
            "whoever put spec.schedulingGates there has to take the gate away",
        )
        .then(&place.describe());
    }
    let said = message.trim_end_matches('.');
    let refused = refused.map(|words| format!("; no node is made for them: {}", words.trim_end_matches('.')));
    let lower = message.to_lowercase();
    let row = NO_NODE.iter().find(|(words, _)| lower.contains(words));
    let hint = row.map_or("see what the scheduler says of the nodes", |(_, hint)| hint);
    let text = format!("no node takes {who}: {said}{}", refused.unwrap_or_default());
    Told::new("unschedulable", text, hint).then(&place.describe())
}

pub(super) fn mount(place: &Place<'_>, message: &str) -> Told {
    if let Some(missing) = Missing::read(message) {
        return tell_missing(place, &missing);
    }
    let volume = quoted_after(message, "for volume ").map(|name| format!(" {name}")).unwrap_or_default();
    Told::new(
        "volume-mount",
        format!("volume{volume} of {} cannot be mounted", place.pods()),
        "check that what the volume names exists, that its driver runs on the node, and that no other node holds it",
    )
    .then(&place.describe())
}

pub(super) fn network(place: &Place<'_>, message: &str) -> Told {
    let no_address = message.contains("failed to assign an IP address");
    let hint = match no_address {
        true => {
            "the node's subnets or interfaces have no free address: give the cluster more subnets, or use prefix delegation"
        }
        false => "see whether the network plugin (aws-node in kube-system) runs on that node",
    };
    Told::new("pod-network", format!("{} get no network", place.pods()), hint).then(&place.describe())
}

/// Gates of the AWS Load Balancer Controller end in the name of a TargetGroupBinding
/// (<https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/>).
pub(super) fn gates(place: &Place<'_>, gates: &[String]) -> Told {
    let who = place.pods();
    let binding = gates
        .iter()
        .find_map(|gate| gate.strip_prefix("target-health.")?.split_once('/').map(|(_, name)| name));
    let Some(binding) = binding else {
        let names = gates.join(", ");
        return Told::new(
            "readiness-gate",
            format!("{who} run, and their readiness gates are not met: {names}"),
            "see what sets these conditions",
        )
        .then(&place.describe());
    };
    let space = place.object.namespace().unwrap_or("default");
    Told::new(
        "target-not-healthy",
        format!("{who} run, and target group {binding} does not call them healthy"),
        "check path, port and security group of the target group's health check; aws elbv2 describe-target-health says why",
    )
    .then(&format!("kubectl -n {space} describe targetgroupbinding {binding}"))
}

pub(super) fn probe(place: &Place<'_>, message: &str) -> Told {
    let kind = if message.starts_with("Startup") { "startup" } else { "readiness" };
    Told::new(
        "not-ready",
        format!("{} runs, and its {kind} probe fails", place.named()),
        format!("see what the {kind} probe asks for, and what the program's log says"),
    )
    .then(&place.describe())
}

pub(super) fn taken_away(place: &Place<'_>, reason: &str) -> Told {
    Told::new(
        "pod-taken-away",
        format!("{} were taken away: {reason}", place.pods()),
        "this is not the image's fault: others are made in their place; see the node's memory, disk and events",
    )
    .then(&place.describe())
}
