//! Task definitions that ECS described go back to ECS with nothing lost: members that no SDK knows, the order of
//! members, the text of numbers.
//!
//! The comparison does not use landfall's reader. It flattens the texts with a scanner of its own into one line
//! for each value, and says in terms of lines what may be different.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the report")]

use std::fs;
use std::path::Path;

use landfall_ecs::document::Document;
use proptest::prelude::*;

const IMAGE: &str = "registry.example.com/edited:2";

const DROPPED: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// A value's path, each step as it stands in the text after decoding, and its token: a number as it was written,
/// a string decoded, `{` or `[` where an object or array begins.
type Line = (Vec<String>, String);

/// All values of a JSON text in their order.
fn lines(text: &str) -> Vec<Line> {
    let mut scanner = Scanner { text, at: 0, lines: Vec::new() };
    scanner.value(&mut Vec::new());
    scanner.white_space();
    assert_eq!(scanner.at, text.len(), "all of the text is read");
    scanner.lines
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    lines: Vec<Line>,
}

impl Scanner<'_> {
    fn white_space(&mut self) {
        self.at = self.text.len()
            - self.text[self.at..].trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).len();
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.white_space();
        let found = self.text[self.at..].starts_with(mark);
        self.at += if found { mark.len() } else { 0 };
        found
    }

    fn string(&mut self) -> String {
        self.white_space();
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while bytes[self.at] != b'"' {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(&self.text[start..self.at]).unwrap()
    }

    fn value(&mut self, path: &mut Vec<String>) {
        self.white_space();
        if self.takes("{") {
            self.lines.push((path.clone(), "{".into()));
            self.entries(path, "}", |scanner, _| {
                let key = scanner.string();
                assert!(scanner.takes(":"));
                key
            });
        } else if self.takes("[") {
            self.lines.push((path.clone(), "[".into()));
            self.entries(path, "]", |_, index| index.to_string());
        } else if self.text[self.at..].starts_with('"') {
            let text = self.string();
            self.lines.push((path.clone(), format!("\"{text}")));
        } else {
            let rest = &self.text[self.at..];
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
            self.lines.push((path.clone(), rest[..end].into()));
            self.at += end;
        }
    }

    fn entries(&mut self, path: &mut Vec<String>, close: &str, step: impl Fn(&mut Self, usize) -> String) {
        let mut index = 0;
        while !self.takes(close) {
            assert!(index == 0 || self.takes(","));
            let step = step(self, index);
            path.push(step);
            self.value(path);
            path.pop();
            index += 1;
        }
    }
}

/// Leaves out members that are `null`; elements of lists stay. An element's step is a number.
fn without_null_members(lines: &[Line]) -> Vec<Line> {
    let is_list = |path: &[String]| lines.iter().any(|(other, token)| other == path && token == "[");
    let kept =
        |(path, token): &Line| token != "null" || path.split_last().is_some_and(|(_, list)| is_list(list));
    lines.iter().filter(|line| kept(line)).cloned().collect()
}

/// What of a described task definition has to be sent when one container gets another image.
fn expected(described: &str, container: usize) -> Vec<Line> {
    let mut definition: Vec<Line> = without_null_members(&lines(described))
        .into_iter()
        .filter(|(path, _)| path.first().is_some_and(|first| first == "taskDefinition"))
        .map(|(path, token)| (path[1..].to_vec(), token))
        .filter(|(path, _)| path.first().is_none_or(|first| !DROPPED.contains(&first.as_str())))
        .collect();
    let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<String>>();
    let index = container.to_string();
    let container = path(&["containerDefinitions", &index]);
    let image = path(&["containerDefinitions", &index, "image"]);
    let edited = (image.clone(), format!("\"{IMAGE}"));
    match definition.iter().position(|(path, _)| *path == image) {
        Some(at) => definition[at] = edited,
        None => {
            let last = definition.iter().rposition(|(path, _)| path.starts_with(&container)).unwrap();
            definition.insert(last + 1, edited);
        }
    }
    definition
}

/// The tags of an answer that can be sent back.
fn expected_tags(described: &str) -> Vec<serde_json::Value> {
    let answer: serde_json::Value = serde_json::from_str(described.trim_start_matches('\u{feff}')).unwrap();
    let tags = answer["tags"].as_array().cloned().unwrap_or_default();
    let reserved = |tag: &serde_json::Value| tag["key"].as_str().unwrap().to_lowercase().starts_with("aws:");
    tags.into_iter().filter(|tag| !reserved(tag)).collect()
}

