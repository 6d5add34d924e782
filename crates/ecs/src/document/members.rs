//! The members of a task definition that the model of the API knows, with their types.
//!
//! Used to find wrong types and misspelt keys, never to decide what is kept. A test compares the table with the
//! schemas of the SDK, so that an update of the SDK says which members are new.

use Kind::{Boolean, Integer, Integers, Map, Object, Objects, Text, Texts};

/// Members by name.
pub(super) type Shape = &'static [(&'static str, Kind)];

/// What a member's value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    /// A list of strings.
    Texts,
    Integers,
    /// Strings by names that the user chooses.
    Map,
    Object(Shape),
    /// A list of objects.
    Objects(Shape),
}

/// What the shape says of a member.
pub(super) fn kind(shape: Shape, key: &str) -> Option<Kind> {
    shape.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
}

/// The members of RegisterTaskDefinition's request.
pub(super) const TASK_DEFINITION: Shape = &[
    ("family", Text),
    ("taskRoleArn", Text),
    ("executionRoleArn", Text),
    ("networkMode", Text),
    ("containerDefinitions", Objects(CONTAINER_DEFINITION)),
    ("volumes", Objects(VOLUME)),
    ("placementConstraints", Objects(TASK_DEFINITION_PLACEMENT_CONSTRAINT)),
    ("requiresCompatibilities", Texts),
    ("cpu", Text),
    ("memory", Text),
    ("tags", Objects(TAG)),
    ("pidMode", Text),
    ("ipcMode", Text),
    ("proxyConfiguration", Object(PROXY_CONFIGURATION)),
    ("inferenceAccelerators", Objects(INFERENCE_ACCELERATOR)),
    ("ephemeralStorage", Object(EPHEMERAL_STORAGE)),
    ("runtimePlatform", Object(RUNTIME_PLATFORM)),
    ("enableFaultInjection", Boolean),
];

const RUNTIME_PLATFORM: Shape = &[("cpuArchitecture", Text), ("operatingSystemFamily", Text)];

const EPHEMERAL_STORAGE: Shape = &[("sizeInGiB", Integer)];

const INFERENCE_ACCELERATOR: Shape = &[("deviceName", Text), ("deviceType", Text)];

const PROXY_CONFIGURATION: Shape =
    &[("type", Text), ("containerName", Text), ("properties", Objects(KEY_VALUE_PAIR))];

const TAG: Shape = &[("key", Text), ("value", Text)];

const TASK_DEFINITION_PLACEMENT_CONSTRAINT: Shape = &[("type", Text), ("expression", Text)];

const VOLUME: Shape = &[
    ("name", Text),
    ("host", Object(HOST_VOLUME_PROPERTIES)),
    ("dockerVolumeConfiguration", Object(DOCKER_VOLUME_CONFIGURATION)),
    ("efsVolumeConfiguration", Object(EFS_VOLUME_CONFIGURATION)),
    ("s3filesVolumeConfiguration", Object(S3_FILES_VOLUME_CONFIGURATION)),
    ("fsxWindowsFileServerVolumeConfiguration", Object(FSX_WINDOWS_FILE_SERVER_VOLUME_CONFIGURATION)),
    ("configuredAtLaunch", Boolean),
];

const FSX_WINDOWS_FILE_SERVER_VOLUME_CONFIGURATION: Shape = &[
    ("fileSystemId", Text),
    ("rootDirectory", Text),
    ("authorizationConfig", Object(FSX_WINDOWS_FILE_SERVER_AUTHORIZATION_CONFIG)),
];

const S3_FILES_VOLUME_CONFIGURATION: Shape = &[
    ("fileSystemArn", Text),
    ("rootDirectory", Text),
    ("transitEncryptionPort", Integer),
    ("accessPointArn", Text),
];

const FSX_WINDOWS_FILE_SERVER_AUTHORIZATION_CONFIG: Shape =
    &[("credentialsParameter", Text), ("domain", Text)];

const EFS_VOLUME_CONFIGURATION: Shape = &[
    ("fileSystemId", Text),
    ("rootDirectory", Text),
    ("transitEncryption", Text),
    ("transitEncryptionPort", Integer),
    ("authorizationConfig", Object(EFS_AUTHORIZATION_CONFIG)),
];

const EFS_AUTHORIZATION_CONFIG: Shape = &[("accessPointId", Text), ("iam", Text)];

const DOCKER_VOLUME_CONFIGURATION: Shape =
    &[("scope", Text), ("autoprovision", Boolean), ("driver", Text), ("driverOpts", Map), ("labels", Map)];

