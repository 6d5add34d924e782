//! Stacks of CloudFormation, deployed by the library, whichever server it talks to.

use std::time::Duration;

use landfall::ec2_cfn::stack::{Stack, StackDeletion, TemplateSource};
use landfall::{Context, DeployTarget, DeployTargetExt, Outcome, Place, Policy};

use super::{Behaviour, behaviour};
use crate::cloud::Cloud;
use crate::http::REGION;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!("a new stack", "succeeded, output Name is one", create),
    behaviour!("an update of a stack", "succeeded, output Name is two", update),
    behaviour!("a stack that is as it should be", "unchanged", again),
    behaviour!("a change set that finds nothing to change", "unchanged", nothing),
    behaviour!("an undone update of a stack", "output Name is one again", undone),
    behaviour!("a deletion of a stack", "succeeded, then unchanged", delete),
];

/// A parameter of Systems Manager, which every server has.
fn template(value: &str) -> String {
    format!(
        "Parameters:\n  Word: {{Type: String, NoEcho: true, Default: silent}}\nResources:\n  Name:\n    \
         Type: AWS::SSM::Parameter\n    Properties: {{Type: String, Value: {value}}}\nOutputs:\n  \
         Name: {{Value: {value}}}\n"
    )
}

fn place(cloud: &Cloud) -> Place {
    Place::new("aws", &cloud.home.id, REGION)
}

async fn run(target: &dyn DeployTarget, run: &str) -> landfall::StepReport {
    let policy = Policy::default().timeout(Duration::from_secs(60));
    target.deploy(&Context::builder(run).build(), &policy).await
}

fn stack(cloud: &Cloud, text: &str, word: Option<&str>) -> Stack {
    let builder = Stack::builder().name("suite").template(TemplateSource::text("suite.yaml", text));
    let builder = match word {
        Some(word) => builder.parameter("Word", word),
        None => builder,
    };
    builder.build().unwrap().target(&cloud.sdk(&cloud.home.admin), place(cloud)).unwrap()
}

fn told(report: &landfall::StepReport) -> String {
    let verdict = &report.verdict;
    match &verdict.outcome {
        Outcome::Succeeded => {
            let name = verdict.outputs.find("Name").map(|name| format!(", output Name is {name}"));
            format!("succeeded{}", name.unwrap_or_default())
        }
        Outcome::Unchanged => "unchanged".to_owned(),
        other => format!("{other:?} {:?}", verdict.causes),
    }
}

async fn create(cloud: &Cloud) -> String {
    told(&run(&stack(cloud, &template("one"), None), "suite/1").await)
}

async fn update(cloud: &Cloud) -> String {
    create(cloud).await;
    told(&run(&stack(cloud, &template("two"), None), "suite/2").await)
}

async fn again(cloud: &Cloud) -> String {
    create(cloud).await;
    told(&run(&stack(cloud, &template("one"), None), "suite/2").await)
}

async fn nothing(cloud: &Cloud) -> String {
    create(cloud).await;
    // landfall cannot see the value that the stack has, and asks.
    told(&run(&stack(cloud, &template("one"), Some("silent")), "suite/2").await)
}

async fn undone(cloud: &Cloud) -> String {
    create(cloud).await;
    let target = stack(cloud, &template("two"), None);
    let cx = Context::builder("suite/2").build();
    let report = target.deploy(&cx, &Policy::default()).await;
    let runtime = landfall::runtime::Local::new(cx.clone());
    let (Some(plan), receipt) = (report.plan.as_ref(), report.receipt.as_ref()) else { return told(&report) };
    let undone = landfall::target::undo_step(&runtime, &target, &cx, &Policy::default(), plan, receipt).await;
    if undone != landfall::Undone::Reverted {
        return format!("{undone:?}");
    }
    let report = run(&stack(cloud, &template("one"), None), "suite/3").await;
    match (report.verdict.outcome, report.verdict.outputs.find("Name")) {
        (Outcome::Unchanged, Some(name)) => format!("output Name is {name} again"),
        (other, _) => format!("{other:?}"),
    }
}

async fn delete(cloud: &Cloud) -> String {
    create(cloud).await;
    let target = || {
        let spec = StackDeletion::builder().name("suite").build().unwrap();
        spec.target(&cloud.sdk(&cloud.home.admin), place(cloud)).unwrap()
    };
    let first = run(&target(), "suite/2").await;
    let second = run(&target(), "suite/3").await;
    format!("{}, then {}", told(&first), told(&second))
}
