//! A program and everything it starts: its process group.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::{Instant, sleep, timeout};

/// How often it is asked whether a group is gone, of which the system does not tell.
const PAUSE: Duration = Duration::from_millis(20);

/// How long what was killed may take to vanish. SIGKILL cannot be refused, but is heard only after a call to the system that
/// is under way, to a disk that hangs for example.
const KILLED_LIMIT: Duration = Duration::from_secs(2);

/// A program that was started, in a process group of its own.
///
/// Dropped before its end, it is ended in the same way as by [`end`](Self::end), and the thread waits for that: it happens
/// where the runtime comes to its end, and nobody would look after the program any more.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Group,
    /// How long it may take to end when it is asked to.
    grace: Duration,
    /// Since when it has been asked to end.
    asked: Option<Instant>,
}

impl Process {
    /// Starts it.
    pub(super) fn start(mut command: tokio::process::Command, grace: Duration) -> io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        let child = command.kill_on_drop(true).spawn()?;
        let group = Group::of(&child);
        Ok(Self { child, group, grace, asked: None })
    }

    /// What it writes, to be taken once.
    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until it ends by itself. What it leaves running then was left on purpose, and goes on. May be dropped.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.group.let_be();
        status
    }

    /// Asks it and all it started to end (SIGTERM), and kills what is still there when the grace is over (SIGKILL). They are
    /// gone when this returns, except for what the system itself cannot end.
    pub(super) async fn end(&mut self) -> io::Result<ExitStatus> {
        self.ask_to_end();
        if let Ok(status) = timeout(self.grace, self.gone()).await {
            return status;
        }
        self.group.kill(&mut self.child);
        if let Ok(status) = timeout(KILLED_LIMIT, self.gone()).await {
            return status;
        }
        self.child.try_wait()?.ok_or_else(|| io::Error::other("it is still there, although it was killed"))
    }

    async fn gone(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        while self.group.is_there() {
            sleep(PAUSE).await;
        }
        self.group.let_be();
        Ok(status)
    }

    fn ask_to_end(&mut self) {
        if self.asked.is_none() {
            self.asked = Some(Instant::now());
            self.group.ask_to_end(&mut self.child);
        }
    }

    fn is_gone(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some()) && !self.group.is_there()
    }

    /// Whether it is gone before the time is over. Blocks.
    fn is_gone_within(&mut self, limit: Duration) -> bool {
        let began = Instant::now();
        while !self.is_gone() {
            if began.elapsed() >= limit {
                return false;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "the runtime, which could wait, has come to its end"
            )]
            std::thread::sleep(PAUSE);
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_gone() {
            return;
        }
        self.ask_to_end();
        let spent = self.asked.map_or(Duration::ZERO, |asked| asked.elapsed());
        if !self.is_gone_within(self.grace.saturating_sub(spent)) {
            self.group.kill(&mut self.child);
            self.is_gone_within(KILLED_LIMIT);
        }
    }
}

/// A process group, which has the number of its first process. None: nobody of it is our concern any more, and the number may
/// become another's.
#[cfg(unix)]
#[derive(Debug)]
struct Group(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    fn ask_to_end(&self, _child: &mut Child) {
        self.send(rustix::process::Signal::TERM);
    }

    fn kill(&self, _child: &mut Child) {
        self.send(rustix::process::Signal::KILL);
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.0 {
            // That nobody is left to hear it is what is wanted.
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }

    /// Whether somebody of the group is left. Asked when its first process has been waited for.
    fn is_there(&self) -> bool {
        let Some(id) = self.0 else { return false };
        // Orphans are left to process 1, which is this one in many containers, and are there until it waits for them.
        while let Ok(Some(_)) = rustix::process::waitpgid(id, rustix::process::WaitOptions::NOHANG) {}
        rustix::process::test_kill_process_group(id).is_ok()
    }

    fn let_be(&mut self) {
        self.0 = None;
    }
}

/// Where there are no process groups only the program itself is ended, and at once.
#[cfg(not(unix))]
#[derive(Debug)]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self
    }

    fn ask_to_end(&self, child: &mut Child) {
        self.kill(child);
    }

    fn kill(&self, child: &mut Child) {
        // That it has ended already is what is wanted.
        let _ = child.start_kill();
    }

    fn is_there(&self) -> bool {
        false
    }

    fn let_be(&mut self) {}
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[expect(clippy::unwrap_used, reason = "a helper of tests")]
    fn shell(script: &str, folder: &std::path::Path, grace: Duration) -> Process {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", script]).current_dir(folder);
        Process::start(command, grace).unwrap()
    }

    /// Runs a script until it has written the file `ready`, and drops everything then.
    #[expect(clippy::unwrap_used, reason = "a helper of tests")]
    fn dropped_with_its_runtime(script: &str, folder: &std::path::Path, grace: Duration) -> Group {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut process = runtime.block_on(async { shell(script, folder, grace) });
        let group = Group(process.group.0);
        runtime.block_on(async {
            while !folder.join("ready").exists() {
                sleep(PAUSE).await;
            }
        });
        runtime.spawn(async move { process.wait().await });
        drop(runtime);
        group
    }

    #[test]
    fn a_program_whose_runtime_ends_has_its_time_to_clean_up() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'sleep 0.3; touch cleaned; exit' TERM; touch ready; while :; do sleep 0.05; done";
        let group = dropped_with_its_runtime(script, folder.path(), Duration::from_secs(20));
        assert!(folder.path().join("cleaned").exists());
        assert!(!group.is_there());
    }

    #[test]
    fn a_program_that_does_not_hear_is_killed_with_all_it_started_when_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; (while :; do sleep 0.05; done) & touch ready; wait";
        let began = Instant::now();
        let group = dropped_with_its_runtime(script, folder.path(), Duration::from_millis(300));
        assert!(!group.is_there());
        assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn what_a_program_started_has_its_time_too_when_the_program_itself_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let child = "(trap 'sleep 0.3; touch cleaned; exit' TERM; touch ready; while :; do sleep 0.05; done)";
        let mut process = shell(&format!("{child} & wait"), folder.path(), Duration::from_secs(20));
        while !folder.path().join("ready").exists() {
            sleep(PAUSE).await;
        }
        process.end().await.unwrap();
        assert!(folder.path().join("cleaned").exists());
        assert!(process.is_gone());
    }
}
