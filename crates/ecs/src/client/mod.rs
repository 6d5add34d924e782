//! The calls: one thin function each.
//!
//! Requests are made from JSON and answers are read from JSON, so that nothing is lost between AWS and landfall;
//! the SDK signs, sends and finds the endpoint. Retries and rate limits are [`landfall_aws::call`]'s.

mod batch;
mod deployments;
mod evidence;
mod services;
mod targets;
mod task_definitions;

use std::sync::Arc;

use aws_types::SdkConfig;
use jiff::Timestamp;
use landfall_aws::call::Call;
use landfall_aws::caller::Caller;
use landfall_aws::failure::Failure;
use landfall_aws::raw::Answer;
use landfall_core::limit::Rate;
use landfall_core::{Context, Error, ErrorKind, Place};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::facts;
use batch::{Room, Rooms};

pub(crate) use batch::{Asked, Freshness};
pub(crate) use task_definitions::Revision;

/// The clients of one service in one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    ecs: aws_sdk_ecs::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    /// For clients that are seldom needed.
    config: SdkConfig,
    place: Place,
    cluster: String,
    service: String,
    /// By whom calls are shared with other targets; none: with nobody.
    caller: Option<Caller>,
    /// The calls that are shared with nobody.
    own: Arc<Room>,
}

/// Facts, and when AWS stated them.
#[derive(Debug, Clone)]
pub(crate) struct Answered<T> {
    pub(crate) value: T,
    /// The server's clock, to the second.
    pub(crate) at: Option<Timestamp>,
}

/// Groups of calls that share a token bucket, with burst and refill per second. Per account and region; from
/// "Request throttling for the Amazon ECS API" in the Amazon ECS API reference.
#[derive(Debug, Clone, Copy)]
enum Category {
    RegisterTaskDefinition,
    ReadTaskDefinitions,
    ModifyServices,
    ReadServices,
    ReadServiceDeployments,
    ReadServiceRevisions,
    ReadTasks,
    ReadClusters,
}

impl Category {
    fn limit(self) -> (&'static str, Rate) {
        let (name, burst, per_second) = match self {
            Self::RegisterTaskDefinition => ("register-task-definition", 20.0, 1.0),
            Self::ReadTaskDefinitions => ("read-task-definitions", 50.0, 20.0),
            Self::ModifyServices => ("modify-services", 50.0, 5.0),
            Self::ReadServices => ("read-services", 100.0, 20.0),
            Self::ReadServiceDeployments => ("read-service-deployments", 50.0, 20.0),
            Self::ReadServiceRevisions => ("read-service-revisions", 50.0, 20.0),
            Self::ReadTasks => ("read-tasks", 100.0, 20.0),
            Self::ReadClusters => ("read-clusters", 50.0, 20.0),
        };
        (name, Rate::new(burst, per_second))
    }
}

/// Sends a JSON body by one operation of an SDK client and gives the answer as it came, with retries.
macro_rules! exchange {
    ($cx:expr, $call:expr, $client:expr, $operation:ident, $body:expr) => {{
        let body: String = $body;
        let call = $call;
        landfall_aws::call::try_run($cx, &call, || async {
            let exchange = landfall_aws::raw::Exchange::new(body.clone());
            let sent = $client.$operation().customize().interceptor(exchange.clone()).send().await;
            $crate::client::checked(exchange.answered(sent)?)
        })
        .await
    }};
}
use exchange;

impl Client {
    pub(crate) fn new(config: &SdkConfig, place: &Place, cluster: &str, service: &str) -> Self {
        let config = landfall_aws::config::prepared(config);
        let caller = Caller::of(&config, "ECS");
        Self {
            ecs: aws_sdk_ecs::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            config,
            place: place.clone(),
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            caller,
            own: Arc::default(),
        }
    }

    /// The calls that this target shares with others of the process.
    fn room(&self, cx: &Context) -> Arc<Room> {
        match &self.caller {
            Some(caller) => cx.shared::<Rooms>().of(caller),
            None => Arc::clone(&self.own),
        }
    }

    /// What others have asked for about the service before now is out of date: we have changed it.
    fn changed(&self, cx: &Context) {
        self.room(cx).services(&self.cluster).forget(&self.service);
    }

    /// Nobody looks at the service any more; others need not ask for it.
    pub(crate) fn leave(&self, cx: &Context) {
        self.room(cx).services(&self.cluster).leave(&self.service);
    }

    fn limited(&self, call: Call, category: Category) -> Call {
        let (name, rate) = category.limit();
        call.limited(format!("ecs/{}/{}/{name}", self.place.account, self.place.region), rate)
    }

    fn read(&self, operation: &'static str, category: Category) -> Call {
        self.limited(Call::read("ecs", operation), category)
    }

    fn write(&self, operation: &'static str, category: Category) -> Call {
        self.limited(Call::write("ecs", operation), category)
    }

    /// `service web in cluster demo`.
    fn subject(&self) -> String {
        format!("service {} in cluster {}", self.service, self.cluster)
    }
}

/// An answer whose body is JSON. Checked inside of the retries: a proxy's error page is worth another try.
fn checked(answer: Answer) -> Result<Answer, Failure> {
    answer.json::<serde::de::IgnoredAny>("ECS")?;
    Ok(answer)
}

/// The facts in an answer.
fn facts<T: DeserializeOwned>(operation: &'static str, answer: &Answer) -> Result<Answered<T>, Failure> {
    Ok(Answered { value: read(operation, answer.json(operation)?)?, at: answer.date })
}

/// The facts in a part of an answer.
fn read<T: DeserializeOwned>(operation: &'static str, value: Value) -> Result<T, Failure> {
    facts::read(value).map_err(|error| {
        Error::internal(format!("{operation}: the answer is not of the expected form"))
            .with_source(&error)
            .into()
    })
}

/// The facts about one thing of a shared answer.
fn told<T: DeserializeOwned>(
    operation: &'static str,
    told: &batch::Told,
) -> Result<Answered<Option<T>>, Failure> {
    let value = match &told.json {
        Some(json) => {
            let value = serde_json::from_str(json).map_err(|error| {
                Error::internal(format!("{operation}: a part of the answer is no JSON")).with_source(&error)
            })?;
            Some(read(operation, value)?)
        }
        None => None,
    };
    Ok(Answered { value, at: told.at })
}

/// The failure of an answer that is about something else than what was asked for.
fn another(operation: &str, seen: &str, asked: &str) -> Failure {
    let message = format!("{operation}: the answer {seen}, and {asked} was asked for");
    let error = Error::new(ErrorKind::Transient, message);
    error
        .with_hint(
            "something between here and AWS mixes answers up: check AWS_ENDPOINT_URL and the proxy variables",
        )
        .into()
}

/// An optional call: denied, or unknown to the server, is an answer too.
pub(crate) enum Allowed<T> {
    Yes(T),
    /// What was refused: `ecs:ListServiceDeployments`.
    No(String),
}

/// Turns a refusal for want of permission into a value; `action` is what the call needs.
pub(crate) fn allowed<T>(
    cx: &Context,
    action: &str,
    made: Result<T, Failure>,
) -> landfall_core::Result<Allowed<T>> {
    match made {
        Ok(value) => Ok(Allowed::Yes(value)),
        // Servers that imitate AWS do not have all of its operations.
        Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
            cx.note(
                landfall_core::event::Level::Debug,
                "permission-missing",
                format!("{action} is refused; going on without it: {}", failure.error()),
            );
            Ok(Allowed::No(action.to_owned()))
        }
        Err(failure) => Err(failure.into()),
    }
}
