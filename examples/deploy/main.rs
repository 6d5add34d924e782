//! The thin binary: reads flags, builds a target, runs it, shows what happened.
//!
//! ```sh
//! cargo run --example deploy -- ecs --simulate --cluster demo --service web --image web=registry.example.com/web:2.0
//! ```
//!
//! All that decides is in the library; what is here can be copied into a program of your own.

mod doctor;
mod ec2;
mod ecs;
mod eks;
mod flags;
mod journal;
mod late;
mod render;
mod revert;
mod runs;
mod session;
mod simulate;
mod step;
mod stop;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use flags::{Command, Flags, Output};
use landfall::aws::environment::Environment;
use landfall::context::CancellationToken;
use landfall::event::{EventKind, JsonLines};
use landfall::{Cause, Context, Error, FileJournal, Observer};
use step::Call;

fn main() -> ExitCode {
    let matches = Flags::command().get_matches();
    let flags = Flags::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let misplaced = ec2::misplaced(&matches);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(run(&flags, misplaced));
            // A thread that reads standard input cannot be ended, and nobody wants what it reads any more.
            runtime.shutdown_background();
            ExitCode::from(code)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "the runtime cannot start: {error}");
            ExitCode::from(1)
        }
    }
}

async fn run(flags: &Flags, misplaced: Option<Cause>) -> u8 {
    let observer: Arc<dyn Observer> = match flags.global.output {
        Output::Human => Arc::new(render::Human::new(flags.global.verbose)),
        Output::Json => Arc::new(JsonLines::new(std::io::stdout())),
    };
    let environment = Environment::from_process();
    let cancel = CancellationToken::new();
    let mut problems: Vec<Cause> = misplaced.into_iter().collect();
    let run_id = flags.global.checked_run_id(&mut problems);
    let run_id = match &flags.command {
        Command::Revert(what) => what.run.clone(),
        _ => run_id.unwrap_or_else(|| session::run_id(&environment)),
    };
    let mut cx =
        Context::builder(run_id).step(flags.command.step()).cancel(cancel.clone()).observer(observer);
    if let Some(directory) = &flags.global.journal {
        cx = cx.journal(Arc::new(FileJournal::new(directory)));
    }
    let cx = cx.build();
    let ended = match stop::listen(cancel) {
        Err(error) => Err(Error::internal("signals cannot be listened to").with_source(&error)),
        Ok(()) => match &flags.command {
            Command::Ecs(what) => {
                let call = Call { global: &flags.global, process: environment, cx: &cx, problems };
                ecs::run(call, what).await
            }
            Command::Eks(what) => {
                let call = Call { global: &flags.global, process: environment, cx: &cx, problems };
                Box::pin(eks::run(call, what)).await
            }
            Command::Ec2(what) => {
                let call = Call { global: &flags.global, process: environment, cx: &cx, problems };
                ec2::run(call, what).await
            }
            Command::Doctor(what) => doctor::run(&flags.global, what, environment, &cx, problems).await,
            Command::Runs(what) => runs::run(&flags.global, what, problems).await,
            Command::Revert(what) => revert::run(&flags.global, what, environment, &cx, problems).await,
            Command::Scenarios => Ok(simulate::list()),
        },
    };
    ended.unwrap_or_else(|error| {
        let exit_code = error.exit_code();
        cx.emit(EventKind::Aborted { error, exit_code });
        exit_code
    })
}
