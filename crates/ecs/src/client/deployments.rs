//! Calls about service deployments and service revisions.

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Category, Client, exchange, facts};
use crate::facts::{Brief, ServiceDeployment, ServiceRevision};

/// Pages of ListServiceDeployments that are read at most: 500 deployments since a plan was made mean that nothing
/// about the service can be told any more.
const PAGES: usize = 5;

/// Most revisions that DescribeServiceRevisions takes (API reference).
const REVISIONS: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    service_deployments: Vec<Brief>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Described {
    service_deployments: Vec<ServiceDeployment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Revisions {
    service_revisions: Vec<ServiceRevision>,
}

impl Client {
    /// ListServiceDeployments, newest first: those made at or after `after` and in one of `statuses`.
    pub(crate) async fn list_service_deployments(
        &self,
        cx: &Context,
        after: Option<Timestamp>,
        statuses: &[&str],
    ) -> Result<Answered<Vec<Brief>>, Failure> {
        let mut found = Answered { value: Vec::new(), at: None };
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let call =
                self.read("ListServiceDeployments", Category::ReadServiceDeployments).on(self.subject());
            let mut body = json!({ "cluster": self.cluster, "service": self.service, "maxResults": 100 });
            if let Some(after) = after {
                body["createdAt"] = json!({ "after": seconds(after) });
            }
            if !statuses.is_empty() {
                body["status"] = json!(statuses);
            }
            if let Some(token) = &token {
                body["nextToken"] = json!(token);
            }
            let answer = exchange!(cx, call, self.ecs, list_service_deployments, body.to_string())?;
            let page: Answered<Listed> = facts("ListServiceDeployments", &answer)?;
            found.at = page.at;
            found.value.extend(page.value.service_deployments);
            token = page.value.next_token;
            if token.is_none() {
                break;
            }
        }
        found.value.sort_by_key(|brief| std::cmp::Reverse(brief.created_at));
        Ok(found)
    }

    /// DescribeServiceDeployments of one ARN. Nothing: AWS says that it is missing, or tells of others only.
    pub(crate) async fn describe_service_deployment(
        &self,
        cx: &Context,
        arn: &str,
    ) -> Result<Answered<Option<ServiceDeployment>>, Failure> {
        let call =
            self.read("DescribeServiceDeployments", Category::ReadServiceDeployments).on(self.subject());
        let body = json!({ "serviceDeploymentArns": [arn] }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_service_deployments, body)?;
        let found: Answered<Described> = facts("DescribeServiceDeployments", &answer)?;
        let is_asked_for = |found: &ServiceDeployment| found.service_deployment_arn == arn;
        Ok(Answered { value: found.value.service_deployments.into_iter().find(is_asked_for), at: found.at })
    }

    /// DescribeServiceRevisions of at most 20 ARNs; the rest is left out.
    pub(crate) async fn describe_service_revisions(
        &self,
        cx: &Context,
        arns: &[String],
    ) -> Result<Vec<ServiceRevision>, Failure> {
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.read("DescribeServiceRevisions", Category::ReadServiceRevisions).on(self.subject());
        let wanted = arns.get(..REVISIONS).unwrap_or(arns);
        let body = json!({ "serviceRevisionArns": wanted }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_service_revisions, body)?;
        Ok(facts::<Revisions>("DescribeServiceRevisions", &answer)?.value.service_revisions)
    }

    /// StopServiceDeployment with ROLLBACK, the one way of stopping that AWS documents.
    pub(crate) async fn roll_back(&self, cx: &Context, service_deployment: &str) -> Result<(), Failure> {
        let call = self.write("StopServiceDeployment", Category::ModifyServices).on(self.subject());
        let body = json!({ "serviceDeploymentArn": service_deployment, "stopType": "ROLLBACK" }).to_string();
        exchange!(cx, call, self.ecs, stop_service_deployment, body)?;
        Ok(())
    }
}

/// Seconds since 1970 with milliseconds, as the JSON protocol takes timestamps.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a present-day date fit a double many times over"
)]
fn seconds(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1000.0)
}
