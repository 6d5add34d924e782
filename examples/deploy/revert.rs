//! `deploy revert RUN`: undoes a run by what its journal recorded.

use landfall::auth::Session;
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::bundle::Bundle;
use landfall::ec2_cfn::deployment::Deployment;
use landfall::ec2_cfn::stack::Stack;
use landfall::ecs::EcsService;
use landfall::eks::Manifests;
use landfall::eks::access::{self, ApiServer};
use landfall::eks::inventory::Release;
use landfall::event::{EventKind, Level};
use landfall::journal::{Attempt, Records, Run, Stage, Whole};
use landfall::target::{Resource, undo_step};
use landfall::{
    Cause, Context, DeployTarget, Error, ErrorKind, Journal, Outcome, Place, Plan, Policy, Result, Revert,
    Undone,
};

use crate::eks::file;
use crate::eks::way::Way;
use crate::flags::{self, Global};
use crate::{eks, journal, session};

/// The kinds of targets that this binary can undo.
const KINDS: [&str; 5] =
    ["ecs-service", "cloudformation-stack", "s3-bundle", "codedeploy-deployment", "eks-release"];

/// Runs the subcommand and gives the exit code: 0 when what was there before is there again.
///
/// # Errors
/// What kept the undo from being begun.
pub(crate) async fn run(
    global: &Global,
    what: &flags::Revert,
    process: Environment,
    cx: &Context,
    mut problems: Vec<Cause>,
) -> Result<u8> {
    let policy = global.policy(&mut problems);
    let grace = policy.timeout;
    let policy = policy.grace(grace);
    if let Some(journal) = journal::existing(global, &mut problems)
        && journal.read(&what.run).await?.is_none()
    {
        return Err(journal::unknown(&journal, &what.run).await);
    }
    journal::open(global, cx, &mut problems).await?;
    let run = cx.open_run().await?;
    let steps = if problems.is_empty() { steps(&run)? } else { Vec::new() };
    let ways = steps.iter().map(|step| what.by_file.way_again(&process, &step.resource));
    let ways = ways.collect::<Result<Vec<_>>>()?;
    // Most kubeconfigs need nobody who signs in to AWS.
    let without_aws = |way: &Option<Way>| matches!(way, Some(Way::Kubeconfig(_)));
    let ready = match !steps.is_empty() && ways.iter().all(without_aws) {
        true => None,
        false => {
            let token = ways.iter().flatten().find_map(Way::token);
            let process =
                token.map_or_else(|| process.clone(), |token| file::in_region(process.clone(), token));
            Some(session::sign_in(global, process, cx, Some(grace), problems).await?)
        }
    };
    let mut targets = Vec::new();
    for (step, way) in steps.iter().zip(ways) {
        let session = ready.as_ref().map(|ready| &ready.session);
        let way = match (way, session) {
            (Some(Way::Kubeconfig(way)), _) => Some(*way),
            (Some(Way::Signed(file, _)), Some(session)) => {
                Some(file.signed(global, cx.clock(), &session.config)?)
            }
            _ => None,
        };
        let Some(session) = session.filter(|_| way.is_none()) else {
            targets.push(target_by_file(step, cx, way)?);
            continue;
        };
        if step.resource.place != session.place {
            let (there, here) = (&step.resource.place, &session.place);
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("run {} deployed to {there}, and these credentials are for {here}", what.run),
            )
            .with_hint("sign in to the account and region of the run"));
        }
        targets.push(target(step, session, global, cx, &process).await?);
    }
    if global.plan.is_some() {
        return plan(global, &steps, &targets, cx).await;
    }
    let mut code = 0;
    for (step, target) in steps.iter().zip(&targets) {
        code = code.max(undo(step, &**target, &run, cx, &policy).await);
        if code != 0 {
            break;
        }
    }
    Ok(code)
}

/// The target of a step, by what is recorded of it alone.
async fn target(
    step: &Step,
    session: &Session,
    global: &Global,
    cx: &Context,
    process: &Environment,
) -> Result<Box<dyn DeployTarget>> {
    let (config, place) = (&session.config, session.place.clone());
    let names: Vec<&str> = step.resource.names.iter().map(String::as_str).collect();
    Ok(match (step.resource.kind.as_str(), names.as_slice()) {
        ("ecs-service", [cluster, service]) => Box::new(
            EcsService::builder().cluster(*cluster).service(*service).build()?.target(config, place)?,
        ),
        ("cloudformation-stack", [name]) => {
            Box::new(Stack::builder().name(*name).build_for_undo()?.target(config, place)?)
        }
        ("s3-bundle", _) => Box::new(Bundle::recorded(&step.plan, config, place)?),
        ("codedeploy-deployment", [application, group]) => {
            let spec = Deployment::builder().application(*application).deployment_group(*group);
            Box::new(spec.build_for_undo()?.target(config, place)?)
        }
        ("eks-release", [cluster, namespace, name]) => {
            let server = eks::way::server(global, cx, process, config, &place, cluster).await?;
            release(namespace, name, place, server)?
        }
        _ => return Err(Error::internal(format!("{} cannot be what a step deployed to", step.resource))),
    })
}

/// The same for a release in a cluster that a kubeconfig leads to.
fn target_by_file(step: &Step, cx: &Context, way: Option<access::Way>) -> Result<Box<dyn DeployTarget>> {
    let Resource { place, names, .. } = &step.resource;
    let (Some(way), [_, namespace, name]) = (way, names.as_slice()) else {
        return Err(Error::internal(format!("{} cannot be what a step deployed to", step.resource)));
    };
    file::is_the_same(&way, place)?;
    cx.note(Level::Info, "kubeconfig", file::told(&way));
    release(namespace, name, place.clone(), way.server()?)
}

