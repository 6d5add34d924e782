//! Runs a program.
//!
//! `apply` starts it, `observe` asks whether it has ended. A program knows no token by which its effect could be found
//! again, so that it is run at most once by a plan: a process that goes on and finds a plan that another process made does
//! not know whether it was run, says so, and leaves the decision to a person. One that is declared repeatable or
//! read-only is run again.

mod masks;
mod output;
mod process;
mod running;
mod spec;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use landfall_core::target::Effect;
use landfall_core::{
    Cause, Change, Context, DeployTarget, End, Error, ErrorKind, Look, Observation, Outputs, Plan, Receipt,
    Resource, Result, Revert, State,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::local;
use running::{Ending, GONE_LIMIT, Running};
pub use spec::CommandBuilder;
use spec::{Program, Spec};

const KIND: &str = "command";

/// A step that runs a program, without a shell. Its exit code decides: 0 is success.
///
/// Each line of its output is told as a note, `command-output`, without what looks like a secret and without the values of
/// [`secret`](CommandBuilder::secret).
///
/// When the run is stopped, its time is over or the target is dropped, the program and all it started (its process group) get
/// SIGTERM, and SIGKILL ten seconds later; where there are no process groups, the program alone is ended, at once. Neither the
/// undo of the step nor its next try begins before they are gone, and the end of the runtime waits for that.
///
/// A failed program is undone by the one that [`undo`](CommandBuilder::undo) names, and cannot be undone without;
/// [`read_only`](CommandBuilder::read_only) says that there is nothing to undo.
///
/// ```
/// use landfall_steps::Command;
///
/// let migrate = Command::builder("migrate database").program("./migrate", ["--to", "12"]).build()?;
/// # Ok::<(), landfall_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Command {
    spec: Arc<Spec>,
    state: Arc<Mutex<Known>>,
}

/// What this process knows.
#[derive(Debug, Default)]
struct Known {
    /// Plans that were made here, and so were not carried out by anybody else.
    made: Vec<String>,
    /// By token and run of the program.
    runs: HashMap<String, Run>,
}

/// A run of the program.
#[derive(Debug)]
struct Run {
    /// Which step of which run it was started for.
    step: String,
    running: Running,
}

/// Which program of the specification a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Which {
    Forward,
    Undo,
}

#[derive(Debug, Serialize, Deserialize)]
struct Planned {
    which: Which,
    /// Known only to the process that made the plan.
    nonce: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Started {
    which: Which,
    token: String,
    /// Which run of the program it is, from 1.
    run: u32,
    /// Whether it is known that this run was begun.
    begun: bool,
}

impl Command {
    /// Begins to describe a command. The name says what it is for; one command of a name runs at a time, unless
    /// it is read-only.
    pub fn builder(name: impl Into<String>) -> CommandBuilder {
        CommandBuilder::new(name.into())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planned(&self, which: Which) -> Result<Plan> {
        let nonce = format!("{:016x}", StdRng::from_os_rng().random::<u64>());
        self.known().made.push(nonce.clone());
        let changes = match self.program(which) {
            Some(program) if !self.spec.read_only => {
                vec![
                    Change::new(Effect::Update, &self.spec.name)
                        .with_details([format!("runs {}", self.spec.shown(program))]),
                ]
            }
            _ => Vec::new(),
        };
        Plan::new(KIND, 1, changes, &Planned { which, nonce })
    }

    fn program(&self, which: Which) -> Option<&Program> {
        match which {
            Which::Forward => Some(&self.spec.program),
            Which::Undo => self.spec.undo.as_ref(),
        }
    }

    fn shown(&self, which: Which) -> String {
        self.program(which).map(|program| self.spec.shown(program)).unwrap_or_default()
    }

    async fn start(&self, cx: &Context, which: Which, key: String) -> Result<()> {
        let step = format!("{}/{}", cx.run(), cx.step());
        self.end_others(&step, &key).await?;
        let mut known = self.known();
        if known.runs.contains_key(&key) {
            return Ok(());
        }
        let program = self.program(which).ok_or_else(|| Error::internal("there is no such program"))?;
        let running = Running::start(cx, program, &self.spec)?;
        known.runs.insert(key, Run { step, running });
        Ok(())
    }

    /// Ends what the step runs else: an undo or another try must not work beside what it follows.
    async fn end_others(&self, step: &str, key: &str) -> Result<()> {
        let others: Vec<_> = {
            let known = self.known();
            let others = known.runs.iter().filter(|(other, run)| run.step == step && *other != key);
            others.map(|(_, run)| run.running.stop()).collect()
        };
        for ended in others {
            if ended.within(GONE_LIMIT).await.is_none() {
                let name = &self.spec.name;
                let message = format!("an earlier program of {name} was killed, and is still there");
                return Err(Error::new(ErrorKind::Transient, message)
                    .with_hint("see what it waits for: a disk that hangs, for example"));
            }
        }
        Ok(())
    }

    /// Nobody here knows what became of a run.
    fn lost(&self, started: &Started) -> Error {
        let name = &self.spec.name;
        let what = if started.begun { "was started" } else { "was about to be started" };
        Error::new(
            ErrorKind::Conflict,
            format!("{name} {what} by a process that is gone: whether it ran to its end is not known"),
        )
        .with_hint(format!(
            "find out whether {} has done its work, then begin a new run id; if it can be run twice without harm, \
             declare it repeatable, and read-only if it changes nothing",
            self.spec.shown(&self.spec.program)
        ))
    }
}

fn key(token: &str, run: u32) -> String {
    format!("{token}#{run}")
}

#[async_trait]
impl DeployTarget for Command {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        let resource = local(KIND, &self.spec.name);
        if self.spec.read_only { resource.read_only() } else { resource }
    }

