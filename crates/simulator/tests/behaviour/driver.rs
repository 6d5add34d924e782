//! What the tests share: real SDK clients in memory, on the simulator's clock.

use std::time::Duration;

use aws_sdk_ecs::types::{
    ContainerDefinition, NetworkMode, PortMapping, Service, ServiceDeployment, ServiceDeploymentBrief,
};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Scenario, ServiceDeploymentView, Simulator};

/// A simulator and the clients to drive it.
pub(crate) struct Driver {
    pub(crate) simulator: Simulator,
    pub(crate) ecs: aws_sdk_ecs::Client,
}

/// A simulator of the demonstration world in a built-in scenario.
pub(crate) fn driver(scenario: &str) -> Driver {
    let simulator = Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build();
    let ecs = aws_sdk_ecs::Client::new(&simulator.sdk_config());
    Driver { simulator, ecs }
}

impl Driver {
    /// Registers a revision of `web` with another image; answers its ARN.
    pub(crate) async fn register(&self, image: &str) -> String {
        let port = PortMapping::builder().container_port(8080).build();
        let container = ContainerDefinition::builder().name("web").image(image).port_mappings(port);
        let request = self
            .ecs
            .register_task_definition()
            .family("web")
            .network_mode(NetworkMode::Awsvpc)
            .requires_compatibilities("FARGATE".into())
            .cpu("256")
            .memory("512")
            .container_definitions(container.build());
        let answer = request.send().await.unwrap();
        answer.task_definition.unwrap().task_definition_arn.unwrap()
    }

    pub(crate) async fn update(&self, task_definition: &str) -> Service {
        let request =
            self.ecs.update_service().cluster("demo").service("web").task_definition(task_definition);
        request.send().await.unwrap().service.unwrap()
    }

    /// Registers and deploys; answers the id of the PRIMARY deployment.
    pub(crate) async fn deploy_new_image(&self, image: &str) -> String {
        let arn = self.register(image).await;
        self.update(&arn).await.deployments()[0].id().unwrap().to_owned()
    }

    pub(crate) async fn service(&self) -> Service {
        let answer = self.ecs.describe_services().cluster("demo").services("web").send().await.unwrap();
        answer.services.unwrap().remove(0)
    }

    pub(crate) async fn list_newest(&self) -> ServiceDeploymentBrief {
        let answer = self.ecs.list_service_deployments().cluster("demo").service("web").send().await.unwrap();
        answer.service_deployments.unwrap().remove(0)
    }

    pub(crate) async fn describe_newest(&self) -> ServiceDeployment {
        let arn = self.list_newest().await.service_deployment_arn.unwrap();
        let answer =
            self.ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
        answer.service_deployments.unwrap().remove(0)
    }

    pub(crate) fn history(&self) -> Vec<ServiceDeploymentView> {
        self.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).service_deployments("demo", "web")
    }

    /// Waits until the newest service deployment is over.
    pub(crate) async fn settle(&self, longest: Duration) -> ServiceDeploymentView {
        let deadline = tokio::time::Instant::now() + longest;
        loop {
            let newest = self.history().pop().unwrap();
            if newest.settled_at.is_some() {
                return newest;
            }
            assert!(tokio::time::Instant::now() < deadline, "not settled: {newest:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

impl Driver {
    /// Deploys the demonstration's own task definition with another image for `web`.
    pub(crate) async fn deploy_with_sidecar(&self, image: &str) -> String {
        let live = self.ecs.describe_task_definition().task_definition("web").send().await.unwrap();
        let live = live.task_definition.unwrap();
        let mut containers = live.container_definitions.unwrap();
        containers[0].image = Some(image.to_owned());
        let request =
            self.ecs.register_task_definition().family("web").set_container_definitions(Some(containers));
        let request = request.network_mode(NetworkMode::Awsvpc).memory("512").cpu("256");
        let arn = request.send().await.unwrap().task_definition.unwrap().task_definition_arn.unwrap();
        self.update(&arn).await.deployments()[0].id().unwrap().to_owned()
    }
}
