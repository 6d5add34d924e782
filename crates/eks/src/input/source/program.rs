//! Programs that print manifests: found in `PATH`, run without a shell, bounded in time and in what they print.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use landfall_aws::environment::Environment;
use landfall_core::Cause;
use tokio::time::Instant;

use super::{LARGEST_FILE, not_utf8};

/// How far a program may go.
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes on its standard output.
    pub(super) bytes: usize,
}

/// Charts and bases that are fetched first take their time.
pub(super) const LIMITS: Limits = Limits { time: Duration::from_secs(120), bytes: LARGEST_FILE };

/// How often it is asked whether the program has ended, of which the system does not tell.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the last words of a program that was killed are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes of its standard error that are kept, the last ones.
const KEPT: usize = 16 * 1024;

/// As many lines of it as a person reads.
const MOST_LINES: usize = 20;

/// The program of this name in `PATH`.
pub(super) fn find(environment: &Environment, name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(environment.get("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(known) = file.metadata() else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&known.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    known.is_file() && may_run
}

/// A program with these variables and no others.
pub(super) fn command(program: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    let variables = environment.names().filter_map(|name| Some((name, environment.get(name)?)));
    command.env_clear().envs(variables);
    command
}

/// An argument that no program takes for a flag.
pub(super) fn is_flag(text: &str) -> bool {
    text.starts_with('-')
}

enum Heard {
    Output(io::Result<Vec<u8>>),
    Words(Vec<String>),
}

/// What a program printed, which `shown` stands for. Blocks until it has ended, or was killed.
pub(super) fn run(mut command: Command, shown: &str, limits: &Limits) -> Result<String, Box<Cause>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What it starts is ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let started = command.spawn();
    let mut child = started.map_err(|error| problem(shown, &format!("cannot be started: {error}")))?;
    let (tell, heard) = channel();
    listen(&mut child, limits.bytes, &tell);
    let end = Instant::now() + limits.time;
    let (mut output, mut words, mut status): (Option<Vec<u8>>, Option<Vec<String>>, Option<ExitStatus>) =
        (None, None, None);
    while output.is_none() || words.is_none() || status.is_none() {
        match heard.recv_timeout(PAUSE) {
            Ok(Heard::Output(Ok(bytes))) if bytes.len() > limits.bytes => {
                kill(&mut child);
                let most = limits.bytes / 1024 / 1024;
                return Err(problem(shown, &format!("printed more than {most} MiB, and no more is read")));
            }
            Ok(Heard::Output(Ok(bytes))) => output = Some(bytes),
            Ok(Heard::Output(Err(error))) => {
                kill(&mut child);
                return Err(problem(shown, &format!("cannot be heard: {error}")));
            }
            Ok(Heard::Words(lines)) => words = Some(lines),
            Err(_) => {}
        }
        if status.is_none() {
            status =
                child.try_wait().map_err(|error| problem(shown, &format!("cannot be awaited: {error}")))?;
        }
        if Instant::now() >= end {
            kill(&mut child);
            let words = words.unwrap_or_else(|| last_words(&heard));
            let message = format!("has not ended within {:?}, and was killed", limits.time);
            return Err(Box::new(problem(shown, &message).with_evidence(words)));
        }
    }
    match status {
        Some(status) if !status.success() => {
            let how = match status.code() {
                Some(code) => format!("failed with exit code {code}"),
                None => format!("was killed ({status})"),
            };
            Err(Box::new(problem(shown, &how).with_evidence(words.unwrap_or_default())))
        }
        _ => text(output.unwrap_or_default(), shown),
    }
}

fn text(bytes: Vec<u8>, shown: &str) -> Result<String, Box<Cause>> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let why = not_utf8(error.as_bytes(), error.utf8_error().valid_up_to());
        problem(shown, &format!("printed what cannot be read: {why}"))
    })?;
    if text.trim().is_empty() { Err(problem(shown, "printed nothing")) } else { Ok(text) }
}

fn problem(shown: &str, what: &str) -> Box<Cause> {
    Box::new(Cause::new("invalid-input", format!("`{shown}` {what}")))
}

