//! What exists in the simulated AWS when it starts, as plain data.
//!
//! Everything is a map by name, so that a scenario can change one thing with a JSON merge patch (RFC 7396), and
//! everything AWS has a document for (trust policies, deployment configurations, task definitions) is that document.

mod behaviour;
mod bucket;
mod code_deploy;
mod demo;
mod eks_cluster;
mod fleet;
mod stacks;
mod target_group;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use behaviour::{Behaviour, BehaviourRule, Failure, RevisionAge};
pub use bucket::{Bucket, StoredObject};
pub use code_deploy::{
    ActiveDeployment, Application, DeploymentEnding, DeploymentGroup, HookFailure, HookRule,
};
pub use demo::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_CLUSTER, DEMO_EKS_CLUSTER, DEMO_FAMILY, DEMO_ISSUER,
    DEMO_REGION, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, DEMO_SERVICE, SECOND_ACCESS_KEY_ID, SECOND_ACCOUNT,
    SECOND_SECRET_ACCESS_KEY,
};
pub use eks_cluster::EksCluster;
pub use fleet::{AutoScalingGroup, Instance, SsmAgent};
pub use stacks::{ChangeSetRule, ExistingResource, Stack, StackHook, StackRule, Validation};
pub use target_group::TargetGroup;

/// A whole AWS: accounts, and the issuer of identity tokens beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Accounts by their 12-digit id.
    pub accounts: BTreeMap<String, Account>,
    /// The URL of the issuer whose keys the simulator holds.
    pub issuer: String,
    /// Members of a task definition or of a container definition that RegisterTaskDefinition accepts and forgets. AWS
    /// does not document what it does with members it does not know: by default the simulator keeps them.
    pub forgotten_members: Vec<String>,
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// IAM users by name.
    pub users: BTreeMap<String, User>,
    /// IAM roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Managed policies by ARN, the account's own and those of AWS, as far as sessions are limited by them.
    pub policies: BTreeMap<String, Value>,
    /// OIDC providers by the issuer's URL without its scheme.
    pub oidc_providers: BTreeMap<String, OidcProvider>,
    /// What nobody in this account may do.
    pub denied: Vec<Denial>,
    /// What exists in the account's regions.
    pub regions: BTreeMap<String, Region>,
}

/// An IAM user with one access key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key: never a real one.
    pub secret_access_key: String,
    /// What the user may not do.
    pub denied: Vec<Denial>,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The trust policy document.
    pub trust_policy: Value,
    /// The longest session, in seconds, 3,600 to 43,200.
    pub max_session_seconds: u32,
    /// What sessions of the role may not do.
    pub denied: Vec<Denial>,
}

impl Default for Role {
    fn default() -> Self {
        Self { trust_policy: Value::Null, max_session_seconds: 3_600, denied: Vec::new() }
    }
}

/// An IAM OIDC provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcProvider {
    /// The audiences it accepts.
    pub client_ids: Vec<String>,
}

/// An action that is refused. IAM is modelled only as far as this: what is not denied is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The action, such as `ecs:UpdateService`; `*` stands for any characters.
    pub action: String,
    /// Only on resources with an ARN like this; `*` stands for any characters. Empty: on every resource.
    #[serde(default)]
    pub resource: String,
    /// Who refuses: this decides the message's last words.
    #[serde(default)]
    pub by: DeniedBy,
}

/// The policy that refuses an action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeniedBy {
    /// No identity-based policy allows it.
    #[default]
    MissingAllow,
    /// A service control policy denies it explicitly.
    ServiceControlPolicy,
}

impl Denial {
    /// Refuses `action` because no identity-based policy allows it.
    pub fn of(action: &str) -> Self {
        Self { action: action.to_owned(), resource: String::new(), by: DeniedBy::MissingAllow }
    }

    /// Only on resources with an ARN like this.
    #[must_use]
    pub fn on(mut self, resource: &str) -> Self {
        resource.clone_into(&mut self.resource);
        self
    }
}

