//! Calls about the target groups of a service. Optional, and made only when health is in question.

use landfall_aws::call::{Call, try_run};
use landfall_aws::failure::Failure;
use landfall_core::Context;

use super::Client;
use crate::facts::{Target, TargetGroup};

impl Client {
    /// DescribeTargetGroups of these ARNs.
    pub(crate) async fn describe_target_groups(
        &self,
        cx: &Context,
        arns: &[String],
    ) -> Result<Vec<TargetGroup>, Failure> {
        let call = Call::read("elasticloadbalancing", "DescribeTargetGroups").on(self.subject());
        let balancers = self.balancers();
        let answer = try_run(cx, &call, || async {
            let request = balancers.describe_target_groups().set_target_group_arns(Some(arns.to_vec()));
            Ok(request.send().await?)
        })
        .await?;
        Ok(answer.target_groups().iter().map(group).collect())
    }

    /// DescribeTargetHealth: every target of a group.
    pub(crate) async fn describe_target_health(
        &self,
        cx: &Context,
        arn: &str,
    ) -> Result<Vec<Target>, Failure> {
        let call = Call::read("elasticloadbalancing", "DescribeTargetHealth").on(self.subject());
        let balancers = self.balancers();
        let answer = try_run(cx, &call, || async {
            Ok(balancers.describe_target_health().target_group_arn(arn).send().await?)
        })
        .await?;
        Ok(answer.target_health_descriptions().iter().map(target).collect())
    }

    /// Made when it is needed, which is seldom.
    fn balancers(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        aws_sdk_elasticloadbalancingv2::Client::new(&self.config)
    }
}

fn group(group: &aws_sdk_elasticloadbalancingv2::types::TargetGroup) -> TargetGroup {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let matcher = group.matcher();
    TargetGroup {
        arn: text(group.target_group_arn()),
        name: text(group.target_group_name()),
        protocol: group
            .health_check_protocol()
            .map(|protocol| protocol.as_str().to_owned())
            .unwrap_or_default(),
        port: text(group.health_check_port()),
        path: text(group.health_check_path()),
        codes: text(matcher.and_then(|matcher| matcher.http_code().or(matcher.grpc_code()))),
        interval: group.health_check_interval_seconds().unwrap_or_default(),
        timeout: group.health_check_timeout_seconds().unwrap_or_default(),
        failures: group.unhealthy_threshold_count().unwrap_or_default(),
    }
}

fn target(described: &aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription) -> Target {
    let (target, health) = (described.target(), described.target_health());
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    Target {
        id: text(target.and_then(|target| target.id())),
        port: target.and_then(|target| target.port()),
        state: text(health.and_then(|health| health.state()).map(|state| state.as_str())),
        reason: text(health.and_then(|health| health.reason()).map(|reason| reason.as_str())),
        description: text(health.and_then(|health| health.description())),
    }
}
