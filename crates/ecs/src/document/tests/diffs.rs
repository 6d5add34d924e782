use super::{good, with_container, with_members};
use crate::document::{Document, RUN_TAG, diff, echo_check};

fn lines(live: &Document, wanted: &Document) -> String {
    diff(live, wanted).join("\n")
}

#[test]
fn what_ecs_changes_by_itself_is_no_difference() {
    for (described, wanted) in [
        (
            with_container(r#""cpu":0,"essential":true,"environment":[],"mountPoints":[]"#),
            with_container(r#""links":[]"#),
        ),
        (with_container(r#""cpu":256"#), with_container(r#""cpu":2.56e2"#)),
        (
            with_container(r#""portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}]"#),
            with_container(r#""portMappings":[{"containerPort":80}]"#),
        ),
        (
            with_container(
                r#""healthCheck":{"command":["CMD","true"],"interval":30,"timeout":5,"retries":3}"#,
            ),
            with_container(r#""healthCheck":{"command":["CMD","true"]}"#),
        ),
        (with_members(r#""cpu":"1024","memory":"2048""#), with_members(r#""cpu":"1 vCPU","memory":"2 GB""#)),
        (with_members(r#""cpu":"256","memory":"512""#), with_members(r#""cpu":".25 vcpu","memory":"0.5GB""#)),
        (with_members(r#""volumes":[{"name":"v","host":{}}]"#), with_members(r#""volumes":[{"name":"v"}]"#)),
        (with_members(r#""tags":[{"key":"a","value":"b"}]"#), {
            let mut document = with_members(r#""tags":[{"value":"b","key":"a"}]"#);
            document.set_tag(RUN_TAG, "shop/2");
            document
        }),
    ] {
        assert_eq!(lines(&described, &wanted), "");
        assert_eq!(lines(&wanted, &described), "");
    }
}

#[test]
fn a_host_port_is_implied_only_where_the_network_mode_implies_it() {
    let document = |mode: &str, host_port: &str| {
        good(&format!(
            r#"{{"family":"web","networkMode":"{mode}","containerDefinitions":[{{"name":"web","portMappings":[{{"containerPort":80{host_port}}}]}}]}}"#
        ))
    };
    for mode in ["awsvpc", "host"] {
        assert_eq!(lines(&document(mode, r#","hostPort":80"#), &document(mode, "")), "");
    }
    assert_eq!(
        lines(&document("bridge", r#","hostPort":80"#), &document("bridge", "")),
        "containerDefinitions[web].portMappings[80/tcp].hostPort: removed (80)"
    );
}

#[test]
fn the_order_of_named_entries_is_no_difference_and_that_of_commands_is() {
    let one = good(
        r#"{"family":"web","requiresCompatibilities":["EC2","FARGATE"],"volumes":[{"name":"a"},{"name":"b"}],
            "placementConstraints":[{"type":"memberOf","expression":"x"},{"type":"memberOf","expression":"y"}],
            "containerDefinitions":[{"name":"a","environment":[{"name":"X","value":"1"},{"name":"Y","value":"2"}],
              "secrets":[{"name":"S","valueFrom":"s"},{"name":"T","valueFrom":"t"}],
              "mountPoints":[{"containerPath":"/a"},{"containerPath":"/b"}],
              "portMappings":[{"containerPort":53,"protocol":"udp"},{"containerPort":53}]},{"name":"b"}]}"#,
    );
    let other = good(
        r#"{"containerDefinitions":[{"name":"b"},{"portMappings":[{"containerPort":53},{"containerPort":53,"protocol":"udp"}],
              "environment":[{"value":"2","name":"Y"},{"name":"X","value":"1"}],
              "secrets":[{"name":"T","valueFrom":"t"},{"name":"S","valueFrom":"s"}],
              "mountPoints":[{"containerPath":"/b"},{"containerPath":"/a"}],"name":"a"}],
            "placementConstraints":[{"type":"memberOf","expression":"y"},{"type":"memberOf","expression":"x"}],
            "volumes":[{"name":"b"},{"name":"a"}],"requiresCompatibilities":["FARGATE","EC2"],"family":"web"}"#,
    );
    assert_eq!(lines(&one, &other), "");
    assert_eq!(
        lines(&with_container(r#""command":["a","b"]"#), &with_container(r#""command":["b","a"]"#)),
        r#"containerDefinitions[web].command: ["a","b"] -> ["b","a"]"#
    );
}

#[test]
fn each_difference_is_one_line() {
    let live = good(
        r#"{"family":"web","cpu":"256","runtimePlatform":{"cpuArchitecture":"X86_64"},"containerDefinitions":[
            {"name":"web","image":"web:1","memory":512,"user":"root","ulimits":[{"name":"nofile","softLimit":1,"hardLimit":2}]},
            {"name":"old","image":"old:1"}],"tags":[{"key":"owner","value":"a"}]}"#,
    );
    let wanted = good(
        r#"{"family":"web","cpu":"0.5 vCPU","runtimePlatform":{"cpuArchitecture":"ARM64"},"containerDefinitions":[
            {"name":"web","image":"web:2","memory":1024,"essential":false,"ulimits":[{"name":"nofile","softLimit":1,"hardLimit":3}],
             "portMappings":[{"containerPort":80}]},
            {"name":"new","image":"new:1"}],"tags":[{"key":"owner","value":"b"}],"pidMode":"task"}"#,
    );
    assert_eq!(
        diff(&live, &wanted),
        [
            "cpu: 256 -> 512",
            "runtimePlatform.cpuArchitecture: X86_64 -> ARM64",
            "containerDefinitions[web].image: web:1 -> web:2",
            "containerDefinitions[web].memory: 512 -> 1024",
            "containerDefinitions[web].user: removed (root)",
            "containerDefinitions[web].ulimits[nofile].hardLimit: 2 -> 3",
            "containerDefinitions[web].essential: added (false)",
            "containerDefinitions[web].portMappings[80/tcp]: added",
            "containerDefinitions[old]: removed",
            "containerDefinitions[new]: added",
            "tags[owner].value: a -> b",
            "pidMode: added (task)",
        ]
    );
}

#[test]
fn values_that_may_be_secret_are_not_shown() {
    let live = with_container(
        r#""environment":[{"name":"DB_PASSWORD","value":"canary1"},{"name":"GONE","value":"canary2"}]"#,
    );
    let wanted = with_container(
        r#""environment":[{"name":"DB_PASSWORD","value":"canary3"},{"name":"NEW","value":"canary4"}],
           "dockerLabels":{"label":"canary5"},"futureField":"canary6",
           "logConfiguration":{"logDriver":"splunk","options":{"splunk-token":"canary7"}},
           "command":["run","--password","canary8","--db=postgres://a:canary9@db","PASSWORD=canary10"]"#,
    );
    let text = lines(&live, &wanted);
    assert!(!text.contains("canary"), "{text}");
    assert!(!lines(&wanted, &live).contains("canary"));
    assert!(text.contains("containerDefinitions[web].environment[DB_PASSWORD]: changed\n"), "{text}");
    assert!(text.contains("containerDefinitions[web].environment[GONE]: removed\n"), "{text}");
    assert!(text.contains("containerDefinitions[web].environment[NEW]: added\n"), "{text}");
    assert!(text.contains("containerDefinitions[web].futureField: added"), "{text}");
    assert!(
        text.contains(r#"containerDefinitions[web].command: added (["run","--password","[redacted]","#),
        "{text}"
    );
    let other =
        with_container(r#""logConfiguration":{"logDriver":"splunk","options":{"splunk-token":"canary"}}"#);
    assert!(lines(&wanted, &other).contains("logConfiguration.options.splunk-token: changed"));
}

#[test]
fn a_change_of_what_is_redacted_is_still_a_difference() {
    let with = |word: &str| with_container(&format!(r#""command":["--token","{word}"]"#));
    assert_eq!(lines(&with("a"), &with("b")), "containerDefinitions[web].command: changed");
}

#[test]
fn entries_without_a_name_of_their_own_are_compared_in_order() {
    let twice = |values: [&str; 2]| {
        let [one, two] = values;
        with_container(&format!(
            r#""environment":[{{"name":"A","value":"{one}"}},{{"name":"A","value":"{two}"}}]"#
        ))
    };
    assert_eq!(lines(&twice(["1", "2"]), &twice(["1", "2"])), "");
    assert_eq!(
        lines(&twice(["1", "2"]), &twice(["2", "1"])),
        "containerDefinitions[web].environment: changed"
    );
}

#[test]
fn large_integers_that_differ_in_the_last_digit_are_different() {
    let with = |number: &str| with_members(&format!(r#""future":{number}"#));
    let number = "123456789012345678901234567890";
    assert_eq!(lines(&with(number), &with(number)), "");
    assert_eq!(lines(&with(number), &with("123456789012345678901234567891")), "future: changed");
}

#[test]
fn an_echo_lacks_what_ecs_ignored_and_nothing_else() {
    let sent = good(
        r#"{"family":"web","futureField":{"a":1},"tags":[{"key":"a","value":"b"}],"containerDefinitions":[{"name":"web","image":"web:1","cpu":0,
            "links":[],"Environment":[],"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}],
            "healthCheck":{"command":["true"],"intervall":5},"command":["a","b"]}]}"#,
    );
    let answer = r#"{"taskDefinition":{"taskDefinitionArn":"x","revision":3,"family":"web","containerDefinitions":[{"name":"web",
        "image":"web:1","cpu":0,"environment":[{"name":"B","value":"2"}],"healthCheck":{"command":["true"],"interval":30},
        "command":["a","b"],"essential":true}]},"tags":[{"key":"a","value":"b"}]}"#;
    let answered = Document::from_answer(answer.as_bytes()).unwrap();
    assert_eq!(
        echo_check(&sent, &answered),
        [
            "futureField",
            "containerDefinitions[web].Environment",
            "containerDefinitions[web].environment[A]",
            "containerDefinitions[web].healthCheck.intervall",
        ]
    );
    assert_eq!(echo_check(&sent, &sent), Vec::<String>::new());
    assert_eq!(echo_check(&answered, &sent), Vec::<String>::new());
}
