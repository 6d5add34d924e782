use crate::document::Document;

/// Text, field, line and column, and a part of the message or hint.
type Bad = (&'static str, &'static str, (u32, u32), &'static str);

const SYNTAX_AND_KIND: [Bad; 16] = [
    ("", "", (1, 1), "the file is empty"),
    (" \n", "", (1, 1), "the file is empty"),
    ("{\n  \"family\": \"web\",\n}", "", (3, 1), "trailing comma"),
    ("{\n  // the family\n  \"family\": \"web\"}", "", (2, 3), "comments are no part of JSON"),
    ("{\"family\": \"web\"", "", (1, 16), "EOF while parsing an object"),
    ("family: web\ncontainerDefinitions:\n  - name: web\n", "", (1, 1), "YAML is not supported yet"),
    ("---\nfamily: web\n", "", (1, 1), "YAML is not supported yet"),
    (
        "{\"family\": \"web\",\n\"family\": \"app\"}",
        "family",
        (2, 1),
        "given twice; the first is at td.json:1:2",
    ),
    ("[{\"name\": \"web\", \"image\": \"web:1\"}]", "", (1, 1), "a list of container definitions"),
    ("\n  \"web\"", "", (2, 3), "the file holds a string"),
    ("[]", "", (1, 1), "the file holds a list"),
    ("{\n \"Family\": \"web\"}", "Family", (2, 2), "spelt as in CloudFormation"),
    ("{\"Resources\": {}}", "Resources", (1, 2), "convert the keys"),
    (
        "{\"cluster\": \"c\",\n \"serviceName\": \"web\", \"taskDefinition\": \"web:1\"}",
        "serviceName",
        (2, 2),
        "a service definition",
    ),
    ("{\"taskDefinitionArns\": []}", "taskDefinitionArns", (1, 2), "a list of several things"),
    ("{\"name\": \"web\", \"image\": \"web:1\"}", "image", (1, 17), "a single container definition"),
];

const FIELDS: [Bad; 30] = [
    (r#"{"containerDefinitions":[{"name":"web"}]}"#, "family", (1, 1), "`family` is missing"),
    (r#"{"family":"","containerDefinitions":[{"name":"web"}]}"#, "family", (1, 11), "`family` is empty"),
    (r#"{"family":"web app","containerDefinitions":[{"name":"web"}]}"#, "family", (1, 11), "contains ` `"),
    (r#"{"family":"wéb","containerDefinitions":[{"name":"web"}]}"#, "family", (1, 11), "contains `é`"),
    (
        r#"{"Family":"web","containerDefinitions":[{"name":"web"}]}"#,
        "family",
        (1, 1),
        "`Family` looks like it",
    ),
    (
        r#"{"family":3,"containerDefinitions":[{"name":"web"}]}"#,
        "family",
        (1, 11),
        "expected a string, found a number",
    ),
    (r#"{"family":"web"}"#, "containerDefinitions", (1, 1), "`containerDefinitions` is missing"),
    (
        r#"{"family":"web","containerDefinition":[]}"#,
        "containerDefinitions",
        (1, 1),
        "did you mean `containerDefinitions`",
    ),
    (r#"{"family":"web","containerDefinitions":[]}"#, "containerDefinitions", (1, 40), "is empty"),
    (
        r#"{"family":"web","containerDefinitions":{}}"#,
        "containerDefinitions",
        (1, 40),
        "expected an array, found an object",
    ),
    (
        r#"{"family":"web","containerDefinitions":["web"]}"#,
        "containerDefinitions[0]",
        (1, 41),
        "expected an object, found a string",
    ),
    (
        r#"{"family":"web","containerDefinitions":[null]}"#,
        "containerDefinitions[0]",
        (1, 41),
        "expected an object, found null",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{}]}"#,
        "containerDefinitions[0].name",
        (1, 41),
        "has no `name`",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"Name":"web"}]}"#,
        "containerDefinitions[0].name",
        (1, 41),
        "`Name` looks like it",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":""}]}"#,
        "containerDefinitions[0].name",
        (1, 49),
        "is empty",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"a.b"}]}"#,
        "containerDefinitions[0].name",
        (1, 49),
        "contains `.`",
    ),
    (
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"web\"},\n{\"name\":\"web\"}]}",
        "containerDefinitions[1].name",
        (2, 9),
        "two containers are named `web`; the first is at td.json:1:49",
    ),
    (
        r#"{"family":"web","cpu":256,"containerDefinitions":[{"name":"web"}]}"#,
        "cpu",
        (1, 23),
        "put the value in quotes",
    ),
    (
        r#"{"family":"web","memory":512,"containerDefinitions":[{"name":"web"}]}"#,
        "memory",
        (1, 26),
        "expected a string",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","cpu":"256"}]}"#,
        "containerDefinitions[0].cpu",
        (1, 61),
        "write the value without quotes",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","cpu":1.5}]}"#,
        "containerDefinitions[0].cpu",
        (1, 61),
        "expected a whole number, found a number with a fraction",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","essential":"true"}]}"#,
        "containerDefinitions[0].essential",
        (1, 67),
        "expected true or false, found a string",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","command":"run"}]}"#,
        "containerDefinitions[0].command",
        (1, 65),
        "expected an array, found a string",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","command":["a",1]}]}"#,
        "containerDefinitions[0].command[1]",
        (1, 70),
        "expected a string, found a number",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","environment":{"A":"b"}}]}"#,
        "containerDefinitions[0].environment",
        (1, 69),
        "expected an array, found an object",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","environment":[{"name":"A","value":1}]}]}"#,
        "containerDefinitions[0].environment[0].value",
        (1, 90),
        "put the value in quotes",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","portMappings":[{"containerPort":"80"}]}]}"#,
        "containerDefinitions[0].portMappings[0].containerPort",
        (1, 88),
        "without quotes",
    ),
    (
        r#"{"family":"web","containerDefinitions":[{"name":"web","logConfiguration":{"logDriver":"awslogs","options":{"a":1}}}]}"#,
        "containerDefinitions[0].logConfiguration.options.a",
        (1, 112),
        "expected a string",
    ),
    (
        r#"{"family":"web","tags":{"a":"b"},"containerDefinitions":[{"name":"web"}]}"#,
        "tags",
        (1, 24),
        "expected an array, found an object",
    ),
    (
        r#"{"family":"web","tags":[{"value":"b"}],"containerDefinitions":[{"name":"web"}]}"#,
        "tags[0].key",
        (1, 25),
        "has no `key`",
    ),
];

