//! The calls: one thin function each. Requests are made from JSON and answers read from JSON; the SDK signs and sends.

use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_aws::call::Call;
use landfall_aws::failure::Failure;
use landfall_core::limit::Rate;
use landfall_core::{Context, Error, ErrorKind, Place};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::facts::{self, Group, Info, Target};
use super::fleet::Fleet;

/// Not documented for CodeDeploy; a careful rate for all reads of an account and region in this process.
const READS: (f64, f64) = (40.0, 10.0);
/// BatchGetDeployments and BatchGetDeploymentTargets take 25 ids (API reference).
const BATCH: usize = 25;
/// Pages of a list that are read at most.
const PAGES: usize = 20;

/// The client of one deployment group.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    sdk: aws_sdk_codedeploy::Client,
    pub(crate) fleet: Fleet,
    place: Place,
    application: String,
    group: String,
}

/// Facts, and when AWS stated them.
#[derive(Debug, Clone)]
pub(crate) struct Answered<T> {
    pub(crate) value: T,
    /// The server's clock, to the second.
    pub(crate) at: Option<Timestamp>,
}

/// Sends a JSON body by one operation of the SDK's client and gives the answer, read as facts.
macro_rules! exchange {
    ($self:expr, $cx:expr, $call:expr, $operation:ident, $body:expr) => {{
        let body: String = $body.to_string();
        let call = $call;
        landfall_aws::call::try_run($cx, &call, || async {
            let exchange = landfall_aws::raw::Exchange::new(body.clone());
            let sent = $self.sdk.$operation().customize().interceptor(exchange.clone()).send().await;
            let answer = exchange.answered(sent)?;
            // Within the retries: a proxy's error page is worth another try. ContinueDeployment answers nothing.
            let value: Value = if answer.body.is_empty() { json!({}) } else { answer.json("CodeDeploy")? };
            read(stringify!($operation), value).map(|value| Answered { value, at: answer.date })
        })
        .await
    }};
}

