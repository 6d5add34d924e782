//! Signals in the events of objects that have no pods: claims, load balancers.

use super::{Search, Severity, Trouble};
use crate::facts::Event;

/// Events of the AWS Load Balancer Controller and of the cloud controller that say that there is no load balancer
/// (<https://kubernetes-sigs.github.io/aws-load-balancer-controller/>).
const NO_BALANCER: [&str; 4] =
    ["FailedBuildModel", "FailedDeployModel", "FailedAddFinalizer", "SyncLoadBalancerFailed"];

impl<'a> Search<'_, 'a> {
    pub(super) fn around(&mut self) {
        let events: Vec<Event<'a>> = self.seen.events_about(self.object.uid()).collect();
        match (self.object.group(), self.object.kind()) {
            ("", "PersistentVolumeClaim") if self.object.at("status.phase").text() != Some("Bound") => {
                self.provisioning(&events);
            }
            ("", "Service") | ("networking.k8s.io", "Ingress") => self.balancer(&events),
            _ => {}
        }
    }

    fn provisioning(&mut self, events: &[Event<'a>]) {
        let failed = || events.iter().filter(|event| event.reason == "ProvisioningFailed");
        let Some(last) = failed().max_by_key(|event| event.last) else { return };
        let since = failed().filter_map(|event| event.first).min();
        let limit = self.patience.provisioning;
        let trouble = Trouble::Provisioning { message: last.words().to_owned() };
        self.add(trouble, (None, None), since, |age| {
            if age >= limit { Severity::Fatal } else { Severity::Warning }
        });
    }

    /// Never fatal: the controller tries again, and what it lacks (a tag, a certificate) may come.
    fn balancer(&mut self, events: &[Event<'a>]) {
        let mut addresses = self.object.at("status.loadBalancer.ingress").items();
        let failed = events.iter().filter(|event| NO_BALANCER.contains(&event.reason));
        let Some(last) = failed.max_by_key(|event| event.last).filter(|_| addresses.next().is_none()) else {
            return;
        };
        let trouble = Trouble::Balancer { reason: last.reason.to_owned(), message: last.words().to_owned() };
        self.add(trouble, (None, None), last.first, |_| Severity::Warning);
    }
}
