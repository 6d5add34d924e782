//! A whole release: two accounts, two regions, a database migration, two services in parallel, a smoke test, and what is put
//! back when it fails.
//!
//! ```sh
//! cargo run --example compose -- --simulate
//! cargo run --example compose -- --simulate --smoke-fails
//! cargo run --example compose -- --simulate --preview
//! ```
//!
//! With `--journal DIR` a run that is killed goes on when it is started again. The simulated AWS then has to outlive it:
//! `compose --serve` prints its URL, and `--simulate=URL` uses it. Without `--simulate` it deploys to the accounts that the
//! roles in `DEPLOY_ROLE_EU` and `DEPLOY_ROLE_US` belong to, with the OIDC token in `DEPLOY_TOKEN`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use landfall::auth::{Auth, CredentialsSource, Oidc, Session};
use landfall::aws::environment::Environment;
use landfall::context::CancellationToken;
use landfall::ecs::EcsService;
use landfall::event::{Event, EventKind};
use landfall::steps::Command;
use landfall::{Context, Error, FileJournal, Journal, MemoryJournal, Pipeline, Result, Rollback};
use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_CLUSTER, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, DEMO_SERVICE,
    SECOND_ACCESS_KEY_ID, SECOND_ACCOUNT, SECOND_SECRET_ACCESS_KEY, Server, Simulator, World,
};

/// The region of the second account.
const US: &str = "us-east-1";

#[derive(Parser)]
struct Flags {
    /// Deploy to a simulated AWS: in this process, or at the URL that `--serve` of another one printed.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    simulate: Option<String>,
    /// Serve a simulated AWS, and nothing else.
    #[arg(long)]
    serve: bool,
    /// Only say what would change.
    #[arg(long)]
    preview: bool,
    /// The smoke test finds something.
    #[arg(long)]
    smoke_fails: bool,
    /// Where the run is remembered, so that it goes on after it was killed.
    #[arg(long, value_name = "DIR")]
    journal: Option<std::path::PathBuf>,
    /// Names the release.
    #[arg(long, default_value = "shop/81/release/production")]
    run_id: String,
    /// The tag that both services are to run.
    #[arg(long, default_value = "2.0")]
    tag: String,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// The release itself: this is what composing is about.
fn release(eu: &Session, us: &Session, flags: &Flags) -> Result<Pipeline> {
    let migrate = Command::builder("migrate database")
        .program("sh", ["-c", "echo schema 41 to 42; sleep 1"])
        .undo("sh", ["-c", "echo schema 42 to 41"])
        .build()?;
    let verdict =
        if flags.smoke_fails { "echo GET /checkout: 500; exit 1" } else { "echo GET /checkout: 200" };
    let notify = Command::builder("notify").program("echo", ["released", &flags.tag]).read_only().build()?;
    Pipeline::builder()
        .step("migrate", migrate)
        .include("eu", region(eu, flags)?)
        .after(["migrate"])
        .include("us", region(us, flags)?)
        .after(["migrate"])
        .step_from("smoke", [("eu/web", "task_definition"), ("us/web", "task_definition")], move |outputs| {
            let (eu, us) =
                (outputs.find("eu/web", "task_definition")?, outputs.find("us/web", "task_definition")?);
            let script = format!("echo testing {eu} and {us}; {verdict}");
            Ok(Box::new(Command::builder("smoke test").program("sh", ["-c", &script]).read_only().build()?))
        })
        .step("notify", notify)
        .after(["smoke"])
        .on_failure(Rollback::RevertAll)
        .build()
}

/// What is deployed in each region. A pipeline of its own, so that it can grow.
fn region(session: &Session, flags: &Flags) -> Result<Pipeline> {
    let web = EcsService::builder()
        .cluster(DEMO_CLUSTER)
        .service(DEMO_SERVICE)
        .image("web", format!("registry.example.com/web:{}", flags.tag))
        .build()?
        .target(&session.config, session.place.clone())?;
    Pipeline::builder().step("web", web).build()
}

async fn run(flags: &Flags, out: &mut impl Write) -> Result<u8> {
    let journal: Arc<dyn Journal> = match &flags.journal {
        Some(folder) => Arc::new(FileJournal::new(folder)),
        None => Arc::new(MemoryJournal::new()),
    };
    let stop = CancellationToken::new();
    let cx = Context::builder(&flags.run_id)
        .step("release")
        .cancel(stop.clone())
        .journal(journal)
        .observer(Arc::new(tell))
        .build();
    let (eu, us, _server) = sessions(flags, &cx).await?;
    let release = release(&eu, &us, flags)?;
    let (text, code) = if flags.preview {
        let preview = release.preview(&cx).await;
        (preview.text(), preview.exit_code())
    } else {
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
            std::future::pending().await
        };
        let report = tokio::select! { report = release.run(&cx) => report, never = interrupted => never };
        let json = || serde_json::to_string_pretty(&report).unwrap_or_default() + "\n";
        (if flags.json { json() } else { report.text() }, report.exit_code)
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::internal("nothing can be printed").with_source(&error))?;
    Ok(code)
}

/// What happens, a line each, on standard error.
fn tell(event: &Event) {
    let text = match &event.kind {
        EventKind::Started { resource } => format!("begins: {resource}"),
        EventKind::Applied { summary, .. } => summary.clone(),
        EventKind::Note { code, text, .. } if code == "command-output" => format!("| {text}"),
        EventKind::Undoing { .. } => "is put back".to_owned(),
        EventKind::Finished { exit_code, .. } => format!("is over, exit code {exit_code}"),
        EventKind::Undone { exit_code, .. } => format!("was put back, exit code {exit_code}"),
        _ => return,
    };
    let _ = writeln!(std::io::stderr(), "{:<16} {text}", event.step);
}

/// One session for each account; and the simulated AWS, which lives as long as what is returned.
async fn sessions(flags: &Flags, cx: &Context) -> Result<(Session, Session, Option<Server>)> {
    let Some(url) = &flags.simulate else {
        let environment = Environment::from_process();
        let session = |role: &'static str| {
            let oidc = Oidc::from_environment(environment.get(role).unwrap_or_default(), "DEPLOY_TOKEN");
            Auth::new(CredentialsSource::oidc(oidc)).environment(environment.clone())
        };
        let us = session("DEPLOY_ROLE_US").region(US);
        return Ok((session("DEPLOY_ROLE_EU").connect(cx).await?, us.connect(cx).await?, None));
    };
    let server = if url.is_empty() { Some(serve().await?) } else { None };
    let url = server.as_ref().map_or_else(|| url.clone(), Server::url);
    let session = |key: &str, secret: &str, region: &str| {
        let environment = Environment::from_pairs([
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", region),
        ]);
        Auth::new(CredentialsSource::default_chain()).environment(environment)
    };
    let eu = session(DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, DEMO_REGION).connect(cx).await?;
    let us = session(SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY, US).connect(cx).await?;
    Ok((eu, us, server))
}

/// A simulated AWS whose second account runs the same service in another region.
async fn serve() -> Result<Server> {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION).clone();
    *world.account(SECOND_ACCOUNT).region(US) = region;
    let served = Simulator::builder().world(world).build().serve().await;
    served.map_err(|error| Error::internal("no socket can be opened on 127.0.0.1").with_source(&error))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let mut out = std::io::stdout();
    let code = if flags.serve {
        match serve().await {
            Ok(server) => {
                let _ = writeln!(out, "{}", server.url());
                let _ = tokio::signal::ctrl_c().await;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    } else {
        run(&flags, &mut out).await
    };
    ExitCode::from(code.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "REFUSED: {}", error.report());
        error.exit_code()
    }))
}