fn release(namespace: &str, name: &str, place: Place, server: ApiServer) -> Result<Box<dyn DeployTarget>> {
    let release = Release { namespace: namespace.to_owned(), name: name.to_owned() };
    Ok(Box::new(Manifests::builder().release(release).build_for_undo()?.target(place, server)))
}

/// Says what would be undone, and undoes nothing.
async fn plan(
    global: &Global,
    steps: &[Step],
    targets: &[Box<dyn DeployTarget>],
    cx: &Context,
) -> Result<u8> {
    for (step, target) in steps.iter().zip(targets) {
        let cx = cx.in_step(&step.attempt.step);
        let asked = target.revert(&cx, &step.plan, step.attempt.receipt.as_ref());
        match session::in_time(global, "the plan of the undo", asked).await? {
            Revert::Plan(back) => crate::step::planned(&cx, back.changes),
            Revert::Impossible { reason } => {
                return Err(Error::new(ErrorKind::Conflict, format!("it cannot be undone: {reason}")));
            }
            _ => cx.note(Level::Info, "revert", format!("nothing is to be undone of {}", target.resource())),
        }
    }
    cx.note(Level::Info, "plan-only", "this is a plan: nothing was changed");
    Ok(0)
}

/// A step that is to be undone.
struct Step {
    attempt: Attempt,
    plan: Plan,
    resource: Resource,
}

/// What is to be undone, in reverse order of completion.
fn steps(run: &Run) -> Result<Vec<Step>> {
    let refused = |why: String| Error::invalid(format!("run {} cannot be undone: {why}", run.id()));
    let mut steps = Vec::new();
    let mut notes = Vec::new();
    for name in run.steps() {
        let Some((number, records)) = last_attempt(run, &name) else { continue };
        if Whole::of(&name, number, &records).is_some() {
            continue; // A pipeline, whose steps are undone.
        }
        let Some(attempt) = Attempt::of(&name, number, &records) else { continue };
        let plan = attempt.plan.clone().ok_or_else(|| {
            refused(format!("the plan of step {name} was recorded by another version of landfall"))
        })?;
        if plan.is_empty() {
            notes.push(format!("step {name} changed nothing"));
            continue;
        }
        match &attempt.undone {
            None | Some(Undone::Kept | Undone::NotNeeded) => {}
            Some(undone) => {
                notes.push(already(&name, undone));
                continue;
            }
        }
        let made_for = plan.made_for.clone();
        let made_for =
            made_for.ok_or_else(|| refused(format!("what step {name} deployed to is not recorded")))?;
        if !KINDS.contains(&made_for.resource.kind.as_str()) {
            let kind = &made_for.resource.kind;
            return Err(refused(format!(
                "step {name} is of the kind {kind}, and this program undoes {} only",
                KINDS.join(" and ")
            ))
            .with_hint(
                "deploy what was there before, or undo it in a program with `undo_step` and the same target",
            ));
        }
        steps.push(Step { attempt, plan, resource: made_for.resource });
    }
    if steps.is_empty() {
        let why = if notes.is_empty() { "nothing was begun".to_owned() } else { notes.join("; ") };
        return Err(refused(why));
    }
    steps.sort_by_key(|step| std::cmp::Reverse(step.attempt.last));
    Ok(steps)
}

fn last_attempt(run: &Run, step: &str) -> Option<(u32, Records)> {
    let next = run.attempt(step);
    let of =
        |number: u32| Some((number, run.records(step, number))).filter(|(_, records)| !records.is_empty());
    of(next).or_else(|| of(next.checked_sub(1)?))
}

fn already(step: &str, undone: &Undone) -> String {
    match undone {
        Undone::Reverted => format!("step {step} is undone already"),
        Undone::NothingToDo => format!("what was there before step {step} is there already"),
        Undone::Impossible { reason } => format!("step {step}: {reason}"),
        _ => format!("the undo of step {step} has failed before; look at it with `runs`"),
    }
}

async fn undo(step: &Step, target: &dyn DeployTarget, run: &Run, cx: &Context, policy: &Policy) -> u8 {
    let (cx, runtime) = run.at_attempt(&cx.in_step(&step.attempt.step), step.attempt.number);
    cx.note(Level::Info, "revert", format!("undoing run {} of {}", cx.run(), target.resource()));
    if step.attempt.stage < Stage::Succeeded {
        cx.note(
            Level::Info,
            "undo-of-open-run",
            "it is not recorded how this run came out; it is undone as it is",
        );
    }
    let undone = undo_step(&runtime, target, &cx, policy, &step.plan, step.attempt.receipt.as_ref()).await;
    let (level, text, code) = match &undone {
        Undone::Reverted => {
            (Level::Info, "undone: what was there before runs again; it was seen".to_owned(), 0)
        }
        Undone::NothingToDo => (Level::Info, "nothing to undo: what was there before is there".to_owned(), 0),
        Undone::Impossible { reason } => (Level::Error, format!("NOT UNDONE: {reason}"), 4),
        Undone::Failed { verdict } => {
            cx.emit(EventKind::Verdict { verdict: (**verdict).clone() });
            let code = match &verdict.outcome {
                Outcome::Cancelled { .. } => 130,
                Outcome::Unknown { error } if error.kind() == ErrorKind::Auth => 7,
                Outcome::Unknown { .. } => 9,
                Outcome::Refused { error } if error.kind() == ErrorKind::Auth => 7,
                _ => 4,
            };
            (Level::Error, "NOT UNDONE: the undo did not come to its end; see above".to_owned(), code)
        }
        other => (Level::Error, format!("NOT UNDONE: {other:?}"), 4),
    };
    cx.note(level, if code == 0 { "undone" } else { "not-undone" }, text);
    code
}