const HOST_VOLUME_PROPERTIES: Shape = &[("sourcePath", Text)];

const CONTAINER_DEFINITION: Shape = &[
    ("name", Text),
    ("image", Text),
    ("repositoryCredentials", Object(REPOSITORY_CREDENTIALS)),
    ("cpu", Integer),
    ("memory", Integer),
    ("memoryReservation", Integer),
    ("links", Texts),
    ("portMappings", Objects(PORT_MAPPING)),
    ("essential", Boolean),
    ("restartPolicy", Object(CONTAINER_RESTART_POLICY)),
    ("entryPoint", Texts),
    ("command", Texts),
    ("environment", Objects(KEY_VALUE_PAIR)),
    ("environmentFiles", Objects(ENVIRONMENT_FILE)),
    ("mountPoints", Objects(MOUNT_POINT)),
    ("volumesFrom", Objects(VOLUME_FROM)),
    ("linuxParameters", Object(LINUX_PARAMETERS)),
    ("secrets", Objects(SECRET)),
    ("dependsOn", Objects(CONTAINER_DEPENDENCY)),
    ("startTimeout", Integer),
    ("stopTimeout", Integer),
    ("versionConsistency", Text),
    ("hostname", Text),
    ("user", Text),
    ("workingDirectory", Text),
    ("disableNetworking", Boolean),
    ("privileged", Boolean),
    ("readonlyRootFilesystem", Boolean),
    ("dnsServers", Texts),
    ("dnsSearchDomains", Texts),
    ("extraHosts", Objects(HOST_ENTRY)),
    ("dockerSecurityOptions", Texts),
    ("interactive", Boolean),
    ("pseudoTerminal", Boolean),
    ("dockerLabels", Map),
    ("ulimits", Objects(ULIMIT)),
    ("logConfiguration", Object(LOG_CONFIGURATION)),
    ("healthCheck", Object(HEALTH_CHECK)),
    ("systemControls", Objects(SYSTEM_CONTROL)),
    ("resourceRequirements", Objects(RESOURCE_REQUIREMENT)),
    ("firelensConfiguration", Object(FIRELENS_CONFIGURATION)),
    ("credentialSpecs", Texts),
];

const FIRELENS_CONFIGURATION: Shape = &[("type", Text), ("options", Map)];

const RESOURCE_REQUIREMENT: Shape =
    &[("value", Text), ("type", Text), ("sharingStrategy", Object(SHARING_STRATEGY))];

const SHARING_STRATEGY: Shape = &[("nvidiaMps", Object(NVIDIA_MPS_ALLOCATION))];

const NVIDIA_MPS_ALLOCATION: Shape = &[("memory", Integer), ("maxComputePercent", Integer)];

const SYSTEM_CONTROL: Shape = &[("namespace", Text), ("value", Text)];

const HEALTH_CHECK: Shape = &[
    ("command", Texts),
    ("interval", Integer),
    ("timeout", Integer),
    ("retries", Integer),
    ("startPeriod", Integer),
];

const LOG_CONFIGURATION: Shape = &[("logDriver", Text), ("options", Map), ("secretOptions", Objects(SECRET))];

const ULIMIT: Shape = &[("name", Text), ("softLimit", Integer), ("hardLimit", Integer)];

const HOST_ENTRY: Shape = &[("hostname", Text), ("ipAddress", Text)];

const CONTAINER_DEPENDENCY: Shape = &[("containerName", Text), ("condition", Text)];

const SECRET: Shape = &[("name", Text), ("valueFrom", Text)];

const LINUX_PARAMETERS: Shape = &[
    ("capabilities", Object(KERNEL_CAPABILITIES)),
    ("devices", Objects(DEVICE)),
    ("initProcessEnabled", Boolean),
    ("sharedMemorySize", Integer),
    ("tmpfs", Objects(TMPFS)),
    ("maxSwap", Integer),
    ("swappiness", Integer),
];

const TMPFS: Shape = &[("containerPath", Text), ("size", Integer), ("mountOptions", Texts)];

const DEVICE: Shape = &[("hostPath", Text), ("containerPath", Text), ("permissions", Texts)];

const KERNEL_CAPABILITIES: Shape = &[("add", Texts), ("drop", Texts)];

const VOLUME_FROM: Shape = &[("sourceContainer", Text), ("readOnly", Boolean)];

const MOUNT_POINT: Shape = &[("sourceVolume", Text), ("containerPath", Text), ("readOnly", Boolean)];

const ENVIRONMENT_FILE: Shape = &[("value", Text), ("type", Text)];

