use super::{Node, canonical, is_whole, parse};
use crate::document::source::Source;

fn read(text: &str) -> Node {
    parse(&Source::new("x.json", text)).unwrap()
}

fn fault(text: &str) -> String {
    let causes = parse(&Source::new("x.json", text)).unwrap_err();
    causes.iter().map(landfall_core::Cause::report).collect::<Vec<_>>().join(" / ")
}

#[test]
fn numbers_keep_their_text_and_members_their_order() {
    let text = r#"{"z":1.10,"a":1e3,"m":-0.0,"b":123456789012345678901234567890,"c":[1E+2,1.0]}"#;
    assert_eq!(read(text).to_string(), text);
}

#[test]
fn strings_keep_their_value() {
    let node = read(r#"{"a":"\u00e9\n\/\ud83d\ude80\u0001\"\\","é":""}"#);
    assert_eq!(node.text("a"), Some("é\n/🚀\u{1}\"\\"));
    assert_eq!(node.to_string(), r#"{"a":"é\n/🚀\u0001\"\\","é":""}"#);
}

#[test]
fn every_node_knows_its_place() {
    let text = "\u{feff}{\n  \"é\": [1, {\"b\": null}]\n}";
    let source = Source::new("x.json", text);
    let root = parse(&source).unwrap();
    let inner = &root.members()[0].value.items()[1].members()[0];
    let key = source.location(inner.key_at.unwrap());
    let value = source.location(inner.value.at.unwrap());
    assert_eq!((key.line, key.column, value.column), (2, 13, 18));
}

#[test]
fn a_fault_of_syntax_is_named_with_its_place() {
    for (text, expected) in [
        ("", "x.json:1:1: the file is empty"),
        ("{\"a\": 1,}", "x.json:1:9: trailing comma"),
        ("{\"a\": 1} x", "x.json:1:10: trailing characters"),
        ("{\"é\": 01}", "x.json:1:8: invalid number"),
        ("{\n  'a': 1}", "x.json:2:3: key must be a string"),
        ("{\"a\": \"\\ud800\"}", "x.json:1:14: unexpected end of hex escape"),
        ("{\"a\": \"b\n\"}", "x.json:2:1: control character"),
        ("{\"a\": NaN}", "x.json:1:7: expected value"),
        ("{\"a\": \n", "x.json:"),
    ] {
        assert!(fault(text).starts_with(expected), "{text:?}: {}", fault(text));
    }
}

#[test]
fn a_key_that_is_given_twice_is_named_with_both_places_even_when_escaped() {
    let message = fault("{\"a\": {\"bc\": 1,\n \"b\\u0063\": 2}}");
    assert!(message.contains("x.json:2:2: `a.bc` is given twice; the first is at x.json:1:8"), "{message}");
}

#[test]
fn ten_thousand_brackets_are_refused_without_overflowing_the_stack() {
    for bracket in ["[", "{\"a\":"] {
        assert!(fault(&bracket.repeat(10_000)).contains("recursion limit exceeded"));
    }
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    assert_eq!(read(&deep).to_string(), deep);
    let deep = format!("{}1{}", "{\"a\":".repeat(127), "}".repeat(127));
    assert_eq!(read(&deep).to_string(), deep);
}

#[test]
fn numbers_are_compared_by_value() {
    for (one, other) in [("1000", "1e3"), ("1.10", "1.1"), ("0", "-0.0"), ("120", "1.2E+2"), ("0.5", "5e-1")]
    {
        assert_eq!(canonical(one), canonical(other), "{one} {other}");
    }
    for (one, other) in [
        ("1", "-1"),
        ("10", "1"),
        ("123456789012345678901234567890", "123456789012345678901234567891"),
        ("1e99999999999999999999", "1e99999999999999999998"),
    ] {
        assert_ne!(canonical(one), canonical(other), "{one} {other}");
    }
    assert!(is_whole("256") && is_whole("2.560e2") && is_whole("0.0"));
    assert!(!is_whole("256.5") && !is_whole("1e-1"));
}
