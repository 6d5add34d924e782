//! What a step that is made from others may read.

use crate::error::{Error, ErrorKind, Result};

/// An output that a step declared it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// Which step, by its place in the pipeline.
    pub(super) index: usize,
    /// The step as it was named where it was declared, which an include does not change.
    pub(super) step: String,
    pub(super) output: String,
    /// It may be missing.
    pub(super) optional: bool,
}

/// The declared outputs of earlier steps.
///
/// Only what was declared can be read, so that a preview says truly what a step waits for, and a step cannot come to
/// depend on another without an edge in the graph.
#[derive(Debug, Clone, Copy)]
pub struct StepOutputs<'a> {
    needs: &'a [Need],
    values: &'a [Option<String>],
}

impl<'a> StepOutputs<'a> {
    pub(super) fn new(needs: &'a [Need], values: &'a [Option<String>]) -> Self {
        Self { needs, values }
    }

    /// The output of this name of this step.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it was not declared, or is an optional one that the step did not give; names step and
    /// output.
    pub fn find(&self, step: &str, output: &str) -> Result<&'a str> {
        self.find_optional(step, output)?.ok_or_else(|| {
            Error::invalid(format!(
                "step {step} gave no output {output}, which was declared as one that may be missing"
            ))
            .with_hint("declare it in step_from if it is needed, or read it with find_optional")
        })
    }

    /// The output of this name of this step; none when it is an optional one that the step did not give.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it was not declared, naming step and output.
    pub fn find_optional(&self, step: &str, output: &str) -> Result<Option<&'a str>> {
        let position = self.needs.iter().position(|need| need.step == step && need.output == output);
        let value = position.and_then(|position| self.values.get(position));
        value.map(Option::as_deref).ok_or_else(|| self.undeclared(step, output))
    }

    fn undeclared(&self, step: &str, output: &str) -> Error {
        let declared: Vec<String> =
            self.needs.iter().map(|need| format!("{} of {}", need.output, need.step)).collect();
        let declared = if declared.is_empty() {
            "none is declared".to_owned()
        } else {
            format!("declared: {}", declared.join(", "))
        };
        Error::invalid(format!("the output {output} of step {step} was not declared ({declared})"))
            .with_hint(format!("add (\"{step}\", \"{output}\") to the outputs that step_from names"))
    }
}

/// The values of declared outputs, taken from what the steps gave.
pub(super) fn take<'a>(
    needs: &[Need],
    outputs: impl Fn(usize) -> Option<&'a crate::target::Outputs>,
) -> Result<Vec<Option<String>>> {
    let one = |need: &Need| {
        let given = outputs(need.index);
        let found = given.and_then(|given| given.find(&need.output)).map(str::to_owned);
        if found.is_none() && !need.optional { Err(missing(need, given)) } else { Ok(found) }
    };
    needs.iter().map(one).collect()
}

fn missing(need: &Need, given: Option<&crate::target::Outputs>) -> Error {
    let names: Vec<&str> = given.iter().flat_map(|given| given.iter()).map(|(name, _)| name).collect();
    let seen =
        if names.is_empty() { "it gave none".to_owned() } else { format!("it gave: {}", names.join(", ")) };
    Error::new(ErrorKind::Invalid, format!("step {} gave no output {} ({seen})", need.step, need.output)).with_hint(
        "correct the name; a step that is not waited for has no outputs yet, so that nothing can be made from it",
    )
}
