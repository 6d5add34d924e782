//! What was given against what the template declares and what the stack has.

use std::collections::BTreeSet;

use landfall_core::Cause;

use super::super::template::Declared;
use super::{Parameters, Wanted};

/// What is sent for one parameter.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) name: String,
    /// None: `UsePreviousValue`.
    pub(crate) value: Option<String>,
    pub(crate) no_echo: bool,
    /// The template's new default is shadowed by the stack's value.
    pub(crate) shadows_default: bool,
    pub(crate) looked_up: bool,
}

impl std::fmt::Debug for Settled {
    /// Without the value: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settled").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The parameters to send, in the order of the template, or everything that does not fit. `known` are the names of the
/// parameters that the stack has; none for a stack that is to be created.
pub(crate) fn settle(
    given: &Parameters,
    declared: &[Declared],
    file: &str,
    known: Option<&BTreeSet<String>>,
) -> Result<Vec<Settled>, Vec<Cause>> {
    let mut problems = unknown(given, declared);
    let mut settled = Vec::new();
    for parameter in declared {
        let wanted = given.0.get(&parameter.name);
        let has = known.is_some_and(|known| known.contains(&parameter.name));
        let send = |value: Option<String>, shadows_default: bool| Settled {
            name: parameter.name.clone(),
            value,
            no_echo: parameter.no_echo,
            shadows_default,
            looked_up: parameter.is_looked_up(),
        };
        match wanted.map(|given| &given.value) {
            Some(Wanted::Value(value)) => {
                if let Some(why) = parameter.misfit(value) {
                    let field = format!("Parameters.{}", parameter.name);
                    let cause = Cause::invalid(field, format!("{}: {why}", parameter.name));
                    problems.push(with_place(cause, given, parameter, file));
                }
                settled.push(send(Some(value.clone()), false));
            }
            Some(Wanted::Previous) if has => settled.push(send(None, false)),
            Some(Wanted::Previous) => {
                let text =
                    format!("{} is to keep its previous value, and the stack has none", parameter.name);
                let cause = Cause::invalid(format!("Parameters.{}", parameter.name), text);
                problems.push(with_place(cause, given, parameter, file));
            }
            // What the stack has goes before the template's default, as with the AWS CLI
            // (aws/aws-cli pull request 2573).
            None if has => settled.push(send(None, parameter.default.is_some())),
            None if parameter.default.is_some() => {}
            None => problems.push(missing(parameter, file)),
        }
    }
    if problems.is_empty() { Ok(settled) } else { Err(problems) }
}

fn with_place(cause: Cause, given: &Parameters, parameter: &Declared, file: &str) -> Cause {
    let at = given.0.get(&parameter.name).and_then(|given| given.at.clone());
    match at.or_else(|| parameter.place(file)) {
        Some(at) => cause.at(at),
        None => cause,
    }
}

fn missing(parameter: &Declared, file: &str) -> Cause {
    let text = format!("parameter {} ({}) has no value and no default", parameter.name, parameter.kind);
    let cause = Cause::invalid(format!("Parameters.{}", parameter.name), text)
        .with_hint(format!("give it by --parameter {}=... or in the parameter file", parameter.name));
    match parameter.place(file) {
        Some(at) => cause.at(at),
        None => cause,
    }
}

fn unknown(given: &Parameters, declared: &[Declared]) -> Vec<Cause> {
    let is_unknown = |name: &&String| !declared.iter().any(|parameter| parameter.name == **name);
    let names: Vec<&str> = declared.iter().map(|parameter| parameter.name.as_str()).collect();
    let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let mut problems = Vec::new();
    for name in given.0.keys().filter(is_unknown) {
        let text = format!("the template declares no parameter {name}; it declares: {has}");
        let cause = Cause::invalid(format!("Parameters.{name}"), text);
        let cause =
            cause.with_hint("leave it out, correct its name, or declare it under Parameters in the template");
        problems.push(match given.0.get(name).and_then(|given| given.at.clone()) {
            Some(at) => cause.at(at),
            None => cause,
        });
    }
    problems
}
