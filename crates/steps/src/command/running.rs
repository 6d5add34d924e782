//! A program that runs, and how it ends.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::{Context, Error, ErrorKind, Result};
use tokio::sync::watch;

use super::output::Output;
use super::process::Process;
use super::spec::{Program, Spec};

/// How long a program that is asked to end may take before it is killed, as long as Docker gives one
/// (<https://docs.docker.com/reference/cli/docker/container/stop/>).
const END_LIMIT: Duration = Duration::from_secs(10);

/// How long the rest of an output is read after the program has ended. What it left running may hold it open for ever.
const REST_LIMIT: Duration = Duration::from_secs(2);

/// How long the end of a program that was told to stop is waited for: its time to end, that of what is left when it is
/// killed, and that of its output, below the 30 seconds of a call.
pub(super) const GONE_LIMIT: Duration = Duration::from_secs(20);

/// How a program ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// By itself, with exit code 0. One that was told to stop has not done what it was started for, whatever its code.
    pub(super) success: bool,
    /// `ended with exit code 3`.
    pub(super) how: String,
    pub(super) last_lines: Vec<String>,
}

/// A program that was started. When this is dropped, it and all it started are told to end.
#[derive(Debug)]
pub(super) struct Running {
    ended: watch::Receiver<Option<Ending>>,
    stop: CancellationToken,
}

impl Running {
    /// Starts a program.
    pub(super) fn start(cx: &Context, program: &Program, spec: &Spec) -> Result<Self> {
        let mut command = tokio::process::Command::new(&program.program);
        command
            .args(&program.arguments)
            .envs(spec.variables.iter().map(|variable| (&variable.name, &variable.value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &spec.folder {
            command.current_dir(folder);
        }
        let process = Process::start(command, END_LIMIT).map_err(|error| not_started(program, &error))?;
        let (tell, ended) = watch::channel(None);
        let stop = CancellationToken::new();
        let (cx, told_to) = (cx.outliving(), stop.clone());
        let output = Output::new(&cx, spec.masks());
        tokio::spawn(async move {
            let ending = until_ended(process, &cx, &told_to, output).await;
            tell.send_replace(Some(ending));
        });
        Ok(Self { ended, stop })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<Ending> {
        self.ended.borrow().clone()
    }

    /// Tells when it ends.
    pub(super) fn end(&self) -> End {
        End(self.ended.clone())
    }

    /// Tells it to end: SIGTERM, and SIGKILL ten seconds later.
    pub(super) fn stop(&self) -> End {
        self.stop.cancel();
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The end of a program, to be waited for.
#[derive(Debug)]
pub(super) struct End(watch::Receiver<Option<Ending>>);

impl End {
    /// Waits until the program has ended, at most this long.
    pub(super) async fn within(mut self, limit: Duration) -> Option<Ending> {
        let ended = tokio::time::timeout(limit, self.0.wait_for(Option::is_some)).await.ok()?;
        ended.ok()?.clone()
    }
}

async fn until_ended(mut process: Process, cx: &Context, stop: &CancellationToken, output: Output) -> Ending {
    let (out, err) = process.output();
    let telling = async { tokio::join!(output.clone().tell(out), output.clone().tell(err)) };
    let ending = async {
        tokio::select! {
            status = process.wait() => return (status, false),
            () = cx.cancelled() => {}
            () = stop.cancelled() => {}
        }
        (process.end().await, true)
    };
    tokio::pin!(telling, ending);
    let mut told = false;
    let (status, stopped) = loop {
        tokio::select! {
            ended = &mut ending => break ended,
            _ = &mut telling, if !told => told = true,
        }
    };
    if !told {
        let _ = tokio::time::timeout(REST_LIMIT, telling).await;
    }
    let success = !stopped && status.as_ref().is_ok_and(ExitStatus::success);
    let how =
        status.map_or_else(|error| format!("could not be awaited: {error}"), |status| how(status, stopped));
    Ending { success, how, last_lines: output.last_lines() }
}

fn how(status: ExitStatus, stopped: bool) -> String {
    let ended = match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was killed ({status})"),
    };
    if stopped { format!("{ended}, after it was told to stop") } else { ended }
}

fn not_started(program: &Program, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("{} cannot be started", program.program))
        .with_source(error)
        .with_hint("name a program that is there and may be run: a path, or a name in PATH")
}