fn read<T: DeserializeOwned>(operation: &str, value: Value) -> Result<T, Failure> {
    facts::read(value).map_err(|error| {
        Error::internal(format!("codedeploy {operation}: the answer is not of the expected form"))
            .with_source(&error)
            .into()
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Page {
    deployments: Vec<String>,
    target_ids: Vec<String>,
    instance_names: Vec<String>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Made {
    deployment_id: String,
    deployment_info: Info,
    deployments_info: Vec<Info>,
    deployment_group_info: Group,
    deployment_targets: Vec<Wrapped>,
    deployment_config_info: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wrapped {
    instance_target: Option<Target>,
}

impl Client {
    pub(crate) fn new(config: &SdkConfig, place: &Place, application: &str, group: &str) -> Self {
        let config = landfall_aws::config::prepared(config);
        Self {
            sdk: aws_sdk_codedeploy::Client::new(&config),
            fleet: Fleet::new(&config, place),
            place: place.clone(),
            application: application.to_owned(),
            group: group.to_owned(),
        }
    }

    fn subject(&self) -> String {
        format!("deployment group {} of application {}", self.group, self.application)
    }

    fn reading(&self, operation: &'static str) -> Call {
        let key = format!("codedeploy/{}/{}/reads", self.place.account, self.place.region);
        Call::read("codedeploy", operation).on(self.subject()).limited(key, Rate::new(READS.0, READS.1))
    }

    fn writing(&self, operation: &'static str) -> Call {
        Call::write("codedeploy", operation).on(self.subject())
    }

    pub(crate) async fn group(&self, cx: &Context) -> Result<Answered<Group>, Failure> {
        let body = json!({ "applicationName": self.application, "deploymentGroupName": self.group });
        let made: Answered<Made> =
            exchange!(self, cx, self.reading("GetDeploymentGroup"), get_deployment_group, body)?;
        Ok(Answered { value: made.value.deployment_group_info, at: made.at })
    }

    pub(crate) async fn deployment(&self, cx: &Context, id: &str) -> Result<Answered<Info>, Failure> {
        let body = json!({ "deploymentId": id });
        let made: Result<Answered<Made>, Failure> =
            exchange!(self, cx, self.reading("GetDeployment"), get_deployment, body);
        let made = made.map_err(not_shown_yet)?;
        Ok(Answered { value: made.value.deployment_info, at: made.at })
    }

    /// Deployments of the group made at or after `after`, in one of `statuses`; of each what BatchGetDeployments shows.
    pub(crate) async fn deployments(
        &self,
        cx: &Context,
        after: Option<Timestamp>,
        statuses: &[&str],
    ) -> Result<Vec<Info>, Failure> {
        let mut body = json!({ "applicationName": self.application, "deploymentGroupName": self.group });
        if let Some(after) = after {
            body["createTimeRange"] = json!({ "start": seconds(after) });
        }
        if !statuses.is_empty() {
            body["includeOnlyStatuses"] = json!(statuses);
        }
        let mut ids = Vec::new();
        for _ in 0..PAGES {
            let page: Answered<Page> =
                exchange!(self, cx, self.reading("ListDeployments"), list_deployments, body)?;
            ids.extend(page.value.deployments);
            match page.value.next_token {
                Some(token) => body["nextToken"] = json!(token),
                None => break,
            }
        }
        let mut found = Vec::new();
        for some in ids.chunks(BATCH) {
            let body = json!({ "deploymentIds": some });
            let made: Answered<Made> =
                exchange!(self, cx, self.reading("BatchGetDeployments"), batch_get_deployments, body)?;
            found.extend(made.value.deployments_info);
        }
        Ok(found)
    }

    /// The instances of a deployment; none before it has started.
    pub(crate) async fn targets(&self, cx: &Context, id: &str) -> Result<Vec<Target>, Failure> {
        let mut body = json!({ "deploymentId": id });
        let mut ids = Vec::new();
        for _ in 0..PAGES {
            let call = self.reading("ListDeploymentTargets");
            let page: Answered<Page> = match exchange!(self, cx, call, list_deployment_targets, body) {
                Err(failure) if failure.code() == Some("DeploymentNotStartedException") => {
                    return Ok(Vec::new());
                }
                other => other.map_err(not_shown_yet)?,
            };
            ids.extend(page.value.target_ids);
            match page.value.next_token {
                Some(token) => body["nextToken"] = json!(token),
                None => break,
            }
        }
        let mut found = Vec::new();
        for some in ids.chunks(BATCH) {
            let call = self.reading("BatchGetDeploymentTargets");
            let body = json!({ "deploymentId": id, "targetIds": some });
            let made: Result<Answered<Made>, Failure> =
                exchange!(self, cx, call, batch_get_deployment_targets, body);
            let made = made.map_err(not_shown_yet)?;
            found.extend(made.value.deployment_targets.into_iter().filter_map(|one| one.instance_target));
        }
        Ok(found)
    }

    /// Names of the registered instances on premises that a filter fits.
    pub(crate) async fn on_premises(&self, cx: &Context, filter: &Value) -> Result<Vec<String>, Failure> {
        let mut body = json!({ "registrationStatus": "Registered", "tagFilters": [filter] });
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let call = self.reading("ListOnPremisesInstances");
            let page: Answered<Page> = exchange!(self, cx, call, list_on_premises_instances, body)?;
            found.extend(page.value.instance_names);
            match page.value.next_token {
                Some(token) => body["nextToken"] = json!(token),
                None => break,
            }
        }
        Ok(found)
    }

    /// `DeploymentConfigInfo` of a deployment configuration.
    pub(crate) async fn config(&self, cx: &Context, config: &str) -> Result<Value, Failure> {
        let body = json!({ "deploymentConfigName": config });
        let made: Answered<Made> =
            exchange!(self, cx, self.reading("GetDeploymentConfig"), get_deployment_config, body)?;
        Ok(made.value.deployment_config_info)
    }

    /// The one CreateDeployment. Never repeated when its effect is not known: the caller looks for it first.
    pub(crate) async fn create(&self, cx: &Context, input: &Value) -> Result<String, Failure> {
        let made: Answered<Made> =
            exchange!(self, cx, self.writing("CreateDeployment"), create_deployment, input)?;
        if made.value.deployment_id.is_empty() {
            return Err(Error::internal("codedeploy CreateDeployment: the answer names no deployment").into());
        }
        Ok(made.value.deployment_id)
    }

    /// StopDeployment; one that has ended already is as good.
    pub(crate) async fn stop(&self, cx: &Context, id: &str, rollback: bool) -> Result<(), Failure> {
        let body = json!({ "deploymentId": id, "autoRollbackEnabled": rollback });
        let made: Result<Answered<Value>, Failure> =
            exchange!(self, cx, self.writing("StopDeployment"), stop_deployment, body);
        over_is_fine(made)
    }

    /// ContinueDeployment before the traffic is moved.
    pub(crate) async fn go_on(&self, cx: &Context, id: &str) -> Result<(), Failure> {
        let body = json!({ "deploymentId": id, "deploymentWaitType": "READY_WAIT" });
        let made: Result<Answered<Value>, Failure> =
            exchange!(self, cx, self.writing("ContinueDeployment"), continue_deployment, body);
        over_is_fine(made)
    }
}

fn over_is_fine(made: Result<Answered<Value>, Failure>) -> Result<(), Failure> {
    match made {
        Err(failure)
            if matches!(
                failure.code(),
                Some("DeploymentAlreadyCompletedException" | "DeploymentIsNotInReadyStateException")
            ) =>
        {
            Ok(())
        }
        other => other.map(|_| ()),
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

/// All ids that are asked for here were told by CodeDeploy. A read may be older than that: that a deployment is not found
/// says nothing about its end.
fn not_shown_yet(failure: Failure) -> Failure {
    match failure.code() {
        Some("DeploymentDoesNotExistException") => failure.with_kind(ErrorKind::Transient),
        _ => failure,
    }
}
