//! Deployments to an Amazon ECS service: quick enough that a run takes a second or two.

use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, ServiceDeploymentView, Simulator};
use serde_json::{Value, json};

use crate::case::{Case, Expected, Product};

/// The main job, and a timeout.
const DEPLOY: [&str; 7] = crate::support::DEPLOY;
const IMPATIENT: [&str; 9] = [
    "ecs",
    "--cluster",
    "demo",
    "--service",
    "web",
    "--image",
    "web=registry.example.com/web:2.0",
    "--timeout",
    "10s",
];

#[derive(Debug)]
struct Ecs {
    failure: fn() -> Value,
    /// Whether the circuit breaker rolls back by itself.
    rollback: bool,
    /// What the service runs in the end.
    live: &'static str,
    /// Landfall undoes it.
    undone: bool,
}

pub(crate) const CASES: [Case; 4] = [
    Case {
        name: "success",
        arguments: &DEPLOY,
        code: 0,
        product: &Ecs { failure: || Value::Null, rollback: true, live: "web:3", undone: false },
    },
    Case {
        name: "rolled back by AWS",
        arguments: &DEPLOY,
        code: 3,
        product: &Ecs { failure: || json!("image_not_found"), rollback: true, live: "web:2", undone: false },
    },
    Case {
        name: "failed and reverted",
        arguments: &DEPLOY,
        code: 3,
        product: &Ecs {
            failure: || json!({ "exit": { "container": "web", "code": 1, "after_ms": 30 } }),
            rollback: false,
            live: "web:2",
            undone: true,
        },
    },
    // Long enough for a busy machine to get from the plan to the first look.
    Case {
        name: "timed out and reverted",
        arguments: &IMPATIENT,
        code: 6,
        product: &Ecs { failure: || json!("never_starts"), rollback: true, live: "web:2", undone: true },
    },
];

/// What a test looks at.
#[derive(Debug)]
struct World {
    live: String,
    rollout: String,
    revisions: usize,
    /// Service deployments of the new revision.
    forward: Vec<ServiceDeploymentView>,
}

impl World {
    fn of(simulator: &Simulator) -> Self {
        let ecs = simulator.ecs(DEMO_ACCOUNT, DEMO_REGION);
        let ours = |arn: &str| arn.ends_with("/web:3");
        let primary =
            ecs.deployments("demo", "web").into_iter().find(|deployment| deployment.primary).unwrap();
        Self {
            live: primary.task_definition.rsplit('/').next().unwrap().to_owned(),
            rollout: primary.rollout_state,
            revisions: ecs.task_definitions("web").len(),
            forward: ecs
                .service_deployments("demo", "web")
                .into_iter()
                .filter(|deployment| ours(&deployment.task_definition))
                .collect(),
        }
    }

    /// AWS had rolled the first deployment back before the second was made: an attempt that was over by itself, while no
    /// process lived.
    fn aws_put_the_first_back(&self) -> bool {
        let mut forward: Vec<_> = self.forward.iter().collect();
        forward.sort_by_key(|one| one.created_at);
        let [first, second] = forward[..] else { return false };
        first.status == "ROLLBACK_SUCCESSFUL" && first.settled_at.is_some_and(|at| at < second.created_at)
    }
}

impl Product for Ecs {
    fn scenario(&self) -> Value {
        let quick =
            |failure: Value| json!({ "start_ms": 60, "healthy_ms": 30, "drain_ms": 40, "failure": failure });
        // A breaker that trips at the first failed task: "COUNT" is one of its threshold's types.
        let breaker = json!({
            "enable": true,
            "rollback": self.rollback,
            "thresholdConfiguration": { "type": "COUNT", "value": 1 },
        });
        let service = json!({ "deployment_configuration": { "deploymentCircuitBreaker": breaker } });
        let clusters = json!({ "demo": { "services": { "web": service } } });
        json!({
            "world": { "accounts": { DEMO_ACCOUNT: { "regions": { DEMO_REGION: { "clusters": clusters } } } } },
            "behaviours": [
                { "revisions": "new", "behaviour": quick((self.failure)()) },
                { "behaviour": quick(Value::Null) },
            ],
        })
    }

    fn services(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("ecs", &["DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments"])]
    }

    /// Killed in its undo and without a journal, a run that timed out looks like one that AWS has rolled back.
    fn codes(&self, expected: Expected) -> Vec<i32> {
        if expected.journal_lost && self.undone { vec![3] } else { Vec::new() }
    }

    fn is_over(&self, simulator: &Simulator) -> bool {
        let world = World::of(simulator);
        world.forward.iter().any(|one| one.settled_at.is_some()) && world.live == self.live
    }

    fn wrong(&self, simulator: &Simulator, code: i32, expected: Expected) -> Option<String> {
        let world = World::of(simulator);
        if world.live != self.live || world.rollout != "COMPLETED" {
            return Some(format!("{} should be live and complete; {world:?}", self.live));
        }
        if world.revisions != 3 {
            return Some(format!("one new revision was wanted; {world:?}"));
        }
        let over = expected.over_before || (expected.journal_lost && world.aws_put_the_first_back());
        let most = if over && code != 0 { 2 } else { 1 };
        if world.forward.is_empty() || world.forward.len() > most {
            return Some(format!("one deployment of it was wanted; {world:?}"));
        }
        None
    }
}
