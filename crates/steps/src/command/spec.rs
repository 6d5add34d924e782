//! What is to be run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use landfall_core::error::redact;
use landfall_core::{Cause, Error, Result};

use super::Command;
use super::masks::Masks;
use crate::digest;

/// A program with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

impl Program {
    fn new<S: Into<String>>(program: impl Into<String>, arguments: impl IntoIterator<Item = S>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.program.as_str()).chain(self.arguments.iter().map(String::as_str))
    }
}

/// A variable of its environment.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether the value is never told.
    pub(super) secret: bool,
}

/// Everything about a command. `Debug` shows no value of a variable.
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) program: Program,
    pub(super) undo: Option<Program>,
    pub(super) folder: Option<PathBuf>,
    pub(super) variables: Vec<Variable>,
    pub(super) repeatable: bool,
    pub(super) read_only: bool,
}

impl Spec {
    /// The command line without secrets, and without what looks like one.
    pub(super) fn shown(&self, program: &Program) -> String {
        let line = program.parts().collect::<Vec<_>>().join(" ");
        redact(&self.masks().hide(line.as_bytes()))
    }

    pub(super) fn masks(&self) -> Masks {
        Masks::of(self.secrets())
    }

    /// Whether another run does no harm.
    pub(super) fn may_be_run_again(&self) -> bool {
        self.repeatable || self.read_only
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|variable| variable.secret).map(|variable| variable.value.as_str())
    }

    /// A digest of everything that was asked for: programs, folder and variables. Of a secret only the name: it may be
    /// another in each process that goes on with a run, as the token of a CI job is, and could be guessed from a digest.
    pub(super) fn specification(&self) -> String {
        let folder = self.folder.as_ref().map(|folder| folder.to_string_lossy()).unwrap_or_default();
        // The last one of a name counts.
        let variables: BTreeMap<&str, &Variable> =
            self.variables.iter().map(|variable| (variable.name.as_str(), variable)).collect();
        let variables = variables.values().flat_map(|variable| {
            let (kind, value) = match variable.secret {
                true => ("secret", ""),
                false => ("plain", variable.value.as_str()),
            };
            [variable.name.as_str(), kind, value]
        });
        let parts = [
            digest(self.program.parts()),
            digest(self.undo.iter().flat_map(Program::parts)),
            digest([folder.as_ref()]),
            digest(variables),
        ];
        digest(parts.iter().map(String::as_str))
    }
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec")
            .field("name", &self.name)
            .field("program", &self.shown(&self.program))
            .finish_non_exhaustive()
    }
}

/// Describes a [`Command`].
#[must_use]
pub struct CommandBuilder(Spec);

impl std::fmt::Debug for CommandBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl CommandBuilder {
    pub(super) fn new(name: String) -> Self {
        let program = Program::new("", Vec::<String>::new());
        Self(Spec {
            name,
            program,
            undo: None,
            folder: None,
            variables: Vec::new(),
            repeatable: false,
            read_only: false,
        })
    }

    /// What is run: a path, or a name that is looked for in `PATH`. Arguments are shown and recorded: no secrets; see
    /// [`secret`](Self::secret).
    pub fn program<S: Into<String>>(
        mut self,
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.0.program = Program::new(program, arguments);
        self
    }

    /// What undoes it.
    pub fn undo<S: Into<String>>(
        mut self,
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.0.undo = Some(Program::new(program, arguments));
        self
    }

    /// The folder that it is run in; that of this process when this is not called.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.0.folder = Some(folder.into());
        self
    }

    /// Adds a variable to its environment, which is otherwise that of this process.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.variables.push(Variable { name: name.into(), value: value.into(), secret: false });
        self
    }

    /// Adds a variable whose value is taken out of its output before that is told, each line of it by itself. Values of less
    /// than four bytes would be found everywhere, and are refused; shorter lines of a longer value are not looked for.
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.variables.push(Variable { name: name.into(), value: value.into(), secret: true });
        self
    }

    /// It may be run twice without harm: a process that does not know whether it was run, runs it.
    pub fn repeatable(mut self) -> Self {
        self.0.repeatable = true;
        self
    }

    /// It changes nothing, so that there is nothing to undo, it is run again by a process that does not know whether it was
    /// run, and others of its name may run beside it: a smoke test, a notification that may be sent twice.
    pub fn read_only(mut self) -> Self {
        self.0.read_only = true;
        self
    }

    /// The command.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with every problem as a cause.
    pub fn build(self) -> Result<Command> {
        let spec = self.0;
        let mut problems = Vec::new();
        if spec.name.trim().is_empty() {
            problems.push(Cause::invalid("name", "the command has no name"));
        }
        for (field, program) in [("program", Some(&spec.program)), ("undo", spec.undo.as_ref())] {
            if program.is_some_and(|program| program.program.is_empty()) {
                problems.push(
                    Cause::invalid(field, "no program is named")
                        .with_hint("name it: .program(\"./migrate\", [\"--to\", \"12\"])"),
                );
            }
        }
        if !spec.secrets().all(Masks::can_hide) {
            problems.push(Cause::invalid(
                "secret",
                "a secret without a line of four characters cannot be kept out of an output",
            ));
        }
        let unusable = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        if let Some(name) = spec.variables.iter().map(|variable| &variable.name).find(unusable) {
            problems.push(Cause::invalid("variable", format!("{name:?} is no name of a variable")));
        }
        Error::all("the command cannot be used", problems)?;
        Ok(Command { spec: Arc::new(spec), state: Arc::default() })
    }
}
