//! CodeDeploy in one region of one account, for instances (compute platform `Server`).
//!
//! [`CodeDeploy`] holds everything. Requests come in through `operations` and `lists`; what happens on its own stands on an
//! agenda and is done by `progress` when its time has come.
//!
//! API: <https://docs.aws.amazon.com/codedeploy/latest/APIReference/Welcome.html>. Lifecycle events:
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html>. Healthy hosts:
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/instances-health.html>. How long each step takes is documented
//! nowhere; it is short here.

mod agent;
mod archive;
mod blue_green;
mod configs;
mod handle;
mod lists;
mod model;
mod operations;
mod options;
mod progress;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::clock::{earlier, later, ms};
use crate::iam::Principal;
use crate::ids::Ids;
use crate::s3::S3Store;
use crate::wire::Object;
use crate::{Application, Denial, Instance};
use configs::Configs;
use model::{Deployment, Due, Group};

pub use handle::{CodeDeployHandle, CodeDeploymentView};
pub(crate) use operations::OPERATIONS;

/// What there is at the start.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) applications: BTreeMap<String, Application>,
    /// `minimumHealthyHosts` of deployment configurations by name.
    pub(crate) configs: BTreeMap<String, serde_json::Value>,
    /// What nobody in the account may do.
    pub(crate) denied: Vec<Denial>,
    /// Where revisions lie.
    pub(crate) s3: S3Store,
    /// Instances by id or name.
    pub(crate) instances: BTreeMap<String, Instance>,
}

/// CodeDeploy in one region of one account.
#[derive(Debug, Clone)]
pub(crate) struct CodeDeploy {
    account: String,
    region: String,
    /// The time of the transition at hand; between requests, that of the last request.
    now: Timestamp,
    start: Timestamp,
    applications: BTreeMap<String, Application>,
    configs: Configs,
    denied: Vec<Denial>,
    s3: S3Store,
    instances: BTreeMap<String, Instance>,
    groups: BTreeMap<(String, String), Group>,
    /// By id, oldest first.
    deployments: IndexMap<String, Deployment>,
    /// Revisions of applications, as RevisionLocation, with when they were registered.
    revisions: Vec<(String, serde_json::Value, Timestamp)>,
    ids: Ids,
    agenda: BTreeMap<(Timestamp, u64), Due>,
    next: u64,
    /// What there was before each of the last writes, for stale reads.
    snapshots: Vec<(Timestamp, Arc<CodeDeploy>)>,
}

impl CodeDeploy {
    pub(crate) fn new((account, region): (&str, &str), setup: Setup, start: Timestamp) -> Self {
        let mut made = Self {
            account: account.to_owned(),
            region: region.to_owned(),
            now: start,
            start,
            groups: BTreeMap::new(),
            applications: setup.applications,
            configs: Configs(setup.configs),
            denied: setup.denied,
            s3: setup.s3,
            instances: setup.instances,
            deployments: IndexMap::new(),
            revisions: Vec::new(),
            ids: Ids::seeded(&format!("codedeploy/{account}/{region}")),
            agenda: BTreeMap::new(),
            next: 0,
            snapshots: Vec::new(),
        };
        made.seed();
        made
    }

    /// Does everything that was due until `now`, each thing at its own time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), due) = entry.remove_entry();
            self.now = self.now.max(at);
            self.apply(due);
        }
        self.now = self.now.max(now);
    }

    /// Puts something on the agenda, so many milliseconds from the moment at hand.
    fn later(&mut self, by: u64, due: Due) {
        self.agenda.insert((later(self.now, ms(by)), self.next), due);
        self.next += 1;
    }

    fn remember(&mut self) {
        let oldest = earlier(self.now, ms(600_000));
        self.snapshots.retain(|(written_at, _)| *written_at >= oldest);
        let kept = std::mem::take(&mut self.snapshots);
        let copy = Arc::new(self.clone());
        self.snapshots = kept;
        self.snapshots.push((self.now, copy));
    }

    fn stale(&self, seconds: u64) -> Option<Arc<CodeDeploy>> {
        let since = earlier(self.now, ms(seconds.saturating_mul(1_000)));
        self.snapshots.iter().find(|(at, _)| *at > since).map(|(_, before)| Arc::clone(before))
    }
}

/// The actions, and the resources they are wanted for: "Actions, resources, and condition keys for AWS CodeDeploy" in the
/// service authorization reference.
pub(crate) fn required(operation: &str, input: &Object, principal: &Principal) -> Vec<(String, String)> {
    let begin = format!("arn:aws:codedeploy:{}:{}", principal.region, principal.account);
    let (application, group) = (input.string("applicationName"), input.string("deploymentGroupName"));
    let resource = match (operation, application, group) {
        ("GetDeploymentConfig", ..) => {
            format!("{begin}:deploymentconfig:{}", input.string("deploymentConfigName").unwrap_or_default())
        }
        (
            "GetApplication" | "GetApplicationRevision" | "RegisterApplicationRevision",
            Some(application),
            _,
        ) => {
            format!("{begin}:application:{application}")
        }
        (_, Some(application), Some(group)) => format!("{begin}:deploymentgroup:{application}/{group}"),
        _ => "*".to_owned(),
    };
    vec![(format!("codedeploy:{operation}"), resource)]
}
