//! A program that runs, and how it ends.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use landfall_core::{Context, Error, ErrorKind, Result};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::output::Output;
use super::spec::{Program, Spec};

/// How long a program that is asked to end may take before it is killed, as long as Docker gives one
/// (<https://docs.docker.com/reference/cli/docker/container/stop/>).
const END_LIMIT: Duration = Duration::from_secs(10);

/// How long the rest of an output is read after the program has ended. What it left running may hold it open for ever.
const REST_LIMIT: Duration = Duration::from_secs(2);

/// How a program ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) success: bool,
    /// `ended with exit code 3`.
    pub(super) how: String,
    pub(super) last_lines: Vec<String>,
}

/// A program that was started. Dropped, it and all it started are killed.
#[derive(Debug)]
pub(super) struct Running {
    ended: watch::Receiver<Option<Ending>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts a program, in a process group of its own.
    pub(super) fn start(cx: &Context, program: &Program, spec: &Spec) -> Result<Self> {
        let mut command = tokio::process::Command::new(&program.program);
        command
            .args(&program.arguments)
            .envs(spec.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        if let Some(folder) = &spec.folder {
            command.current_dir(folder);
        }
        let child = command.spawn().map_err(|error| not_started(program, &error))?;
        let mut group = Group::of(&child);
        let (tell, ended) = watch::channel(None);
        let cx = cx.outliving();
        let output = Output::new(&cx, &spec.secrets);
        let task = tokio::spawn(async move {
            let ending = until_ended(child, &mut group, &cx, output).await;
            tell.send_replace(Some(ending));
        });
        Ok(Self { ended, task })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<Ending> {
        self.ended.borrow().clone()
    }

    /// Changes when it ends.
    pub(super) fn changes(&self) -> watch::Receiver<Option<Ending>> {
        self.ended.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn until_ended(mut child: Child, group: &mut Group, cx: &Context, output: Output) -> Ending {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let telling = async { tokio::join!(output.clone().tell(out), output.clone().tell(err)) };
    tokio::pin!(telling);
    let (mut told, mut asked) = (false, false);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = cx.cancelled(), if !asked => {
                asked = true;
                group.ask_to_end();
            }
            () = tokio::time::sleep(END_LIMIT), if asked => group.kill(),
            _ = &mut telling, if !told => told = true,
        }
    };
    if asked {
        group.kill();
    }
    group.let_be();
    if !told {
        let _ = tokio::time::timeout(REST_LIMIT, telling).await;
    }
    let success = status.as_ref().is_ok_and(ExitStatus::success);
    let how =
        status.map_or_else(|error| format!("could not be awaited: {error}"), |status| how(status, asked));
    Ending { success, how, last_lines: output.last_lines() }
}

fn how(status: ExitStatus, stopped: bool) -> String {
    let ended = match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was killed ({status})"),
    };
    if stopped { format!("{ended}, after it was asked to stop") } else { ended }
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

/// The process group of a program that runs. Dropped before it ended, it is killed: nobody watches it any more.
struct Group {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    /// The group has the number of its first process.
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { id: id.and_then(rustix::process::Pid::from_raw) }
    }

    fn ask_to_end(&self) {
        self.send(rustix::process::Signal::TERM);
    }

    fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    /// What it left running on purpose goes on, and its number may become another's.
    fn let_be(&mut self) {
        self.id = None;
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.id {
            // That nobody is left to hear it is what is wanted.
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self {}
    }

    fn ask_to_end(&self) {}

    fn kill(&self) {}

    fn let_be(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
