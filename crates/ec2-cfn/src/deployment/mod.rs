//! A CodeDeploy deployment of a revision to the instances of a deployment group, in place or blue/green.
//!
//! [`Deployment`] is the target. Its rooms, in the order of a deployment:
//!
//! - `spec`: the input, checked without a call: the input of CreateDeployment as the JSON it is. [`Revision`] says what is
//!   deployed.
//! - `plan`: what would change, and what there is to come back to. Reads only. `describe` and `healthy` say it in words,
//!   `order` keeps an older release from overwriting a newer one, and `counted` counts the instances, by what `fleet`
//!   may learn of them.
//! - `apply`: exactly one CreateDeployment. That call knows no token, so the run's tag stands in the description, and
//!   `find` looks for it before anything is made. Before that, `capacity` gives Auto Scaling groups time for their instances.
//! - `observe`: one look at that deployment, instance by instance, and at its automatic rollback.
//! - `judge`: the verdict, a pure function of what was seen.
//! - `diagnose`: why instances fail, from the diagnostics of their lifecycle events, and what to do about it.
//! - `revert`: the way back to the revision that was deployed last with success.
//!
//! Outputs of a success: `deployment_id` and `revision`.
//!
//! Permissions that are needed: `codedeploy:GetDeploymentGroup`, `codedeploy:CreateDeployment`,
//! `codedeploy:GetDeployment`, `codedeploy:ListDeployments`, `codedeploy:BatchGetDeployments`,
//! `codedeploy:RegisterApplicationRevision`, `codedeploy:GetApplicationRevision` and, for the deployment configuration,
//! `codedeploy:GetDeploymentConfig`: CreateDeployment checks the last three itself. For causes
//! `codedeploy:ListDeploymentTargets` and `codedeploy:BatchGetDeploymentTargets`; to undo what is under way
//! `codedeploy:StopDeployment`; for [`WhenReady::Continue`] `codedeploy:ContinueDeployment`.
//!
//! Good to have, and noted where they are missing: `tag:GetResources`, `codedeploy:ListOnPremisesInstances` and
//! `autoscaling:DescribeAutoScalingGroups` to count instances and to wait for capacity, `ssm:DescribeInstanceInformation` to
//! tell instances that are down from agents that are silent.
//!
//! Not done here: applications and groups are not made, and the compute platforms Lambda and ECS are not deployed to.

mod apply;
mod capacity;
mod client;
mod counted;
mod describe;
mod diagnose;
mod error;
mod facts;
mod find;
mod fleet;
mod healthy;
mod judge;
mod memory;
mod observe;
mod order;
mod plan;
mod revert;
mod run_tag;
mod spec;
mod target;

pub(crate) use spec::in_words;
pub use spec::{
    BundleType, DeploymentBuilder, DeploymentSpec, FileExists, IfBusy, Revision, RollbackOn, ScalingProcess,
    WhenReady,
};
pub use target::Deployment;
