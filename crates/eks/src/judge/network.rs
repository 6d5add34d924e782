//! Services and Ingresses: those that ask for a load balancer wait for its address.

use super::storage::last_word;
use super::{Judgement, Seen};
use crate::facts::Object;

/// A Service of type LoadBalancer has an address; any other is ready when it is made.
pub(super) fn service(object: Object<'_>, seen: &Seen<'_>) -> Judgement {
    if object.at("spec.type").text() != Some("LoadBalancer") {
        return Judgement::ready();
    }
    if object.at("spec.clusterIP").text().is_none() {
        return Judgement::waiting("the server to give it an address in the cluster");
    }
    addressed(object, seen)
}

pub(super) fn ingress(object: Object<'_>, seen: &Seen<'_>) -> Judgement {
    addressed(object, seen)
}

/// An empty list of addresses is none.
fn addressed(object: Object<'_>, seen: &Seen<'_>) -> Judgement {
    let mut addresses = object.at("status.loadBalancer.ingress").items();
    if addresses.any(|one| one.member("hostname").text().is_some() || one.member("ip").text().is_some()) {
        return Judgement::ready();
    }
    Judgement::waiting(format!("the address of a load balancer{}", last_word(object, seen)))
}