const KEY_VALUE_PAIR: Shape = &[("name", Text), ("value", Text)];

const CONTAINER_RESTART_POLICY: Shape =
    &[("enabled", Boolean), ("ignoredExitCodes", Integers), ("restartAttemptPeriod", Integer)];

const PORT_MAPPING: Shape = &[
    ("containerPort", Integer),
    ("hostPort", Integer),
    ("protocol", Text),
    ("name", Text),
    ("appProtocol", Text),
    ("containerPortRange", Text),
];

const REPOSITORY_CREDENTIALS: Shape = &[("credentialsParameter", Text)];

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
    use aws_sdk_ecs::types as sdk;

    use super::*;

    #[test]
    #[allow(deprecated, reason = "inference accelerators are gone, but old task definitions still name them")]
    fn the_table_knows_every_member_that_the_sdk_knows_with_its_type() {
        macro_rules! compare {
            ($($table:ident: $shape:ty),* $(,)?) => {$(
                for member in <$shape>::SCHEMA.members() {
                    let name = member.member_name().unwrap();
                    let known = kind($table, name).map(model_name);
                    assert_eq!(known, Some(format!("{:?}", member.shape_type())), "{}.{name}", stringify!($shape));
                }
                assert_eq!($table.len(), <$shape>::SCHEMA.members().len(), "{}", stringify!($shape));
            )*};
        }
        compare! {
            TASK_DEFINITION: RegisterTaskDefinitionInput,
            CONTAINER_DEFINITION: sdk::ContainerDefinition,
            RUNTIME_PLATFORM: sdk::RuntimePlatform,
            EPHEMERAL_STORAGE: sdk::EphemeralStorage,
            INFERENCE_ACCELERATOR: sdk::InferenceAccelerator,
            PROXY_CONFIGURATION: sdk::ProxyConfiguration,
            TAG: sdk::Tag,
            TASK_DEFINITION_PLACEMENT_CONSTRAINT: sdk::TaskDefinitionPlacementConstraint,
            VOLUME: sdk::Volume,
            FSX_WINDOWS_FILE_SERVER_VOLUME_CONFIGURATION: sdk::FSxWindowsFileServerVolumeConfiguration,
            FSX_WINDOWS_FILE_SERVER_AUTHORIZATION_CONFIG: sdk::FSxWindowsFileServerAuthorizationConfig,
            S3_FILES_VOLUME_CONFIGURATION: sdk::S3FilesVolumeConfiguration,
            EFS_VOLUME_CONFIGURATION: sdk::EfsVolumeConfiguration,
            EFS_AUTHORIZATION_CONFIG: sdk::EfsAuthorizationConfig,
            DOCKER_VOLUME_CONFIGURATION: sdk::DockerVolumeConfiguration,
            HOST_VOLUME_PROPERTIES: sdk::HostVolumeProperties,
            FIRELENS_CONFIGURATION: sdk::FirelensConfiguration,
            RESOURCE_REQUIREMENT: sdk::ResourceRequirement,
            NVIDIA_MPS_ALLOCATION: sdk::NvidiaMpsAllocation,
            SYSTEM_CONTROL: sdk::SystemControl,
            HEALTH_CHECK: sdk::HealthCheck,
            LOG_CONFIGURATION: sdk::LogConfiguration,
            ULIMIT: sdk::Ulimit,
            HOST_ENTRY: sdk::HostEntry,
            CONTAINER_DEPENDENCY: sdk::ContainerDependency,
            SECRET: sdk::Secret,
            LINUX_PARAMETERS: sdk::LinuxParameters,
            TMPFS: sdk::Tmpfs,
            DEVICE: sdk::Device,
            KERNEL_CAPABILITIES: sdk::KernelCapabilities,
            VOLUME_FROM: sdk::VolumeFrom,
            MOUNT_POINT: sdk::MountPoint,
            ENVIRONMENT_FILE: sdk::EnvironmentFile,
            KEY_VALUE_PAIR: sdk::KeyValuePair,
            CONTAINER_RESTART_POLICY: sdk::ContainerRestartPolicy,
            PORT_MAPPING: sdk::PortMapping,
            REPOSITORY_CREDENTIALS: sdk::RepositoryCredentials,
        }
    }

    /// What the SDK's schema calls a kind.
    fn model_name(kind: Kind) -> String {
        match kind {
            Text => "String",
            Integer => "Integer",
            Boolean => "Boolean",
            Texts | Integers | Objects(_) => "List",
            Map => "Map",
            Object(SHARING_STRATEGY) => "Union",
            Object(_) => "Structure",
        }
        .to_owned()
    }
}
