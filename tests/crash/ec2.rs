//! Stacks, bundles, deployments to instances, and releases of all three: quick enough that a run takes seconds.

use std::path::Path;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Simulator};
use serde_json::{Value, json};

use crate::case::{Case, Expected, Product};

const TEMPLATE: &str = include_str!("../../crates/ec2-cfn/tests/release/shop.yaml");

/// What is to be there in the end.
#[derive(Debug, Clone, Copy)]
struct Ec2 {
    region: fn() -> Value,
    /// Bytes of the folder that cannot be compressed.
    noise: usize,
    /// A plan of the stack is saved by a process before.
    saves: bool,
    stack: Option<Stack>,
    /// Whether there is the bundle, and whether it was taken away again.
    bundle: Option<Bundle>,
    /// How the one deployment of the bundle came out.
    deployment: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
struct Stack {
    status: &'static str,
    /// The new template, or that of before.
    new: bool,
    /// How many operations there were.
    operations: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bundle {
    There,
    TakenAway,
}

const NOTHING: Ec2 =
    Ec2 { region: quick, noise: 0, saves: false, stack: None, bundle: None, deployment: None };

const STACK: [&str; 6] = ["ec2", "stack", "--stack-name", "shop", "--template", "shop.yaml"];
const IMPATIENT: [&str; 8] =
    ["ec2", "stack", "--stack-name", "shop", "--template", "shop.yaml", "--timeout", "10s"];
const SAVE: [&str; 9] = [
    "ec2",
    "stack",
    "--stack-name",
    "shop",
    "--template",
    "shop.yaml",
    "--plan=change-set",
    "--save-plan",
    "plan.json",
];
const FROM_PLAN: [&str; 8] =
    ["ec2", "stack", "--stack-name", "shop", "--template", "shop.yaml", "--from-plan", "plan.json"];
/// Stored as it is: what is killed is the upload, and not deflate.
const BUNDLE: [&str; 8] =
    ["ec2", "bundle", "--source", "build", "--s3-location", "s3://demo-bucket/web/", "--level", "0"];
const DEPLOY: [&str; 8] = [
    "ec2",
    "deploy",
    "--application",
    "demo",
    "--deployment-group",
    "demo",
    "--s3-location",
    "s3://demo-bucket/demo/2.zip",
];
const RELEASE: [&str; 13] = [
    "ec2",
    "--stack-name",
    "shop",
    "--template",
    "shop.yaml",
    "--source",
    "build",
    "--s3-location",
    "s3://demo-bucket/web/",
    "--application",
    "stack:Application",
    "--deployment-group",
    "stack:DeploymentGroup",
];

pub(crate) const STACKS: [Case; 5] = [
    Case {
        name: "stack created",
        arguments: &STACK,
        code: 0,
        product: &Ec2 {
            region: without_stack,
            stack: Some(Stack { status: "CREATE_COMPLETE", new: true, operations: 1 }),
            ..NOTHING
        },
    },
    Case {
        name: "stack updated",
        arguments: &STACK,
        code: 0,
        product: &Ec2 {
            stack: Some(Stack { status: "UPDATE_COMPLETE", new: true, operations: 1 }),
            ..NOTHING
        },
    },
    Case {
        name: "stack rolled back by AWS",
        arguments: &STACK,
        code: 3,
        product: &Ec2 {
            region: failing_update,
            stack: Some(Stack { status: "UPDATE_ROLLBACK_COMPLETE", new: false, operations: 1 }),
            ..NOTHING
        },
    },
    // Long enough for a busy machine to get from the plan to the first look.
    Case {
        name: "stack timed out and reverted",
        arguments: &IMPATIENT,
        code: 6,
        product: &Ec2 {
            region: endless_update,
            stack: Some(Stack { status: "UPDATE_ROLLBACK_COMPLETE", new: false, operations: 1 }),
            ..NOTHING
        },
    },
    Case {
        name: "saved plan of a stack",
        arguments: &FROM_PLAN,
        code: 0,
        product: &Ec2 {
            saves: true,
            stack: Some(Stack { status: "UPDATE_COMPLETE", new: true, operations: 1 }),
            ..NOTHING
        },
    },
];

pub(crate) const BUNDLES: [Case; 2] = [
    Case {
        name: "bundle in one piece",
        arguments: &BUNDLE,
        code: 0,
        product: &Ec2 { bundle: Some(Bundle::There), ..NOTHING },
    },
    Case {
        name: "bundle in parts",
        arguments: &BUNDLE,
        code: 0,
        product: &Ec2 { noise: 17 * 1024 * 1024, bundle: Some(Bundle::There), ..NOTHING },
    },
];

pub(crate) const DEPLOYMENTS: [Case; 3] = [
    Case {
        name: "deployment succeeds",
        arguments: &DEPLOY,
        code: 0,
        product: &Ec2 { deployment: Some("Succeeded"), ..NOTHING },
    },
    Case {
        name: "deployment rolled back by AWS",
        arguments: &DEPLOY,
        code: 3,
        product: &Ec2 { region: failing_hook, deployment: Some("Failed"), ..NOTHING },
    },
    Case {
        name: "deployment waits for capacity",
        arguments: &DEPLOY,
        code: 0,
        product: &Ec2 { region: starting, deployment: Some("Succeeded"), ..NOTHING },
    },
];

pub(crate) const RELEASES: [Case; 2] = [
    Case {
        name: "release succeeds",
        arguments: &RELEASE,
        code: 0,
        product: &Ec2 {
            stack: Some(Stack { status: "UPDATE_COMPLETE", new: true, operations: 1 }),
            bundle: Some(Bundle::There),
            deployment: Some("Succeeded"),
            ..NOTHING
        },
    },
    Case {
        name: "release fails and is put back",
        arguments: &RELEASE,
        code: 3,
        product: &Ec2 {
            region: failing_hook,
            stack: Some(Stack { status: "UPDATE_COMPLETE", new: false, operations: 2 }),
            bundle: Some(Bundle::TakenAway),
            deployment: Some("Failed"),
            ..NOTHING
        },
    },
];

/// Those whose every effect can be found again in AWS alone: they succeed, or AWS itself puts them back.
pub(crate) fn found_again() -> Vec<Case> {
    [&STACKS[..3], &BUNDLES, &DEPLOYMENTS, &RELEASES[..1]].concat()
}

/// One instance, events of ten milliseconds, and a stack of before.
fn quick() -> Value {
    let group = json!({
        "instances": ["i-0aaaaaaaaaaaaaaa1"],
        "deployment_config": "CodeDeployDefault.AllAtOnce",
        "rules": [{ "in_rollbacks": true, "takes_ms": 10 }],
    });
    json!({
        "applications": { "demo": { "groups": { "demo": group } } },
        "stacks": { "shop": { "template": before() } },
        "stack_rules": [{ "takes_ms": 40 }],
        "change_set_rules": [{ "takes_ms": 40 }],
    })
}

fn before() -> String {
    TEMPLATE.replace("t3.micro", "t3.nano")
}

fn without_stack() -> Value {
    let mut region = quick();
    region["stacks"] = Value::Null;
    region
}

fn failing_update() -> Value {
    let mut region = quick();
    region["stack_rules"] = json!([{ "operation": "update", "fails": "No such instance type.", "takes_ms": 40 }, { "takes_ms": 40 }]);
    region
}

fn endless_update() -> Value {
    let mut region = quick();
    region["stack_rules"] = json!([{ "operation": "update", "takes_ms": 600_000 }, { "takes_ms": 40 }]);
    region
}

/// The instance is in service a moment later.
fn starting() -> Value {
    let mut region = quick();
    region["applications"]["demo"]["groups"]["demo"]["settings"] =
        json!({ "autoScalingGroups": [{ "name": "web" }] });
    region["auto_scaling_groups"] =
        json!({ "web": { "desired_capacity": 1, "instances": { "i-0aaaaaaaaaaaaaaa1": 3_000 } } });
    region
}

fn failing_hook() -> Value {
    let mut region = quick();
    let fails =
        json!({ "error_code": "ScriptFailed", "script_name": "install.sh", "message": "exit code 1" });
    region["applications"]["demo"]["groups"]["demo"]["rules"] = json!([
        { "event": "AfterInstall", "takes_ms": 10, "fails": fails },
        { "in_rollbacks": true, "takes_ms": 10 },
    ]);
    region
}

impl Product for Ec2 {
    fn scenario(&self) -> Value {
        json!({ "world": { "accounts": { DEMO_ACCOUNT: { "regions": { DEMO_REGION: (self.region)() } } } } })
    }

