//! EC2 as three landfall targets, each in a folder with the same rooms:
//!
//! - [`stack`]: a CloudFormation stack, created or updated through a change set.
//! - [`bundle`]: a folder packed reproducibly and sent to S3, or found there unchanged.
//! - [`deployment`]: a CodeDeploy deployment of a revision, instance by instance.

pub mod bundle;
pub mod deployment;
pub mod stack;
