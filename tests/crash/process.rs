//! Runs the real binary, and kills it at a point.

use std::path::{Path, PathBuf};

use landfall_simulator::{KubernetesServer, Phase};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::case::{Case, Weather};
use crate::support::{Cloud, Ran, ended};

/// The run's id, the same in every process.
const RUN: &str = "shop/81/deploy/production";

/// A moment in the life of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Point {
    /// The nth call to AWS: it has arrived and nothing has come of it, or it has taken effect and its answer is on its
    /// way. The process is killed by SIGKILL.
    Call(u64, Phase),
    /// The write that carries the run's file over this many bytes: what is below is on the disk, the rest is not. The
    /// kernel ends the process in the middle of `write`, by the file size limit it was given (SIGXFSZ, for which the
    /// binary has no handler): no line of its own runs after that either.
    Write(u64),
    /// The write of the first line, of which so many bytes are on the disk. The file size limit meets the lock file first,
    /// which is longer, so the process is killed at its first call, and the rest of the line is cut off.
    FirstLine(u64),
}

/// A simulated AWS and a directory for the journal, which outlive processes.
pub(crate) struct Stage {
    pub(crate) case: Case,
    pub(crate) cloud: Cloud,
    folder: TempDir,
    /// As long as it is there it answers.
    _api_server: Option<KubernetesServer>,
}

impl Stage {
    pub(crate) async fn new(case: Case, weather: Weather) -> Self {
        let cloud = Cloud::of(case.simulator(weather)).await;
        let api_server = match case.product.cluster(&cloud.simulator) {
            Some(cluster) => Some(cluster.serve().await.unwrap()),
            None => None,
        };
        let folder = tempfile::tempdir().unwrap();
        case.product.prepare(folder.path());
        let first = case.product.first();
        if !first.is_empty() {
            let ran = ended(cloud.command(first).current_dir(folder.path()).spawn().unwrap()).await;
            assert_eq!(ran.code, 0, "before {}: {}", case.name, ran.told());
            cloud.simulator.reset_calls();
        }
        Self { case, cloud, folder, _api_server: api_server }
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn arguments(&self) -> Vec<String> {
        let journal = self.journal().to_string_lossy().into_owned();
        let fixed = ["--run-id", RUN, "--journal", &journal];
        [self.case.arguments, &fixed[..]].concat().into_iter().map(str::to_owned).collect()
    }

    fn process(&self, largest_file: Option<u64>) -> Command {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut plain = self.cloud.command(&arguments);
        plain.current_dir(self.folder.path());
        let Some(bytes) = largest_file else { return plain };
        let mut limited = Command::new("/usr/bin/prlimit");
        limited.args([format!("--fsize={bytes}"), "--core=0".to_owned()]);
        let plain = plain.as_std();
        limited.arg(plain.get_program()).args(plain.get_args()).env_clear();
        limited.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.current_dir(self.folder.path());
        limited.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        limited.stderr(std::process::Stdio::piped()).kill_on_drop(true);
        limited
    }

    /// A process that nobody disturbs.
    pub(crate) async fn run(&self) -> Ran {
        ended(self.process(None).spawn().unwrap()).await
    }

    /// A process that is killed at this point; how it ended, if it came to its end before.
    pub(crate) async fn killed_at(&self, point: Point) -> Option<Ran> {
        match point {
            Point::Call(nth, phase) => {
                let held = self.cloud.simulator.hold_call(nth, phase);
                let mut child = self.process(None).spawn().unwrap();
                tokio::select! {
                    () = held.reached() => {
                        child.kill().await.unwrap();
                        None
                    }
                    () = over(&mut child) => Some(ended(child).await),
                }
            }
            Point::FirstLine(bytes) => {
                let ran = Box::pin(self.killed_at(Point::Call(1, Phase::Before))).await;
                if ran.is_none() {
                    let file =
                        std::fs::OpenOptions::new().write(true).open(run_file(&self.journal())).unwrap();
                    file.set_len(bytes).unwrap();
                }
                ran
            }
            Point::Write(bytes) => {
                let ran = ended(self.process(Some(bytes)).spawn().unwrap()).await;
                Some(ran).filter(|ran| ran.code >= 0)
            }
        }
    }

    /// The disk is gone with everything that was recorded.
    pub(crate) fn lose_journal(&self) {
        if self.journal().exists() {
            std::fs::remove_dir_all(self.journal()).unwrap();
        }
    }

    /// Every point of an undisturbed run that has just ended here.
    pub(crate) fn points(&self) -> (Vec<Point>, Vec<Point>) {
        let calls = u64::try_from(self.cloud.simulator.calls().len()).unwrap();
        let calls =
            (1..=calls).flat_map(|nth| [Point::Call(nth, Phase::Before), Point::Call(nth, Phase::After)]);
        let mut writes = vec![Point::Write(0)];
        let mut at = 0;
        for line in std::fs::read(run_file(&self.journal())).unwrap().split_inclusive(|byte| *byte == b'\n') {
            let length = u64::try_from(line.len()).unwrap();
            let point = if at == 0 { Point::FirstLine } else { Point::Write };
            writes.extend([at + 1, at + length / 2, at + length - 1].map(point));
            at += length;
        }
        (calls.collect(), writes)
    }
}

impl Point {
    /// Whether a process that goes on after a kill at `first` may come here: it makes as many calls as were left, and a
    /// few to find out where it is, and its journal only grows.
    pub(crate) fn may_follow(self, first: Self, calls: u64, bytes: u64) -> bool {
        match (first, self) {
            (_, Self::FirstLine(_)) => false,
            (Self::Call(before, _), Self::Call(nth, _)) => nth <= calls.saturating_sub(before) + 2,
            (Self::Write(before), Self::Call(nth, _)) => nth * bytes <= calls * bytes.saturating_sub(before),
            (Self::Call(before, _), Self::Write(at)) => at * calls > before * bytes,
            (Self::Write(before), Self::Write(at)) => at > before,
            (Self::FirstLine(_), _) => true,
        }
    }
}

/// Resolves when a process has ended.
async fn over(child: &mut Child) {
    child.wait().await.unwrap();
}

fn run_file(journal: &Path) -> PathBuf {
    let files = std::fs::read_dir(journal.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "jsonl")).unwrap()
}
