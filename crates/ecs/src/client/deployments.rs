//! Calls about service deployments and service revisions.

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::{Asked, Found, Freshness};
use super::{Answered, Category, Client, exchange, facts, told};
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

    /// DescribeServiceDeployments of one ARN, as it is now. Nothing: AWS says that it is missing, or tells of others only.
    pub(crate) async fn describe_service_deployment(
        &self,
        cx: &Context,
        arn: &str,
    ) -> Result<Answered<Option<ServiceDeployment>>, Failure> {
        Ok(self.watch_service_deployment(cx, arn, Freshness::Now).await?.0)
    }

    /// The same for a look of a wait, which may share its call with others. Says which call it was.
    pub(crate) async fn watch_service_deployment(
        &self,
        cx: &Context,
        arn: &str,
        freshness: Freshness,
    ) -> Result<(Answered<Option<ServiceDeployment>>, Asked), Failure> {
        let room = self.room(cx);
        let make = |arns| self.describe_service_deployments(cx, arns);
        let answer = room.service_deployments.ask(cx, arn, freshness, make).await?;
        let found: Answered<Option<ServiceDeployment>> = told("DescribeServiceDeployments", &answer)?;
        if found.value.as_ref().is_some_and(|found| found.standing().is_final()) {
            room.service_deployments.leave(arn);
        }
        Ok((found, answer.asked))
    }

    async fn describe_service_deployments(&self, cx: &Context, arns: Vec<String>) -> Result<Found, Failure> {
        let subject = match arns.len() {
            1 => self.subject(),
            many => format!("{many} service deployments"),
        };
        let call = self.read("DescribeServiceDeployments", Category::ReadServiceDeployments).on(subject);
        let body = json!({ "serviceDeploymentArns": arns }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_service_deployments, body)?;
        Found::read("DescribeServiceDeployments", &answer)
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
        let stopped = exchange!(cx, call, self.ecs, stop_service_deployment, body);
        self.changed(cx);
        self.room(cx).service_deployments.forget(service_deployment);
        stopped.map(|_| ())
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
