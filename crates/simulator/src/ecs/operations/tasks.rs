//! ListTasks, DescribeTasks.

use serde_json::Value;

use super::page::page;
use super::{Answered, invalid, list, missing};
use crate::ecs::RegionState;
use crate::ecs::model::TaskState;
use crate::wire::Object;

impl RegionState {
    pub(super) fn list_tasks(&self, input: &Object) -> Answered {
        let cluster = self.cluster(input)?;
        let started_by = input.string("startedBy");
        let others = ["serviceName", "family", "containerInstance", "launchType", "desiredStatus"];
        if started_by.is_some() && others.iter().any(|other| input.has(other)) {
            // "When you specify startedBy as the filter, it must be the only filter that you use."
            return Err(invalid("startedBy cannot be combined with other filters."));
        }
        let service = match input.has("serviceName") {
            true => Some(self.service(input, "serviceName")?.key.clone()),
            false => None,
        };
        let stopped = match input.string("desiredStatus").as_deref() {
            None | Some("RUNNING") => Some(false),
            Some("STOPPED") => Some(true),
            // "This doesn't return any results": ECS never sets it.
            Some("PENDING") => None,
            Some(_) => return Err(invalid("Invalid desiredStatus.")),
        };
        let family = input.string("family");
        let fits = |task: &&TaskState| {
            task.service.cluster == cluster
                && stopped == Some(task.stopping)
                && service.as_ref().is_none_or(|service| *service == task.service)
                && started_by.as_ref().is_none_or(|wanted| *wanted == task.started_by())
                && family.as_ref().is_none_or(|family| self.family_of(task).as_ref() == Some(family))
        };
        let arns: Vec<String> =
            self.tasks.values().filter(fits).map(|task| self.task_arn(&cluster, &task.id)).collect();
        let (arns, next) = page(input, &arns, 100, 100)?;
        let mut answer = Object::default();
        answer.put("taskArns", arns).put_some("nextToken", next);
        Ok(answer)
    }

    fn family_of(&self, task: &TaskState) -> Option<String> {
        let name = self.task_definition_name(&task.task_definition)?;
        name.rsplit_once(':').map(|(family, _)| family.to_owned())
    }

    pub(super) fn describe_tasks(&self, input: &Object) -> Answered {
        let cluster = self.cluster(input)?;
        let names = list(input, "tasks", 100)?;
        let (mut found, mut failures): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        for name in names {
            let id = name.rsplit('/').next().unwrap_or_default();
            match self.tasks.get(id).filter(|task| task.service.cluster == cluster) {
                Some(task) => found.push(self.task_view(task)),
                None => failures.push(missing(&self.task_arn(&cluster, id))),
            }
        }
        let mut answer = Object::default();
        answer.put("tasks", found).put("failures", failures);
        Ok(answer)
    }
}

impl TaskState {
    /// The deployment that started it.
    pub(crate) fn started_by(&self) -> String {
        format!("ecs-svc/{}", self.digits)
    }
}
