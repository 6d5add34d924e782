//! What is to be run.

use std::path::PathBuf;
use std::sync::Arc;

use landfall_core::error::redact;
use landfall_core::{Cause, Error, Result};

use super::Command;

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

    /// The command line without what looks like a secret.
    pub(super) fn shown(&self) -> String {
        redact(&self.parts().collect::<Vec<_>>().join(" "))
    }
}

/// Everything about a command. `Debug` shows no value of a variable.
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) program: Program,
    pub(super) undo: Option<Program>,
    pub(super) folder: Option<PathBuf>,
    pub(super) variables: Vec<(String, String)>,
    /// Values that are never told.
    pub(super) secrets: Vec<String>,
    pub(super) repeatable: bool,
    pub(super) read_only: bool,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec")
            .field("name", &self.name)
            .field("program", &self.program.shown())
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
            secrets: Vec::new(),
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
        self.0.variables.push((name.into(), value.into()));
        self
    }

    /// Adds a variable whose value is taken out of its output before that is told. Values of less than four characters
    /// would be found everywhere, and are refused.
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        self.0.secrets.push(value.clone());
        self.0.variables.push((name.into(), value));
        self
    }

    /// It may be run twice without harm: a process that does not know whether it was run, runs it.
    pub fn repeatable(mut self) -> Self {
        self.0.repeatable = true;
        self
    }

    /// It changes nothing, so that there is nothing to undo: a smoke test, a notification.
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
        if spec.secrets.iter().any(|secret| secret.len() < 4) {
            problems.push(Cause::invalid(
                "secret",
                "a secret of less than four characters cannot be kept out of an output",
            ));
        }
        if let Some((name, _)) =
            spec.variables.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0']))
        {
            problems.push(Cause::invalid("variable", format!("{name:?} is no name of a variable")));
        }
        Error::all("the command cannot be used", problems)?;
        Ok(Command { spec: Arc::new(spec), state: Arc::default() })
    }
}
