//! Why one lifecycle event failed.

use landfall_core::Cause;
use landfall_core::error::excerpt;

use super::AGENT;
use crate::deployment::facts::{Diagnostics, Event, Target};

/// Events whose scripts are those of the revision that was deployed before: "AppSpec hooks section" in the user guide.
const OLD_REVISION: [&str; 3] = ["ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic"];

/// Texts of agents that tell more than their code, in small letters, the more particular ones first.
const TEXTS: [(&str, &str, &str); 18] = [
    (
        "already exists at this location",
        "file-exists",
        "a file of the revision is on the instance already, and no deployment of this group wrote it: often the group was made anew. Delete it, or say what to do with such files (fileExistsBehavior OVERWRITE or RETAIN)",
    ),
    ("was not able to receive the lifecycle event", "agent-unreachable", AGENT),
    ("did not find an appspec", "appspec-missing", "appspec.yml must stand at the root of the bundle"),
    ("appspec file is not found", "appspec-missing", "appspec.yml must stand at the root of the bundle"),
    (
        "etag",
        "bundle-changed",
        "the object was changed after it was pushed: push again, and deploy the eTag and version that come out",
    ),
    (
        "disk is (or was) full",
        "disk-full",
        "make room on the instance: agents keep 5 revisions below /opt/codedeploy-agent/deployment-root (`:max_revisions:`)",
    ),
    (
        "no space left",
        "disk-full",
        "make room on the instance: agents keep 5 revisions below /opt/codedeploy-agent/deployment-root (`:max_revisions:`)",
    ),
    (
        "exit code 50",
        "disk-full",
        "unzip ended with 50, which is a full disk: make room on the instance; agents keep 5 revisions below /opt/codedeploy-agent/deployment-root",
    ),
    (
        "exit code: 50",
        "disk-full",
        "unzip ended with 50, which is a full disk: make room on the instance; agents keep 5 revisions below /opt/codedeploy-agent/deployment-root",
    ),
    ("central directory", "bundle-invalid", NO_ARCHIVE),
    ("error extracting", "bundle-invalid", NO_ARCHIVE),
    (
        "reject_",
        "bundle-rejected",
        "an agent's setting refuses this bundle (symbolic links, paths outside, or permissions): build it without them, or change the setting on the instances",
    ),
    (
        "not found",
        "bundle-missing",
        "the object is not there (any more): see bucket, key and version, then push and deploy again",
    ),
    (
        "does not exist",
        "bundle-missing",
        "the object is not there (any more): see bucket, key and version, then push and deploy again",
    ),
    (
        "not opened for reading",
        "bundle-denied",
        "the agent could not fetch the bundle, and says no more: the bucket must be in the region of the instances, and the \
         instance profile needs s3:GetObject on it (kms:Decrypt where it is encrypted by a key); with `:log_aws_wire: true` \
         the agent logs what S3 answers",
    ),
    (
        "perform: kms:",
        "bundle-denied",
        "the bundle is encrypted by a key that the instance profile may not use: allow it kms:Decrypt, in its own policy and \
         in that of the key",
    ),
    (
        "access denied",
        "bundle-denied",
        "the instance profile may not read the bundle: it needs s3:GetObject (s3:GetObjectVersion for a version), and kms:Decrypt where the bucket is encrypted by a key",
    ),
    (
        "forbidden",
        "bundle-denied",
        "the instance profile may not read the bundle: it needs s3:GetObject (s3:GetObjectVersion for a version), and kms:Decrypt where the bucket is encrypted by a key",
    ),
];

/// Of those, the ones that are about fetching the bundle.
const FETCHING: [&str; 5] =
    ["bundle-changed", "bundle-missing", "bundle-denied", "bundle-rejected", "bundle-invalid"];

const NO_ARCHIVE: &str = "the object is no archive of the type that the revision names (zip, tar or tgz), or is cut off: see \
                          its bundle type, then push and deploy again";

/// Why a lifecycle event of an instance failed.
pub(crate) fn of_event(event: &Event, instance: &str) -> Cause {
    let name = &event.lifecycle_event_name;
    let Some(diagnostics) = &event.diagnostics else {
        return Cause::new("event-failed", format!("{name} failed, and its agent told no reason"))
            .with_hint(format!("see /var/log/aws/codedeploy-agent/codedeploy-agent.log on {instance}"));
    };
    let (code, message, hint) = meaning(name, diagnostics);
    let mut lines = Vec::new();
    if !diagnostics.message.is_empty() {
        lines.push(diagnostics.message.clone());
    }
    let tail: Vec<&str> = diagnostics.log_tail.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.extend(tail.into_iter().map(str::to_owned));
    let hint = if OLD_REVISION.contains(&name.as_str()) && !FETCHING.contains(&code) {
        format!(
            "{hint}. {name} runs the scripts of the revision deployed before, so a repair in the new one does not help: \
             ignoreApplicationStopFailures goes on after a failed ApplicationStop"
        )
    } else {
        hint
    };
    Cause::new(code, message).with_evidence(excerpt(&lines)).with_hint(hint)
}

/// Code, message and next step.
fn meaning(event: &str, diagnostics: &Diagnostics) -> (&'static str, String, String) {
    let script = &diagnostics.script_name;
    let text = diagnostics.message.to_lowercase();
    let known = TEXTS.iter().find(|(words, code, _)| {
        text.contains(words) && (!FETCHING.contains(code) || event == "DownloadBundle")
    });
    match diagnostics.error_code.as_str() {
        "ScriptMissing" => (
            "script-missing",
            format!("{event} failed: its script {script} is not in the revision"),
            "name the script in appspec.yml as it stands in the bundle, relative to its root".to_owned(),
        ),
        "ScriptNotExecutable" => (
            "script-not-executable",
            format!("{event} failed: its script {script} is not executable"),
            "set its executable bit before packing (`git update-index --chmod=+x`), and end its lines with LF".to_owned(),
        ),
        "ScriptTimedOut" => (
            "script-timed-out",
            format!("{event} failed: its script {script} did not end in time"),
            "raise the hook's `timeout` in appspec.yml (3,600 seconds at most). A script that starts a process in the \
             background must redirect its standard output and error, or it counts as running"
                .to_owned(),
        ),
        "ScriptFailed" => {
            let exit = exit_code(&diagnostics.message).map(|code| format!(" with exit code {code}")).unwrap_or_default();
            let message = format!("{event} failed: its script {script} ended{exit}");
            ("script-failed", message, "the last lines of its output say why; repair the script or what it needs".to_owned())
        }
        _ => match known {
            Some((_, code, hint)) => (*code, format!("{event} failed: {}", diagnostics.message), (*hint).to_owned()),
            None => (
                "event-failed",
                format!("{event} failed: {}", told(&diagnostics.message)),
                "see /var/log/aws/codedeploy-agent/codedeploy-agent.log on the instance".to_owned(),
            ),
        },
    }
}

fn told(message: &str) -> &str {
    if message.is_empty() { "its agent told no reason" } else { message }
}

/// The exit code in "Script at specified location: x run as user root failed with exit code 1".
fn exit_code(message: &str) -> Option<&str> {
    let rest = message.split_once("exit code ")?.1;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end).filter(|code| !code.is_empty())
}

/// An instance that failed and names no event that did.
pub(crate) fn unexplained(target: &Target, deployment: &str) -> Cause {
    let id = &target.target_id;
    Cause::new("instance-failed", format!("instance {id} failed, and none of its lifecycle events says why")).with_hint(
        format!("`aws deploy get-deployment-target --deployment-id {deployment} --target-id {id}` shows it once it is known"),
    )
}
