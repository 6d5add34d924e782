//! The last lines of a container's log.

use landfall_core::{Context, ErrorKind};

use super::group::Finding;
use crate::facts::{TaskDefinition, last_segment};
use crate::target::EcsService;

/// How many lines. Enough for a stack trace; an error's evidence is cut at 8 KiB anyway.
const LINES: u32 = 50;

/// The log's last lines as evidence, or in a sentence why there are none.
pub(super) async fn tail(
    target: &EcsService,
    cx: &Context,
    definition: Option<&TaskDefinition>,
    finding: &Finding,
) -> Vec<String> {
    let Some(container) =
        finding.container.as_deref().and_then(|name| definition.and_then(|found| found.container(name)))
    else {
        return Vec::new();
    };
    let log = &container.log_configuration;
    let option = |name: &str| log.options.get(name).map(String::as_str);
    if log.log_driver != "awslogs" {
        let driver = if log.log_driver.is_empty() { "none" } else { &log.log_driver };
        return vec![format!("(no log to show: the log driver of container {} is {driver})", container.name)];
    }
    let (Some(group), Some(prefix)) = (option("awslogs-group"), option("awslogs-stream-prefix")) else {
        return vec![
            "(no log to show: awslogs-group and awslogs-stream-prefix are needed to find it)".to_owned(),
        ];
    };
    if let Some(region) = option("awslogs-region").filter(|region| *region != target.place.region) {
        return vec![format!("(the log is in region {region}, group {group})")];
    }
    // "Send Amazon ECS logs to CloudWatch": prefix-name/container-name/ecs-task-id.
    let stream = format!("{prefix}/{}/{}", container.name, last_segment(&finding.task_arn));
    match target.client.log_tail(cx, group, &stream, LINES).await {
        Ok(lines) if lines.is_empty() => vec![format!("(the log is empty: group {group}, stream {stream})")],
        Ok(lines) => lines,
        Err(failure) if failure.kind() == ErrorKind::Denied => {
            vec![format!("(logs:GetLogEvents on {group} is denied: allow it to see the last lines here)")]
        }
        Err(failure) if failure.kind() == ErrorKind::NotFound => {
            vec![format!("(there is no log stream {stream} in group {group})")]
        }
        Err(failure) => vec![format!("(the log could not be read: {})", failure.error())],
    }
}
