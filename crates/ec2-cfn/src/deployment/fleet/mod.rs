//! What others than CodeDeploy tell of the instances that are deployed to: how many have a group's tags, how much of the
//! capacity of its Auto Scaling groups is in service, and when an instance was heard of last.
//!
//! None of it is needed for a deployment. What may not be asked, or is not answered soon, is noted with the permission that
//! is missing, and the deployment goes on without it.

mod agents;
mod scaling;
mod tags;

use std::time::Duration;

use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_aws::call::{Call, try_run};
use landfall_aws::failure::Failure;
use landfall_aws::raw::Answer;
use landfall_aws::request::{Protocol, Requests, Service};
use landfall_core::event::Level;
use landfall_core::limit::Rate;
use landfall_core::{Context, Error, ErrorKind, Place};

pub(crate) use scaling::ScalingGroup;
pub(crate) use tags::Kind;

const SCALING: Service =
    Service { id: "Auto Scaling", name: "autoscaling", protocol: Protocol::Query { version: "2011-01-01" } };
const TAGGING: Service = Service {
    id: "Resource Groups Tagging API",
    name: "tagging",
    protocol: Protocol::Json { target: "ResourceGroupsTaggingAPI_20170126" },
};
const SSM: Service = Service { id: "SSM", name: "ssm", protocol: Protocol::Json { target: "AmazonSSM" } };

/// How long is waited for what is only good to know. A network without a way to these services drops packets, and each
/// attempt to connect would take five seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Not documented for these calls; a careful rate for each service in an account and region in this process.
const RATE: (f64, f64) = (10.0, 5.0);

/// The services that are asked.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    scaling: Requests,
    tagging: Requests,
    ssm: Requests,
    place: Place,
}

impl Fleet {
    pub(crate) fn new(config: &SdkConfig, place: &Place) -> Self {
        let of = |service| Requests::new(config, service);
        Self { scaling: of(SCALING), tagging: of(TAGGING), ssm: of(SSM), place: place.clone() }
    }

    /// Makes a call that only reads. `service` as in IAM's names of actions.
    async fn read(
        &self,
        cx: &Context,
        requests: &Requests,
        (service, operation): (&'static str, &'static str),
        body: String,
    ) -> Result<Answer, Failure> {
        let key = format!("{service}/{}/{}/reads", self.place.account, self.place.region);
        let call = Call::read(service, operation).limited(key, Rate::new(RATE.0, RATE.1));
        let made = try_run(cx, &call, || requests.send(operation, body.clone()));
        match tokio::time::timeout(PATIENCE, made).await {
            Ok(answered) => answered,
            Err(_) => {
                let message = format!("{}: no answer within {} seconds", call.title(), PATIENCE.as_secs());
                Err(Error::new(ErrorKind::Transient, message).into())
            }
        }
    }
}

/// What was answered, or a note of what is not known because of that.
pub(crate) fn seen<T>(cx: &Context, code: &str, unknown: &str, answered: Result<T, Failure>) -> Option<T> {
    match answered {
        Ok(value) => Some(value),
        Err(failure) => {
            cx.note(Level::Info, code, format!("{unknown} is not known: {}", failure.error()));
            None
        }
    }
}

/// Facts, and when AWS stated them.
#[derive(Debug, Clone)]
pub(crate) struct Dated<T> {
    pub(crate) value: T,
    pub(crate) at: Option<Timestamp>,
}
