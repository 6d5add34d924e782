//! Why tasks do not come up: causes from stopped tasks, service events, load balancers and logs, each with its next step.
//!
//! - `reasons`: the table of AWS's texts; `messages`: what they mean for this task definition.
//! - `classify`: why one task stopped; `group`: equal reasons of many tasks, told once.
//! - `events`: what only the service's events tell; `targets`: what load balancers say; `logs`: last lines.
//! - `stuck`: why a deployment that has not failed does not come to its end.
//!
//! Every call here is optional. A permission that is missing costs its part of the answer and is named in it.

mod classify;
mod events;
mod group;
mod logs;
mod messages;
mod reasons;
mod stuck;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use landfall_aws::failure::Failure;
use landfall_core::{Cause, Context, ErrorKind, Result};

pub(crate) use events::{SERVICE_LINKED_ROLE, trouble};
pub(crate) use group::normalised;
pub(crate) use targets::remember;

use crate::facts::{Service, Task, TaskDefinition};
use crate::judge::Repeated;
use crate::memory::Watch;
use crate::target::EcsService;

/// Most causes that are told. More is no answer to "why".
const MOST: usize = 8;

/// What was found out.
#[derive(Debug, Default)]
pub(crate) struct Diagnosis {
    pub(crate) causes: Vec<Cause>,
    /// The cause that does not pass by itself and that most tasks stopped for.
    pub(crate) repeated: Option<Repeated>,
}

/// The calls of one diagnosis, and what they were not allowed to see.
struct Asking<'a> {
    target: &'a EcsService,
    cx: &'a Context,
    watch: &'a Watch,
    /// Actions that were refused.
    unseen: BTreeSet<&'static str>,
}

/// What is known about the causes of a deployment that fails, or that has not come to its end (`pending`).
pub(crate) async fn diagnose(
    target: &EcsService,
    cx: &Context,
    watch: &Watch,
    service: Option<&Service>,
    pending: bool,
) -> Result<Diagnosis> {
    let mut asking = Asking { target, cx, watch, unseen: BTreeSet::new() };
    let stopped = asking.tasks(Wanted::Stopped).await?;
    let definition = asking.definition().await;
    let (mut causes, repeated) = asking.of_tasks(&stopped, definition.as_ref()).await;
    if let Some(service) = service {
        add_new(&mut causes, events::causes(service, watch));
        if pending && causes.is_empty() {
            let running = asking.tasks(Wanted::Running).await?;
            causes = stuck::causes(service, watch, &running);
        }
        asking.ask_balancers(&mut causes, service, &stopped, definition.as_ref()).await;
    }
    causes.truncate(MOST);
    causes.extend(asking.gap());
    Ok(Diagnosis { causes, repeated })
}

/// Looks at the load balancers again, while health is in question and no target has been seen that says why: one that is
/// unhealthy is soon deregistered.
pub(crate) async fn look_at_targets(
    target: &EcsService,
    cx: &Context,
    watch: &Watch,
    service: &Service,
    causes: &mut [Cause],
) -> Result<()> {
    if !targets::is_unexplained(causes) {
        return Ok(());
    }
    let mut asking = Asking { target, cx, watch, unseen: BTreeSet::new() };
    let running = asking.tasks(Wanted::Running).await?;
    let definition = asking.definition().await;
    if !running.is_empty() {
        asking.ask_balancers(causes, service, &running, definition.as_ref()).await;
    }
    Ok(())
}

/// Adds causes of kinds that are not known yet; of what is known the event is evidence. That tasks do not start is no
/// news when it is known why.
fn add_new(causes: &mut Vec<Cause>, more: Vec<Cause>) {
    let known_why = !causes.is_empty();
    for cause in more.into_iter().filter(|cause| !(known_why && cause.code == "tasks-do-not-start")) {
        match causes.iter_mut().find(|known| known.code == cause.code) {
            Some(known) if !known.evidence.contains(&cause.message) && known.message != cause.message => {
                if let Some(reason) =
                    events::reason(&cause.message).filter(|reason| !known.message.contains(*reason))
                {
                    known.message = format!("{}: {reason}", known.message);
                }
                *known = known.clone().with_evidence([cause.message]);
            }
            Some(_) => {}
            None => causes.push(cause),
        }
    }
}

enum Wanted {
    Stopped,
    Running,
}

impl Asking<'_> {
    /// Causes in stopped tasks, with log lines; and the one that will not pass.
    async fn of_tasks(
        &self,
        stopped: &[Task],
        definition: Option<&TaskDefinition>,
    ) -> (Vec<Cause>, Option<Repeated>) {
        let mut groups = group::group(stopped.iter().flat_map(|task| classify::stopped(task, definition)));
        for found in groups.iter_mut().filter(|found| found.finding.logs) {
            let lines = logs::tail(self.target, self.cx, definition, &found.finding).await;
            found.finding.add_log(lines, definition);
        }
        let repeated = groups
            .iter()
            .filter(|group| reasons::is_lasting(group.finding.code))
            .max_by_key(|group| group.count)
            .map(|group| Repeated { code: group.finding.code.to_owned(), tasks: group.count });
        (groups.into_iter().map(group::Group::into_cause).collect(), repeated)
    }

    /// Tasks that our deployment started; none when they may not be read.
    async fn tasks(&mut self, wanted: Wanted) -> Result<Vec<Task>> {
        let (target, cx, id) = (self.target, self.cx, self.watch.deployment.id.as_str());
        let listed = match wanted {
            Wanted::Stopped => target.client.list_stopped_tasks(cx).await,
            Wanted::Running => target.client.list_tasks_of(cx, id).await,
        };
        let arns = self.optional("ecs:ListTasks", listed)?.unwrap_or_default();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let described = target.client.describe_tasks(cx, &arns).await;
        let tasks = self.optional("ecs:DescribeTasks", described)?.unwrap_or_default();
        Ok(tasks.into_iter().filter(|task| task.started_by == id).collect())
    }

    /// Our task definition: which containers are essential, and where they log.
    async fn definition(&self) -> Option<TaskDefinition> {
        let arn = &self.watch.deployment.task_definition;
        self.target.revision(self.cx, arn).await.ok().map(|revision| revision.containers)
    }

    /// The value of an optional call; none, and remembered, when it is denied or the server does not have it.
    fn optional<T>(&mut self, action: &'static str, made: Result<T, Failure>) -> Result<Option<T>> {
        match made {
            Ok(value) => Ok(Some(value)),
            Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
                self.unseen.insert(action);
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// That something could not be looked at, which may be where the cause is.
    fn gap(&self) -> Option<Cause> {
        if self.unseen.is_empty() {
            return None;
        }
        let actions = self.unseen.iter().copied().collect::<Vec<_>>().join(", ");
        let verb = if self.unseen.len() == 1 { "is" } else { "are" };
        let cause = Cause::new("evidence-not-seen", format!("not seen: {actions} {verb} refused"));
        Some(cause.with_hint(format!(
            "allow {actions} in a policy of the role that deploys, to be told why tasks fail"
        )))
    }
}
