//! The life of a task: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPED; and all the ways to fail.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>; stop codes and reasons:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>.

use std::time::Duration;

use jiff::Timestamp;

use super::RegionState;
use super::agenda::{Due, TaskStep};
use super::model::{ServiceKey, TaskContainer, TaskState, TaskStatus};
use crate::Failure;
use crate::clock::{earlier, ms};

/// Stopped tasks are listed for at least an hour ("Viewing stopped task errors"); here exactly that.
const LISTED: Duration = Duration::from_secs(3_600);
/// The part of a start that is PROVISIONING. Undocumented; on Fargate the network interface is quick and the pull is not.
const PROVISIONING_SHARE: u64 = 4;

impl RegionState {
    fn new_task(&mut self, key: &ServiceKey, digits: &str, task_definition: &str) -> TaskState {
        let infos = self.revision(task_definition).map(|revision| revision.containers()).unwrap_or_default();
        let containers = infos
            .into_iter()
            .map(|info| TaskContainer { info, runtime_id: self.ids.hex32(), exit_code: None, reason: None })
            .collect();
        TaskState {
            id: self.ids.hex32(),
            service: key.clone(),
            digits: digits.to_owned(),
            task_definition: task_definition.to_owned(),
            status: TaskStatus::Provisioning,
            stopping: false,
            healthy: false,
            unhealthy: false,
            created_at: self.now,
            pull_started_at: None,
            started_at: None,
            stopping_at: None,
            stopped_at: None,
            stop_code: None,
            stopped_reason: None,
            containers,
            behaviour: self.behaviour(task_definition),
        }
    }

    /// A task that has been running since before the simulator started.
    pub(super) fn add_running_task(
        &mut self,
        key: &ServiceKey,
        digits: &str,
        task_definition: &str,
        since: Timestamp,
    ) {
        let mut task = self.new_task(key, digits, task_definition);
        task.status = TaskStatus::Running;
        task.healthy = true;
        task.created_at = since;
        task.pull_started_at = Some(since);
        task.started_at = Some(since);
        self.tasks.insert(task.id.clone(), task);
    }

    /// Starts a task and answers its id.
    pub(super) fn start_task(&mut self, key: &ServiceKey, digits: &str, task_definition: &str) -> String {
        let task = self.new_task(key, digits, task_definition);
        let (id, start) = (task.id.clone(), task.behaviour.start_ms);
        let never = matches!(task.behaviour.failure, Some(Failure::NeverStarts));
        let pull_fails =
            matches!(task.behaviour.failure, Some(Failure::ImageNotFound | Failure::FailsToStart { .. }));
        self.tasks.insert(id.clone(), task);
        self.later(ms(start / PROVISIONING_SHARE), Due::Task { id: id.clone(), step: TaskStep::Pending });
        if !never {
            let step = if pull_fails { TaskStep::Fail } else { TaskStep::Running };
            self.later(ms(start), Due::Task { id: id.clone(), step });
        }
        id
    }

    /// Takes a task one step further, unless it has been stopped meanwhile.
    pub(super) fn step_task(&mut self, id: &str, step: TaskStep) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        if task.status == TaskStatus::Stopped || (task.stopping && step != TaskStep::Stopped) {
            return;
        }
        match step {
            TaskStep::Pending => {
                task.status = TaskStatus::Pending;
                task.pull_started_at = Some(now);
            }
            TaskStep::Running => self.task_runs(id),
            TaskStep::Healthy => {
                task.healthy = true;
                let (key, digits) = (task.service.clone(), task.digits.clone());
                self.task_became_healthy(&key, &digits);
            }
            TaskStep::Fail => self.task_fails(id),
            TaskStep::Stopped => {
                task.status = TaskStatus::Stopped;
                task.stopped_at = Some(now);
                for container in &mut task.containers {
                    // SIGTERM ends a container that handles it with 0; which code others give is up to them.
                    container.exit_code.get_or_insert(0);
                }
                let key = task.service.clone();
                self.reconcile(&key);
            }
        }
    }

    fn task_runs(&mut self, id: &str) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.status = TaskStatus::Running;
        task.started_at = Some(now);
        let behaviour = task.behaviour.clone();
        let healthy = match behaviour.failure {
            Some(Failure::NeverHealthy | Failure::Unhealthy { .. } | Failure::TargetUnhealthy { .. }) => None,
            Some(Failure::Exit { after_ms, .. } | Failure::OutOfMemory { after_ms, .. }) => {
                (behaviour.healthy_ms < after_ms).then_some(behaviour.healthy_ms)
            }
            _ => Some(behaviour.healthy_ms),
        };
        let fails = match behaviour.failure {
            Some(
                Failure::Exit { after_ms, .. }
                | Failure::OutOfMemory { after_ms, .. }
                | Failure::Unhealthy { after_ms },
            ) => Some(after_ms),
            // "healthCheckGracePeriodSeconds: the period of time that the scheduler ignores unhealthy checks".
            Some(Failure::TargetUnhealthy { after_ms, .. }) => Some(after_ms.max(self.grace_ms(id))),
            _ => None,
        };
        self.targets_registered(id);
        for (container, lines) in &behaviour.log {
            self.write_log(id, container, lines);
        }
        for (after, step) in [(healthy, TaskStep::Healthy), (fails, TaskStep::Fail)] {
            if let Some(after) = after {
                self.later(ms(after), Due::Task { id: id.to_owned(), step });
            }
        }
    }

    /// Appends lines to a container's stream: `<prefix>/<container>/<task id>`.
    fn write_log(&mut self, id: &str, container: &str, lines: &[String]) {
        let Some(task) = self.tasks.get(id) else { return };
        let found = task.containers.iter().find(|found| found.info.name == container);
        if let Some(log) = found.and_then(|found| found.info.log.clone()) {
            let stream = format!("{}/{container}/{id}", log.prefix);
            self.logs.write(&log.group, &stream, self.now, lines);
        }
    }

    fn task_fails(&mut self, id: &str) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        if let Some(Failure::TargetUnhealthy { description, .. }) = task.behaviour.failure.clone() {
            return self.target_failed(id, &description);
        }
        task.stopping = true;
        task.stopping_at = Some(now);
        task.stopped_at = Some(now);
        task.status = TaskStatus::Stopped;
        let counts = !task.healthy;
        let (key, digits) = (task.service.clone(), task.digits.clone());
        let lines = task.fail();
        if let Some((container, lines)) = lines {
            self.write_log(id, &container, &lines);
        }
        self.task_failed(&key, &digits, counts);
    }

    /// Tells a task to stop; it drains first.
    pub(super) fn stop_task(&mut self, id: &str, code: &'static str, reason: &str) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.is_live()) else { return };
        // Only a task that runs has connections to drain.
        let drain = if task.status == TaskStatus::Running { task.behaviour.drain_ms } else { 0 };
        if task.status == TaskStatus::Running {
            task.status = TaskStatus::Deactivating;
        }
        task.stopping = true;
        task.stopping_at = Some(now);
        task.stop_code = Some(code);
        task.stopped_reason = Some(reason.to_owned());
        self.later(ms(drain), Due::Task { id: id.to_owned(), step: TaskStep::Stopped });
    }

    /// Drops tasks that stopped too long ago to be listed.
    pub(super) fn forget_old_tasks(&mut self) {
        let oldest = earlier(self.now, LISTED);
        self.tasks.retain(|_, task| task.stopped_at.is_none_or(|at| at > oldest));
    }
}

