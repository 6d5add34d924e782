//! Why tasks do not come up: causes from stopped tasks, service events and logs, each with its next step.
//!
//! Every call here is optional. A permission that is missing costs its part of the answer and is named in a note.

mod classify;
mod events;
mod group;
mod logs;
mod stuck;
#[cfg(test)]
mod tests;

pub(crate) use group::normalised;

use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::{Cause, Context, ErrorKind, Result};

use crate::facts::{Service, Task, TaskDefinition};
use crate::memory::Watch;
use crate::target::EcsService;

/// Most causes that are told. More is no answer to "why".
const MOST: usize = 8;

/// What is known about the causes of a deployment that fails, or that has not come to its end (`pending`).
pub(crate) async fn diagnose(
    target: &EcsService,
    cx: &Context,
    watch: &Watch,
    service: Option<&Service>,
    pending: bool,
) -> Result<Vec<Cause>> {
    let id = watch.deployment.id.as_str();
    let stopped = tasks(target, cx, Wanted::Stopped, id).await?;
    let definition = definition(target, cx, watch).await;
    let mut groups =
        group::group(stopped.iter().flat_map(|task| classify::stopped(task, definition.as_ref())));
    for found in groups.iter_mut().filter(|found| found.finding.logs) {
        found.finding.evidence.extend(logs::tail(target, cx, definition.as_ref(), &found.finding).await);
    }
    let mut causes: Vec<Cause> = groups.into_iter().map(group::Group::into_cause).collect();
    let Some(service) = service else { return Ok(cut(causes)) };
    for cause in events::causes(service, watch) {
        if !causes.iter().any(|known| known.code == cause.code) {
            causes.push(cause);
        }
    }
    if pending && causes.is_empty() {
        let running = tasks(target, cx, Wanted::Running, id).await?;
        causes = stuck::causes(service, watch, &running);
    }
    Ok(cut(causes))
}

fn cut(mut causes: Vec<Cause>) -> Vec<Cause> {
    causes.truncate(MOST);
    causes
}

enum Wanted {
    Stopped,
    Running,
}

/// Tasks that our deployment started; none when they may not be read.
async fn tasks(target: &EcsService, cx: &Context, wanted: Wanted, id: &str) -> Result<Vec<Task>> {
    let listed = match wanted {
        Wanted::Stopped => target.client.list_stopped_tasks(cx).await,
        Wanted::Running => target.client.list_tasks_of(cx, id).await,
    };
    let Some(arns) = optional(cx, "ecs:ListTasks", listed)? else { return Ok(Vec::new()) };
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let described = target.client.describe_tasks(cx, &arns).await;
    let tasks = optional(cx, "ecs:DescribeTasks", described)?.unwrap_or_default();
    Ok(tasks.into_iter().filter(|task| task.started_by == id).collect())
}

/// Our task definition: which containers are essential, and where they log.
async fn definition(target: &EcsService, cx: &Context, watch: &Watch) -> Option<TaskDefinition> {
    target.revision(cx, &watch.deployment.task_definition).await.ok().map(|revision| revision.containers)
}

/// The value of an optional call; none, with a note that names the permission, when it is denied.
fn optional<T>(cx: &Context, action: &str, made: Result<T, Failure>) -> Result<Option<T>> {
    match made {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.kind() == ErrorKind::Denied => {
            cx.note(
                Level::Warning,
                "diagnosis-limited",
                format!("{action} is denied: allow it to be told why tasks fail"),
            );
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}
