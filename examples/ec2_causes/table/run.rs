//! Runs one case with the targets that the binary makes, in this process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landfall::auth::{Auth, CredentialsSource, StaticKeys};
use landfall::context::{CancellationToken, Clock};
use landfall::ec2_cfn::bundle::Bundle;
use landfall::ec2_cfn::deployment::{Deployment, Revision};
use landfall::ec2_cfn::stack::{Stack, StackDeletion};
use landfall::event::{Event, EventKind};
use landfall::runtime::Local;
use landfall::target::{Undo, run_step};
use landfall::{Cause, Context, DeployTarget, Error, Observer, Outcome, Place, Policy, StepReport};
use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, Scenario, Simulator,
};

use super::cases::{Case, Run};
use super::sources::Meanwhile;
use super::{Result, Told, sources};

/// Where the run of a case happens.
struct Stage {
    simulator: Simulator,
    stop: CancellationToken,
    told: Arc<Mutex<Vec<Event>>>,
    /// Done when the plan is made.
    meanwhile: Meanwhile,
}

/// What a case came to.
///
/// # Errors
/// The case cannot be run, or the cause it is about was not named.
pub(super) async fn run(case: &'static Case) -> Result<Told> {
    let folder = tempfile::tempdir()?;
    let mut stage = Stage {
        simulator: Simulator::builder().scenario(Scenario::named(case.scenario)?).build(),
        stop: CancellationToken::new(),
        told: Arc::default(),
        meanwhile: Arc::new(|| ()),
    };
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let policy = Policy::default().timeout(Duration::from_secs(case.timeout));
    let config = stage.simulator.sdk_config();
    let outcome = match case.run {
        Run::SignIn { account } => stage.sign_in(account).await,
        Run::Place { region } => {
            let elsewhere = Place::new("aws", DEMO_ACCOUNT, region);
            let spec = sources::stack(sources::Template::Good).build()?;
            spec.target(&config, elsewhere).err().map_or(Ended::Nothing, Ended::Error)
        }
        Run::Stack(template) => match sources::stack(template).build() {
            Ok(spec) => stage.step(&spec.target(&config, place)?, policy).await,
            Err(error) => Ended::Error(error),
        },
        Run::Cancelled { after } => {
            let target: Stack = sources::stack(sources::Template::Good).build()?.target(&config, place)?;
            let stop = stage.stop.clone();
            let later = async {
                tokio::time::sleep(Duration::from_secs(after)).await;
                stop.cancel();
            };
            tokio::join!(stage.step(&target, policy), later).0
        }
        Run::Deletion => {
            let target = StackDeletion::builder().name("web").build()?.target(&config, place)?;
            // As the binary does: a deletion is not undone.
            stage.step(&target, policy.on_failure(Undo::Keep)).await
        }
        Run::Bundle(source) => {
            let source = sources::folder(folder.path(), source)?;
            stage.meanwhile = source.meanwhile;
            let builder = source.builder.bucket(DEMO_BUCKET).key("bundle.zip");
            let target: Bundle = builder.build()?.target(&config, place)?;
            stage.step(&target, policy).await
        }
        Run::Deployment(change) => {
            let pushed = Simulator::builder().build().s3().object(DEMO_BUCKET, "demo/2.zip");
            let mut revision = Revision::s3(DEMO_BUCKET, "demo/2.zip");
            if case.flags.contains("--etag") {
                revision = revision.with_etag(&pushed.ok_or("there is no bundle")?.etag);
            }
            let builder = Deployment::builder().application("demo").deployment_group("demo");
            let target = change(builder.revision(&revision)).build()?.target(&config, place)?;
            stage.step(&target, policy).await
        }
    };
    let mut told = stage.named(case, &outcome)?;
    told.message = told.message.replace(&folder.path().display().to_string(), "build");
    Ok(told)
}

/// How a case ended.
enum Ended {
    Report(Box<StepReport>),
    Error(Error),
    Nothing,
}

impl Stage {
    async fn step(&self, target: &dyn DeployTarget, policy: Policy) -> Ended {
        let cx = self.context();
        Ended::Report(Box::new(run_step(&Local::new(cx.clone()), target, &cx, &policy).await))
    }

