//! A JSON value that forgets nothing: members in the order they were written, numbers as the text they were
//! written with, and for every node the place it was read from.
//!
//! `serde_json::Value` keeps the order but turns `1.10` into `1.1` and a 30-digit integer into a float. Its
//! `arbitrary_precision` feature would mend that, and would change every other program in the same build.

mod number;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub(super) use number::{canonical, is_whole};
pub(super) use parse::parse;

/// A value and the byte offset where it starts in the text; `None` for what landfall put in itself.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Json,
    pub(super) at: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The text of the number as it was written.
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: String,
    /// Where the key starts in the text.
    pub(super) key_at: Option<usize>,
    pub(super) value: Node,
}

impl Member {
    /// A member that landfall adds.
    pub(super) fn new(key: impl Into<String>, value: Node) -> Self {
        Self { key: key.into(), key_at: None, value }
    }
}

impl Node {
    /// A value that landfall adds.
    pub(super) fn new(value: Json) -> Self {
        Self { value, at: None }
    }

    pub(super) fn string(text: impl Into<String>) -> Self {
        Self::new(Json::String(text.into()))
    }

    /// What kind of value this is, with its article, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Json::Null)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a number.
    pub(super) fn as_number(&self) -> Option<&str> {
        match &self.value {
            Json::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array; nothing for every other value.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Json::Array(items) => items,
            _ => &[],
        }
    }

    pub(super) fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.value {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object; nothing for every other value.
    pub(super) fn members(&self) -> &[Member] {
        match &self.value {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn members_mut(&mut self) -> Option<&mut Vec<Member>> {
        match &mut self.value {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self.value, Json::Object(_))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self.value, Json::Array(_))
    }

    pub(super) fn member(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    pub(super) fn member_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.members_mut()?.iter_mut().find(|member| member.key == key).map(|member| &mut member.value)
    }

    /// The text of a string member.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.member(key).and_then(Node::as_str)
    }

    /// Replaces the member in its place, or adds it as the last one.
    pub(super) fn set(&mut self, key: &str, value: Node) {
        if let Some(old) = self.member_mut(key) {
            *old = value;
        } else if let Some(members) = self.members_mut() {
            members.push(Member::new(key, value));
        }
    }

    /// Takes the member out.
    pub(super) fn take(&mut self, key: &str) -> Option<Member> {
        let members = self.members_mut()?;
        let index = members.iter().position(|member| member.key == key)?;
        Some(members.remove(index))
    }
}
