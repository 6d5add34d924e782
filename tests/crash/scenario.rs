//! What happens in the simulated AWS while processes are killed: quick enough that a run takes a second or two.

use landfall_simulator::{CallNumbers, Fault, FaultKind, Scenario, Simulator};
use serde_json::{Value, json};

/// One way a deployment goes, with the flags it is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    failure: fn() -> Value,
    /// Whether the circuit breaker rolls back by itself.
    rollback: bool,
    pub(crate) flags: &'static [&'static str],
    /// Exit code of the undisturbed run.
    pub(crate) code: i32,
    /// What the service runs in the end.
    pub(crate) live: &'static str,
    /// Landfall undoes it.
    pub(crate) undone: bool,
}

/// What else goes wrong meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// Every second call of each operation is throttled.
    Throttled,
    /// For three seconds after a write, reads answer what was true before it.
    Stale,
}

pub(crate) const CASES: [Case; 4] = [
    Case {
        name: "success",
        failure: || Value::Null,
        rollback: true,
        flags: &[],
        code: 0,
        live: "web:3",
        undone: false,
    },
    Case {
        name: "rolled back by AWS",
        failure: || json!("image_not_found"),
        rollback: true,
        flags: &[],
        code: 3,
        live: "web:2",
        undone: false,
    },
    Case {
        name: "failed and reverted",
        failure: || json!({ "exit": { "container": "web", "code": 1, "after_ms": 30 } }),
        rollback: false,
        flags: &[],
        code: 3,
        live: "web:2",
        undone: true,
    },
    // Long enough for a busy machine to get from the plan to the first look.
    Case {
        name: "timed out and reverted",
        failure: || json!("never_starts"),
        rollback: true,
        flags: &["--timeout", "10s"],
        code: 6,
        live: "web:2",
        undone: true,
    },
];

impl Case {
    pub(crate) fn simulator(&self, weather: Weather) -> Simulator {
        let quick =
            |failure: Value| json!({ "start_ms": 60, "healthy_ms": 30, "drain_ms": 40, "failure": failure });
        // A breaker that trips at the first failed task: "COUNT" is one of its threshold's types.
        let breaker = json!({
            "enable": true,
            "rollback": self.rollback,
            "thresholdConfiguration": { "type": "COUNT", "value": 1 },
        });
        let service = json!({ "deployment_configuration": { "deploymentCircuitBreaker": breaker } });
        let clusters = json!({ "demo": { "services": { "web": service } } });
        let regions = json!({ "eu-central-1": { "clusters": clusters } });
        let scenario = json!({
            "name": self.name,
            "world": { "accounts": { "111122223333": { "regions": regions } } },
            "behaviours": [
                { "revisions": "new", "behaviour": quick((self.failure)()) },
                { "behaviour": quick(Value::Null) },
            ],
        });
        let mut scenario = Scenario::from_json(&scenario.to_string()).unwrap();
        scenario.faults = weather.faults();
        Simulator::builder().scenario(scenario).build()
    }
}

impl Weather {
    fn faults(self) -> Vec<Fault> {
        match self {
            Self::Fair => Vec::new(),
            Self::Throttled => {
                let code = "ThrottlingException".to_owned();
                vec![Fault::new("ecs", "*", FaultKind::Throttle { code }).on(CallNumbers::Every(2))]
            }
            Self::Stale => ["DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments"]
                .map(|operation| Fault::new("ecs", operation, FaultKind::Stale { seconds: 3 }))
                .to_vec(),
        }
    }
}
