use proptest::prelude::*;
use serde_json::{Value, json};

use super::{parse, to_value};

fn value(text: &str) -> Value {
    to_value(&parse("t.yaml", text).unwrap())
}

fn problem(file: &str, text: &str) -> String {
    parse(file, text).unwrap_err().report()
}

#[test]
fn short_forms_mean_what_their_long_forms_say() {
    let short =
        "A: !Ref Topic\nB: !GetAtt Role.Arn\nC: !Sub '${X}-y'\nD: !If [Prod, 1, !Ref X]\nE: !Condition P\n";
    let long = json!({
        "A": { "Ref": "Topic" }, "B": { "Fn::GetAtt": ["Role", "Arn"] }, "C": { "Fn::Sub": "${X}-y" },
        "D": { "Fn::If": ["Prod", 1, { "Ref": "X" }] }, "E": { "Condition": "P" },
    });
    assert_eq!(value(short), long);
    assert_eq!(value(&long.to_string()), long, "JSON is read by the same parser");
}

#[test]
fn anchors_and_merges_are_written_out() {
    let text = "Base: &base {Type: T, Name: a}\nOne: *base\nTwo:\n  <<: *base\n  Name: b\n";
    let want = json!({ "Type": "T", "Name": "a" });
    assert_eq!(value(text)["One"], want);
    assert_eq!(value(text)["Two"], json!({ "Name": "b", "Type": "T" }));
}

#[test]
fn places_count_from_one() {
    let node = parse("t.yaml", "Resources:\n  Web:\n    Type: X\n").unwrap();
    let web = &node.member("Resources").unwrap().entries()[0];
    assert_eq!((web.at.line, web.at.column), (2, 3));
    let node = parse("t.json", "{\n\t\"Resources\": {\n\t\t\"Web\": {}}}").unwrap();
    let web = &node.member("Resources").unwrap().entries()[0];
    assert_eq!((web.at.line, web.at.column), (3, 3), "tabs count as one");
}

#[test]
fn broken_documents_say_where() {
    let comma = "t.json:3:1: trailing comma\nnext: a comma, a quote or a bracket is missing or too many at this place or \
                 before it";
    assert_eq!(problem("t.json", "{\n  \"a\": 1,\n}"), comma);
    assert!(
        problem("t.yaml", "a: 1\nb: [1\n").starts_with("t.yaml:"),
        "{}",
        problem("t.yaml", "a: 1\nb: [1\n")
    );
    let empty =
        "t.yaml:1:1: the file is empty\nnext: name the right file; a template has at least one resource";
    assert_eq!(problem("t.yaml", " \n"), empty);
    assert!(problem("t.yaml", "a: 1\na: 2\n").starts_with("t.yaml:2:1: `a` stands here for the second time"));
    assert!(problem("t.yaml", "a: 1\n---\nb: 2\n").contains("one file holds one document"));
}

#[test]
fn a_document_that_aliases_blow_up_is_refused_and_quickly() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
    }
    assert!(problem("t.yaml", &text).contains("too large"));
    assert!(problem("t.yaml", &"[".repeat(300)).starts_with("t.yaml:"));
}

proptest! {
    /// Whatever it is: a tree or a problem with a place, and never a panic.
    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in "[ -~\n\t\u{e4}]{0,200}") {
        if let Err(cause) = parse("t.yaml", &text) {
            prop_assert!(cause.at.is_some(), "{cause:?}");
        }
    }

    /// The same for texts made of the pieces of templates, which get further.
    #[test]
    fn pieces_of_templates_are_read_or_refused(pieces in proptest::collection::vec(0_usize..14, 0..40)) {
        const PIECES: [&str; 14] = ["Resources:", "\n", "  ", "- ", "!Ref ", "!Sub |\n", "{", "}", "[", "]", ": ", "&a ", "*a", "x"];
        let text: String = pieces.iter().map(|at| PIECES[*at]).collect();
        if let Err(cause) = parse("t.yaml", &text) {
            prop_assert!(cause.at.is_some(), "{cause:?}");
        }
    }

    /// JSON keeps its meaning on the way through the tree.
    #[test]
    fn json_means_the_same_as_a_tree(json in json()) {
        let node = parse("t.json", &json.to_string()).unwrap();
        prop_assert_eq!(to_value(&node), json);
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[ -~\u{e4}\u{1f600}\n\t\"\\\\]{0,12}".prop_map(Value::from),
    ];
    let nested = leaf.prop_recursive(4, 24, 5, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let map = proptest::collection::btree_map("[A-Za-z:.]{1,6}", inner, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![list, map]
    });
    proptest::collection::vec(nested, 0..3).prop_map(Value::from)
}
