//! Who sees beside landfall when a Deployment becomes ready.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use landfall_core::Context;
use landfall_eks::access::ApiServer;
use landfall_eks::api::{Answered, Api, Selector, WatchEvent};
use serde_json::Value;
use tokio::time::Instant;

use crate::NAMESPACE;

/// What has been seen: which Deployment, and when.
type Seen = (String, Instant);

/// Watches the Deployments, in a thread of its own.
pub(crate) struct Witness {
    seen: Receiver<Seen>,
    known: HashMap<String, Instant>,
}

impl Witness {
    /// Begins to watch.
    pub(crate) fn start(server: ApiServer) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (send, seen) = channel();
        std::thread::spawn(move || {
            // It ends when nobody listens any more. A failure shows itself as a Deployment that is never ready.
            runtime.block_on(watch(&Api::new(server), &send)).map_err(landfall_core::Error::from)
        });
        Ok(Self { seen, known: HashMap::new() })
    }

    /// When the Deployment was seen to be ready.
    pub(crate) fn ready(&mut self, name: &str, longest: Duration) -> Result<Instant, String> {
        loop {
            if let Some(at) = self.known.get(name) {
                return Ok(*at);
            }
            match self.seen.recv_timeout(longest) {
                Ok((name, at)) => {
                    // Only the first time counts.
                    self.known.entry(name).or_insert(at);
                }
                Err(RecvTimeoutError::Timeout) => return Err(format!("{name} was not seen to be ready")),
                Err(RecvTimeoutError::Disconnected) => return Err("the watch has ended".to_owned()),
            }
        }
    }
}

async fn watch(api: &Api, seen: &Sender<Seen>) -> Answered<()> {
    let cx = Context::builder("witness").build();
    let deployments = api.resource(&cx, "apps/v1", "Deployment", Duration::ZERO).await?;
    let selector = Selector::all();
    let mut from = api.list(&cx, &deployments, Some(NAMESPACE), &selector).await?.resource_version;
    loop {
        let mut watch = api.watch(&cx, &deployments, Some(NAMESPACE), &selector, &from).await?;
        while let Some(event) = watch.next().await? {
            if let WatchEvent::Added(live) | WatchEvent::Modified(live) = event
                && is_ready(live.value())
                && seen.send((live.name().to_owned(), Instant::now())).is_err()
            {
                return Ok(());
            }
        }
        watch.resource_version().clone_into(&mut from);
    }
}

/// All pods are new and available, and the status is about what is wanted now.
fn is_ready(deployment: &Value) -> bool {
    let status = &deployment["status"];
    let wanted = &deployment["spec"]["replicas"];
    status["observedGeneration"] == deployment["metadata"]["generation"]
        && ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .all(|count| status[count] == *wanted)
}
