//! A table of diagnostics and the causes made of them.

use serde_json::{Value, json};

use super::{of_end, of_targets};
use crate::deployment::facts::{Info, Target, read};

fn target(id: &str, event: &str, diagnostics: &Value) -> Target {
    read(json!({ "targetId": id, "status": "Failed", "lifecycleEvents": [
        { "lifecycleEventName": event, "status": "Failed", "diagnostics": diagnostics }] }))
    .unwrap()
}

#[test]
fn each_way_to_fail_has_its_cause_and_next_step() {
    let unknown =
        |message: &str| json!({ "errorCode": "UnknownError", "scriptName": "", "message": message });
    let script = |code: &str| json!({ "errorCode": code, "scriptName": "scripts/start.sh", "message": "failed with exit code 3", "logTail": "[stderr]no port" });
    let table = [
        ("AfterInstall", script("ScriptMissing"), "script-missing", "appspec.yml"),
        ("AfterInstall", script("ScriptNotExecutable"), "script-not-executable", "executable bit"),
        ("AfterInstall", script("ScriptTimedOut"), "script-timed-out", "standard output"),
        ("AfterInstall", script("ScriptFailed"), "script-failed", "output"),
        ("ApplicationStop", script("ScriptFailed"), "script-failed", "ignoreApplicationStopFailures"),
        (
            "Install",
            unknown("The deployment failed because a specified file already exists at this location: /srv/a"),
            "file-exists",
            "fileExistsBehavior",
        ),
        (
            "ApplicationStop",
            unknown("CodeDeploy agent was not able to receive the lifecycle event."),
            "agent-unreachable",
            "codedeploy-agent",
        ),
        (
            "DownloadBundle",
            unknown("Expected deployment artifact bundle etag X but was actually Y"),
            "bundle-changed",
            "push again",
        ),
        ("DownloadBundle", unknown("Access Denied"), "bundle-denied", "s3:GetObject"),
        ("DownloadBundle", unknown("not opened for reading"), "bundle-denied", "region of the instances"),
        (
            "DownloadBundle",
            unknown("User: x is not authorized to perform: kms:Decrypt on resource: y"),
            "bundle-denied",
            "kms:Decrypt, in its own policy and in that of the key",
        ),
        ("DownloadBundle", unknown("The specified key does not exist."), "bundle-missing", "deploy again"),
        ("DownloadBundle", unknown("Error extracting tar archive: 2"), "bundle-invalid", "bundle type"),
        ("DownloadBundle", unknown("The disk is (or was) full during extraction."), "disk-full", "make room"),
        ("DownloadBundle", unknown("unzip: exit code: 50"), "disk-full", "make room"),
        ("Install", unknown("No space left on device"), "disk-full", "make room"),
        (
            "DownloadBundle",
            unknown("refused by reject_symlinks_in_bundle"),
            "bundle-rejected",
            "symbolic links",
        ),
        ("Install", unknown("Access Denied"), "event-failed", "codedeploy-agent.log"),
        ("Install", Value::Null, "event-failed", "codedeploy-agent.log"),
    ];
    for (event, diagnostics, code, hint) in table {
        let causes = of_targets(&[target("i-1", event, &diagnostics)], "d-ONE");
        let cause = &causes[0];
        assert_eq!(cause.code, code, "{event} {diagnostics}: {cause:?}");
        assert!(cause.hint.as_ref().unwrap().contains(hint), "{code}: {cause:?}");
        assert!(cause.message.contains(event) && cause.evidence[0] == "on i-1", "{cause:?}");
    }
}

#[test]
fn a_failed_script_is_told_with_its_exit_code_and_the_last_lines() {
    let diagnostics = json!({ "errorCode": "ScriptFailed", "scriptName": "s.sh", "message": "Script at specified location: s.sh run as user root failed with exit code 3", "logTail": "one\ntwo" });
    let cause = &of_targets(&[target("i-1", "AfterInstall", &diagnostics)], "d-ONE")[0];
    assert_eq!(cause.message, "AfterInstall failed: its script s.sh ended with exit code 3");
    assert!(cause.evidence.iter().any(|line| line == "two"), "{cause:?}");
}

#[test]
fn equal_failures_of_many_instances_are_told_once() {
    let diagnostics =
        json!({ "errorCode": "ScriptFailed", "scriptName": "s.sh", "message": "failed with exit code 3" });
    let targets: Vec<Target> =
        (0..4).map(|number| target(&format!("i-{number}"), "AfterInstall", &diagnostics)).collect();
    let causes = of_targets(&targets, "d-ONE");
    assert_eq!((causes.len(), causes[0].count), (1, 4));
    assert_eq!(causes[0].evidence[0], "on i-0, i-1, i-2, i-3");
}

#[test]
fn each_code_of_a_deployment_has_its_cause_and_next_step() {
    let table = [
        ("HEALTH_CONSTRAINTS", "health-constraints", "1 failed, first i-1, 0 succeeded"),
        ("NO_INSTANCES", "no-instances", "NO_INSTANCES"),
        ("IAM_ROLE_MISSING", "role-missing", "IAM_ROLE_MISSING"),
        ("IAM_ROLE_PERMISSIONS", "role-permissions", "IAM_ROLE_PERMISSIONS"),
        ("ALARM_ACTIVE", "alarm", "watched: errors"),
        ("REVISION_MISSING", "bundle-missing", "REVISION_MISSING"),
        ("MANUAL_STOP", "stopped", "somebody stopped"),
        ("TIMEOUT", "timed-out", "TIMEOUT"),
        ("NEW_CODE", "deployment-failed", "NEW_CODE"),
    ];
    for (code, name, words) in table {
        let info: Info =
            read(json!({ "status": "Failed", "errorInformation": { "code": code, "message": "told" },
            "overrideAlarmConfiguration": { "alarms": [{ "name": "errors" }] } }))
            .unwrap();
        let cause = of_end(&info, &[target("i-1", "Install", &Value::Null)]).unwrap();
        assert_eq!(cause.code, name, "{code}");
        assert!(cause.message.contains(words) && cause.hint.is_some(), "{cause:?}");
    }
}
