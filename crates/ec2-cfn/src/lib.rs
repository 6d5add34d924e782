//! EC2 as three landfall targets, each in a folder with the same rooms, and a release of all three:
//!
//! - [`stack`]: a CloudFormation stack, created or updated through a change set.
//! - [`bundle`]: a folder packed reproducibly and sent to S3, or found there unchanged.
//! - [`deployment`]: a CodeDeploy deployment of a revision, instance by instance.
//! - [`release`]: the pipeline that chains them.

pub mod bundle;
pub mod deployment;
pub mod release;
pub mod stack;