impl TaskState {
    /// Writes down why it failed; answers the lines that a container wrote last.
    fn fail(&mut self) -> Option<(String, Vec<String>)> {
        match self.behaviour.failure.clone()? {
            Failure::ImageNotFound => {
                let (name, reason) = self.pull_error();
                self.stop_code = Some("TaskFailedToStart");
                self.blame(&name, None, Some(&reason));
                self.stopped_reason = Some(reason);
                None
            }
            Failure::FailsToStart { container, reason, code } => {
                let reason = self.told(&container, &reason);
                self.stop_code = Some("TaskFailedToStart");
                self.blame(&container, code, Some(&reason));
                self.stopped_reason = Some(reason);
                None
            }
            Failure::Exit { container, code, log, .. } => {
                let name = self.named_or_first(&container);
                self.stop_code = Some("EssentialContainerExited");
                self.stopped_reason = Some("Essential container in task exited".to_owned());
                self.blame(&name, Some(code), None);
                Some((name, log))
            }
            Failure::OutOfMemory { container, .. } => {
                let name = self.named_or_first(&container);
                let reason = "OutOfMemoryError: Container killed due to memory usage";
                self.stop_code = Some("EssentialContainerExited");
                self.stopped_reason = Some("Essential container in task exited".to_owned());
                self.blame(&name, Some(137), Some(reason));
                None
            }
            Failure::Unhealthy { .. } => {
                self.unhealthy = true;
                self.stop_code = Some("ServiceSchedulerInitiated");
                self.stopped_reason = Some("Task failed container health checks".to_owned());
                for container in &mut self.containers {
                    container.exit_code = Some(137);
                }
                None
            }
            Failure::NeverStarts
            | Failure::NeverHealthy
            | Failure::TargetUnhealthy { .. }
            | Failure::NotLaunched { .. }
            | Failure::UnableToPlace { .. } => None,
        }
    }

    fn pull_error(&self) -> (String, String) {
        let first = self.containers.first();
        let name = first.map(|container| container.info.name.clone()).unwrap_or_default();
        let image = first.map(|container| container.info.image.clone()).unwrap_or_default();
        let reason = format!(
            "CannotPullContainerError: Error response from daemon: manifest for {image} not found: manifest unknown: \
             Requested image not found"
        );
        (name, reason)
    }

    /// A reason with the names of this task in it.
    fn told(&self, container: &str, reason: &str) -> String {
        let name = self.named_or_first(container);
        let blamed = self.containers.iter().find(|container| container.info.name == name);
        let image = blamed.map(|container| container.info.image.as_str()).unwrap_or_default();
        reason.replace("{image}", image).replace("{container}", &name).replace("{task}", &self.id)
    }

    fn named_or_first(&self, name: &str) -> String {
        if !name.is_empty() {
            return name.to_owned();
        }
        let essential = self.containers.iter().find(|container| container.info.essential);
        essential.or(self.containers.first()).map(|container| container.info.name.clone()).unwrap_or_default()
    }

    /// The container at fault gets its code and reason; the others, if they ran, are stopped with it.
    fn blame(&mut self, name: &str, code: Option<i32>, reason: Option<&str>) {
        let ran = self.started_at.is_some();
        for container in &mut self.containers {
            if container.info.name == name {
                container.exit_code = code;
                container.reason = reason.map(str::to_owned);
            } else if ran {
                container.exit_code = Some(0);
            }
        }
    }
}
