//! A simulated CloudFormation, as a client sees it and as it is.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use landfall_simulator::{CloudFormation, DEMO_ACCOUNT, DEMO_REGION, Simulator, Stack, World};

pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) aws: CloudFormation,
}

impl Stage {
    /// No stack is there.
    pub(crate) fn empty() -> Self {
        Self::of(World::demo())
    }

    /// A stack `s` of the template is there.
    pub(crate) fn with_stack(template: &str) -> Self {
        let mut world = World::demo();
        let stack = Stack { template: template.into(), ..Stack::default() };
        world.account(DEMO_ACCOUNT).region(DEMO_REGION).stacks.insert("s".to_owned(), stack);
        Self::of(world)
    }

    fn of(world: World) -> Self {
        let simulator = Simulator::builder().world(world).build();
        let aws = simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION);
        Self { client: Client::new(&simulator.sdk_config()), aws }
    }

    /// Executes a change set and waits until that is over.
    pub(crate) async fn execute(&self, set: &DescribeChangeSetOutput) {
        let arn = set.change_set_id().unwrap();
        self.client.execute_change_set().change_set_name(arn).send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}
