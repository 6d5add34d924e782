use landfall_core::ErrorKind;

use super::good;
use crate::document::Document;

const DESCRIBED: &str = r#"{
  "taskDefinitionArn": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7",
  "containerDefinitions": [{"name": "web", "image": "web:7", "cpu": 0, "links": [], "environment": [{"name": "EMPTY", "value": ""}], "user": null}],
  "family": "web", "revision": 7, "volumes": [], "status": "ACTIVE",
  "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}],
  "compatibilities": ["EC2"], "registeredAt": 1.7E9, "registeredBy": "arn:aws:iam::111122223333:root",
  "deregisteredAt": 1700000000.123, "deleteRequestedAt": 1, "futureField": {"revision": 7, "none": null}
}"#;

const REGISTERED: &str = r#"{"containerDefinitions":[{"name":"web","image":"web:7","cpu":0,"links":[],"environment":[{"name":"EMPTY","value":""}]}],"family":"web","volumes":[],"futureField":{"revision":7}}"#;

#[test]
fn every_shape_becomes_the_request_of_register_task_definition() {
    let with_tags = |tags: &str| {
        let end = REGISTERED.len() - 1;
        format!("{},\"tags\":{tags}}}", &REGISTERED[..end])
    };
    let owner = r#"[{"key":"owner","value":"shop"}]"#;
    for (text, expected) in [
        (DESCRIBED.to_owned(), REGISTERED.to_owned()),
        (REGISTERED.to_owned(), REGISTERED.to_owned()),
        (format!("\u{feff}{REGISTERED}\r\n"), REGISTERED.to_owned()),
        (format!(r#"{{"taskDefinition": {DESCRIBED}}}"#), REGISTERED.to_owned()),
        (format!(r#"{{"taskDefinition": {DESCRIBED}, "tags": []}}"#), REGISTERED.to_owned()),
        (format!(r#"{{"taskDefinition": {DESCRIBED}, "tags": null}}"#), REGISTERED.to_owned()),
        (format!(r#"{{"tags": {owner}, "taskDefinition": {DESCRIBED}}}"#), with_tags(owner)),
        (
            format!(
                r#"{{"taskDefinition": {DESCRIBED}, "tags": [{{"key": "aws:cloudformation:stack-name", "value": "s"}}, {{"key": "AWS:x"}}]}}"#
            ),
            REGISTERED.to_owned(),
        ),
        (format!(r#"{{"taskDefinition": {}, "tags": []}}"#, with_tags(owner)), with_tags(owner)),
        (format!(r#"{{"taskDefinition": {}, "tags": {owner}}}"#, with_tags("[]")), with_tags(owner)),
    ] {
        let document = good(&text);
        assert_eq!(document.to_body(), expected, "{text}");
        assert_eq!(document.warnings(), [], "{text}");
    }
}

#[test]
fn an_answer_is_read_like_a_file_without_being_judged() {
    let answer = format!(r#"{{"taskDefinition": {DESCRIBED}, "tags": []}}"#);
    assert_eq!(Document::from_answer(answer.as_bytes()).unwrap().to_body(), REGISTERED);
    let odd = r#"{"taskDefinition": {"family": "web", "cpu": 256, "containerDefinitions": [{"Name": "x"}]}}"#;
    let odd = Document::from_answer(odd.as_bytes()).unwrap();
    assert_eq!(odd.to_body(), r#"{"family":"web","cpu":256,"containerDefinitions":[{"Name":"x"}]}"#);
    assert_eq!(odd.containers(), Vec::<&str>::new());
    for bad in [&b"{}"[..], b"[]", b"\xff", b"", br#"{"taskDefinition": "web:1"}"#] {
        assert_eq!(Document::from_answer(bad).unwrap_err().kind(), ErrorKind::Internal);
    }
}

#[test]
fn what_stands_beside_a_task_definition_is_left_out_with_a_warning() {
    let text = format!(r#"{{"taskDefinition": {REGISTERED}, "ResponseMetadata": {{}}, "region": "x"}}"#);
    let document = good(&text);
    assert_eq!(document.to_body(), REGISTERED);
    let [warning] = document.warnings() else { panic!("{:?}", document.warnings()) };
    assert!(warning.message.contains("`region` stands beside `taskDefinition`"), "{}", warning.message);
}

#[test]
fn tags_in_two_places_are_refused() {
    let tags = r#"[{"key": "a", "value": "b"}]"#;
    let inner = format!(r#"{{"family":"web","containerDefinitions":[{{"name":"web"}}],"tags":{tags}}}"#);
    let error =
        Document::parse("td.json", &format!(r#"{{"taskDefinition":{inner},"tags":{tags}}}"#)).unwrap_err();
    assert!(error.report().contains("both beside `taskDefinition` and in it"), "{}", error.report());
}

#[test]
fn other_files_inside_a_wrapper_are_told_as_well() {
    let error = Document::parse("td.json", r#"{"taskDefinition": {"Family": "web"}}"#).unwrap_err();
    assert!(error.report().contains("CloudFormation"), "{}", error.report());
}

#[test]
fn debug_shows_names_and_no_values() {
    let document = super::with_container(r#""environment":[{"name":"K","value":"canary-value"}]"#);
    let text = format!("{document:?}");
    assert!(text.contains("td.json") && text.contains("web") && !text.contains("canary-value"), "{text}");
}
