//! Which fault, if any, hits the call at hand.

use std::collections::BTreeMap;

use super::Fault;

/// All faults of a simulator, and how often each operation has been called.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    faults: Vec<Fault>,
    counts: BTreeMap<(String, String), u64>,
}

impl FaultPlan {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self { faults, counts: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// Counts the call and answers its number and the first fault that hits it.
    pub(crate) fn next(&mut self, service: &str, operation: &str) -> (u64, Option<Fault>) {
        let count = self.counts.entry((service.to_owned(), operation.to_owned())).or_default();
        *count += 1;
        let number = *count;
        let fault = self.faults.iter().find(|fault| fault.hits(service, operation, number)).cloned();
        (number, fault)
    }
}
