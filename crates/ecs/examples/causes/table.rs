//! Runs every scenario on a paused clock and writes down what was said, and when. Nothing in the table is written by hand.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind, Level};
use landfall_core::runtime::Local;
use landfall_core::target::run_step;
use landfall_core::{Cause, Context, Observer, Outcome, Place, Policy, StepReport};
use landfall_ecs::{EcsService, IfBusy, TaskDefinitionSource};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION, DEMO_SERVICE, Scenario, Simulator};

type Result<T> = std::result::Result<T, Box<dyn StdError>>;

const IMAGE: &str = "registry.example.com/web:2.0";

/// Longer than the longest scenario that succeeds, which takes ten minutes.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

const HEAD: &str = "\
# What landfall says when

Every scenario of the simulator, run by `cargo run -p landfall-ecs --example causes` with a timeout of 15
minutes and an undo after a failure. The times are the simulator's, whose tasks start and fail within seconds; on AWS a
pull that times out takes minutes. *Told* is when the cause was first said, *over* when the verdict came, both as minutes and
seconds after the start. A dash means at once, before anything was changed. A test holds this page to the program.

";

/// The whole page.
///
/// # Errors
/// A scenario that cannot be built or run.
pub(crate) fn markdown() -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let mut text = String::from(HEAD);
    text.push_str(
        "| Scenario | Cause | What is said | Exit code | Told | Over |\n|---|---|---|---|---|---|\n",
    );
    for (name, if_busy) in rows() {
        text.push_str(&runtime.block_on(row(name, if_busy))?);
    }
    Ok(text)
}

/// Every scenario; those with a deployment of somebody else once for each policy.
fn rows() -> Vec<(&'static str, IfBusy)> {
    let policies = [IfBusy::Fail, IfBusy::Wait, IfBusy::Adopt, IfBusy::Supersede];
    // Those of other services have nothing to do with ECS.
    let of_ecs = |name: &&str| {
        !["stack-", "bundle-", "deployment-", "kubernetes-"].iter().any(|begin| name.starts_with(begin))
    };
    let all = Scenario::names().into_iter().filter(of_ecs).flat_map(|name| {
        let wanted = if name.starts_with("busy") {
            policies.as_slice()
        } else {
            policies.get(..1).unwrap_or_default()
        };
        wanted.iter().map(move |policy| (name, *policy))
    });
    all.collect()
}

async fn row(name: &str, if_busy: IfBusy) -> Result<String> {
    let simulator = Simulator::builder().scenario(Scenario::named(name)?).build();
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let writer = Arc::clone(&told);
    let observer: Arc<dyn Observer> = Arc::new(move |event: &Event| {
        writer.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    });
    let clock = Clock::starting_at(simulator.now());
    let cx = Context::builder("shop/81/deploy/production").clock(clock).observer(observer).build();
    let builder = EcsService::builder().cluster(DEMO_CLUSTER).service(DEMO_SERVICE).if_busy(if_busy);
    let builder = match name {
        // The family that the caller names is the one that is not there.
        "family-missing" => builder.task_definition(TaskDefinitionSource::parse("web")?),
        // What somebody else rolls out is what is wanted.
        _ if if_busy == IfBusy::Adopt => builder.task_definition(TaskDefinitionSource::parse("web:1")?),
        _ => builder.image("web", IMAGE),
    };
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let target = builder.build()?.target(&simulator.sdk_config(), place)?;
    let report = run_step(&Local::new(cx.clone()), &target, &cx, &Policy::default().timeout(TIMEOUT)).await;
    let events = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let scenario =
        if if_busy == IfBusy::Fail { name.to_owned() } else { format!("{name}, {if_busy:?}").to_lowercase() };
    Ok(line(&scenario, &report, &events))
}

fn line(scenario: &str, report: &StepReport, events: &[Event]) -> String {
    let (code, message) = said(report, events);
    let refused = report.receipt.is_none();
    let since =
        |at: Timestamp| if refused { "–".to_owned() } else { clock(at.duration_since(report.started)) };
    let verdict = events.iter().find(|event| matches!(event.kind, EventKind::Verdict { .. }));
    let over = verdict.map_or(report.ended, |event| event.at);
    let first = events.iter().find(|event| names(event, &code)).map_or(over, |event| event.at);
    format!(
        "| {scenario} | {code} | {} | {} | {} | {} |\n",
        plain(&message),
        report.exit_code(),
        since(first),
        since(over)
    )
}

/// The cause that comes first, or what there is instead: the error of a refusal, a warning beside a success.
fn said(report: &StepReport, events: &[Event]) -> (String, String) {
    let of = |cause: &Cause| (cause.code.clone(), cause.message.clone());
    if let Some(cause) = report.verdict.causes.first() {
        return of(cause);
    }
    match &report.verdict.outcome {
        Outcome::Refused { error } | Outcome::Unknown { error } => {
            let kind = serde_json::to_value(error.kind()).unwrap_or_default();
            let code = error.causes().last().map(|cause| cause.code.clone());
            (code.unwrap_or_else(|| kind.as_str().unwrap_or_default().to_owned()), error.message().to_owned())
        }
        Outcome::TimedOut { waiting_for, .. } => {
            ("timed-out".to_owned(), format!("waiting for {waiting_for}"))
        }
        outcome => {
            let warning = events.iter().find_map(|event| match &event.kind {
                EventKind::Note { level: Level::Warning, code, text } => Some((code.clone(), text.clone())),
                _ => None,
            });
            let word = format!("{outcome:?}").to_lowercase();
            warning.unwrap_or(("none".to_owned(), word))
        }
    }
}

/// The text for a cell: without the next step that follows a warning, and without the id of a request.
fn plain(message: &str) -> String {
    let message = message.split("; next: ").next().unwrap_or(message);
    let text = match message.split_once(" (request ") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => message.to_owned(),
    };
    text.replace('|', "\\|")
}

/// Whether an event is the first word of a cause.
fn names(event: &Event, wanted: &str) -> bool {
    match &event.kind {
        EventKind::Note { code, .. } => code == wanted,
        EventKind::Verdict { verdict } | EventKind::Finished { verdict, .. } => {
            verdict.causes.iter().any(|cause| cause.code == wanted)
        }
        _ => false,
    }
}

/// Minutes and seconds.
fn clock(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
