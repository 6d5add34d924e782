//! The environment as it was when the process began to look.
//!
//! This is the one file that reads the process's environment. Everything else is handed an [`Environment`], so
//! that a test needs no variables of its own process and a report can say what was seen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A snapshot of environment variables. Cheap to clone; `Debug` shows names and never values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Arc<BTreeMap<String, String>>);

impl Environment {
    /// The variables of this process. Those that are not Unicode are left out: no name or setting of AWS is
    /// anything else.
    #[must_use]
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// These variables and no others.
    #[must_use]
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// The value of a variable. One that is set but empty counts as absent, as it does for AWS's own tools.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of these variables that has a value, with its name.
    #[must_use]
    pub fn first<'a>(&'a self, names: &[&'a str]) -> Option<(&'a str, &'a str)> {
        names.iter().find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// Whether a variable is there with nothing in it.
    ///
    /// That is how GitLab hands a protected variable to a job on an unprotected ref
    /// (<https://docs.gitlab.com/ci/variables/#protect-a-cicd-variable>), when the job's own script names it.
    #[must_use]
    pub fn is_set_but_empty(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(String::is_empty)
    }

    /// Whether a variable says yes: `true`, in any case. [`crate::endpoint::check`] refuses other spellings.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The names of all variables, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().collect()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment ")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn debug_shows_names_and_never_values() {
        let environment = Environment::from_pairs([("AWS_SECRET_ACCESS_KEY", "canary-value")]);
        let told = format!("{environment:?}");
        assert!(told.contains("AWS_SECRET_ACCESS_KEY") && !told.contains("canary-value"), "{told}");
    }

    #[test]
    fn an_empty_variable_counts_as_absent_and_can_be_told_from_one_that_is_not_there() {
        let environment = Environment::from_pairs([("EMPTY", ""), ("FULL", "x")]);
        assert_eq!(environment.get("EMPTY"), None);
        assert!(environment.is_set_but_empty("EMPTY"));
        assert!(!environment.is_set_but_empty("ABSENT"));
        assert_eq!(environment.first(&["EMPTY", "FULL"]), Some(("FULL", "x")));
    }

    #[test]
    fn the_process_has_a_path() {
        assert!(Environment::from_process().get("PATH").is_some());
    }
}
