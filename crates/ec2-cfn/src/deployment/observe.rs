//! One look: fetches facts, asks the judge, and tells causes the moment they are seen.
//!
//! The calls of a look: GetDeployment, ListDeploymentTargets, and BatchGetDeploymentTargets for each 25 instances; the same
//! of the automatic rollback once there is one. Of instances whose agents are silent Systems Manager is asked once.

use landfall_core::event::Level;
use landfall_core::{Cause, Context, Cursor, ErrorKind, Look, News, Observation, Result, State};
use sha2::{Digest, Sha256};

use super::capacity;
use super::diagnose;
use super::facts::Target;
use super::fleet::seen;
use super::judge::{self, Facts, Rules};
use super::memory::{Memory, Purpose, Watch};
use super::spec::hex;
use super::target::Deployment;

/// In larger fleets only what failed is told instance by instance.
const TOLD: usize = 25;

/// Looks once.
pub(crate) async fn observe(
    target: &Deployment,
    cx: &Context,
    watch: &Watch,
    look: Look<'_>,
) -> Result<Observation> {
    if watch.purpose == Purpose::Capacity {
        return capacity::observe(target, cx, watch, &look).await;
    }
    let mut memory: Memory = look.cursor.read().unwrap_or_default();
    let facts = fetch(target, cx, watch, &mut memory).await?;
    let rules = Rules {
        when_ready: target.spec.when_ready,
        agent_limit: target.spec.agent_limit,
        leaves_old_instances: target.spec.leaves_old_instances,
    };
    let judgement = judge::judge(watch, &facts, rules);
    memory.status.clone_from(&facts.deployment.status);
    memory.moved = digest(&facts);
    tell(cx, &mut memory, &judgement.warnings);
    let pending = matches!(judgement.state, State::Pending { .. });
    if pending && !look.last {
        tell(cx, &mut memory, &judgement.causes);
    }
    let causes = if matches!(judgement.state, State::Ready(_) | State::Proceed) {
        Vec::new()
    } else {
        judgement.causes
    };
    Ok(Observation::new(judgement.state)
        .with_cursor(Cursor::new(&memory))
        .with_news(news(&facts))
        .with_progress(judgement.progress)
        .with_causes(causes))
}

async fn fetch(target: &Deployment, cx: &Context, watch: &Watch, memory: &mut Memory) -> Result<Facts> {
    let answered = target.client.deployment(cx, &watch.deployment).await?;
    let mut facts = Facts { deployment: answered.value, now: answered.at, ..Facts::default() };
    if matches!(watch.purpose, Purpose::Busy | Purpose::Unchanged) {
        return Ok(facts);
    }
    facts.targets = targets(target, cx, &watch.deployment, memory).await?;
    facts.agents = agents(target, cx, &facts, memory).await;
    if let Some(id) = facts.deployment.rollback() {
        let rollback = target.client.deployment(cx, id).await?.value;
        if memory.noted.insert(format!("rollback {id}")) {
            cx.note(
                Level::Warning,
                "rolled-back-by-aws",
                format!("CodeDeploy rolls back by deployment {id}"),
            );
        }
        facts.rollback_targets = targets(target, cx, id, memory).await?;
        facts.rollback = Some(rollback);
    }
    Ok(facts)
}

/// The instances; without the permission to see them the deployment alone is judged.
async fn targets(target: &Deployment, cx: &Context, id: &str, memory: &mut Memory) -> Result<Vec<Target>> {
    match target.client.targets(cx, id).await {
        Ok(targets) => Ok(targets),
        Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
            if memory.noted.insert("targets-unseen".to_owned()) {
                let text = format!(
                    "codedeploy:ListDeploymentTargets or codedeploy:BatchGetDeploymentTargets is refused: why instances fail \
                     cannot be told ({})",
                    failure.error()
                );
                cx.note(Level::Warning, "targets-unseen", text);
            }
            Ok(Vec::new())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What Systems Manager tells of instances whose agents are silent. Each is asked for once.
async fn agents(target: &Deployment, cx: &Context, facts: &Facts, memory: &mut Memory) -> Vec<String> {
    let silent = diagnose::silent_instances(&facts.targets, &facts.deployment, facts.now);
    let new: Vec<String> = silent.iter().filter(|id| !memory.agents.contains_key(*id)).cloned().collect();
    if !new.is_empty() && !memory.noted.contains("agents-unseen") {
        let unknown = "when the silent instances were heard of last";
        match seen(cx, "agents-unseen", unknown, target.client.fleet.agents(cx, &new).await) {
            Some(lines) => memory.agents.extend(lines),
            None => {
                memory.noted.insert("agents-unseen".to_owned());
            }
        }
    }
    silent.iter().filter_map(|id| memory.agents.get(id).cloned()).collect()
}

/// Each cause once; the verdict tells them again, perhaps much later.
fn tell(cx: &Context, memory: &mut Memory, causes: &[Cause]) {
    for cause in causes {
        if memory.noted.insert(format!("{} {}", cause.code, cause.message)) {
            let lines = cause.evidence.join(" | ");
            let lines = if lines.is_empty() { lines } else { format!(" [{lines}]") };
            let next = cause.hint.as_ref().map(|hint| format!("; next: {hint}")).unwrap_or_default();
            cx.note(Level::Warning, &cause.code, format!("{}{lines}{next}", cause.message));
        }
    }
}

/// What instances did, event by event.
fn news(facts: &Facts) -> Vec<News> {
    let (own, rollback) = (&facts.deployment.deployment_id, facts.rollback.as_ref());
    let mut news = of_targets(own, &facts.targets);
    if let Some(rollback) = rollback {
        news.extend(of_targets(&rollback.deployment_id, &facts.rollback_targets));
    }
    news
}

fn of_targets(deployment: &str, targets: &[Target]) -> Vec<News> {
    let all = targets.len() <= TOLD;
    let mut news = Vec::new();
    for target in targets {
        for event in &target.lifecycle_events {
            let (name, status, instance) =
                (&event.lifecycle_event_name, event.status.as_str(), &target.target_id);
            let failed = status == "Failed";
            if !(failed || (all && matches!(status, "Succeeded" | "InProgress"))) {
                continue;
            }
            let level = if failed { Level::Warning } else { Level::Info };
            let word = if status == "InProgress" { "runs" } else { &status.to_lowercase() };
            let one = News::new(
                format!("{deployment}/{instance}/{name}/{status}"),
                level,
                format!("{instance}: {name} {word}"),
            );
            news.push(match event.end_time.or(event.start_time) {
                Some(at) => (at, one.at(at)),
                None => (jiff::Timestamp::MAX, one),
            });
        }
    }
    news.sort_by_key(|(at, _)| *at);
    news.into_iter().map(|(_, one)| one).collect()
}

fn digest(facts: &Facts) -> String {
    let mut hash = Sha256::new();
    for target in facts.targets.iter().chain(&facts.rollback_targets) {
        hash.update(&target.target_id);
        hash.update(&target.status);
        target.lifecycle_events.iter().for_each(|event| hash.update(&event.status));
    }
    if let Some(rollback) = &facts.rollback {
        hash.update(&rollback.status);
    }
    hex(&hash.finalize())
}
