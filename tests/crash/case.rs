//! What is killed: one way that a deployment goes, the arguments it is run with, and what there must be in the end.

use std::fmt::Debug;
use std::path::Path;

use landfall_simulator::{CallNumbers, Fault, FaultKind, Kubernetes, Scenario, Simulator};
use serde_json::{Value, json};

/// One way a deployment goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// Exit code of the undisturbed run.
    pub(crate) code: i32,
    pub(crate) product: &'static dyn Product,
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

/// What may be different from the undisturbed run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) journal_lost: bool,
    /// The first deployment had come to its end before the last process began, and what was there before it was back.
    /// Without a journal that is an attempt that is over, whose outcome nobody can know to have been told or not: a run
    /// that repeats it may deploy anew.
    pub(crate) over_before: bool,
}

/// A kind of deployment: how AWS behaves, and what there must be in the end.
pub(crate) trait Product: Debug + Sync {
    /// What happens in the simulated AWS.
    fn scenario(&self) -> Value;
    /// The service, and the reads that lag after a write.
    fn services(&self) -> &'static [(&'static str, &'static [&'static str])];
    /// Files in the working directory of the processes.
    fn prepare(&self, _folder: &Path) {}
    /// What a process before that nobody disturbs is run with; empty: there is none.
    fn first(&self) -> &'static [&'static str] {
        &[]
    }
    /// The cluster that is deployed to, whose API server is to be reached.
    fn cluster(&self, _simulator: &Simulator) -> Option<Kubernetes> {
        None
    }
    /// Exit codes that are right beside that of the undisturbed run.
    fn codes(&self, _expected: Expected) -> Vec<i32> {
        Vec::new()
    }
    /// Whether the first deployment has come to its end already, and what was there before is back.
    fn is_over(&self, simulator: &Simulator) -> bool;
    /// What is not as it should be in the end.
    fn wrong(&self, simulator: &Simulator, code: i32, expected: Expected) -> Option<String>;
}

impl Case {
    pub(crate) fn simulator(&self, weather: Weather) -> Simulator {
        let mut text = self.product.scenario();
        text["name"] = json!(self.name);
        let mut scenario = Scenario::from_json(&text.to_string()).unwrap();
        scenario.faults = weather.faults(self.product);
        Simulator::builder().scenario(scenario).build()
    }
}

impl Weather {
    fn faults(self, product: &dyn Product) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (service, lagging) in product.services() {
            match self {
                Self::Fair => {}
                Self::Throttled => {
                    let code = if *service == "s3" { "SlowDown" } else { "ThrottlingException" }.to_owned();
                    faults.push(
                        Fault::new(service, "*", FaultKind::Throttle { code }).on(CallNumbers::Every(2)),
                    );
                }
                Self::Stale => {
                    let lags =
                        |operation: &&str| Fault::new(service, operation, FaultKind::Stale { seconds: 3 });
                    faults.extend(lagging.iter().map(lags));
                }
            }
        }
        faults
    }
}
