//! One component: a process, its log, and its end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How much of a log is shown when its component has ended.
const TAIL: usize = 15;

/// A process that runs. Its standard input is a pipe of ours: it ends itself when that closes, as it does when this process
/// is killed (see tests/kubernetes/main.go).
#[derive(Debug)]
pub(crate) struct Component {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Component {
    /// Starts it. What it writes goes to `NAME.log` in the folder, which is its home too.
    pub(crate) fn start(
        program: &Path,
        folder: &Path,
        name: &'static str,
        arguments: &[String],
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{name} cannot be started: {error}");
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).map_err(failed)?;
        let mut command = Command::new(program);
        command
            .arg(name)
            .args(arguments)
            .env_clear()
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file);
        Ok(Self { name, child: command.spawn().map_err(failed)?, log })
    }

    /// What it said last, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        Some(format!("{} ended with {status}:\n{tail}", self.name))
    }

    /// Closes its standard input, as the end of this process would.
    pub(crate) fn abandon(&mut self) {
        drop(self.child.stdin.take());
    }
}

/// By its id it ends at once, whatever it is busy with.
impl Drop for Component {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
