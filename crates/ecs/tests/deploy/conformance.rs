//! The rules of the contract, by the public suite.

use landfall_core::{DeployTarget, ErrorKind, Result};
use landfall_simulator::Refusing;
use landfall_testkit::conformance::{World, check};
use serde_json::{Value, json};

use crate::stage::Stage;

#[async_trait::async_trait]
impl World for Stage {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        Ok(Box::new(Stage::target(self)))
    }

    async fn look(&self) -> Value {
        json!(self.live())
    }

    /// Every call that wrote something.
    async fn effects(&self) -> Value {
        json!(self.writes())
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
async fn a_service_keeps_every_rule_of_the_contract() {
    let broken = check(async || Ok(Stage::of("good"))).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}
