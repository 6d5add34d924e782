//! CodeDeploy as the real SDK sees it.

mod bundles;
mod deployments;
mod endings;
mod options;
mod refusals;

use std::time::Duration;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::error::ProvideErrorMetadata;
use aws_sdk_codedeploy::operation::create_deployment::builders::CreateDeploymentFluentBuilder;
use aws_sdk_codedeploy::types::{
    BundleType, DeploymentInfo, InstanceTarget, RevisionLocation, RevisionLocationType, S3Location,
};
use landfall_simulator::{
    CodeDeploy, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, DeploymentGroup, Simulator, World,
};
use serde_json::Value;

/// A simulator of the demonstration world and a client in memory.
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
}

/// A stage whose deployment group is changed first.
pub(crate) fn stage(change: impl FnOnce(&mut DeploymentGroup)) -> Stage {
    staged(|world| {
        let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
        change(region.applications.get_mut("demo").unwrap().groups.get_mut("demo").unwrap());
    })
}

pub(crate) fn staged(change: impl FnOnce(&mut World)) -> Stage {
    let mut world = World::demo();
    change(&mut world);
    let simulator = Simulator::builder().world(world).build();
    let client = Client::new(&simulator.sdk_config());
    Stage { simulator, client }
}

pub(crate) fn in_s3(key: &str) -> S3Location {
    S3Location::builder().bucket(DEMO_BUCKET).key(key).bundle_type(BundleType::Zip).build()
}

pub(crate) fn revision(location: S3Location) -> RevisionLocation {
    RevisionLocation::builder().revision_type(RevisionLocationType::S3).s3_location(location).build()
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

impl Stage {
    /// CreateDeployment of `demo/2.zip`.
    pub(crate) fn create(&self) -> CreateDeploymentFluentBuilder {
        let create = self.client.create_deployment().application_name("demo").deployment_group_name("demo");
        create.revision(revision(in_s3("demo/2.zip")))
    }

    /// Makes a deployment and gives its id.
    pub(crate) async fn created(&self) -> String {
        self.create().send().await.unwrap().deployment_id.unwrap()
    }

    pub(crate) async fn info(&self, id: &str) -> DeploymentInfo {
        self.client.get_deployment().deployment_id(id).send().await.unwrap().deployment_info.unwrap()
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.info(id).await.status.unwrap().as_str().to_owned()
    }

    pub(crate) async fn targets(&self, id: &str) -> Vec<InstanceTarget> {
        let listed = self.client.list_deployment_targets().deployment_id(id).send().await.unwrap();
        let batch = self.client.batch_get_deployment_targets().deployment_id(id);
        let got = batch.set_target_ids(listed.target_ids).send().await.unwrap();
        got.deployment_targets.unwrap().into_iter().map(|target| target.instance_target.unwrap()).collect()
    }

    pub(crate) async fn target_statuses(&self, id: &str) -> Vec<String> {
        let targets = self.targets(id).await;
        targets.into_iter().map(|target| target.status.unwrap().as_str().to_owned()).collect()
    }

    /// Code and message of the errorInformation; empty without one.
    pub(crate) async fn error(&self, id: &str) -> (String, String) {
        let error = self.info(id).await.error_information;
        let code = error.as_ref().and_then(|error| error.code.as_ref()).map(|code| code.as_str().to_owned());
        (code.unwrap_or_default(), error.and_then(|error| error.message).unwrap_or_default())
    }

    pub(crate) fn aws(&self) -> CodeDeploy {
        self.simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION)
    }

    /// The key of the revision that was deployed last with success.
    pub(crate) fn live(&self) -> Value {
        self.aws().live("demo", "demo")["s3Location"]["key"].clone()
    }
}

/// Code of a refusal.
pub(crate) fn code<T: std::fmt::Debug, E: ProvideErrorMetadata>(answer: Result<T, E>) -> String {
    answer.err().and_then(|error| error.code().map(str::to_owned)).unwrap_or_else(|| "none".to_owned())
}
