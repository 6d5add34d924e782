//! What the words of AWS and of container runtimes mean: one table. Pure.
//!
//! Texts: "Amazon ECS stopped tasks error messages" in the developer guide, and what container runtimes say.
//! The first row that fits is taken; rows that name a reason come before rows that only name a phase.

/// A row: the phase the text must name, groups of words of each of which one must be in it, cause and next step.
pub(super) struct Row {
    phase: &'static str,
    groups: &'static [&'static [&'static str]],
    pub(super) code: &'static str,
    pub(super) hint: &'static str,
}

const fn row(
    phase: &'static str,
    groups: &'static [&'static [&'static str]],
    code: &'static str,
    hint: &'static str,
) -> Row {
    Row { phase, groups, code, hint }
}

const ANY: &str = "";
const PULL: &str = "cannotpull";
const INIT: &str = "resourceinitializationerror";

const NETWORK: &[&str] = &[
    "i/o timeout",
    "timed out",
    "timeout",
    "dial tcp",
    "connection issue",
    "deadline exceeded",
    "no route to host",
    "no such host",
];
/// Not a bare 403: digests and account ids hold any digits.
const DENIED: &[&str] = &[
    "access denied",
    "accessdenied",
    "not authorized",
    "unauthorized",
    "forbidden",
    "no basic auth",
    "authorization failed",
    "insufficient_scope",
];
/// What only the fetching of a secret says: "unable to pull secrets or registry auth" stands before other errors too.
const SECRET: &[&str] = &[
    "from asm",
    "from ssm",
    "retrieve secret",
    "fetch secret",
    "secrets manager",
    "secretsmanager:",
    "ssm parameter",
    "ssm:getparameter",
];
const MISSING: &[&str] = &[
    "resourcenotfound",
    "can't find",
    "not found",
    "does not exist",
    "invalid ssm parameters",
    "marked for deletion",
];
const INTERFACE: &[&str] = &[
    "create network interface",
    "network interface provisioning",
    "configure eni",
    "attach network interface",
];
const NO_ADDRESS: &[&str] = &["insufficientfreeaddresses", "enough free addresses"];

const NETWORK_HINT: &str = "the task's subnet needs a way to the registry: NAT, or endpoints for the registry (api and \
                            dkr), the object store, secrets and logs; check assignPublicIp and security groups";
const ARCHITECTURE_HINT: &str = "build the image for the runtimePlatform of the task definition (docker buildx build \
                                 --platform), or change runtimePlatform";

static ROWS: [Row; 34] = [
    row(
        ANY,
        &[&["no space left on device"]],
        "disk-full",
        "raise ephemeralStorage, or free the instance's disk",
    ),
    row(
        ANY,
        &[&[
            "exec format error",
            "no matching manifest",
            "descriptor matching platform",
            "does not match the specified platform",
            "image platform",
        ]],
        "wrong-architecture",
        ARCHITECTURE_HINT,
    ),
    row(
        PULL,
        &[&["toomanyrequests", "rate limit"]],
        "pull-rate-limited",
        "the registry limits anonymous pulls: give credentials (repositoryCredentials) or use a mirror",
    ),
    row(
        PULL,
        &[DENIED],
        "image-pull-denied",
        "allow the execution role to pull (ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer) and \
         check the repository's policy; some registries answer the same for a repository that does not exist",
    ),
    row(
        PULL,
        &[&["manifest unknown", "not found", "notfound", "does not exist", "name unknown", "manifest for"]],
        "image-not-found",
        "push the image, or correct its repository, tag or digest",
    ),
    row(PULL, &[NETWORK], "image-pull-network", NETWORK_HINT),
    row(
        PULL,
        &[],
        "image-pull-failed",
        "pull the image by hand with the execution role to see what the registry says",
    ),
    row(
        INIT,
        &[&["efs", "mount", "volume"]],
        "volume-mount",
        "check the file system's mount targets, access point and security group (port 2049 from the tasks), and the task \
         role's permission to mount it",
    ),
    row(
        ANY,
        &[&["cannotcreatevolume", "ebs volume"]],
        "volume-mount",
        "check the volume's configuration and its infrastructure role",
    ),
    row(
        ANY,
        &[NO_ADDRESS],
        "network-interface",
        "the subnet has no free address: free some, or give the service more or larger subnets",
    ),
    row(
        ANY,
        &[INTERFACE],
        "network-interface",
        "check the subnets' free addresses and the account's quota of network interfaces; it may pass by itself",
    ),
    row(INIT, &[SECRET, DENIED], "secret-denied", ""),
    row(
        INIT,
        &[SECRET, &["json key"]],
        "secret-missing",
        "the secret has no such JSON key: correct the end of valueFrom (secret:JSON-KEY:STAGE:VERSION), or the secret",
    ),
    row(
        INIT,
        &[SECRET, MISSING],
        "secret-missing",
        "create it in this region, or correct valueFrom in the task definition",
    ),
    row(INIT, &[NETWORK], "startup-network", NETWORK_HINT),
    row(
        INIT,
        &[SECRET],
        "secret-unavailable",
        "check that the secret or parameter and its JSON key exist, and that the execution role may read it",
    ),
    row(
        INIT,
        &[&["environment file", "env file", "envfile"], DENIED],
        "environment-file",
        "allow the execution role s3:GetObject on the file and s3:GetBucketLocation on its bucket; a file that does not \
         exist is answered in the same way",
    ),
    row(
        INIT,
        &[&["environment file", "env file", "envfile"]],
        "environment-file",
        "check that the file exists and that the execution role may read it (s3:GetObject)",
    ),
    row(
        INIT,
        &[&["logger", "log group", "loggroup", "awslogs", "logging driver", "log stream"], MISSING],
        "log-setup",
        "create the log group, or set awslogs-create-group and allow the execution role logs:CreateLogGroup",
    ),
    row(
        INIT,
        &[&["logger", "log group", "loggroup", "awslogs", "logging driver", "log stream"], DENIED],
        "log-setup",
        "allow the execution role logs:CreateLogStream and logs:PutLogEvents (and logs:CreateLogGroup with \
         awslogs-create-group)",
    ),
    row(
        INIT,
        &[&["logger", "log group", "loggroup", "awslogs", "logging driver", "log stream"]],
        "log-setup",
        "check the options of logConfiguration: awslogs-group and awslogs-region are needed, and the execution role needs \
         logs:CreateLogStream and logs:PutLogEvents",
    ),
    row(
        INIT,
        &[&["registry auth", "pull registry"], DENIED],
        "image-pull-denied",
        "allow the execution role ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer",
    ),
    row(INIT, &[&["registry auth", "pull registry"]], "startup-network", NETWORK_HINT),
    row(INIT, &[], "resource-initialization", "the message names what could not be prepared"),
    row(
        ANY,
        &[&["outofmemory", "out of memory", "oomkilled", "oom-kill"]],
        "out-of-memory",
        "raise the memory of the container or task, or find out why the program needs that much",
    ),
    row(
        ANY,
        &[&["executable file not found", "permission denied: unknown"]],
        "bad-command",
        "check entryPoint and command, and that the file is in the image and executable",
    ),
    row(
        ANY,
        &[&["exec", "container process"], &["no such file or directory", "permission denied"]],
        "bad-command",
        "check entryPoint and command, and that the file is in the image and executable; a script also needs the \
         interpreter of its first line",
    ),
    row("cannotstartcontainer", &[&["port is already", "address already in use"]], "port-in-use", PORT_HINT),
    row("cannotstartcontainer", &[], "container-cannot-start", "the message is the container runtime's"),
    row(
        ANY,
        &[&["failed container health checks"]],
        "container-health",
        "run the command of the health check in the container; a slow start needs a longer startPeriod",
    ),
    row(
        ANY,
        &[&["failed elb health checks", "health checks failed"]],
        "load-balancer-health",
        "check the target group's path, port and expected codes, and healthCheckGracePeriodSeconds of the service",
    ),
    row(ANY, &[&["port is already", "address already in use"]], "port-in-use", PORT_HINT),
    row(
        ANY,
        &[&["unable to assume"]],
        "role-unusable",
        "check that the role exists and trusts ecs-tasks.amazonaws.com",
    ),
    row(
        ANY,
        &[&["spot task was interrupted"]],
        "host-taken-away",
        "AWS took the capacity away: it is not the image's fault",
    ),
];

const PORT_HINT: &str = "use a dynamic host port, or another one";

/// The words of a program that was built for another processor, as the last thing in its log.
pub(super) const EXEC_FORMAT: &str = "exec format error";

/// The row that a text fits.
pub(super) fn fitting(text: &str) -> Option<&'static Row> {
    let lower = text.to_lowercase();
    let has = |word: &&str| lower.contains(*word);
    let fits = |row: &&Row| lower.contains(row.phase) && row.groups.iter().all(|group| group.iter().any(has));
    ROWS.iter().filter(|_| !lower.is_empty()).find(fits)
}

/// Causes that no waiting mends: the same task will fail in the same way until somebody changes something. Networks,
/// capacity, health and crashes are not among them, for they pass, or may depend on what else goes on.
const LASTING: [&str; 10] = [
    "image-not-found",
    "image-pull-denied",
    "wrong-architecture",
    "bad-command",
    "secret-missing",
    "secret-denied",
    "environment-file",
    "log-setup",
    "disk-full",
    "port-in-use",
];

/// Whether a cause is one of those that stay.
pub(super) fn is_lasting(code: &str) -> bool {
    LASTING.contains(&code)
}
