//! Scenarios: a change to the world, how tasks behave, what goes wrong and what others do meanwhile, as data.
//!
//! The built-in ones are JSON files in this crate's `scenarios` folder; they are written for [`World::demo`].

mod builtin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{BehaviourRule, Fault, World};

/// A scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, in one line.
    pub description: String,
    /// A JSON merge patch (RFC 7396) for the world.
    pub world: Value,
    /// How tasks behave. The first rule that fits a task definition is used, then the default behaviour.
    pub behaviours: Vec<BehaviourRule>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What somebody else does meanwhile.
    pub actions: Vec<ScriptedAction>,
}

/// Something that happens without a call of the client under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAction {
    /// When.
    pub when: Trigger,
    /// The account it happens in.
    pub account: String,
    /// The region it happens in.
    pub region: String,
    /// What happens.
    pub action: Action,
}

/// When a scripted action happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// So many milliseconds after the start.
    AfterStart {
        /// Milliseconds.
        ms: u64,
    },
    /// So many milliseconds after a call of the client took effect.
    AfterCall {
        /// An operation of ECS.
        operation: String,
        /// Which call of it, from 1.
        number: u64,
        /// Milliseconds.
        ms: u64,
    },
}

/// What somebody else does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Starts a deployment of a service.
    UpdateService {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// `family:revision`, or the family for its newest revision.
        task_definition: String,
    },
    /// Stops the service deployment that is under way, if there is one.
    StopServiceDeployment {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// `ROLLBACK` or `ABORT`.
        stop_type: String,
    },
    /// Stops all tasks of the service's newest deployment.
    StopNewTasks {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// Stops one running task of the service.
    StopTask {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
}

/// There is no built-in scenario of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScenario {
    /// The name that was asked for.
    pub name: String,
}

impl std::fmt::Display for UnknownScenario {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "there is no scenario {:?}; the scenarios are: {}",
            self.name,
            Scenario::names().join(", ")
        )
    }
}

impl std::error::Error for UnknownScenario {}

impl Scenario {
    /// The names of the built-in scenarios.
    pub fn names() -> Vec<&'static str> {
        builtin::FILES.iter().map(|(name, _)| *name).collect()
    }

    /// A built-in scenario.
    ///
    /// # Errors
    ///
    /// There is none of this name; the message lists those that exist.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        let unknown = || UnknownScenario { name: name.to_owned() };
        let (_, text) = builtin::FILES.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        // Every file is parsed by a test, so a broken one cannot be released.
        serde_json::from_str(text).map_err(|_| unknown())
    }

    /// A scenario from JSON text.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or has members that a scenario does not have.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The world after this scenario's changes.
    ///
    /// # Errors
    ///
    /// The merge patch makes something of it that is no world.
    pub fn apply_to(&self, world: &World) -> Result<World, serde_json::Error> {
        if self.world.is_null() {
            return Ok(world.clone());
        }
        let mut document = serde_json::to_value(world)?;
        merge_patch(&mut document, &self.world);
        serde_json::from_value(document)
    }
}

/// RFC 7396.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (name, value) in members {
        if value.is_null() {
            object.shift_remove(name);
        } else {
            merge_patch(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
