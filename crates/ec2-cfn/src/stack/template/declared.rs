//! Parameters as a template declares them, and whether a value fits.

use landfall_core::Location;
use regex::Regex;

use super::super::document::{Mark, Node};

/// A parameter of a template.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) default: Option<String>,
    pub(crate) no_echo: bool,
    pub(crate) allowed_values: Vec<String>,
    allowed_pattern: Option<String>,
    length: (Option<usize>, Option<usize>),
    range: (Option<f64>, Option<f64>),
    constraint: Option<String>,
    at: Option<Mark>,
}

impl Declared {
    pub(super) fn of(name: &str, at: Mark, node: &Node) -> Self {
        let text = |member: &str| node.member(member).and_then(Node::text).map(str::to_owned);
        let number = |member: &str| text(member).and_then(|text| text.parse().ok());
        let count = |member: &str| text(member).and_then(|text| text.parse().ok());
        let allowed = node.member("AllowedValues").map(Node::items).unwrap_or_default();
        Self {
            name: name.to_owned(),
            kind: text("Type").unwrap_or_else(|| "String".to_owned()),
            default: text("Default"),
            no_echo: node.member("NoEcho").is_some_and(Node::is_true),
            allowed_values: allowed.iter().filter_map(Node::text).map(str::to_owned).collect(),
            allowed_pattern: text("AllowedPattern"),
            length: (count("MinLength"), count("MaxLength")),
            range: (number("MinValue"), number("MaxValue")),
            constraint: text("ConstraintDescription"),
            at: Some(at),
        }
    }

    /// As GetTemplateSummary tells it, for a template whose text is not at hand.
    pub(crate) fn told(
        name: &str,
        kind: &str,
        default: Option<String>,
        no_echo: bool,
        allowed: Vec<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            default,
            no_echo,
            allowed_values: allowed,
            ..Self::default()
        }
    }

    /// Where it is declared; none when the text is not at hand.
    pub(crate) fn place(&self, file: &str) -> Option<Location> {
        self.at.map(|at| at.location(file))
    }

    /// The value is the name of a parameter of Systems Manager, whose own value may change at any time.
    pub(crate) fn is_looked_up(&self) -> bool {
        self.kind.starts_with("AWS::SSM::Parameter::")
    }

    /// Why a value does not fit; never with the value of a parameter that is not to be shown.
    pub(crate) fn misfit(&self, value: &str) -> Option<String> {
        let shown = if self.no_echo { "the value".to_owned() } else { format!("`{value}`") };
        let why = self.misfit_in_words(value, &shown)?;
        let described = self.constraint.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
        Some(format!("{why}{described}"))
    }

    fn misfit_in_words(&self, value: &str, shown: &str) -> Option<String> {
        let several = self.kind == "CommaDelimitedList" || self.kind.starts_with("List<");
        let values: Vec<&str> = if several { value.split(',').map(str::trim).collect() } else { vec![value] };
        if self.kind.contains("Number") && values.iter().any(|value| value.parse::<f64>().is_err()) {
            return Some(format!("{shown} is no number"));
        }
        let is_allowed = |value: &&str| self.allowed_values.iter().any(|allowed| allowed == value);
        if !self.allowed_values.is_empty() && !values.iter().all(is_allowed) {
            return Some(format!(
                "{shown} is none of the allowed values: {}",
                self.allowed_values.join(", ")
            ));
        }
        if !several && let Some(why) = self.bounds(value, shown) {
            return Some(why);
        }
        // Only where the pattern means the same in both dialects of regular expressions is a "no" of ours one of AWS's.
        let pattern = self.allowed_pattern.as_ref().filter(|pattern| !pattern.contains(['(', '\\']))?;
        let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        let fits = values.iter().all(|value| whole.is_match(value));
        (!fits).then(|| format!("{shown} does not fit the pattern {pattern}"))
    }

    fn bounds(&self, value: &str, shown: &str) -> Option<String> {
        let characters = value.chars().count();
        if self.length.0.is_some_and(|least| characters < least) {
            return Some(format!("{shown} is shorter than {} characters", self.length.0.unwrap_or_default()));
        }
        if self.length.1.is_some_and(|most| characters > most) {
            return Some(format!("{shown} is longer than {} characters", self.length.1.unwrap_or_default()));
        }
        let number = value.parse::<f64>().ok().filter(|_| self.kind == "Number")?;
        if self.range.0.is_some_and(|least| number < least) {
            return Some(format!("{shown} is less than {}", self.range.0.unwrap_or_default()));
        }
        let too_much = self.range.1.is_some_and(|most| number > most);
        too_much.then(|| format!("{shown} is more than {}", self.range.1.unwrap_or_default()))
    }
}
