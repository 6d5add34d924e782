use proptest::prelude::*;

use super::{Entry, Mark, Node, Value, parse};

/// The documents as JSON, one a line.
fn json(text: &str) -> String {
    let documents = parse(text).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"));
    documents.iter().map(|document| document.root.to_string()).collect::<Vec<_>>().join("\n")
}

/// The problems, `DOCUMENT LINE:COLUMN MESSAGE` each.
fn problems(text: &str) -> String {
    let Err(problems) = parse(text) else { panic!("{text:?} is fine") };
    let told = problems.iter().map(|(document, problem)| {
        format!("{document} {}:{} {}", problem.at.line, problem.at.column, problem.message)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn numbers_keep_their_digits_strings_their_text_and_members_their_order() {
    let yaml = "z: 1.10\na: 1e3\nbig: 123456789012345678901234567890\nmode: 0644\nquoted: \"no\"\nplain: no\nsha: '12e4'\n";
    let expected = r#"{"z":1.10,"a":1e3,"big":123456789012345678901234567890,"mode":420,"quoted":"no","plain":false,"sha":"12e4"}"#;
    assert_eq!(json(yaml), expected);
    let text = r#"{"z":1.10,"a":1E+3,"big":123456789012345678901234567890,"zero":-0.0,"s":"é\n/🚀\u0001\"\\","":[]}"#;
    assert_eq!(json(text), text);
}

#[test]
fn every_way_to_write_a_string_keeps_it() {
    let yaml = "literal: |\n  a: b\n   c\n\n  # no comment\nstripped: |-\n  x\nkept: |+\n  x\n\nfolded: >\n  a\n  b\n\n  c\nescaped: \"\\t\\u00e9\\x41\\\"\"\nsingle: 'it''s'\nplain: a b # comment\nurl: http://x:80/#y\n";
    let expected = r#"{"literal":"a: b\n c\n\n# no comment\n","stripped":"x","kept":"x\n\n","folded":"a b\nc\n","escaped":"\té"#.to_owned()
        + r#"A\"","single":"it's","plain":"a b","url":"http://x:80/#y"}"#;
    assert_eq!(json(yaml), expected);
}

#[test]
fn tags_say_what_a_scalar_is() {
    assert_eq!(
        json("a: !!str 123\nb: !!int '5'\nc: ! no\nd: !!float 1\ne: !<tag:yaml.org,2002:str> 1\nf: !!str\n"),
        r#"{"a":"123","b":5,"c":"no","d":1,"e":"1","f":""}"#
    );
    for (text, expected) in [
        ("a: !!int x", "1 1:4 the tag `!!int` does not fit what follows it"),
        ("a: !!binary aGk=", "1 1:4 the tag `!!binary` has no meaning in a manifest"),
        ("a: !Ref x", "1 1:4 the tag `!Ref` has no meaning in a manifest"),
        ("a: !!set {x}", "the tag `!!set` has no meaning in a manifest"),
    ] {
        assert!(problems(text).contains(expected), "{}", problems(text));
    }
}

#[test]
fn anchors_and_merge_keys_are_written_out_and_the_nearest_member_counts() {
    let yaml = "a: &a {x: 1, v: &v [1]}\nb: *a\nc:\n  <<: *a\n  x: 2\nd: {<<: [{x: 3}, *a], z: *v}\ne: {'<<': 1}\n&k key: *k\n";
    let expected = r#"{"a":{"x":1,"v":[1]},"b":{"x":1,"v":[1]},"c":{"x":2,"v":[1]},"d":{"z":[1],"x":3,"v":[1]},"e":{"<<":1},"key":"key"}"#;
    assert_eq!(json(yaml), expected);
    assert!(problems("a: {<<: 1}").contains("`<<` takes in maps, and this is none"));
    assert!(problems("a: 1\n---\nb: *a\n").starts_with("2 3:4 "), "{}", problems("a: 1\n---\nb: *a\n"));
    assert!(problems("a: &a [*a]").contains("this alias stands inside of what it names"));
}

#[test]
fn names_that_stand_twice_are_refused_with_their_place() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "1 3:1 `a` stands here for the second time"),
        ("x:\n  \"a\": 1\n  a: 3\n", "1 3:3 `a` stands here for the second time"),
        ("1: a\n'1': b\n", "1 2:1 `1` stands here for the second time"),
        ("x: {<<: {a: 1}, <<: {b: 1}}\n", "1 1:17 `<<` stands here for the second time"),
        ("{\"a\": 1,\n \"\\u0061\": 2}", "1 2:2 `a` stands here for the second time; the first is in line 1"),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
}

#[test]
fn keys_that_would_reach_kubernetes_changed_are_refused() {
    assert_eq!(json("8080: a\ntrue: b\n-1: c\n'on': d\n"), r#"{"8080":"a","true":"b","-1":"c","on":"d"}"#);
    for (text, kind) in
        [("on: 1", "a boolean"), ("0644: 1", "a number"), ("~: 1", "null"), ("1.10: x", "a number")]
    {
        let key = text.split(':').next().unwrap();
        let expected = format!("1 1:1 the key `{key}` is {kind} in YAML, and would reach Kubernetes changed");
        assert_eq!(problems(text), expected);
    }
    assert!(problems("? [a]\n: b\n").contains("a key is expected here, and not a list or a map"));
}

#[test]
fn documents_are_numbered_without_the_empty_ones_and_each_problem_is_told() {
    let text =
        "# licence\n---\n---\na: 1\n---\nb: [\n---\n# nothing\n---\nc: 1\nc: 2\n--- {d: 1}\n...\ne: 1\n";
    let told = problems(text);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("2 "), "{told}");
    assert_eq!(lines[1], "3 11:1 `c` stands here for the second time");
    let good = text.replace("b: [", "b: []").replace("c: 2", "d: 2");
    let documents = parse(&good).unwrap();
    let found: Vec<(usize, String)> =
        documents.iter().map(|one| (one.number, one.root.to_string())).collect();
    let expected = [
        (1, r#"{"a":1}"#),
        (2, r#"{"b":[]}"#),
        (3, r#"{"c":1,"d":2}"#),
        (4, r#"{"d":1}"#),
        (5, r#"{"e":1}"#),
    ];
    assert_eq!(found, expected.map(|(number, text)| (number, text.to_owned())));
}

#[test]
fn documents_of_json_follow_each_other_with_or_without_markers() {
    for text in [
        "{\"a\": 1}{\"b\": 2}",
        "{\"a\": 1}\n{\"b\": 2}\n",
        "\u{feff}{\"a\": 1}\n---\n{\"b\": 2}",
        "---\n{\"a\":\t1}\n---\nb: 2\n",
    ] {
        assert_eq!(json(text), "{\"a\":1}\n{\"b\":2}", "{text}");
    }
    assert_eq!(json("{a: 1, b: [x]}"), r#"{"a":1,"b":["x"]}"#, "a map of YAML in braces");
    assert_eq!(json(r#"{"a": "\ud83d\ude80\/"}"#), "{\"a\":\"🚀/\"}");
    assert_eq!(problems("{\"a\": 1}\n{\"é\": 1,}"), "2 2:9 trailing comma");
    assert_eq!(problems("x: 1\n--- {\"a\": 1,}"), "2 2:13 trailing comma");
    assert_eq!(problems("{\"a\": 1, \"a\": 2}\n{\"b\": 1, \"b\": 2}").lines().count(), 2);
}

#[test]
fn texts_without_content_hold_no_documents() {
    for text in
        ["", "\n", "---", "---\n---\n# x\n", "...", "...\n...\n", "null", "~\n---\nnull\n", "\u{feff}"]
    {
        assert_eq!(json(text), "", "{text:?}");
    }
}

#[test]
fn places_are_those_of_the_file() {
    let documents = parse("a: 1\r\n---\r\nb:\r\n  é: [x, {k: v}]\r\n").unwrap();
    let list = documents[1].root.find(&["b", "é"]).unwrap();
    assert_eq!((list.at, list.items()[1].at), (Mark::new(4, 6), Mark::new(4, 10)));
    assert_eq!(list.items()[1].member("k").unwrap().at, Mark::new(4, 14));
}

#[test]
fn a_template_of_helm_is_recognised() {
    for text in [
        "{{- if .Values.x }}\na: 1\n{{- end }}\n",
        "a: {{ .Values.name }}\n",
        "a:\n  {{ include \"x\" . | nindent 4 }}\n",
    ] {
        let Err(problems) = parse(text) else { panic!("{text:?} is fine") };
        assert!(problems[0].1.hint.unwrap().contains("`helm template`"), "{text}: {problems:?}");
    }
}

#[test]
fn what_would_take_all_memory_or_stack_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
    }
    assert!(problems(&text).contains("too large once its aliases are written out"));
    let maps = "m0: &m0 {k: x}\n".to_owned()
        + &(1..40).map(|n| format!("m{n}: &m{n} {{a{n}: *m{0}, b{n}: *m{0}}}\n", n - 1)).collect::<String>();
    assert!(problems(&maps).contains("too large"), "{}", problems(&maps));
    assert!(problems(&"[".repeat(10_000)).starts_with("1 "));
    assert!(problems(&"- ".repeat(10_000)).starts_with("1 "));
    assert!(problems(&"{a: ".repeat(10_000)).starts_with("1 "));
    assert!(problems(&"{\"a\":".repeat(10_000)).contains("recursion limit exceeded"));
}

#[test]
fn what_is_missing_at_the_end_is_told_at_the_end_of_the_text() {
    for text in ["- {<<", "- {<<: ", "{a: [", "a: {b"] {
        let problems = parse(text).unwrap_err();
        assert!(problems.iter().all(|(_, problem)| problem.at.line == 1), "{text:?}: {problems:?}");
    }
}

proptest! {
    /// Whatever it is: documents or problems with a place in the text, and never a panic.
    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in "[ -~\n\t\u{e4}\r]{0,200}") {
        held(&text)?;
    }

    /// The same for texts made of the pieces of manifests, which get further.
    #[test]
    fn pieces_of_manifests_are_read_or_refused(pieces in proptest::collection::vec(0_usize..20, 0..60)) {
        const PIECES: [&str; 20] = [
            "kind: X", "\n", "  ", "- ", "---\n", "...\n", "|\n", "{", "}", "[", "]", ": ", "&a ", "*a", "x", "<<", "\"k\"",
            "%YAML 1.2\n", "!!str ", "0644",
        ];
        held(&pieces.iter().map(|at| PIECES[*at]).collect::<String>())?;
    }

    /// What is written as JSON is read as the same, as JSON and as YAML.
    #[test]
    fn json_is_read_as_it_was_written(node in node()) {
        let printed = Node::new(Mark::default(), Value::List(vec![node])).to_string();
        prop_assert_eq!(&json(&printed), &printed);
        // A comment makes YAML of it.
        prop_assert_eq!(json(&format!("# yaml\n{printed}\n")), printed);
    }

    /// What is written as YAML in blocks is read as the same, whatever its strings look like.
    #[test]
    fn yaml_is_read_as_it_was_written(nodes in proptest::collection::vec(node(), 1..4)) {
        let text: String = nodes.iter().map(|node| format!("---\n- {}", blocks(node, 2))).collect();
        let expected: Vec<String> = nodes.iter().map(|node| format!("[{node}]")).collect();
        prop_assert_eq!(json(&text), expected.join("\n"));
    }

    /// A string without quotes is a string only if kubectl takes it for the very same string.
    #[test]
    fn a_plain_scalar_that_is_text_is_the_text_that_stands_there(text in "[A-Za-z0-9._+-]{1,12}") {
        let read = parse(&format!("- {text}\n"));
        if let Ok(documents) = read
            && let Some(node) = documents.first().and_then(|document| document.root.items().first())
        {
            match &node.value {
                Value::Text(read) => prop_assert_eq!(read, &text),
                Value::Number(number) => prop_assert!(serde_json::from_str::<serde_json::Number>(number).is_ok(), "{}", number),
                _ => prop_assert_eq!(node.as_written().unwrap_or_else(|| text.clone()), text),
            }
        }
    }
}

fn held(text: &str) -> Result<(), TestCaseError> {
    let lines = text.split(['\n', '\r']).count() as u32;
    match parse(text) {
        Ok(documents) => {
            for document in documents {
                let printed = document.root.to_string();
                prop_assert!(serde_json::from_str::<serde_json::Value>(&printed).is_ok(), "{}", printed);
                if matches!(document.root.value, Value::List(_) | Value::Map(_)) {
                    prop_assert_eq!(json(&printed), printed);
                }
            }
        }
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            for (document, problem) in problems {
                prop_assert!(
                    document >= 1 && problem.at.line >= 1 && problem.at.column >= 1,
                    "{:?}",
                    problem
                );
                prop_assert!(problem.at.line <= lines, "{:?} in {} lines", problem, lines);
            }
        }
    }
    Ok(())
}

/// Blocks of YAML, whose first line stands behind an indicator at this depth.
fn blocks(node: &Node, depth: usize) -> String {
    let indent = " ".repeat(depth);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match &node.value {
        Value::List(items) if !items.is_empty() => {
            let lines = items.iter().map(|item| format!("- {}", blocks(item, depth + 2)));
            lines.collect::<Vec<_>>().join(&indent)
        }
        Value::Map(entries) if !entries.is_empty() => {
            let lines = entries.iter().map(|Entry { key, value, .. }| {
                let inside = matches!(&value.value, Value::List(items) if !items.is_empty())
                    || matches!(&value.value, Value::Map(entries) if !entries.is_empty());
                let gap = if inside { format!("\n{indent}  ") } else { " ".to_owned() };
                format!("{}:{gap}{}", quoted(key), blocks(value, depth + 2))
            });
            lines.collect::<Vec<_>>().join(&indent)
        }
        Value::Text(text) if text.ends_with('\n') && is_block(text) => {
            let lines = text.lines().map(|line| format!("{indent}{line}\n"));
            format!("|\n{}", lines.collect::<String>())
        }
        _ => format!("{node}\n"),
    }
}

/// Text that a literal block of YAML holds as it is.
fn is_block(text: &str) -> bool {
    let plain = |c: char| c == '\n' || (' '..='~').contains(&c) || ('\u{a1}'..='\u{ff}').contains(&c);
    text.chars().all(plain)
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && !text.contains("\n\n")
}

fn node() -> impl Strategy<Value = Node> {
    let of = |value: Value| Node::new(Mark::default(), value);
    let text = prop_oneof![
        "[ -~\u{e4}\u{1f600}\n\t\"\\\\]{0,12}",
        "[a-z#:-]{1,6} [a-z ]{1,4}\n",
        Just("no".to_owned()),
        Just("0644".to_owned()),
        Just("1e3".to_owned()),
        Just("~".to_owned()),
    ];
    let number =
        prop_oneof!["-?[1-9][0-9]{0,30}", "[0-9]\\.[0-9]{1,20}", "[1-9]e[+-]?[0-9]", Just("-0.0".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        text.prop_map(Value::Text),
    ];
    leaf.prop_map(of).prop_recursive(4, 24, 5, move |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List);
        let keys = prop_oneof![
            "[A-Za-z:. -]{1,6}",
            Just("no".to_owned()),
            Just("<<".to_owned()),
            Just("1".to_owned())
        ];
        let map = proptest::collection::btree_map(keys, inner, 0..4).prop_map(|members| {
            let entry = |(key, value)| Entry { key, value };
            Value::Map(members.into_iter().map(entry).collect())
        });
        prop_oneof![list, map].prop_map(of)
    })
}
