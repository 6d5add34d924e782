//! CodeDeploy's part of the world: applications, deployment groups, and how their instances behave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Denial, StoredObject};

/// An application of CodeDeploy for instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// `Server`, `Lambda` or `ECS`.
    pub compute_platform: String,
    /// Deployment groups by name.
    pub groups: BTreeMap<String, DeploymentGroup>,
}

impl Default for Application {
    fn default() -> Self {
        Self { compute_platform: "Server".to_owned(), groups: BTreeMap::new() }
    }
}

/// A deployment group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentGroup {
    /// Ids of the instances; for a blue/green group, of those that have the traffic.
    pub instances: Vec<String>,
    /// Ids of the instances that a blue/green deployment makes; empty: the deployment is in place.
    pub replacements: Vec<String>,
    /// The deployment configuration.
    pub deployment_config: String,
    /// Further members as DeploymentGroupInfo has them: `ec2TagFilters`, `autoRollbackConfiguration`,
    /// `blueGreenDeploymentConfiguration`, ...
    pub settings: Value,
    /// The revision deployed last with success, a day ago, as RevisionLocation; null: none was.
    pub last_successful: Value,
    /// The comment of that deployment.
    pub last_description: String,
    /// Somebody else's deployment that is under way at the start.
    pub active: Option<ActiveDeployment>,
    /// What the instance profile of its instances may not do: `s3:GetObject`, `kms:Decrypt`, ...
    pub instances_denied: Vec<Denial>,
    /// How instances behave. The first rule that fits is used.
    pub rules: Vec<HookRule>,
    /// What becomes of whole deployments. The first rule that fits is used.
    pub endings: Vec<DeploymentEnding>,
}

impl Default for DeploymentGroup {
    fn default() -> Self {
        Self {
            instances: Vec::new(),
            replacements: Vec::new(),
            deployment_config: "CodeDeployDefault.OneAtATime".to_owned(),
            settings: json!({}),
            last_successful: Value::Null,
            last_description: String::new(),
            active: None,
            instances_denied: Vec::new(),
            rules: Vec::new(),
            endings: Vec::new(),
        }
    }
}

/// A deployment of somebody else that is under way at the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActiveDeployment {
    /// As RevisionLocation.
    pub revision: Value,
    /// Its comment.
    pub description: String,
    /// `user`, `autoscaling`, ...; empty: `user`.
    pub creator: String,
    /// How much longer than usual each lifecycle event takes, in milliseconds.
    pub slower_ms: u64,
}

/// How an instance behaves in a lifecycle event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookRule {
    /// Only the instance of this id. Empty: every instance.
    pub instance: String,
    /// Only this lifecycle event, such as `AfterInstall`. Empty: every event.
    pub event: String,
    /// Also in rollbacks, which deploy the last successful revision.
    pub in_rollbacks: bool,
    /// How long the event takes, in milliseconds.
    pub takes_ms: Option<u64>,
    /// The agent is silent: nothing happens until CodeDeploy gives up.
    pub silent: bool,
    /// With these diagnostics (`errorCode`, `scriptName`, `message`, `logTail`) it fails; none: it does not.
    pub fails: Option<HookFailure>,
}

/// Diagnostics of a lifecycle event that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookFailure {
    /// A LifecycleErrorCode; empty: the event failed without diagnostics.
    pub error_code: String,
    /// The script.
    pub script_name: String,
    /// The message.
    pub message: String,
    /// The last part of the script's output.
    pub log_tail: String,
}

/// What becomes of a deployment as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentEnding {
    /// `Failed` or `Stopped`.
    pub status: String,
    /// So many milliseconds after it was created.
    pub after_ms: u64,
    /// ErrorInformation's code.
    pub code: String,
    /// ErrorInformation's message.
    pub message: String,
    /// Also rollbacks.
    pub in_rollbacks: bool,
}

/// The group of the demonstration world: three instances, one after another, rolled back after a failure.
pub(super) fn demo_application(key: &str, revision: &StoredObject) -> Application {
    let group = DeploymentGroup {
        instances: ["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3"]
            .map(str::to_owned)
            .to_vec(),
        settings: json!({
            "serviceRoleArn": "arn:aws:iam::111122223333:role/code-deploy",
            "ec2TagFilters": [{ "Key": "application", "Value": "demo", "Type": "KEY_AND_VALUE" }],
            "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] },
            "deploymentStyle": { "deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL" }
        }),
        last_successful: json!({
            "revisionType": "S3",
            "s3Location": { "bucket": "demo-bucket", "key": key, "bundleType": "zip", "eTag": crate::s3::etag(&revision.bytes(key)) }
        }),
        ..DeploymentGroup::default()
    };
    let groups = BTreeMap::from([("demo".to_owned(), group)]);
    Application { groups, ..Application::default() }
}
