//! What load balancers say about the tasks: asked when health is in question.

use std::collections::BTreeMap;

use landfall_aws::failure::Failure;
use landfall_core::{Cause, ErrorKind};

use super::Asking;
use crate::facts::{LoadBalancer, Service, Target, TargetGroup, Task, TaskDefinition, last_segment};

/// Causes that health checks of a load balancer may be behind.
const ABOUT_HEALTH: [&str; 2] = ["load-balancer-health", "tasks-not-healthy"];

/// Most targets that are shown: they mostly say the same.
const TARGETS: usize = 4;

/// How the lines begin that this module writes.
const TARGET: &str = "target ";
const GRACE: &str = "failed checks of a task are ignored";
const MISMATCH: &str = "the checks go to port";
const UNSEEN: &str = "not seen: elasticloadbalancing:";

/// What one target group says.
struct Said<'a> {
    group: TargetGroup,
    targets: Vec<Target>,
    balancer: &'a LoadBalancer,
}

/// Whether a cause is about health, and no unhealthy target was seen yet.
pub(super) fn is_unexplained(causes: &[Cause]) -> bool {
    causes.iter().any(|cause| is_about_health(cause) && !has_said(cause) && !is_refused(cause))
}

/// Keeps what targets said before, where they say nothing any more.
pub(crate) fn remember(before: &[Cause], now: &mut [Cause]) {
    for cause in now.iter_mut().filter(|cause| is_about_health(cause) && !has_said(cause)) {
        let Some(known) = before.iter().find(|known| known.code == cause.code && has_said(known)) else {
            continue;
        };
        let lines: Vec<&String> = known.evidence.iter().filter(|line| is_of_balancer(line)).collect();
        cause.evidence.retain(|line| !is_of_balancer(line));
        *cause = cause.clone().with_evidence(lines);
        cause.hint.clone_from(&known.hint);
    }
}

fn is_about_health(cause: &Cause) -> bool {
    ABOUT_HEALTH.contains(&cause.code.as_str())
}

fn has_said(cause: &Cause) -> bool {
    cause.evidence.iter().any(|line| line.starts_with(TARGET) && line.contains(" is unhealthy"))
}

fn is_refused(cause: &Cause) -> bool {
    cause.evidence.iter().any(|line| line.starts_with(UNSEEN))
}

/// Whether a line is one of those that this module writes.
fn is_of_balancer(line: &str) -> bool {
    [TARGET, GRACE, MISMATCH, UNSEEN].iter().any(|begin| line.starts_with(begin))
}

impl Asking<'_> {
    /// Adds what the target groups say to the causes that are about health, in the place of what they said before.
    pub(super) async fn ask_balancers(
        &self,
        causes: &mut [Cause],
        service: &Service,
        tasks: &[Task],
        definition: Option<&TaskDefinition>,
    ) {
        let groups: BTreeMap<&str, &LoadBalancer> = service
            .load_balancers
            .iter()
            .filter_map(|balancer| Some((balancer.target_group_arn.as_deref()?, balancer)))
            .collect();
        if groups.is_empty() || !causes.iter().any(is_about_health) {
            return;
        }
        let mut lines = Vec::new();
        let mut hint = None;
        for (arn, balancer) in groups {
            match self.said_by(arn, balancer).await {
                Ok(said) => {
                    lines.extend(told(&said, service, tasks, definition));
                    hint = hint.or_else(|| next_step(&said, definition));
                }
                Err(line) => lines.push(line),
            }
        }
        for cause in causes.iter_mut().filter(|cause| is_about_health(cause)) {
            cause.evidence.retain(|line| !is_of_balancer(line));
            *cause = cause.clone().with_evidence(&lines);
            if let Some(hint) = &hint {
                *cause = cause.clone().with_hint(hint);
            }
        }
    }

    /// A target group with its targets, or in a sentence why there is none.
    async fn said_by<'b>(&self, arn: &str, balancer: &'b LoadBalancer) -> Result<Said<'b>, String> {
        let client = &self.target.client;
        let targets = client.describe_target_health(self.cx, arn).await;
        let targets = targets.map_err(|failure| unseen("DescribeTargetHealth", &failure))?;
        let group = client.describe_target_groups(self.cx, &[arn.to_owned()]).await;
        let group = group.map_err(|failure| unseen("DescribeTargetGroups", &failure))?;
        let group = group.into_iter().find(|group| group.arn == arn).unwrap_or_default();
        Ok(Said { group, targets, balancer })
    }
}