    fn context(&self) -> Context {
        let (told, meanwhile) = (Arc::clone(&self.told), Arc::clone(&self.meanwhile));
        let clock = Clock::starting_at(self.simulator.now());
        let observer: Arc<dyn Observer> = Arc::new(move |event: &Event| {
            if matches!(event.kind, EventKind::Planned { .. }) {
                meanwhile();
            }
            told.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        });
        Context::builder("shop/81/deploy/production")
            .clock(clock)
            .observer(observer)
            .cancel(self.stop.clone())
            .build()
    }

    async fn sign_in(&self, account: &str) -> Ended {
        let keys = StaticKeys::new(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY);
        let auth = Auth::new(CredentialsSource::static_keys(keys)).region(DEMO_REGION);
        let auth = auth.http_client(self.simulator.http_client()).time_source(self.simulator.time_source());
        let auth = auth.expected_account(account);
        auth.connect(&self.context()).await.err().map_or(Ended::Nothing, Ended::Error)
    }

    /// The cause that the case is about, wherever it was told.
    fn named(&self, case: &Case, ended: &Ended) -> Result<Told> {
        let (exit_code, mut causes) = match ended {
            Ended::Report(report) => (report.exit_code(), of_report(report)),
            Ended::Error(error) => (error.exit_code(), of_error(error)),
            Ended::Nothing => (0, Vec::new()),
        };
        let events = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        causes.extend(events.iter().filter_map(|event| match &event.kind {
            EventKind::Note { code, text, .. } => Some(Named::of_note(code, text)),
            _ => None,
        }));
        let Some(found) = causes.iter().find(|named| named.code == case.cause) else {
            let codes: Vec<String> =
                causes.iter().map(|named| format!("{}: {}", named.code, named.message)).collect();
            return Err(
                format!("{} {}: {} is not among {codes:#?}", case.mode, case.scenario, case.cause).into()
            );
        };
        let Named { code, message, next } = found.clone();
        if next.is_empty() {
            return Err(format!("{} {}: {code} names no next step", case.mode, case.scenario).into());
        }
        Ok(Told { code, message, exit_code })
    }
}

/// A cause, or a note about one.
#[derive(Debug, Clone)]
struct Named {
    code: String,
    message: String,
    next: String,
}

impl Named {
    fn of(cause: &Cause) -> Self {
        let at = cause.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
        let (code, next) = (cause.code.clone(), cause.hint.clone().unwrap_or_default());
        Self { code, message: format!("{at}{}", cause.message), next }
    }

    /// A note holds the next step in its text.
    fn of_note(code: &str, text: &str) -> Self {
        let (message, next) = text.split_once("; next: ").or(text.rsplit_once(": ")).unwrap_or((text, ""));
        let message = message.split(" [").next().unwrap_or(message);
        Self { code: code.to_owned(), message: message.to_owned(), next: next.to_owned() }
    }
}

fn of_report(report: &StepReport) -> Vec<Named> {
    let mut causes: Vec<Named> = report.verdict.causes.iter().map(Named::of).collect();
    match &report.verdict.outcome {
        Outcome::Refused { error } | Outcome::Unknown { error } => causes.extend(of_error(error)),
        Outcome::TimedOut { waiting_for, .. } => causes.push(Named {
            code: "timed-out".to_owned(),
            message: format!("waited for {waiting_for}"),
            next: waiting_for.clone(),
        }),
        Outcome::Cancelled { waiting_for } => causes.push(Named {
            code: "cancelled".to_owned(),
            message: format!("waited for {waiting_for}; it goes on in AWS"),
            next: waiting_for.clone(),
        }),
        outcome => causes.push(Named {
            code: format!("{outcome:?}").to_lowercase(),
            message: format!("{:?}", report.undone),
            next: String::new(),
        }),
    }
    causes
}

fn of_error(error: &Error) -> Vec<Named> {
    let whole = Named {
        code: "refused".to_owned(),
        message: error.message().to_owned(),
        next: error.hint().unwrap_or_default().to_owned(),
    };
    // A cause without a next step of its own is the short form of its error.
    let of = |cause: &Cause| {
        let named = Named::of(cause);
        if named.next.is_empty() { Named { code: named.code, ..whole.clone() } } else { named }
    };
    error.causes().iter().map(of).chain([whole.clone()]).collect()
}
