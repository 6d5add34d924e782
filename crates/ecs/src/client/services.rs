//! Calls about the service and its cluster.

use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Category, Client, another, exchange, facts};
use crate::facts::{Service, last_segment};

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
    ///
    /// A service of another name is no answer: a proxy or cache that mixes answers up must not make a deployment look
    /// finished.
    pub(crate) async fn describe_service(&self, cx: &Context) -> Result<Answered<Option<Service>>, Failure> {
        let call = self.read("DescribeServices", Category::ReadServices).on(self.subject());
        let body = json!({ "cluster": self.cluster, "services": [self.service] }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_services, body)?;
        let found: Answered<Described> = facts("DescribeServices", &answer)?;
        let (mut ours, others): (Vec<_>, Vec<_>) =
            found.value.services.into_iter().partition(|service| self.is_asked_for(service));
        match (ours.pop(), others.first()) {
            (None, Some(other)) => Err(self.about_another("DescribeServices", other)),
            (ours, _) => Ok(Answered { value: ours, at: found.at }),
        }
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
        if !self.is_asked_for(&updated.value.service) {
            return Err(self.about_another("UpdateService", &updated.value.service));
        }
        Ok(Answered { value: updated.value.service, at: updated.at })
    }

    /// By name, whether the caller gave a name or an ARN; and by the cluster, where the answer tells it.
    fn is_asked_for(&self, service: &Service) -> bool {
        let name = match service.service_name.as_str() {
            "" => last_segment(&service.service_arn),
            name => name,
        };
        let cluster = last_segment(&service.cluster_arn);
        name == last_segment(&self.service) && (cluster.is_empty() || cluster == last_segment(&self.cluster))
    }

    /// May pass, as everything that something between us and AWS does.
    fn about_another(&self, operation: &str, other: &Service) -> Failure {
        let seen = match (other.service_name.as_str(), other.service_arn.as_str()) {
            ("", "") => "does not say which service it is about".to_owned(),
            ("", arn) => format!("is about {arn}"),
            (name, _) => format!("is about service {name} in {}", last_segment(&other.cluster_arn)),
        };
        another(operation, &seen, &self.subject())
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
