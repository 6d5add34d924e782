//! Why a deployment ended as a whole: `errorInformation`.

use landfall_core::Cause;

use crate::deployment::facts::{Info, Target};

/// Codes of the API reference, what they are called here, and the next step.
const CODES: [(&str, &str, &str); 15] = [
    (
        "HEALTH_CONSTRAINTS",
        "health-constraints",
        "repair what failed on the instances, told above; a deployment configuration that tolerates more hides it only",
    ),
    (
        "HEALTH_CONSTRAINTS_INVALID",
        "health-constraints",
        "fewer instances are there or healthy than the deployment configuration wants to stay so: choose another, or repair instances first",
    ),
    (
        "NO_INSTANCES",
        "no-instances",
        "the group's tag filters or Auto Scaling groups name no running instance: compare them with the instances' tags, the account and the region",
    ),
    (
        "IAM_ROLE_MISSING",
        "role-missing",
        "the group's service role does not exist (any more): set one that trusts codedeploy.amazonaws.com",
    ),
    (
        "IAM_ROLE_PERMISSIONS",
        "role-permissions",
        "the group's service role may not do what CodeDeploy needs: attach AWSCodeDeployRole, and check its trust policy",
    ),
    (
        "ALARM_ACTIVE",
        "alarm",
        "see why the alarm fired; it must be OK before the next deployment begins, too",
    ),
    (
        "REVISION_MISSING",
        "bundle-missing",
        "the object is not there (any more): see bucket, key and version, then push and deploy again",
    ),
    (
        "INVALID_REVISION",
        "bundle-invalid",
        "the revision cannot be used: see its bundle type, and appspec.yml at its root",
    ),
    (
        "MANUAL_STOP",
        "stopped",
        "CloudTrail names who called StopDeployment; deploy again if it should have gone on",
    ),
    (
        "TIMEOUT",
        "timed-out",
        "see which instance or wait did not come to its end; a blue/green deployment must be continued before its wait time is over",
    ),
    ("AGENT_ISSUE", "agent-unreachable", super::AGENT),
    (
        "OVER_MAX_INSTANCES",
        "too-many-instances",
        "split the group, or have the quota of instances in a deployment raised",
    ),
    (
        "RESOURCE_LIMIT_EXCEEDED",
        "limit-exceeded",
        "a quota of CodeDeploy is used up: wait for other deployments, or have it raised",
    ),
    (
        "THROTTLED",
        "throttled",
        "CodeDeploy was slowed down in this account: deploy again with fewer deployments at once",
    ),
    ("MISSING_GITHUB_TOKEN", "github-token", "connect the application with GitHub in the console, once"),
];

/// Why the deployment ended. Nothing when CodeDeploy does not say.
pub(crate) fn of_end(info: &Info, targets: &[Target]) -> Option<Cause> {
    let error = info.error_information.as_ref();
    let Some(error) = error.filter(|error| !error.code.is_empty()) else {
        let id = &info.deployment_id;
        return (info.status == "Stopped").then(|| {
            Cause::new("stopped", format!("deployment {id} was stopped; CodeDeploy does not say by whom"))
                .with_hint("CloudTrail names who called StopDeployment")
        });
    };
    let known = CODES.iter().find(|(code, ..)| *code == error.code);
    let (code, hint) = known.map_or(("deployment-failed", None), |(_, code, hint)| (*code, Some(*hint)));
    let cause = Cause::new(code, message(info, error.code.as_str(), &error.message, targets))
        .with_evidence([format!("{}: {}", error.code, error.message)]);
    Some(match hint {
        Some(hint) => cause.with_hint(hint),
        None => cause.with_hint("\"Error codes for CodeDeploy\" in its user guide says what this code means"),
    })
}

fn message(info: &Info, code: &str, told: &str, targets: &[Target]) -> String {
    let count = |status: &str| targets.iter().filter(|target| target.status == status).count();
    match code {
        "HEALTH_CONSTRAINTS" => {
            let first = targets.iter().find(|target| target.status == "Failed");
            let first = first.map(|target| format!(", first {}", target.target_id)).unwrap_or_default();
            format!(
                "too few instances are healthy for configuration {}: {} failed{first}, {} succeeded, {} skipped of {}",
                info.deployment_config_name,
                count("Failed"),
                count("Succeeded"),
                count("Skipped"),
                targets.len()
            )
        }
        "ALARM_ACTIVE" => {
            let alarms = info.override_alarm_configuration["alarms"].as_array().cloned().unwrap_or_default();
            let names: Vec<&str> = alarms.iter().filter_map(|alarm| alarm["name"].as_str()).collect();
            let watched =
                if names.is_empty() { String::new() } else { format!(" (watched: {})", names.join(", ")) };
            format!("an alarm ended the deployment: {told}{watched}")
        }
        "MANUAL_STOP" => format!("somebody stopped deployment {}: {told}", info.deployment_id),
        _ => format!("CodeDeploy ended the deployment with {code}: {told}"),
    }
}