#[test]
fn a_bad_document_is_refused_with_field_line_and_column() {
    for (text, field, (line, column), part) in SYNTAX_AND_KIND.into_iter().chain(FIELDS) {
        let error = Document::parse("td.json", text).expect_err(text);
        let [cause] = error.causes() else { panic!("{text}: {}", error.report()) };
        assert_eq!(cause.field.as_deref().unwrap_or_default(), field, "{text}");
        let at = cause.at.as_ref().expect(text);
        assert_eq!(
            (at.file.as_str(), at.line, at.column),
            ("td.json", line, column),
            "{text}: {}",
            cause.report()
        );
        assert!(cause.report().contains(part), "{text}: {}", cause.report());
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"{
      "family": "my app",
      "cpu": 256,
      "containerDefinitions": [
        {"name": "web", "image": 5},
        {"name": "web", "essential": 1},
        {"image": "web:1"}
      ],
      "tags": [{"key": ""}]
    }"#;
    let error = Document::parse("td.json", text).unwrap_err();
    let fields: Vec<&str> = error.causes().iter().filter_map(|cause| cause.field.as_deref()).collect();
    assert_eq!(
        fields,
        [
            "cpu",
            "containerDefinitions[0].image",
            "containerDefinitions[1].essential",
            "family",
            "containerDefinitions[1].name",
            "containerDefinitions[2].name",
            "tags[0].key"
        ]
    );
    assert_eq!(error.message(), "the task definition in td.json has 7 problems");
    assert!(error.causes().iter().all(|cause| cause.at.is_some()));
}

