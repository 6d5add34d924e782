//! The rules of the contract, by the public suite.

use landfall_core::{DeployTarget, ErrorKind, Result};
use landfall_simulator::Refusing;
use landfall_testkit::conformance::{World, check};
use serde_json::{Value, json};

use crate::stage::{NAME, Stage};

/// A world, and whether the stack is a new one.
struct Given(Stage, bool);

const SECRET: &str = "correct-horse-battery";

#[async_trait::async_trait]
impl World for Given {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        let builder = self.0.builder();
        // A value that is not to be shown cannot be put back, so only a new stack is given one.
        let builder = if self.1 { builder.parameter("Token", SECRET) } else { builder };
        Ok(Box::new(self.0.made(builder)))
    }

    async fn look(&self) -> Value {
        let stack = self.0.aws().stack(NAME).filter(|stack| stack.status != "REVIEW_IN_PROGRESS");
        json!(stack.map(|stack| json!({
            "template": stack.template, "parameters": stack.parameters, "tags": stack.tags,
            "resources": stack.properties, "protected": stack.protected,
        })))
    }

    /// Every call that wrote something.
    async fn effects(&self) -> Value {
        json!(self.0.writes())
    }

    fn secrets(&self) -> Vec<String> {
        vec![landfall_simulator::DEMO_SECRET_ACCESS_KEY.to_owned(), SECRET.to_owned()]
    }

    fn refusals(&self) -> Vec<ErrorKind> {
        vec![ErrorKind::Denied, ErrorKind::Transient]
    }

    async fn refuse(&self, with: Option<ErrorKind>) {
        let how = |kind| if kind == ErrorKind::Denied { Refusing::Denied } else { Refusing::Unavailable };
        self.0.simulator.refuse_everything(with.map(how));
    }
}

async fn keeps_every_rule(new: bool, world: impl Fn() -> Stage) {
    let broken = check(async || Ok(Given(world(), new))).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_updated_keeps_every_rule_of_the_contract() {
    keeps_every_rule(false, Stage::updating).await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_created_keeps_every_rule_of_the_contract() {
    keeps_every_rule(true, Stage::new).await;
}