fn unseen(operation: &str, failure: &Failure) -> String {
    let action = format!("elasticloadbalancing:{operation}");
    match failure.kind() {
        ErrorKind::Denied => {
            format!("not seen: {action} is refused; allow it to see which target fails and why")
        }
        _ => format!("not seen: {action} failed: {}", failure.error()),
    }
}

/// The lines about one target group: targets that are not healthy, how they are checked, what does not fit.
fn told(
    said: &Said<'_>,
    service: &Service,
    tasks: &[Task],
    definition: Option<&TaskDefinition>,
) -> Vec<String> {
    let mut lines: Vec<String> = said.troubled().take(TARGETS).map(|target| line(target, tasks)).collect();
    lines.push(said.group.checks());
    if let Some(seconds) = service.health_check_grace_period_seconds {
        lines.push(format!(
            "{GRACE} for {seconds} s after its start (healthCheckGracePeriodSeconds of the service)"
        ));
    }
    lines.extend(mismatch(said, definition));
    lines
}

fn line(target: &Target, tasks: &[Task]) -> String {
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    let task = tasks.iter().find(|task| task.has_address(&target.id));
    let task = task.map(|task| format!(" (task {})", last_segment(&task.task_arn))).unwrap_or_default();
    let why: Vec<&str> = [target.reason.as_str(), target.description.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    format!("{TARGET}{}{port}{task} is {}{why}", target.id, target.state)
}

/// Health checks that go to a port which the container does not map.
fn mismatch(said: &Said<'_>, definition: Option<&TaskDefinition>) -> Option<String> {
    let checked: u16 = said.group.port.parse().ok()?;
    let name = &said.balancer.container_name;
    let container = definition?.container(name)?;
    let mapped: Vec<u16> = container.port_mappings.iter().map(|mapping| mapping.container_port).collect();
    if mapped.contains(&checked) || mapped.is_empty() {
        return None;
    }
    let mapped: Vec<String> = mapped.iter().map(u16::to_string).collect();
    Some(format!("{MISMATCH} {checked}, and container {name} maps {} only", mapped.join(", ")))
}

/// What to do, by the reason of the first target in trouble. Reason codes: `TargetHealth` in the ELBv2 API reference.
fn next_step(said: &Said<'_>, definition: Option<&TaskDefinition>) -> Option<String> {
    let (group, balancer) = (&said.group, said.balancer);
    if mismatch(said, definition).is_some() {
        return Some(format!(
            "set the health check port of target group {} to traffic-port, or map port {} in container {}",
            group.name, group.port, balancer.container_name
        ));
    }
    let port =
        if group.port == "traffic-port" { balancer.container_port.to_string() } else { group.port.clone() };
    let reason =
        said.troubled().map(|target| target.reason.as_str()).find(|reason| !reason.starts_with("Elb."))?;
    Some(match reason {
        "Target.ResponseCodeMismatch" => format!(
            "let {} answer {}, or correct path or matcher of target group {}",
            group.path, group.codes, group.name
        ),
        "Target.Timeout" => format!(
            "no answer from port {port} within {} s: check that container {} listens there on all addresses, and that the \
             security group of the tasks lets the load balancer in",
            group.timeout, balancer.container_name
        ),
        "Target.FailedHealthChecks" => format!(
            "the connection to port {port} is refused, or the answer is no {}: check where container {} listens",
            group.protocol, balancer.container_name
        ),
        "Target.NotInUse" => format!(
            "target group {} is used by no listener, or the tasks run in an availability zone that the load balancer does \
             not serve",
            group.name
        ),
        _ => return None,
    })
}

impl Said<'_> {
    /// Targets that are neither healthy nor on their way out, the unhealthy ones first.
    fn troubled(&self) -> impl Iterator<Item = &Target> {
        let of = |wanted: fn(&str) -> bool| self.targets.iter().filter(move |target| wanted(&target.state));
        of(|state| state.starts_with("unhealthy"))
            .chain(of(|state| !state.starts_with("unhealthy") && !matches!(state, "healthy" | "draining")))
    }
}

impl TargetGroup {
    /// How the group checks its targets, in a sentence.
    fn checks(&self) -> String {
        let path = if self.path.is_empty() { String::new() } else { format!(" {}", self.path) };
        let codes = if self.codes.is_empty() { String::new() } else { format!(", expects {}", self.codes) };
        format!(
            "target group {} checks {}{path} on port {}{codes}, every {} s, timeout {} s, unhealthy after {} failures",
            self.name, self.protocol, self.port, self.interval, self.timeout, self.failures
        )
    }
}
