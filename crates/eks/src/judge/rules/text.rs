//! Rules as people write them in a command.

use std::fmt;

use landfall_core::{Cause, Error, Result};

use super::{Check, Rule, Rules};
use crate::input::Manifest;

impl Rule {
    /// Reads rules: what [`Rule::new`] takes, `=` for when the object is ready or `!` for when it has failed, and what
    /// [`Check::parse`] takes. `Certificate.cert-manager.io=condition=Ready`,
    /// `Rollout/web!jsonpath={.status.phase}=Degraded`.
    ///
    /// Texts about the same objects make one rule: ready when everything that is asked for holds, failed when one of the
    /// failures does. Rules for one name come last, since what is added last is asked first.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] with every text that cannot be read as a cause.
    pub fn read<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Self>> {
        let (mut rules, mut problems): (Vec<Self>, Vec<Cause>) = (Vec::new(), Vec::new());
        for text in texts.iter().map(AsRef::as_ref) {
            match part(text) {
                Ok((rule, is_failure, check)) => {
                    let place = rules.iter().position(|known| known.is_about_the_same(&rule));
                    let rule = place.map_or(rule, |place| rules.remove(place));
                    rules.push(if is_failure { rule.failed_when(check) } else { rule.ready_when(check) });
                }
                Err(error) => {
                    let problem = Cause::invalid("rule", format!("`{}`: {error}", text.escape_debug()));
                    problems.push(match error.hint() {
                        Some(hint) => problem.with_hint(hint),
                        None => problem,
                    });
                }
            }
        }
        Error::all("the rules for what is waited for cannot be used", problems)?;
        rules.sort_by_key(|rule| rule.name.is_some());
        Ok(rules)
    }

    /// Whether the rule is about this object. A rule that is about none of a release is a mistake: kinds are written as
    /// in manifests, `Deployment` and not `deployments`.
    #[must_use]
    pub fn fits(&self, manifest: &Manifest) -> bool {
        self.fits_names(manifest.group(), manifest.kind(), manifest.name())
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.kind.eq_ignore_ascii_case(&other.kind) && self.group == other.group && self.name == other.name
    }
}

impl Rules {
    /// Whether any of them is about this object.
    pub(crate) fn fit(&self, manifest: &Manifest) -> bool {
        self.rules.iter().any(|rule| rule.fits(manifest))
    }
}

/// The rule that a text is about, without checks; whether it tells a failure; and the check.
fn part(text: &str) -> Result<(Rule, bool, Check)> {
    let Some(end) = text.find(['=', '!']) else {
        return Err(Error::invalid("it does not say what is waited for").with_hint(
            "write KIND=condition=Ready or KIND=jsonpath={.status.phase}=Running, with `!` for the first `=` when it means a \
             failure",
        ));
    };
    let check = Check::parse(&text[end + 1..])?;
    Ok((Rule::new(&text[..end])?, text[end..].starts_with('!'), check))
}

/// What it is about: `Certificate.cert-manager.io/web`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(group) = &self.group {
            write!(f, ".{}", group.trim_start_matches('.'))?;
        }
        self.name.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}