    fn services(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[
            ("cloudformation", &["DescribeStacks", "DescribeStackEvents", "DescribeChangeSet"]),
            ("codedeploy", &["GetDeploymentGroup", "ListDeployments", "GetDeployment"]),
            ("s3", &[]),
        ]
    }

    fn prepare(&self, folder: &Path) {
        let build = folder.join("build");
        std::fs::create_dir(&build).unwrap();
        std::fs::write(folder.join("shop.yaml"), TEMPLATE).unwrap();
        std::fs::write(build.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
        std::fs::write(build.join("noise"), noise(self.noise)).unwrap();
    }

    fn first(&self) -> &'static [&'static str] {
        if self.saves { &SAVE } else { &[] }
    }

    fn is_over(&self, simulator: &Simulator) -> bool {
        World::of(simulator).made.iter().any(|status| status == "Failed")
    }

    fn wrong(&self, simulator: &Simulator, code: i32, expected: Expected) -> Option<String> {
        let world = World::of(simulator);
        // An attempt that was over may be made again by a run that knows nothing of it.
        let most = if expected.over_before && code != 0 { 2 } else { 1 };
        if let Some(stack) = self.stack {
            let template = if stack.new { TEMPLATE.to_owned() } else { before() };
            let is = (world.status.as_str(), world.template == template);
            if is != (stack.status, true) {
                return Some(format!("the stack should be {}, {}; {world:?}", stack.status, stack.new));
            }
            if !(stack.operations..=stack.operations * most).contains(&world.operations) {
                return Some(format!("{} operations of the stack were wanted; {world:?}", stack.operations));
            }
        }
        if let Some(bundle) = self.bundle {
            let there = if bundle == Bundle::There { 1 } else { 0 };
            if world.current != there || world.uploads != 0 || world.stored == 0 || world.stored > most {
                return Some(format!("one object was wanted, {bundle:?} now; {world:?}"));
            }
        }
        if let Some(came_out) = self.deployment {
            if world.made.is_empty()
                || world.made.len() > most
                || world.made.iter().any(|one| one != came_out)
            {
                return Some(format!("one deployment was wanted, {came_out}; {world:?}"));
            }
            if (world.live == "demo/1.zip") != (came_out == "Failed") {
                return Some(format!("another revision should be live; {world:?}"));
            }
        }
        None
    }
}

/// What a test looks at.
#[derive(Debug)]
struct World {
    status: String,
    #[expect(dead_code, reason = "it tells the reader of a failure")]
    change_sets: Vec<String>,
    operations: usize,
    template: String,
    /// Versions that were stored, and objects that are there now.
    stored: usize,
    current: usize,
    uploads: usize,
    /// Statuses of deployments that are no rollbacks.
    made: Vec<String>,
    live: String,
}

impl World {
    fn of(simulator: &Simulator) -> Self {
        let cloudformation = simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION);
        let stack = cloudformation.stack("shop");
        let begins = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];
        let events = cloudformation.events("shop");
        let of_stack = events.iter().filter(|event| event.logical == "shop" && event.token.is_some());
        let (s3, code_deploy) = (simulator.s3(), simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION));
        let mut versions = s3.versions(DEMO_BUCKET);
        versions.retain(|version| version.key.starts_with("web/"));
        let is_current = |key: &str| s3.object(DEMO_BUCKET, key).is_some();
        let made = code_deploy.deployments().into_iter().filter(|one| one.description.contains(" try="));
        Self {
            status: stack.as_ref().map_or("none", |stack| stack.status.as_str()).to_owned(),
            change_sets: stack.as_ref().map(|stack| stack.change_sets.clone()).unwrap_or_default(),
            operations: of_stack.filter(|event| begins.contains(&event.status.as_str())).count(),
            template: stack.map(|stack| stack.template).unwrap_or_default(),
            stored: versions.iter().filter(|version| !version.deleted).count(),
            current: versions.iter().filter(|version| !version.deleted && is_current(&version.key)).count(),
            uploads: s3.uploads(DEMO_BUCKET).len(),
            made: made.map(|one| one.status).collect(),
            live: code_deploy.live("demo", "demo")["s3Location"]["key"].as_str().unwrap_or("none").to_owned(),
        }
    }
}

/// Bytes that cannot be compressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