/// What exists in one region of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Region {
    /// ECS clusters by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// Task definitions by family, oldest first, each as the input of RegisterTaskDefinition; `tags` may be among its
    /// members, and `"status": "INACTIVE"` makes a deregistered one.
    pub task_definitions: BTreeMap<String, Vec<Value>>,
    /// EKS clusters by name.
    pub eks_clusters: BTreeMap<String, EksCluster>,
    /// S3 buckets by name. A name exists once in all accounts and regions.
    pub buckets: BTreeMap<String, Bucket>,
    /// Target groups by the end of their ARN: name, `/` and id.
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// Applications of CodeDeploy by name.
    pub applications: BTreeMap<String, Application>,
    /// Deployment configurations of CodeDeploy besides the predefined ones: `minimumHealthyHosts` by name.
    pub deployment_configs: BTreeMap<String, Value>,
    /// Instances by id, or by name where they are on premises.
    pub instances: BTreeMap<String, Instance>,
    /// Auto Scaling groups by name.
    pub auto_scaling_groups: BTreeMap<String, AutoScalingGroup>,
    /// CloudFormation stacks by name.
    pub stacks: BTreeMap<String, Stack>,
    /// Resources with names of their own that belong to no stack.
    pub existing_resources: Vec<ExistingResource>,
    /// How resources of stacks behave.
    pub stack_rules: Vec<StackRule>,
    /// How change sets behave.
    pub change_set_rules: Vec<ChangeSetRule>,
    /// Templates by the URL that `TemplateURL` names.
    pub templates: BTreeMap<String, String>,
}

/// An ECS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// `ACTIVE`, or another cluster status.
    pub status: String,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { status: "ACTIVE".to_owned(), services: BTreeMap::new(), tags: BTreeMap::new() }
    }
}

/// An ECS service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// The task definition that runs at the start: `family:revision`.
    pub task_definition: String,
    /// How many tasks run at the start.
    pub desired_count: u32,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// The service's `deploymentConfiguration`, as AWS writes it.
    pub deployment_configuration: Value,
    /// Further members of the service as UpdateService takes them: `networkConfiguration`, `loadBalancers`, ...
    pub settings: Value,
    /// Earlier service deployments, oldest first. The last successful one runs at the start.
    pub history: Vec<PastDeployment>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            task_definition: String::new(),
            desired_count: 1,
            status: "ACTIVE".to_owned(),
            controller: "ECS".to_owned(),
            deployment_configuration: serde_json::json!({}),
            settings: serde_json::json!({}),
            history: Vec::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// A service deployment that ended before the simulator started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastDeployment {
    /// `family:revision`.
    pub task_definition: String,
    /// A final status: `SUCCESSFUL`, `STOPPED`, `ROLLBACK_SUCCESSFUL` or `ROLLBACK_FAILED`.
    pub status: String,
    /// Its reason.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// How long before the start it began, in seconds.
    pub seconds_ago: u64,
}

impl World {
    /// The account, made when it is missing.
    pub fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }
}

impl Account {
    /// The region, made when it is missing.
    pub fn region(&mut self, name: &str) -> &mut Region {
        self.regions.entry(name.to_owned()).or_default()
    }

    /// Adds a user.
    pub fn user(&mut self, name: &str, access_key_id: &str, secret_access_key: &str) -> &mut User {
        let user = User {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            denied: Vec::new(),
        };
        self.users.entry(name.to_owned()).insert_entry(user).into_mut()
    }
}

impl Region {
    /// The cluster, made when it is missing.
    pub fn cluster(&mut self, name: &str) -> &mut Cluster {
        self.clusters.entry(name.to_owned()).or_default()
    }

    /// Adds a revision to a family: a document in the shape of RegisterTaskDefinition's input.
    pub fn task_definition(&mut self, family: &str, document: Value) -> &mut Self {
        self.task_definitions.entry(family.to_owned()).or_default().push(document);
        self
    }
}