#[test]
fn limits_of_names_and_tags_are_checked() {
    let tags =
        |tags: &str| format!(r#"{{"family":"w","containerDefinitions":[{{"name":"w"}}],"tags":[{tags}]}}"#);
    let tag = |key: &str, value: &str| format!(r#"{{"key":"{key}","value":"{value}"}}"#);
    let many: Vec<String> = (0..51).map(|number| tag(&number.to_string(), "")).collect();
    for (text, part) in [
        (tags(&many.join(",")), "`tags` has 51 entries; at most 50 are allowed"),
        (tags(&tag(&"é".repeat(129), "")), "`tags[0].key` must have 1 to 128 characters"),
        (tags(&tag("a", &"é".repeat(257))), "`tags[0].value` must have at most 256 characters"),
        (tags(&[tag("a", "1"), tag("a", "2")].join(",")), "`tags[0]` and `tags[1]` have the same key `a`"),
        (tags("5"), "`tags[0]`: expected an object"),
        (
            format!(r#"{{"family":"{}","containerDefinitions":[{{"name":"w"}}]}}"#, "f".repeat(256)),
            "`family` has 256 characters",
        ),
    ] {
        let report = Document::parse("td.json", &text).unwrap_err().report();
        assert!(report.contains(part), "{report}");
    }
    let most: Vec<String> = (0..50).map(|number| tag(&format!("{number:é>128}"), &"é".repeat(256))).collect();
    assert!(Document::parse("td.json", &tags(&most.join(","))).is_ok());
}

#[test]
fn no_value_of_the_file_is_told_where_its_type_is_wrong() {
    let text =
        r#"{"family":"web","containerDefinitions":[{"name":"web","environment":{"K":"canary-value"}}]}"#;
    let error = Document::parse("td.json", text).unwrap_err();
    assert!(!format!("{error:?} {}", error.report()).contains("canary-value"));
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    for bracket in ["[", "{\"a\":"] {
        let error = Document::parse("td.json", &bracket.repeat(10_000)).unwrap_err();
        assert!(error.report().contains("recursion limit exceeded"), "{}", error.report());
        assert!(Document::from_answer(bracket.repeat(10_000).as_bytes()).is_err());
    }
}

#[test]
fn keys_that_look_like_known_ones_are_warned_about_and_kept() {
    let text = r#"{"family":"web","netwrkMode":"awsvpc","trustedExecutionConfiguration":{},"containerDefinitions":[
      {"name":"web","Environment":[],"healthCheck":{"intervall":5,"futureField":1},"futureField":{"x":1},
       "portMappings":[{"containerport":80}],"dockerLabels":{"cpus":"1"}}]}"#;
    let document = Document::parse("td.json", text).unwrap();
    let told: Vec<String> = document
        .warnings()
        .iter()
        .map(|cause| format!("{} {}", cause.at.as_ref().unwrap(), cause.message))
        .collect();
    assert_eq!(
        told,
        [
            "td.json:1:17 `netwrkMode` is not a field that is known here; did you mean `networkMode`?",
            "td.json:2:21 `Environment` is not a field that is known here; did you mean `environment`?",
            "td.json:2:53 `intervall` is not a field that is known here; did you mean `interval`?",
            "td.json:3:25 `containerport` is not a field that is known here; did you mean `containerPort`?",
        ]
    );
    for key in ["netwrkMode", "Environment", "intervall", "containerport", "futureField"] {
        assert!(document.to_body().contains(key), "{key}");
    }
}

#[test]
fn a_file_that_no_task_definition_fills_is_refused_before_it_is_read() {
    let text = format!("{{\"family\":\"{}\"}}", "a".repeat(crate::document::LARGEST_FILE));
    let error = Document::parse("td.json", &text).unwrap_err();
    assert!(error.report().contains("td.json has 512 KiB"), "{}", error.report());
}

#[test]
fn a_file_deeper_than_an_answer_of_ecs_could_be_is_refused() {
    let file = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"family\":\"web\",\"containerDefinitions\":[{{\"name\":\"web\"}}],\"x\":{open}{close}}}")
    };
    assert!(Document::parse("td.json", &file(99)).is_ok());
    let error = Document::parse("td.json", &file(100)).unwrap_err();
    assert!(error.report().contains("more than 100 levels"), "{}", error.report());
}

#[test]
fn of_a_flood_of_problems_the_first_hundred_are_told() {
    for text in [
        format!("{{\"family\":\"web\",\"containerDefinitions\":[{}1]}}", "1,".repeat(100_000)),
        format!("{{{}\"family\":\"web\"}}", "\"a\":1,".repeat(60_000)),
    ] {
        let error = Document::parse("td.json", &text).unwrap_err();
        assert_eq!(error.causes().len(), 101, "{}", error.message());
        assert_eq!(error.causes()[100].code, "more-problems");
    }
}

#[test]
fn long_lists_of_named_entries_are_compared_in_no_time() {
    let entries = |from: usize| -> String {
        let one = |number: usize| format!("{{\"name\":\"{number}\"}}");
        (from..from + 20_000).map(one).collect::<Vec<_>>().join(",")
    };
    let file = |from: usize| {
        let environment = entries(from);
        let text = format!(
            "{{\"family\":\"web\",\"containerDefinitions\":[{{\"name\":\"web\",\"environment\":[{environment}]}}]}}"
        );
        Document::parse("td.json", &text).unwrap()
    };
    assert_eq!(crate::document::diff(&file(0), &file(10)).len(), 20);
}
