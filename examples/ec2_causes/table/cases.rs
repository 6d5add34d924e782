//! The failure modes: S of stacks, P of bundles that are pushed, C of deployments by CodeDeploy.

use std::time::Duration;

use landfall::ec2_cfn::deployment::{DeploymentBuilder, ScalingProcess, WhenReady};

use super::sources::{Source, Template};

/// A way to fail.
#[derive(Debug)]
pub(crate) struct Case {
    /// `S1` to `S15`, `P1` to `P7`, `C1` to `C12`.
    pub(crate) mode: &'static str,
    /// What happens.
    pub(crate) what: &'static str,
    pub(crate) scenario: &'static str,
    /// Further flags, as the binary takes them.
    pub(crate) flags: &'static str,
    /// The code of the cause that must be named; `refused` where the error itself is the cause.
    pub(crate) cause: &'static str,
    /// Seconds.
    pub(crate) timeout: u64,
    pub(super) run: Run,
}

/// What is run.
#[derive(Debug)]
pub(super) enum Run {
    SignIn { account: &'static str },
    Place { region: &'static str },
    Stack(Template),
    Cancelled { after: u64 },
    Deletion,
    Bundle(Source),
    Deployment(fn(DeploymentBuilder) -> DeploymentBuilder),
}

/// That of the binary.
const TIMEOUT: u64 = 1_800;
const HOURS: u64 = 3 * 3_600;

const fn case(
    mode: &'static str,
    what: &'static str,
    scenario: &'static str,
    cause: &'static str,
    run: Run,
) -> Case {
    Case { mode, what, scenario, flags: "", cause, timeout: TIMEOUT, run }
}

const fn with(flags: &'static str, case: Case) -> Case {
    Case { flags, ..case }
}

const fn waiting(seconds: u64, case: Case) -> Case {
    Case { timeout: seconds, ..case }
}

const fn stack(mode: &'static str, what: &'static str, scenario: &'static str, cause: &'static str) -> Case {
    case(mode, what, scenario, cause, Run::Stack(Template::Good))
}

const fn template(what: &'static str, cause: &'static str, template: Template) -> Case {
    case("S3", what, "good", cause, Run::Stack(template))
}

const fn gone(what: &'static str, scenario: &'static str, cause: &'static str) -> Case {
    case("S10", what, scenario, cause, Run::Deletion)
}

const fn folder(mode: &'static str, what: &'static str, cause: &'static str, source: Source) -> Case {
    case(mode, what, "good", cause, Run::Bundle(source))
}

const fn bundle(mode: &'static str, what: &'static str, scenario: &'static str, cause: &'static str) -> Case {
    case(mode, what, scenario, cause, Run::Bundle(Source::Good))
}

const fn large(mode: &'static str, what: &'static str, scenario: &'static str, cause: &'static str) -> Case {
    case(mode, what, scenario, cause, Run::Bundle(Source::Large))
}

const fn deployment(
    mode: &'static str,
    what: &'static str,
    scenario: &'static str,
    cause: &'static str,
) -> Case {
    case(mode, what, scenario, cause, Run::Deployment(|builder| builder))
}

pub(crate) const CASES: &[Case] = &[
    with(
        "--expected-account 444455556666",
        case(
            "S1",
            "another account than expected",
            "good",
            "refused",
            Run::SignIn { account: "444455556666" },
        ),
    ),
    case(
        "S1",
        "credentials for another region (library)",
        "good",
        "invalid-input",
        Run::Place { region: "us-east-1" },
    ),
    stack("S2", "a permission is missing", "stack-denied", "missing-permission"),
    stack("S2", "events may not be read: told with less", "stack-events-denied", "stack-failed"),
    template("more than 51,200 bytes, and no bucket", "invalid-input", Template::Large),
    template("more than 1 MB", "invalid-input", Template::Huge),
    template("a name stands there twice", "invalid-input", Template::Broken),
    with(
        "--parameter Colour=red",
        template("a parameter that is not declared", "invalid-input", Template::Unknown),
    ),
    template("a parameter without a value", "invalid-input", Template::Valueless),
    with(
        "--capability iam",
        template("more capabilities than allowed", "capability-missing", Template::Capped),
    ),
    stack("S3", "a capability is missing", "stack-capability", "capability-missing"),
    stack("S4", "early validation", "stack-early-validation", "early-validation"),
    stack("S4", "a hook refuses", "stack-hook", "hook-refused"),
    stack("S4", "a hook refuses a resource", "stack-resource-hook", "hook-refused"),
    case("S5", "a name is taken", "stack-name-taken", "already-exists", Run::Stack(Template::Named)),
    with(
        "--import-existing",
        case(
            "S5",
            "a name is taken, and the template does not retain it",
            "stack-name-taken",
            "import-conflict",
            Run::Stack(Template::Importing),
        ),
    ),
    stack("S5", "resources exist already", "stack-import-conflict", "import-conflict"),
    stack("S5", "the change set cannot be made", "stack-change-set-fails", "change-set-failed"),
    stack("S6", "a resource would be replaced", "stack-replaces", "replacement-not-allowed"),
    with(
        "--allow-replacement --on-stack-failure keep",
        case(
            "S6",
            "a resource would be replaced while rollback is off",
            "stack-replaces",
            "replacement-without-rollback",
            Run::Stack(Template::Kept),
        ),
    ),
    stack("S6", "a resource would be deleted", "stack-deletes", "deletion-not-allowed"),
    stack("S7", "ROLLBACK_COMPLETE", "stack-is-rollback-complete", "refused"),
    stack("S7", "ROLLBACK_FAILED", "stack-is-rollback-failed", "refused"),
    stack("S7", "CREATE_FAILED", "stack-is-create-failed", "refused"),
    stack("S7", "UPDATE_FAILED", "stack-is-update-failed", "refused"),
    stack("S7", "UPDATE_ROLLBACK_FAILED", "stack-is-update-rollback-failed", "refused"),
    stack("S7", "DELETE_FAILED", "stack-is-delete-failed", "refused"),
    stack("S7", "IMPORT_ROLLBACK_FAILED", "stack-is-import-rollback-failed", "refused"),
    stack("S8", "somebody else's operation is under way", "stack-busy", "refused"),
    stack("S9", "the rollback of an update fails", "stack-rollback-fails", "invalid-property"),
    stack("S9", "the rollback is stuck", "stack-rollback-fails", "rollback-failed"),
    stack("S9", "the rollback of a creation fails", "stack-create-rollback-fails", "quota-exceeded"),
    gone("a bucket is not empty", "stack-delete-fails", "bucket-not-empty"),
    gone("others import an output", "stack-exported", "export-in-use"),
    case("S11", "protected against deletion", "stack-protected", "refused", Run::Deletion),
    stack("S11", "the stack policy refuses", "stack-policy", "stack-policy"),
    stack("S12", "no signal from an instance", "stack-signal", "signal-missing"),
    with("--timeout 2m", waiting(120, stack("S13", "the deadline passes", "stack-slow", "stack-goes-on"))),
    case("S13", "Ctrl-C", "stack-slow", "cancelled", Run::Cancelled { after: 30 }),
    stack("S14", "throttled beyond every retry", "stack-throttled", "refused"),
    stack("S15", "the session ends while the stack is made", "stack-session-expires", "refused"),
    stack("", "a resource exists already", "stack-create-fails", "already-exists"),
    stack("", "access to a resource is denied", "stack-update-fails", "access-denied"),
    with(
        "--express --on-stack-failure keep",
        case(
            "",
            "the same in express mode: the previous template is applied once more",
            "stack-update-fails",
            "access-denied",
            Run::Stack(Template::Express),
        ),
    ),
    folder("P1", "no appspec.yml", "appspec-missing", Source::NoAppspec),
    folder("P1", "appspec.yml in a folder", "appspec-missing", Source::Below),
    folder("P1", "only appspec.yaml: a note", "appspec-yaml", Source::Yaml),
    folder("P1", "appspec.yml for Windows", "appspec-os", Source::Windows),
    folder("P1", "a script of a hook is missing", "hook-missing", Source::HookMissing),
    folder("P1", "a script is not executable", "hook-not-executable", Source::NotExecutable),
    folder("P1", "a script ends its lines with CR LF", "hook-line-ends", Source::WindowsLineEnds),
    bundle("P2", "no such bucket", "bundle-bucket-missing", "bucket-missing"),
    bundle("P2", "a bucket of another region", "bundle-bucket-elsewhere", "bucket-in-other-region"),
    bundle("P2", "a bucket of another account", "bundle-bucket-of-another", "bucket-of-another-account"),
    bundle("P2", "no permission to write", "bundle-denied", "missing-permission"),
    with(
        "--kms-key arn:aws:kms:eu-central-1:111122223333:key/demo",
        case(
            "P2",
            "no permission to use the key",
            "bundle-key-denied",
            "kms-denied",
            Run::Bundle(Source::WithKey),
        ),
    ),
    bundle("P2", "the policy of the bucket refuses", "bundle-policy-denies", "bucket-policy-denies"),
    folder("P3", "an empty folder", "source-empty", Source::Empty),
    folder("P3", "not a folder", "source-no-folder", Source::File),
    folder("P3", "a file changes after the plan", "file-changed", Source::Changing),
    folder("P3", "a link leads out of the folder", "symlink-outside", Source::LinkOutside),
    with(
        "--platform windows",
        folder("P3", "two names that Windows takes for one", "name-collision", Source::Collision),
    ),
    bundle("P4", "the key is written meanwhile", "bundle-written-meanwhile", "key-written-meanwhile"),
    bundle("P4", "somebody writes it at the same time", "bundle-conflict", "concurrent-write"),
    bundle("P4", "bytes are changed on their way", "bundle-damaged", "checksum-mismatch"),
    large("P4", "S3 has another size", "bundle-size-differs", "size-mismatch"),
    large("P5", "the upload is gone: begun anew", "bundle-upload-gone", "upload-gone"),
    large("P5", "an old upload: a note", "bundle-old-uploads", "old-uploads"),
    bundle("P6", "the store knows no such checksums", "bundle-store-lacks-checksums", "store-lacks-feature"),
    deployment("P7", "instances may not read the bundle", "deployment-bundle-denied", "bundle-denied"),
    deployment("P7", "instances may not use its key", "deployment-bundle-key-denied", "bundle-denied"),
    deployment("P7", "the bucket is in another region", "deployment-bundle-elsewhere", "bundle-denied"),
    deployment("C1", "no such application", "deployment-application-missing", "refused"),
    with(
        "--deployment-group none",
        case(
            "C1",
            "no such group",
            "good",
            "refused",
            Run::Deployment(|builder| builder.deployment_group("none")),
        ),
    ),
    deployment("C1", "the service role is gone", "deployment-role-missing", "role-missing"),
    deployment("C1", "the service role may too little", "deployment-role-permissions", "role-permissions"),
    deployment("C1", "no instances", "deployment-no-instances", "no-instances"),
    with(
        "--timeout 1m",
        waiting(
            60,
            deployment("C1", "instances do not start", "deployment-capacity-missing", "capacity-missing"),
        ),
    ),
    with(
        "--suspend Terminate",
        case(
            "C1",
            "processes are to be suspended where no Auto Scaling group is",
            "good",
            "refused",
            Run::Deployment(|builder| builder.suspend(&[ScalingProcess::Terminate])),
        ),
    ),
    deployment("C2", "another deployment is under way", "deployment-busy", "refused"),
    with(
        "--sequence 41",
        case(
            "C2",
            "a newer release of the same project is there",
            "deployment-newer",
            "refused",
            Run::Deployment(|builder| builder.sequence("", 41)),
        ),
    ),
    deployment("C3", "too many instances failed", "deployment-hook-fails", "health-constraints"),
    deployment("C4", "a script fails", "deployment-hook-fails", "script-failed"),
    deployment("C4", "a script is missing", "deployment-script-missing", "script-missing"),
    deployment(
        "C4",
        "a script is not executable",
        "deployment-script-not-executable",
        "script-not-executable",
    ),
    deployment("C4", "a script is too slow", "deployment-script-timed-out", "script-timed-out"),
    deployment(
        "C4",
        "ApplicationStop of the revision before fails",
        "deployment-stop-hook-fails",
        "script-failed",
    ),
    deployment("C4", "an event fails without a word", "deployment-event-fails", "event-failed"),
    with(
        "--timeout 10m",
        waiting(600, deployment("C5", "an agent is silent", "deployment-agent-silent", "agent-silent")),
    ),
    with(
        "--agent-limit 5m",
        case(
            "C5",
            "the limit for silent agents",
            "deployment-agent-silent",
            "agent-limit",
            Run::Deployment(|builder| builder.agent_limit(Duration::from_secs(300))),
        ),
    ),
    with(
        "--timeout 3h",
        waiting(
            HOURS,
            deployment("C5", "CodeDeploy gives the agent up", "deployment-agent-silent", "agent-unreachable"),
        ),
    ),
    deployment("C6", "a file is there already", "deployment-file-exists", "file-exists"),
    deployment("C7", "an alarm fires", "deployment-alarm", "alarm"),
    with(
        "--timeout 2m",
        waiting(
            120,
            deployment("C8", "waits before the traffic is moved", "deployment-ready", "waits-for-continue"),
        ),
    ),
    with(
        "--timeout 3h",
        waiting(HOURS, deployment("C8", "nobody continues it", "deployment-ready", "timed-out")),
    ),
    with(
        "--when-ready stop",
        case(
            "C8",
            "it is stopped as asked",
            "deployment-ready",
            "stopped",
            Run::Deployment(|builder| builder.when_ready(WhenReady::Stop)),
        ),
    ),
    deployment("C8", "somebody stops it", "deployment-stopped", "stopped"),
    deployment("C8", "CodeDeploy gives up", "deployment-timeout", "timed-out"),
    deployment("C9", "the rollback fails, too", "deployment-rollback-fails", "rollback-failed"),
    deployment("C9", "nothing to roll back to", "deployment-no-rollback", "rollback-not-started"),
    deployment("C10", "the revision is gone", "deployment-bundle-missing", "bundle-missing"),
    deployment("C10", "there is no such object", "deployment-bundle-absent", "bundle-missing"),
    with(
        "--etag ETAG",
        deployment(
            "C10",
            "the bundle was changed after the push",
            "deployment-bundle-changed",
            "bundle-changed",
        ),
    ),
    deployment("C10", "no archive of that type", "deployment-bundle-unreadable", "bundle-invalid"),
    deployment("C10", "no appspec.yml in the bundle", "deployment-no-appspec", "appspec-missing"),
    deployment("C11", "no room on an instance", "deployment-disk-full", "disk-full"),
    deployment("C11", "an agent refuses the bundle", "deployment-bundle-rejected", "bundle-rejected"),
    deployment("C12", "succeeded, but not everywhere", "deployment-partial", "instances-failed"),
];