    fn specification(&self) -> String {
        self.spec.specification()
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        self.planned(Which::Forward)
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        let Planned { which, nonce } = plan.read(KIND, 1)?;
        let before = so_far.map(|receipt| receipt.read::<Started>(KIND, 1)).transpose()?;
        let run = before.map_or(1, |before| before.run + 1);
        let token = plan.token.to_string();
        let key = key(&token, run);
        let begun = self.spec.may_be_run_again() || self.known().made.contains(&nonce);
        if begun {
            self.start(cx, which, key).await?;
        }
        let shown = self.shown(which);
        let summary = if begun { format!("{shown} runs") } else { format!("{shown} is not run again") };
        Receipt::new(KIND, 1, summary, &Started { which, token, run, begun })
    }

    async fn observe(&self, _cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let started: Started = receipt.read(KIND, 1)?;
        let (ended, end) = match self.known().runs.get(&key(&started.token, started.run)) {
            Some(Run { running, .. }) => (running.ended(), running.end()),
            // Its next run is the next part.
            None if self.spec.may_be_run_again() => return Ok(Observation::new(State::Proceed)),
            None => return Err(self.lost(&started)),
        };
        let ended = match ended {
            None if look.last => return Ok(self.out_of_time(&started).await),
            None => end.within(look.patience).await,
            ended => ended,
        };
        Ok(match ended {
            None => self.pending(),
            Some(Ending { success: true, .. }) => Observation::new(State::Ready(Outputs::new())),
            Some(ending) => {
                Observation::new(State::Ended(End::Failed)).with_causes([self.failed(&started, &ending)])
            }
        })
    }

    async fn revert(&self, _cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        if self.spec.read_only || plan.is_empty() {
            return Ok(Revert::NothingToDo);
        }
        if receipt.is_none()
            && self.known().runs.is_empty()
            && self.known().made.contains(&plan.read::<Planned>(KIND, 1)?.nonce)
        {
            return Ok(Revert::NothingToDo); // It never started.
        }
        match &self.spec.undo {
            Some(_) => Ok(Revert::Plan(Box::new(self.planned(Which::Undo)?))),
            None => Ok(Revert::Impossible {
                reason: format!(
                    "no command that undoes {} was given; see what it did, and undo that by hand",
                    self.spec.name
                ),
            }),
        }
    }
}

impl Command {
    fn pending(&self) -> Observation {
        Observation::new(State::pending(format!("{} to end", self.spec.name)))
    }

    /// Nobody waits for the program any longer: it is ended, and not called a failure of its own.
    async fn out_of_time(&self, started: &Started) -> Observation {
        let key = key(&started.token, started.run);
        let Some(end) = self.known().runs.get(&key).map(|run| run.running.stop()) else {
            return self.pending();
        };
        match end.within(GONE_LIMIT).await {
            Some(ending) => self.pending().with_causes([self.failed(started, &ending)]),
            None => self.pending(),
        }
    }

    fn failed(&self, started: &Started, ending: &Ending) -> Cause {
        let program = self.shown(started.which);
        Cause::new("command-failed", format!("{}: {program} {}", self.spec.name, ending.how))
            .with_evidence(&ending.last_lines)
            .with_hint("its last lines are above, all of them in the log of this run")
    }
}
