//! landfall deploys software to AWS and tells the truth about it.
//!
//! This crate re-exports the others. Features choose what is compiled: `auth` (static keys, OIDC, the default
//! chain), `ecs` (Amazon ECS services), `ec2-cfn` (CloudFormation stacks, S3 bundles, CodeDeploy deployments), `eks`
//! (Kubernetes manifests on EKS and other clusters), `steps` (commands, health checks, gates), `full` (all of them). None is
//! on by default, because each target brings an SDK crate.
//!
//! Start at [`DeployTarget`], the one trait, and [`DeployTargetExt::deploy`], the one call.

pub use landfall_core::*;

#[cfg(feature = "auth")]
pub use landfall_auth as auth;
#[cfg(any(feature = "auth", feature = "ecs", feature = "ec2-cfn", feature = "eks", feature = "steps"))]
pub use landfall_aws as aws;
#[cfg(feature = "ec2-cfn")]
pub use landfall_ec2_cfn as ec2_cfn;
#[cfg(feature = "ecs")]
pub use landfall_ecs as ecs;
#[cfg(feature = "eks")]
pub use landfall_eks as eks;
#[cfg(feature = "steps")]
pub use landfall_steps as steps;
