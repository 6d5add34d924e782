//! Intrinsic functions, parameters and conditions.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// What names stand for.
pub(super) struct Scope<'a> {
    pub(super) template: &'a Value,
    pub(super) parameters: &'a BTreeMap<String, String>,
    /// Physical ids by logical id, as far as there are any.
    pub(super) physical: &'a BTreeMap<String, String>,
    /// Outputs of nested stacks: `STACK-ID.Outputs.NAME` and value.
    pub(super) nested: BTreeMap<String, String>,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) stack_name: &'a str,
    pub(super) stack_id: &'a str,
}

/// What AWS shows for a value that is known only once a resource is made.
pub(super) const LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

impl Scope<'_> {
    /// The value with every function carried out; none for `AWS::NoValue`.
    pub(super) fn evaluate(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.evaluate(item)).collect()),
            Value::Object(members) if members.len() == 1 => {
                let (name, argument) = members.iter().next()?;
                match name
                    .strip_prefix("Fn::")
                    .or((name == "Ref" || name == "Condition").then_some(name.as_str()))
                {
                    Some(function) => self.function(function, argument),
                    None => Some(self.members(members)),
                }
            }
            Value::Object(members) => Some(self.members(members)),
            other => Some(other.clone()),
        }
    }

    fn members(&self, members: &Map<String, Value>) -> Value {
        let each = members.iter().filter_map(|(name, value)| Some((name.clone(), self.evaluate(value)?)));
        Value::Object(each.collect())
    }

    fn text(&self, value: &Value) -> String {
        match self.evaluate(value) {
            Some(Value::String(text)) => text,
            Some(Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(","),
            Some(other) => plain(&other),
            None => String::new(),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Option<Value> {
        let at = |index: usize| argument.get(index).unwrap_or(&Value::Null);
        let list = |value: &Value| match self.evaluate(value) {
            Some(Value::Array(items)) => items,
            Some(Value::String(text)) => text.split(',').map(Value::from).collect(),
            _ => Vec::new(),
        };
        match name {
            "Ref" => self.reference(argument.as_str()?),
            "Condition" => Some(Value::Bool(self.condition(argument.as_str()?))),
            "GetAtt" => Some(Value::from(match argument {
                Value::Array(_) => self.attribute(at(0).as_str()?, &self.text(at(1))),
                other => other
                    .as_str()
                    .and_then(|text| text.split_once('.'))
                    .map_or(LATER.to_owned(), |(id, name)| self.attribute(id, name)),
            })),
            "Sub" => Some(Value::from(self.substitute(argument))),
            "Join" => {
                let items: Vec<String> = list(at(1)).iter().map(plain).collect();
                Some(Value::from(items.join(at(0).as_str().unwrap_or_default())))
            }
            "If" => self.evaluate(if self.condition(at(0).as_str()?) { at(1) } else { at(2) }),
            "Equals" => Some(Value::Bool(self.text(at(0)) == self.text(at(1)))),
            "And" => Some(Value::Bool(list(argument).iter().all(is_true))),
            "Or" => Some(Value::Bool(list(argument).iter().any(is_true))),
            "Not" => Some(Value::Bool(!list(argument).iter().any(is_true))),
            "FindInMap" => {
                let found = self.template.get("Mappings")?.get(self.text(at(0)))?.get(self.text(at(1)))?;
                found.get(self.text(at(2))).cloned()
            }
            "Select" => list(at(1)).get(self.text(at(0)).parse::<usize>().ok()?).cloned(),
            "Split" => Some(self.text(at(1)).split(at(0).as_str()?).map(Value::from).collect()),
            "GetAZs" => Some(
                ["a", "b", "c"].iter().map(|zone| Value::from(format!("{}{zone}", self.region))).collect(),
            ),
            "Cidr" => Some((0..6).map(|part| Value::from(format!("10.0.{part}.0/24"))).collect()),
            _ => Some(json!({ format!("Fn::{name}"): self.evaluate(argument).unwrap_or_default() })),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        let pseudo = match name {
            "AWS::NoValue" => return None,
            "AWS::Region" => self.region,
            "AWS::AccountId" => self.account,
            "AWS::StackName" => self.stack_name,
            "AWS::StackId" => self.stack_id,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            _ => {
                let found = self.parameters.get(name).or_else(|| self.physical.get(name));
                return Some(Value::from(found.map_or(LATER, String::as_str)));
            }
        };
        Some(Value::from(pseudo))
    }

    fn attribute(&self, resource: &str, attribute: &str) -> String {
        match (self.physical.get(resource), attribute) {
            (None, _) => LATER.to_owned(),
            // "Fn::GetAtt ... for AWS::CloudFormation::Stack: Outputs.NestedStackOutputName".
            (Some(id), name) if name.starts_with("Outputs.") && is_stack(id) => {
                self.nested.get(&format!("{id}.{name}")).map_or(LATER, String::as_str).to_owned()
            }
            (Some(id), "Arn") if id.starts_with("arn:") => id.clone(),
            (Some(id), "Arn") => format!("arn:aws:simulated:{}:{}:{id}", self.region, self.account),
            (Some(id), _) => format!("{id}.{attribute}"),
        }
    }

    fn substitute(&self, argument: &Value) -> String {
        let (text, own) = match argument {
            Value::Array(items) => (items.first().and_then(Value::as_str), items.get(1)),
            other => (other.as_str(), None),
        };
        let mut done = String::new();
        let mut rest = text.unwrap_or_default();
        while let Some(begin) = rest.find("${") {
            done.push_str(&rest[..begin]);
            let Some(end) = rest[begin..].find('}') else { break };
            let name = &rest[begin + 2..begin + end];
            rest = &rest[begin + end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                done.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                done.push_str(&self.text(value));
            } else if let Some((resource, attribute)) = name.split_once('.') {
                done.push_str(&self.attribute(resource, attribute));
            } else {
                done.push_str(&self.reference(name).as_ref().map(plain).unwrap_or_default());
            }
        }
        done.push_str(rest);
        done
    }

    /// A condition by name.
    pub(super) fn condition(&self, name: &str) -> bool {
        let found = self.template.get("Conditions").and_then(|conditions| conditions.get(name));
        found.and_then(|condition| self.evaluate(condition)).is_some_and(|value| is_true(&value))
    }
}

fn is_stack(id: &str) -> bool {
    id.starts_with("arn:aws:cloudformation:")
}

fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value.as_str() == Some("true")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The names that a part of a template refers to.
pub(super) fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("Ref", Value::String(name)) => {
                        found.insert(name.clone());
                    }
                    ("Fn::GetAtt", _) => {
                        let name = value
                            .get(0)
                            .and_then(Value::as_str)
                            .or_else(|| value.as_str()?.split('.').next());
                        found.extend(name.map(str::to_owned));
                    }
                    ("Fn::Sub", _) => {
                        let text = value.as_str().or_else(|| value.get(0)?.as_str()).unwrap_or_default();
                        let names = text.split("${").skip(1).filter_map(|part| part.split(['}', '.']).next());
                        found.extend(names.map(str::to_owned));
                    }
                    ("DependsOn", Value::String(name)) => {
                        found.insert(name.clone());
                    }
                    ("DependsOn", Value::Array(names)) => {
                        found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
                references(value, found);
            }
        }
        _ => {}
    }
}
