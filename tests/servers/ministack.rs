//! The independent server: one process for each mode, started at the first use and ended after the last test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;

use crate::http;

/// How long a start may take; it takes less than a second on an idle machine.
const START: Duration = Duration::from_secs(60);

/// A port is chosen by asking for a free one and giving it back. Somebody else may take it in between.
const ATTEMPTS: u32 = 5;

/// Whether requests are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every signature is taken and everything allowed.
    Default,
    /// `AUTH=true`: signatures are verified, policies enforced, sessions end.
    Auth,
}

/// The servers of this run.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    default: OnceLock<Running>,
    auth: OnceLock<Running>,
}

/// A server that runs. Its standard input is a pipe of ours: it ends itself when that closes, as it does when this
/// process is killed (see serve.py).
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    child: Mutex<Child>,
    log: PathBuf,
}

/// The virtual environment's interpreter, or why there is none.
pub(crate) fn python() -> Result<PathBuf, String> {
    let venv = target().join("ministack-venv");
    let listed = std::fs::read_to_string(venv.join("installed.txt")).unwrap_or_default();
    if listed != include_str!("requirements.txt") {
        return Err(
            "ministack is not installed: run `bash tests/servers/install`, which needs python3".to_owned()
        );
    }
    let windows = venv.join("Scripts").join("python.exe");
    Ok(if windows.exists() { windows } else { venv.join("bin").join("python") })
}

/// The target folder: the folder for temporary files of tests lies in it.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

impl Servers {
    /// The server of this mode, started if need be. Blocks until it answers.
    pub(crate) fn address(&self, mode: Mode) -> SocketAddr {
        self.slot(mode).get_or_init(|| apart(mode)).address
    }

    fn slot(&self, mode: Mode) -> &OnceLock<Running> {
        match mode {
            Mode::Default => &self.default,
            Mode::Auth => &self.auth,
        }
    }

    /// Ends the servers and tells where their logs are.
    pub(crate) fn stop(&mut self) -> Vec<PathBuf> {
        let running = [self.default.take(), self.auth.take()].into_iter().flatten();
        running
            .map(|running| {
                let mut child = running.child.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
                // Closing its standard input would do; by its id it ends at once, whatever it is busy with.
                let _ = child.kill();
                let _ = child.wait();
                // Ended like that it leaves behind the file with its process id.
                let port = running.address.port();
                let _ = std::fs::remove_file(running.log.with_file_name(format!("ministack-{port}.pid")));
                running.log
            })
            .collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a server on a thread of its own, since whoever asks may be in the middle of a runtime.
fn apart(mode: Mode) -> Running {
    std::thread::spawn(move || start(mode)).join().unwrap()
}

fn start(mode: Mode) -> Running {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut told = String::new();
    for _ in 0..ATTEMPTS {
        let (mut child, address, log) = spawn(mode);
        match runtime.block_on(ready(&mut child, address)) {
            Ok(()) => return Running { address, child: Mutex::new(child), log },
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                told = format!("{why}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
        }
    }
    panic!("ministack does not start: {told}");
}

fn spawn(mode: Mode) -> (Child, SocketAddr, PathBuf) {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let log = folder
        .join(format!("ministack-{mode:?}-{}-{}.log", std::process::id(), address.port()).to_lowercase());
    let file = File::create(&log).unwrap();
    let mut command = Command::new(python().unwrap());
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/serve.py"))
        .env_clear()
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", address.port().to_string())
        .env("MINISTACK_REGION", http::REGION)
        .env("TMPDIR", folder)
        // No container engine, whatever there is on the machine: tasks are only said to run.
        .env("DOCKER_HOST", "unix:///nonexistent")
        .stdin(Stdio::piped())
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    if mode == Mode::Auth {
        command.env("AUTH", "true");
    }
    (command.spawn().unwrap(), address, log)
}

/// Asks until the server answers or has ended.
async fn ready(child: &mut Child, address: SocketAddr) -> Result<(), String> {
    let asked = async {
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return Err(format!("it ended with {status}"));
            }
            let request =
                Request::get("/_ministack/health").header("host", address.to_string()).body(Body::empty());
            match http::send(address, request.unwrap()).await {
                Ok(answer) if answer.status.is_success() => return Ok(()),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(START, asked).await.unwrap_or_else(|_| Err(format!("no answer within {START:?}")))
}
