//! The batches of one caller, and what their calls find.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use landfall_aws::caller::Caller;
use landfall_aws::failure::Failure;
use landfall_aws::raw::Answer;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Batch;
use crate::facts::last_segment;

/// Most ARNs that DescribeServiceDeployments takes (API reference).
const SERVICE_DEPLOYMENTS: usize = 20;

/// Most services that DescribeServices takes (API reference).
const SERVICES: usize = 10;

/// The rooms of a process, by who calls.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<HashMap<Caller, Arc<Room>>>);

impl Rooms {
    pub(crate) fn of(&self, caller: &Caller) -> Arc<Room> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rooms.entry(caller.clone()).or_default())
    }
}

/// The calls that targets share which have the same credentials and the same endpoint.
#[derive(Debug)]
pub(crate) struct Room {
    calls: Arc<AtomicU64>,
    pub(crate) service_deployments: Batch,
    /// By cluster: a call is about one.
    services: Mutex<HashMap<String, Arc<Batch>>>,
}

impl Default for Room {
    fn default() -> Self {
        let calls = Arc::default();
        let service_deployments = Batch::new(SERVICE_DEPLOYMENTS, &calls);
        Self { calls, service_deployments, services: Mutex::default() }
    }
}

impl Room {
    pub(crate) fn services(&self, cluster: &str) -> Arc<Batch> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = services.entry(cluster.to_owned());
        Arc::clone(batch.or_insert_with(|| Arc::new(Batch::new(SERVICES, &self.calls))))
    }
}

/// What a call found: the JSON of each thing, not read before somebody asks for it.
#[derive(Debug)]
pub(crate) struct Found {
    things: Vec<(Names, Arc<str>)>,
    /// The server's clock.
    pub(crate) at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow, default, alias = "services", alias = "serviceDeployments")]
    things: Option<Vec<&'a RawValue>>,
}

/// What a thing may have been asked for by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Names {
    service_deployment_arn: Option<String>,
    service_arn: Option<String>,
    service_name: Option<String>,
}

impl Found {
    /// Reads the answer of DescribeServices or DescribeServiceDeployments.
    ///
    /// # Errors
    /// The answer is of another form.
    pub(crate) fn read(operation: &'static str, answer: &Answer) -> Result<Self, Failure> {
        let listed: Listed<'_> = serde_json::from_slice(&answer.body).map_err(|error| {
            landfall_core::Error::internal(format!("{operation}: the answer is not of the expected form"))
                .with_source(&error)
        })?;
        let things = listed.things.unwrap_or_default();
        let named = |thing: &RawValue| {
            (serde_json::from_str(thing.get()).unwrap_or_default(), Arc::from(thing.get()))
        };
        Ok(Self { things: things.into_iter().map(named).collect(), at: answer.date })
    }

    /// Services by their names, for tests of the sharing.
    #[cfg(test)]
    pub(super) fn of_services<'a>(said: impl Iterator<Item = (&'a str, String)>) -> Self {
        let service = |(name, said): (&str, String)| {
            let names = Names { service_name: Some(name.to_owned()), ..Names::default() };
            (names, Arc::from(serde_json::json!({ "said": said }).to_string()))
        };
        Self { things: said.map(service).collect(), at: None }
    }

    /// The thing that was asked for by this name.
    pub(super) fn of(&self, name: &str) -> Option<Arc<str>> {
        self.things.iter().find(|(names, _)| names.fit(name)).map(|(_, json)| Arc::clone(json))
    }

    /// A thing that nobody asked for, where one that somebody asked for is not there: something has mixed answers up.
    pub(crate) fn of_another(&self, asked: &[String]) -> Option<&str> {
        if asked.iter().all(|name| self.of(name).is_some()) {
            return None;
        }
        let strange = |(names, _): &&(Names, Arc<str>)| !asked.iter().any(|name| names.fit(name));
        self.things.iter().find(strange).map(|(_, json)| &**json)
    }
}

impl Names {
    /// A service is asked for by its name or ARN, in a call about one cluster.
    fn fit(&self, name: &str) -> bool {
        if let Some(arn) = &self.service_deployment_arn {
            return arn == name;
        }
        let of_arn = || self.service_arn.as_deref().map(last_segment);
        let own = self.service_name.as_deref().filter(|own| !own.is_empty()).or_else(of_arn);
        own == Some(last_segment(name))
    }
}
