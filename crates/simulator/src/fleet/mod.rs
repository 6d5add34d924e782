//! What others tell of the instances that CodeDeploy deploys to: one operation each of Auto Scaling, of Resource Groups
//! Tagging, and of Systems Manager. Nothing here changes but by the clock.
//!
//! - <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>, awsQuery, 2011-01-01.
//! - <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>, awsJson1.1.
//! - <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html>, awsJson1.1.

mod scaling;
mod ssm;
mod tagging;

use jiff::Timestamp;

use crate::Region;
use crate::iam::Principal;

/// Where and when is asked.
pub(crate) struct Fleet<'a> {
    pub(crate) region: &'a Region,
    pub(crate) principal: &'a Principal,
    pub(crate) start: Timestamp,
    pub(crate) now: Timestamp,
}

/// Whether there is such an operation.
pub(crate) fn is_known(service: &str, operation: &str) -> bool {
    action(service, operation).is_some()
}

/// The action that a caller needs; none of the three has a resource type in the service authorization reference.
pub(crate) fn required(service: &str, operation: &str) -> Vec<(String, String)> {
    action(service, operation).map(|action| (action.to_owned(), "*".to_owned())).into_iter().collect()
}

fn action(service: &str, operation: &str) -> Option<&'static str> {
    match (service, operation) {
        ("autoscaling", "DescribeAutoScalingGroups") => Some("autoscaling:DescribeAutoScalingGroups"),
        ("tagging", "GetResources") => Some("tag:GetResources"),
        ("ssm", "DescribeInstanceInformation") => Some("ssm:DescribeInstanceInformation"),
        _ => None,
    }
}
