//! The rules of the contract, by the public suite: for one request, and for an upload of several parts.

use landfall_core::{DeployTarget, ErrorKind, Result};
use landfall_simulator::{DEMO_BUCKET, Outcome, Refusing};
use landfall_testkit::conformance::{World, check};
use serde_json::{Value, json};

use crate::stage::Stage;

#[async_trait::async_trait]
impl World for Stage {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        Ok(Box::new(Stage::target(self)))
    }

    /// The objects that a reader sees.
    async fn look(&self) -> Value {
        let keys: Vec<String> = self.objects().into_iter().map(|object| object.key).collect();
        json!(
            keys.iter()
                .filter(|key| self.simulator.s3().object(DEMO_BUCKET, key).is_some())
                .collect::<Vec<_>>()
        )
    }

    /// Every call that wrote something. An archive whose absence may not be seen is sent even so, and then refused.
    async fn effects(&self) -> Value {
        let writes = self.simulator.writes().into_iter();
        let done = writes.filter(|call| call.outcome == Outcome::Answered);
        json!(done.map(|call| call.operation).collect::<Vec<_>>())
    }

    /// The keys that sign.
    fn secrets(&self) -> Vec<String> {
        vec![landfall_simulator::DEMO_SECRET_ACCESS_KEY.to_owned()]
    }

    fn refusals(&self) -> Vec<ErrorKind> {
        vec![ErrorKind::Denied, ErrorKind::Transient]
    }

    async fn refuse(&self, with: Option<ErrorKind>) {
        let how = |kind| if kind == ErrorKind::Denied { Refusing::Denied } else { Refusing::Unavailable };
        self.simulator.refuse_everything(with.map(how));
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_bundle_keeps_every_rule_of_the_contract() {
    let broken = check(async || Ok(Stage::new())).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}

#[tokio::test(start_paused = true)]
async fn a_bundle_of_several_parts_keeps_every_rule_of_the_contract() {
    let broken = check(async || Ok(Stage::large(17))).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}
