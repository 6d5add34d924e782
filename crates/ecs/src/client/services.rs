//! Calls about the service and its cluster.

use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::batch::{Asked, Found, Freshness};
use super::{Answered, Category, Client, another, exchange, facts, read, told};
use crate::facts::{Service, last_segment};

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
    /// DescribeServices, as it is now. No service in the answer: there is none of this name.
    ///
    /// A service of another name is no answer: a proxy or cache that mixes answers up must not make a deployment look
    /// finished.
    pub(crate) async fn describe_service(&self, cx: &Context) -> Result<Answered<Option<Service>>, Failure> {
        Ok(self.watch_service(cx, Freshness::Now).await?.0)
    }

    /// The same for a look of a wait, which may share its call with others. Says which call it was.
    pub(crate) async fn watch_service(
        &self,
        cx: &Context,
        freshness: Freshness,
    ) -> Result<(Answered<Option<Service>>, Asked), Failure> {
        let batch = self.room(cx).services(&self.cluster);
        let make = |names| self.describe_services(cx, names);
        let answer = batch.ask(cx, &self.service, freshness, make).await?;
        let found: Answered<Option<Service>> = told("DescribeServices", &answer)?;
        match found.value.as_ref().filter(|service| !self.is_asked_for(service)) {
            Some(other) => Err(self.about_another("DescribeServices", other)),
            None => Ok((found, answer.asked)),
        }
    }

    async fn describe_services(&self, cx: &Context, names: Vec<String>) -> Result<Found, Failure> {
        let subject = match names.len() {
            1 => self.subject(),
            many => format!("{many} services in cluster {}", self.cluster),
        };
        let call = self.read("DescribeServices", Category::ReadServices).on(subject);
        let body = json!({ "cluster": self.cluster, "services": names }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_services, body)?;
        let found = Found::read("DescribeServices", &answer)?;
        match found.of_another(&names) {
            Some(json) => {
                let other = serde_json::from_str(json).unwrap_or_default();
                Err(self.about_another("DescribeServices", &read("DescribeServices", other)?))
            }
            None => Ok(found),
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
        let sent = exchange!(cx, call, self.ecs, update_service, body.to_string());
        self.changed(cx);
        let updated: Answered<Updated> = facts("UpdateService", &sent?)?;
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
