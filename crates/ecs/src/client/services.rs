//! Calls about the service and its cluster.

use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Category, Client, exchange, facts};
use crate::facts::Service;

/// What DescribeServices says about the one service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Described {
    services: Vec<Service>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Updated {
    service: Service,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Names {
    service_arns: Vec<String>,
    cluster_arns: Vec<String>,
}

impl Client {
    /// DescribeServices. No service in the answer: there is none of this name.
    pub(crate) async fn describe_service(&self, cx: &Context) -> Result<Answered<Option<Service>>, Failure> {
        let call = self.read("DescribeServices", Category::ReadServices).on(self.subject());
        let body = json!({ "cluster": self.cluster, "services": [self.service] }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_services, body)?;
        let found: Answered<Described> = facts("DescribeServices", &answer)?;
        Ok(Answered { value: found.value.services.into_iter().next(), at: found.at })
    }

    /// UpdateService with a task definition and nothing else: what is not named stays as it is, so that scaling
    /// and other settings of the service are not overwritten.
    pub(crate) async fn update_service(
        &self,
        cx: &Context,
        task_definition: &str,
        force: bool,
    ) -> Result<Answered<Service>, Failure> {
        let call = self.write("UpdateService", Category::ModifyServices).on(self.subject());
        let mut body =
            json!({ "cluster": self.cluster, "service": self.service, "taskDefinition": task_definition });
        if force {
            body["forceNewDeployment"] = true.into();
        }
        let answer = exchange!(cx, call, self.ecs, update_service, body.to_string())?;
        let updated: Answered<Updated> = facts("UpdateService", &answer)?;
        Ok(Answered { value: updated.value.service, at: updated.at })
    }

    /// The first page of ListServices: names for an error message.
    pub(crate) async fn list_services(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        let call = self.read("ListServices", Category::ReadServices);
        let body = json!({ "cluster": self.cluster, "maxResults": 100 }).to_string();
        let answer = exchange!(cx, call, self.ecs, list_services, body)?;
        Ok(facts::<Names>("ListServices", &answer)?.value.service_arns)
    }

    /// The first page of ListClusters: names for an error message.
    pub(crate) async fn list_clusters(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        let call = self.read("ListClusters", Category::ReadClusters);
        let answer = exchange!(cx, call, self.ecs, list_clusters, json!({ "maxResults": 100 }).to_string())?;
        Ok(facts::<Names>("ListClusters", &answer)?.value.cluster_arns)
    }
}
