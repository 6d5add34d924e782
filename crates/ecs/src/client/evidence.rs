//! Calls that look for causes: tasks and logs. All of them are optional.

use landfall_aws::call::Call;
use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::{Category, Client, exchange, facts};
use crate::facts::Task;

/// Most tasks that DescribeTasks takes, and the page of ListTasks (API reference).
const TASKS: usize = 100;

/// Pages of stopped tasks that are read: ECS keeps stopped tasks for about an hour, and a crash loop fills pages.
/// The causes repeat long before.
const PAGES: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    task_arns: Vec<String>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Described {
    tasks: Vec<Task>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Events {
    events: Vec<LogEvent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogEvent {
    message: String,
}

impl Client {
    /// ListTasks: the stopped tasks of the service. `startedBy` takes no other filter beside it, so the service's
    /// tasks are listed and told apart afterwards.
    pub(crate) async fn list_stopped_tasks(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        let filter =
            json!({ "cluster": self.cluster, "serviceName": self.service, "desiredStatus": "STOPPED" });
        self.list_tasks(cx, filter).await
    }

    /// ListTasks: the tasks that a deployment started and that should run.
    pub(crate) async fn list_tasks_of(&self, cx: &Context, deployment: &str) -> Result<Vec<String>, Failure> {
        self.list_tasks(cx, json!({ "cluster": self.cluster, "startedBy": deployment })).await
    }

    async fn list_tasks(&self, cx: &Context, filter: serde_json::Value) -> Result<Vec<String>, Failure> {
        let mut arns = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let call = self.read("ListTasks", Category::ReadTasks).on(self.subject());
            let mut body = filter.clone();
            if let Some(token) = &token {
                body["nextToken"] = json!(token);
            }
            let answer = exchange!(cx, call, self.ecs, list_tasks, body.to_string())?;
            let page: Listed = facts("ListTasks", &answer)?.value;
            arns.extend(page.task_arns);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(arns)
    }

    /// DescribeTasks, a hundred at a time.
    pub(crate) async fn describe_tasks(&self, cx: &Context, arns: &[String]) -> Result<Vec<Task>, Failure> {
        let mut tasks = Vec::new();
        for some in arns.chunks(TASKS) {
            let call = self.read("DescribeTasks", Category::ReadTasks).on(self.subject());
            let body = json!({ "cluster": self.cluster, "tasks": some }).to_string();
            let answer = exchange!(cx, call, self.ecs, describe_tasks, body)?;
            tasks.extend(facts::<Described>("DescribeTasks", &answer)?.value.tasks);
        }
        Ok(tasks)
    }

    /// GetLogEvents: the last lines of a log stream, oldest first.
    pub(crate) async fn log_tail(
        &self,
        cx: &Context,
        group: &str,
        stream: &str,
        lines: u32,
    ) -> Result<Vec<String>, Failure> {
        let call = Call::read("logs", "GetLogEvents").on(format!("log stream {stream} of {group}"));
        let body = json!({
            "logGroupName": group, "logStreamName": stream, "limit": lines, "startFromHead": false,
        });
        let answer = exchange!(cx, call, self.logs, get_log_events, body.to_string())?;
        let found: Events = facts("GetLogEvents", &answer)?.value;
        Ok(found.events.into_iter().map(|event| event.message.trim_end().to_owned()).collect())
    }
}
