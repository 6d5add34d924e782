//! Reading strict JSON.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use landfall_core::Cause;

use super::{Json, Member, Node};
use crate::document::check::add;
use crate::document::path;
use crate::document::source::Source;

/// Reads the text of `source`.
///
/// serde_json judges first: it is strict, names line and column, and refuses more than 127 levels, so that no
/// later walk over the tree can overflow the stack. jsonc-parser, which keeps places and number text, then
/// reads what is known to be good.
///
/// # Errors
/// The one fault of syntax, or every key that is given twice.
pub(in crate::document) fn parse(source: &Source) -> Result<Node, Vec<Cause>> {
    let text = source.text();
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        return Err(vec![source.syntax(&error)]);
    }
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let tree = parse_to_ast(text, &CollectOptions::default(), &strict)
        .map_err(|error| vec![source.invalid("", error.to_string(), Some(error.range().start))])?;
    let Some(value) = tree.value else {
        return Err(vec![source.invalid("", "the file is empty", None)]);
    };
    let mut reader = Reader { source, twice: Vec::new() };
    let node = reader.node(value, "");
    if reader.twice.is_empty() { Ok(node) } else { Err(reader.twice) }
}

struct Reader<'a> {
    source: &'a Source,
    twice: Vec<Cause>,
}

impl Reader<'_> {
    fn node(&mut self, value: Value<'_>, path: &str) -> Node {
        let at = Some(value.range().start);
        let value = match value {
            Value::NullKeyword(_) => Json::Null,
            Value::BooleanLit(literal) => Json::Bool(literal.value),
            Value::NumberLit(literal) => Json::Number(literal.value.to_owned()),
            Value::StringLit(literal) => Json::String(literal.value.into_owned()),
            Value::Array(array) => Json::Array(
                array
                    .elements
                    .into_iter()
                    .enumerate()
                    .map(|(index, element)| self.node(element, &path::index(path, index)))
                    .collect(),
            ),
            Value::Object(object) => Json::Object(self.members(object, path)),
        };
        Node { value, at }
    }

    fn members(&mut self, object: Object<'_>, path: &str) -> Vec<Member> {
        let mut first_places: HashMap<String, usize> = HashMap::new();
        let mut members = Vec::with_capacity(object.properties.len());
        for property in object.properties {
            let key_at = property.name.range().start;
            let key = match property.name {
                ObjectPropName::String(literal) => literal.value.into_owned(),
                ObjectPropName::Word(literal) => literal.value.to_owned(),
            };
            let field = path::member(path, &key);
            if let Some(first) = first_places.get(&key) {
                let source = self.source;
                add(&mut self.twice, || {
                    let first = source.location(*first);
                    let message = format!("`{field}` is given twice; the first is at {first}");
                    source
                        .invalid(&field, message, Some(key_at))
                        .with_hint("keep one of the two: JSON readers disagree about which one counts")
                });
            } else {
                first_places.insert(key.clone(), key_at);
            }
            let value = self.node(property.value, &field);
            members.push(Member { key, key_at: Some(key_at), value });
        }
        members
    }
}