/// Hears what it prints, in threads that end when it does.
fn listen(child: &mut Child, most: usize, tell: &Sender<Heard>) {
    let (output, words) = (child.stdout.take(), child.stderr.take());
    let (tell_output, tell_words) = (tell.clone(), tell.clone());
    // That nobody listens any more is what a kill leaves.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map_or(Ok(0), |output| output.take(most as u64 + 1).read_to_end(&mut bytes));
        let _ = tell_output.send(Heard::Output(read.map(|_| bytes)));
    });
    thread::spawn(move || {
        let _ = tell_words.send(Heard::Words(words.map(lines).unwrap_or_default()));
    });
}

/// The last lines of a stream.
fn lines(mut stream: impl Read) -> Vec<String> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }
    let text = String::from_utf8_lossy(&kept).into_owned();
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    all[all.len().saturating_sub(MOST_LINES)..].iter().map(ToString::to_string).collect()
}

fn last_words(heard: &Receiver<Heard>) -> Vec<String> {
    while let Ok(heard) = heard.recv_timeout(LAST_WORDS) {
        if let Heard::Words(words) = heard {
            return words;
        }
    }
    Vec::new()
}

/// Ends it with all it started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // That nobody is left to hear it is what is wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use landfall_core::Cause;

    use super::{Limits, run};

    fn shell(script: &str, folder: &Path, millis: u64) -> Result<String, Box<Cause>> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(folder);
        run(command, "make", &Limits { time: Duration::from_millis(millis), bytes: 1024 * 1024 })
    }

    #[test]
    fn what_a_program_prints_is_taken_when_it_succeeds_and_told_when_it_fails() {
        let folder = tempfile::tempdir().unwrap();
        let ran = |script: &str| shell(script, folder.path(), 60_000);
        assert_eq!(ran("echo a: 1; echo no >&2").unwrap(), "a: 1\n");
        let cause = ran("echo a: 1; echo first >&2; echo last >&2; exit 3").unwrap_err();
        assert_eq!(cause.message, "`make` failed with exit code 3");
        assert_eq!(cause.evidence, ["first", "last"]);
        assert_eq!(ran("kill -9 $$").unwrap_err().message, "`make` was killed (signal: 9 (SIGKILL))");
        assert_eq!(ran("printf ' \\n'").unwrap_err().message, "`make` printed nothing");
        let cause = ran("printf 'a\\n\\377'").unwrap_err();
        assert_eq!(
            cause.message,
            "`make` printed what cannot be read: line 2 holds bytes that are not UTF-8: save it as UTF-8"
        );
        let cause = ran("i=0; while [ $i -lt 30 ]; do echo $i >&2; i=$((i+1)); done; exit 1").unwrap_err();
        assert_eq!((cause.evidence.len(), cause.evidence[0].as_str()), (20, "10"));
    }

    #[test]
    fn a_program_without_an_end_is_killed_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = "(/bin/sleep 0.8; echo > late) & echo waiting >&2; /bin/sleep 30";
        let cause = shell(script, folder.path(), 300).unwrap_err();
        assert_eq!(cause.message, "`make` has not ended within 300ms, and was killed");
        assert_eq!(cause.evidence, ["waiting"]);
        let left = shell("/bin/sleep 30 & echo a: 1", folder.path(), 300).unwrap_err();
        assert_eq!(left.message, cause.message, "what it leaves running holds its output open");
        let waited = Command::new("/bin/sleep").arg("1").status().unwrap();
        assert!(waited.success() && !folder.path().join("late").exists());
    }

    #[test]
    fn a_flood_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let cause =
            shell("while :; do echo 0123456789012345678901234567890123456789; done", folder.path(), 60_000);
        assert_eq!(cause.unwrap_err().message, "`make` printed more than 1 MiB, and no more is read");
    }

    #[test]
    fn who_floods_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        // It goes on when nobody listens any more.
        let script = "echo $$ > pid; trap '' PIPE; head -c 2000000 /dev/zero; exec /bin/sleep 30";
        assert!(shell(script, folder.path(), 60_000).unwrap_err().message.contains("printed more than"));
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_err(), "it still runs");
    }
}
