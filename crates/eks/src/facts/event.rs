//! Events: evidence, and no more. The server drops some and forgets all of them after an hour.

use jiff::Timestamp;
use serde_json::Value;

use super::Object;

/// An Event of the core API, written in the older or in the newer way: those of the scheduler have `eventTime` and
/// `series`, those of the kubelet `firstTimestamp`, `lastTimestamp` and `count`.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) about: Option<&'a str>,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    pub(crate) count: i64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    /// The component that says so: `kubelet`, `default-scheduler`, `karpenter`.
    pub(crate) from: &'a str,
}

impl<'a> Event<'a> {
    pub(crate) fn read(value: &'a Value) -> Self {
        let event = Object::of(value);
        let made = event.at("eventTime").time().or_else(|| event.created());
        let from = event.at("reportingComponent").text().or_else(|| event.at("source.component").text());
        Self {
            about: event.at("involvedObject.uid").text(),
            reason: event.at("reason").text_or_empty(),
            message: event.at("message").text_or_empty(),
            count: event
                .at("series.count")
                .number()
                .or_else(|| event.at("count").number())
                .unwrap_or(1)
                .max(1),
            first: event.at("firstTimestamp").time().or(made),
            last: event
                .at("series.lastObservedTime")
                .time()
                .or_else(|| event.at("lastTimestamp").time())
                .or(made),
            from: from.unwrap_or_default(),
        }
    }

    /// The message without the container that newer kubelets put before it: `spec.containers{web}: `.
    pub(crate) fn words(self) -> &'a str {
        let plain = |text: &'a str| text.strip_prefix("spec.")?.split_once("}: ").map(|(_, words)| words);
        plain(self.message).unwrap_or(self.message)
    }
}
