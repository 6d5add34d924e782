//! Elastic Load Balancing v2, as far as ECS registers targets and deployments look at their health: DescribeTargetGroups
//! and DescribeTargetHealth.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html>, awsQuery, version 2015-12-01.
//! Targets follow the tasks of services with `loadBalancers`: registered while they run, draining while they stop.

mod health;

use crate::TargetGroup;
use crate::ecs::RegionState;
use crate::wire::ServiceError;
use crate::wire::query::{Form, element};

/// The operations there are.
pub(crate) const OPERATIONS: [&str; 2] = ["DescribeTargetGroups", "DescribeTargetHealth"];

/// The actions a caller needs: both have no resource type ("Actions defined by Elastic Load Balancing V2").
pub(crate) fn required(operation: &str) -> Vec<(String, String)> {
    vec![(format!("elasticloadbalancing:{operation}"), "*".to_owned())]
}

/// Answers with the inner XML of the result.
pub(crate) fn call(region: &RegionState, operation: &str, form: &Form) -> Result<String, ServiceError> {
    match operation {
        "DescribeTargetGroups" => target_groups(region, form),
        "DescribeTargetHealth" => health::target_health(region, form),
        _ => Err(ServiceError::new(400, "InvalidAction", format!("Could not find operation {operation}"))),
    }
}

fn not_found(arn: &str) -> ServiceError {
    ServiceError::new(400, "TargetGroupNotFound", format!("One or more target groups not found: {arn}"))
}

fn arn(region: &RegionState, end: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{}:{}:targetgroup/{end}", region.region, region.account)
}

/// The group of an ARN, by the end of which the world knows it.
fn group<'a>(region: &'a RegionState, wanted: &str) -> Option<(&'a str, &'a TargetGroup)> {
    let (end, group) = region.target_groups.iter().find(|(end, _)| arn(region, end) == wanted)?;
    Some((end.as_str(), group))
}

fn target_groups(region: &RegionState, form: &Form) -> Result<String, ServiceError> {
    let arns: Vec<&str> = form.members("TargetGroupArns", "").collect();
    let names: Vec<&str> = form.members("Names", "").collect();
    if let Some(unknown) = arns.iter().find(|wanted| group(region, wanted).is_none()) {
        return Err(not_found(unknown));
    }
    let wanted = |end: &str| {
        let by_arn = arns.iter().any(|known| *known == arn(region, end));
        let by_name = names.iter().any(|name| Some(*name) == end.split('/').next());
        (arns.is_empty() && names.is_empty()) || by_arn || by_name
    };
    let mut text = String::from("<TargetGroups>");
    for (end, group) in region.target_groups.iter().filter(|(end, _)| wanted(end)) {
        member(&mut text, region, end, group);
    }
    text.push_str("</TargetGroups>");
    Ok(text)
}

fn member(text: &mut String, region: &RegionState, end: &str, group: &TargetGroup) {
    text.push_str("<member>");
    element(text, "TargetGroupArn", &arn(region, end));
    element(text, "TargetGroupName", end.split('/').next().unwrap_or(end));
    element(text, "Protocol", &group.protocol);
    element(text, "Port", &group.port.to_string());
    element(text, "HealthCheckProtocol", &group.health_check_protocol);
    element(text, "HealthCheckPort", &group.health_check_port);
    element(text, "HealthCheckEnabled", "true");
    element(text, "HealthCheckIntervalSeconds", &group.health_check_interval_seconds.to_string());
    element(text, "HealthCheckTimeoutSeconds", &group.health_check_timeout_seconds.to_string());
    element(text, "HealthyThresholdCount", &group.healthy_threshold.to_string());
    element(text, "UnhealthyThresholdCount", &group.unhealthy_threshold.to_string());
    // Checks by TCP have neither a path nor a matcher.
    if group.health_check_protocol.starts_with("HTTP") {
        element(text, "HealthCheckPath", &group.health_check_path);
        text.push_str("<Matcher>");
        element(text, "HttpCode", &group.matcher);
        text.push_str("</Matcher>");
    }
    element(text, "TargetType", "ip");
    element(text, "IpAddressType", "ipv4");
    text.push_str("</member>");
}
