//! Paths into an object: the part of kubectl's JSONPath that points at something
//! (<https://kubernetes.io/docs/reference/kubectl/jsonpath/>), which is RFC 9535 but for `\.` in names.
//!
//! `.status.phase`, `.metadata.annotations.example\.com/ready`, `['a.b']`, `[0]`, `[-1]`, `[*]`,
//! `[?(@.type=="Ready")]`. No recursion, slices, functions or comparisons of size: a rule says what has to be where.

use std::fmt;

use landfall_core::{Error, Result};
use serde_json::Value;

/// A path into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    /// From the end where it is negative.
    Index(i64),
    All,
    /// The members or items in which a path leads somewhere; and to this value, or not to it, where one is given.
    Filter {
        path: Vec<Step>,
        compared: Option<(bool, Value)>,
    },
}

impl Path {
    /// Reads a path; `$` and the first dot may be left out.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`], with what is wrong and where.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        let mut reader = Reader { rest: trimmed.strip_prefix('$').unwrap_or(trimmed) };
        match reader.path() {
            Ok(steps) if steps.is_empty() => Err(wrong(text, "it leads nowhere", "")),
            Ok(_) if !reader.rest.is_empty() => Err(wrong(text, "there is no step", reader.rest)),
            Ok(steps) => Ok(Self { steps, text: trimmed.to_owned() }),
            Err(problem) => Err(wrong(text, problem, reader.rest)),
        }
    }

    /// The path of these names.
    pub(super) fn of_names(names: &[&str]) -> Self {
        let steps = names.iter().map(|name| Step::Name((*name).to_owned())).collect();
        Self { steps, text: format!(".{}", names.join(".")) }
    }

    /// Everything that the path leads to.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        follow(&self.steps, value)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn wrong(text: &str, problem: &str, rest: &str) -> Error {
    let place = if rest.is_empty() { "its end".to_owned() } else { format!("`{}`", rest.escape_debug()) };
    Error::invalid(format!("the path `{}` cannot be read: {problem} at {place}", text.escape_debug())).with_hint(
        "write steps such as .status.phase, [0], [*], ['a.b'] or [?(@.type==\"Ready\")]; a dot within a name is \\.",
    )
}

fn follow<'a>(steps: &[Step], value: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in steps {
        found = found.into_iter().flat_map(|value| step.lead(value)).collect();
    }
    found
}

impl Step {
    fn lead<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Name(name) => value.get(name.as_str()).into_iter().collect(),
            Self::Index(index) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let index =
                    if *index < 0 { index.saturating_add_unsigned(items.len() as u64) } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
            }
            Self::All => within(value),
            Self::Filter { path, compared } => {
                let is_meant = |one: &&'a Value| {
                    let found = follow(path, one);
                    match compared {
                        None => !found.is_empty(),
                        Some((equal, wanted)) => found.contains(&wanted) == *equal,
                    }
                };
                within(value).into_iter().filter(is_meant).collect()
            }
        }
    }
}

fn within(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

/// Reads steps from the start of a text; what is left stays in `rest`.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Steps, as far as there are any.
    fn path(&mut self) -> Result<Vec<Step>, &'static str> {
        let mut steps = Vec::new();
        if !self.rest.is_empty() && !self.rest.starts_with(['.', '[', ')', '=', '!']) {
            steps.push(Step::Name(self.name()?));
        }
        loop {
            if self.take(".") {
                let all = self.take("*");
                steps.push(if all { Step::All } else { Step::Name(self.name()?) });
            } else if self.take("[") {
                steps.push(self.bracket()?);
                if !self.take("]") {
                    return Err("a bracket is not closed");
                }
            } else {
                return Ok(steps);
            }
        }
    }

    fn take(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A name up to the next step or comparison; a backslash takes the character behind it as it is.
    fn name(&mut self) -> Result<String, &'static str> {
        let mut name = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' | ']' | ')' | '=' | '!' | ' ' => {
                    end = at;
                    break;
                }
                letter => name.push(letter),
            }
        }
        if name.is_empty() {
            return Err("a name is missing");
        }
        self.rest = &self.rest[end..];
        Ok(name)
    }

    /// What stands in brackets.
    fn bracket(&mut self) -> Result<Step, &'static str> {
        if self.take("*") {
            return Ok(Step::All);
        }
        if self.take("?") {
            return self.filter();
        }
        if self.rest.starts_with(['\'', '"']) {
            return self.quoted().map(Step::Name);
        }
        let end = self.rest.find(']').ok_or("a bracket is not closed")?;
        let index = self.rest[..end].trim().parse().map_err(|_| "there is no index")?;
        self.rest = &self.rest[end..];
        Ok(Step::Index(index))
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        let mark = self.rest.chars().next().ok_or("a text is missing")?;
        let inner = &self.rest[mark.len_utf8()..];
        let end = inner.find(mark).ok_or("a quotation mark is not closed")?;
        self.rest = &inner[end + mark.len_utf8()..];
        Ok(inner[..end].to_owned())
    }

    /// `(@.type=="Ready")`, also without the outer brackets, as RFC 9535 has it.
    fn filter(&mut self) -> Result<Step, &'static str> {
        let bracketed = self.take("(");
        self.spaces();
        if !self.take("@") {
            return Err("a filter begins with @");
        }
        let path = self.path()?;
        self.spaces();
        let compared = if self.take("==") {
            Some((true, self.literal()?))
        } else if self.take("!=") {
            Some((false, self.literal()?))
        } else {
            None
        };
        self.spaces();
        if bracketed && !self.take(")") {
            return Err("a filter compares with == or != and ends with )");
        }
        Ok(Step::Filter { path, compared })
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn literal(&mut self) -> Result<Value, &'static str> {
        self.spaces();
        if self.rest.starts_with(['\'', '"']) {
            return self.quoted().map(Value::String);
        }
        let end = self.rest.find([')', ']', ' ']).unwrap_or(self.rest.len());
        let literal = self.rest[..end].parse().map_err(|_| "there is no text, number, true or false")?;
        self.rest = &self.rest[end..];
        Ok(literal)
    }
}