/// Edits the image of a container and compares what would be sent with what was described.
fn assert_kept(name: &str, described: &str, mut document: Document, container: usize) {
    let names: Vec<String> = document.containers().into_iter().map(str::to_owned).collect();
    document.set_image(&names[container], IMAGE).unwrap();
    let body = document.to_body();
    let (tags, definition): (Vec<Line>, Vec<Line>) =
        lines(&body).into_iter().partition(|(path, _)| path.first().is_some_and(|first| first == "tags"));
    assert_eq!(definition, expected(described, container), "{name}");
    let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected_tags = expected_tags(described);
    assert_eq!(tags.is_empty(), expected_tags.is_empty(), "{name}");
    if !tags.is_empty() {
        assert_eq!(sent["tags"], serde_json::Value::from(expected_tags), "{name}");
    }
    let again = Document::parse("body", &body).unwrap();
    assert_eq!(again.to_body(), body, "{name}: a second round changes nothing");
    assert_eq!(again.digest(), document.digest(), "{name}");
}

#[test]
fn twenty_described_task_definitions_are_sent_back_with_nothing_lost_but_the_edit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let mut kept = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let described = fs::read_to_string(&path).unwrap();
        let parsed = Document::parse(&name, &described).unwrap_or_else(|error| panic!("{}", error.report()));
        for container in 0..parsed.containers().len() {
            assert_kept(&name, &described, parsed.clone(), container);
            let answered = Document::from_answer(described.as_bytes()).unwrap();
            assert_kept(&name, &described, answered, container);
        }
        kept += 1;
    }
    assert_eq!(kept, 20);
}

/// Any number that JSON can write, without those that no float can hold: serde_json refuses them.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
}

/// JSON text with odd white space, escapes and empty things; keys of one object differ.
fn json() -> impl Strategy<Value = String> {
    let string = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap());
    let escaped = any::<char>().prop_map(|c| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        format!("\"{}\"", units.map(|unit| format!("\\u{unit:04X}")).collect::<String>())
    });
    let leaf = prop_oneof![
        number(),
        string,
        escaped,
        prop::sample::select(vec!["true", "false", "null", "\"\"", "[]", "{ }"]).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let list =
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(" ,")));
        let object = prop::collection::vec(("[a-zé\u{1F680}\\. ]{0,6}", inner), 0..6).prop_map(|members| {
            let members = members
                .iter()
                .enumerate()
                .map(|(index, (key, value))| format!("\"{key}{index}\"\n: {value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        prop_oneof![list, object]
    })
}

fn quiet(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(quiet(512))]

    #[test]
    fn whatever_a_document_holds_is_sent_in_its_order_and_spelling(outer in json(), inner in json(), tail in json()) {
        let text = format!(
            "{{ \"futureA\": {outer}, \"family\": \"web\", \"containerDefinitions\":\t[{{\"futureB\": {inner}, \"name\": \"web\"}}], \"futureC\": {tail} }}"
        );
        let document = Document::parse("td.json", &text).unwrap();
        prop_assert_eq!(lines(&document.to_body()), without_null_members(&lines(&text)));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = Document::parse("td.json", &text);
        let _ = Document::from_answer(text.as_bytes());
    }

    #[test]
    fn no_soup_of_json_tokens_makes_the_reader_panic(
        tokens in prop::collection::vec(
            prop_oneof![
                Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just(":"), Just("\""), Just("\\u"), Just("\\ud83d"),
                Just("null"), Just("1e"), Just("-"), Just("\"family\""), Just("\"containerDefinitions\""), Just("\"name\""),
                Just("\"tags\""), Just("\"taskDefinition\""), Just("é"), Just("\n"), Just("//")
            ],
            0..40,
        )
    ) {
        let text = tokens.concat();
        let _ = Document::parse("td.json", &text);
        let _ = Document::from_answer(text.as_bytes());
    }

    #[test]
    fn no_damage_to_a_good_document_makes_the_reader_panic(at in any::<prop::sample::Index>(), length in 0..9_usize, put in ".{0,4}") {
        let good = "{\"taskDefinition\":{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"web\",\"image\":\"web:1\",\"future\":[1.10,\"é\"],\
                    \"portMappings\":[{\"containerPort\":80}],\"logConfiguration\":{\"logDriver\":\"x\",\"options\":{}}}]},\"tags\":[{\"key\":\"a\"}]}";
        let mut letters: Vec<char> = good.chars().collect();
        let start = at.index(letters.len());
        letters.splice(start..(start + length).min(good.chars().count()), put.chars());
        let damaged: String = letters.into_iter().collect();
        let other = Document::parse("td.json", good).unwrap();
        for document in [Document::parse("td.json", &damaged), Document::from_answer(damaged.as_bytes())].into_iter().flatten() {
            let _ = (document.finish(), document.ports("web"), document.log_configuration("web"), document.digest());
            let _ = landfall_ecs::document::diff(&document, &other);
            let _ = landfall_ecs::document::echo_check(&other, &document);
        }
    }
}
