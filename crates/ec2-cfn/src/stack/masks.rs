//! Takes the values of parameters that are not to be shown (`NoEcho`) out of every text that comes from AWS.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_aws::failure::Failure;
use landfall_aws::mask::hide;
use landfall_core::{Cause, Error};

use super::parameters::{Parameters, Wanted};
use super::template::Declared;

/// The values to hide. Clones hide the same.
#[derive(Clone, Default)]
pub(crate) struct Masks(Arc<Mutex<Vec<String>>>);

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(..)")
    }
}

impl Masks {
    /// The values of parameters that `declared` says not to show; every value while that is not known.
    pub(crate) fn learn(&self, given: &Parameters, declared: Option<&[Declared]>) {
        let is_secret = |name: &str| {
            declared.is_none_or(|declared| declared.iter().any(|one| one.name == name && one.no_echo))
        };
        let mut values: Vec<String> = given
            .0
            .iter()
            .filter(|(name, _)| is_secret(name))
            .filter_map(|(_, given)| match &given.value {
                Wanted::Value(value) if !value.is_empty() => Some(value.clone()),
                _ => None,
            })
            .collect();
        // The longest first: one value may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }

    /// The text without those values.
    pub(crate) fn apply(&self, text: &str) -> String {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().fold(text.to_owned(), |text, value| hide(&text, value))
    }

    /// A cause without those values.
    pub(crate) fn cause(&self, mut cause: Cause) -> Cause {
        cause.message = self.apply(&cause.message);
        cause.hint = cause.hint.map(|hint| self.apply(&hint));
        cause.evidence = cause.evidence.iter().map(|line| self.apply(line)).collect();
        cause
    }

    /// An error of a call without those values.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        failure.map(|error| {
            let mut masked = Error::new(error.kind(), self.apply(error.message()))
                .with_causes(error.causes().iter().map(|cause| self.cause(cause.clone())));
            if let Some(hint) = error.hint() {
                masked = masked.with_hint(self.apply(hint));
            }
            masked
        })
    }
}
