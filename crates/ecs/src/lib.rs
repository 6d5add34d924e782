//! Amazon ECS as a landfall target: task definition registration, service update and rollout wait.
//!
//! [`EcsService`] deploys to one service with the deployment controller ECS, whatever its strategy. Its rooms, in
//! the order of a deployment:
//!
//! - `spec`: the input, checked without a call. [`TaskDefinitionSource`] says where the task definition comes from.
//! - [`document`]: task definitions as the JSON they are, so that no field is lost on the way.
//! - `plan`: what would change, and what there is to come back to.
//! - `apply`: one RegisterTaskDefinition at most and exactly one UpdateService; finds its own effect again.
//! - `observe`: one look at the deployment that was started, never at "the service is stable".
//! - `judge`: the verdict, a pure function of what was seen.
//! - `diagnose`: why tasks fail, from stopped tasks, events, load balancers and logs.
//! - `revert`: the way back to the last revision that had succeeded.
//!
//! Permissions that are needed: `ecs:DescribeServices`, `ecs:DescribeTaskDefinition`,
//! `ecs:RegisterTaskDefinition`, `ecs:UpdateService`, `iam:PassRole` for the roles of the task definition. Each of
//! the others makes something better and is done without when denied: `ecs:TagResource`,
//! `ecs:ListServiceDeployments`, `ecs:DescribeServiceDeployments`, `ecs:DescribeServiceRevisions`,
//! `ecs:StopServiceDeployment`, `ecs:ListTaskDefinitions`, `ecs:ListTasks`, `ecs:DescribeTasks`,
//! `ecs:ListServices`, `ecs:ListClusters`, `logs:GetLogEvents`, `elasticloadbalancing:DescribeTargetHealth`,
//! `elasticloadbalancing:DescribeTargetGroups`.

pub mod document;

mod apply;
mod client;
mod diagnose;
mod error;
mod facts;
mod find;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod judge;
mod memory;
mod observe;
mod plan;
mod revert;
mod run_tag;
mod spec;
mod target;

pub use document::{Document, ImageArgument};
pub use spec::{EcsServiceBuilder, IfBusy, ServiceSpec, TaskDefinitionSource};
pub use target::EcsService;
