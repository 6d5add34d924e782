use std::collections::BTreeMap;

use super::{good, with_container, with_members};
use crate::document::{RUN_TAG, check_load_balancers};

const TWO: &str = r#"{"family":"shop","containerDefinitions":[{"image":"web:1","name":"web","future":1.10},{"name":"sidecar"}],"requiresCompatibilities":["EC2","FARGATE"]}"#;

#[test]
fn an_image_is_set_in_its_place_and_nothing_else_changes() {
    let mut document = good(TWO);
    document.set_image("web", "web:2").unwrap();
    document.set_image("sidecar", "proxy:3").unwrap();
    let expected = TWO.replace("web:1", "web:2").replace(r#""sidecar""#, r#""sidecar","image":"proxy:3""#);
    assert_eq!(document.to_body(), expected);
    assert_eq!((document.image("web"), document.image("sidecar")), (Some("web:2"), Some("proxy:3")));
    document.set_image_for_all("all:1").unwrap();
    assert_eq!((document.image("web"), document.image("sidecar")), (Some("all:1"), Some("all:1")));
    assert_eq!(document.image("none"), None);
}

#[test]
fn an_unknown_container_is_told_with_the_names_that_there_are() {
    let mut document = good(TWO);
    let report = document.set_image("sidcar", "web:2").unwrap_err().report();
    assert!(report.contains("there is no container `sidcar`"), "{report}");
    assert!(report.contains("containers in the task definition: web, sidecar"), "{report}");
    assert!(report.contains("did you mean `sidecar`?"), "{report}");
    assert!(
        document.set_image("web", "web:").unwrap_err().report().contains("containerDefinitions[web].image")
    );
    assert!(document.set_image_for_all("").is_err());
    assert_eq!(document.to_body(), TWO);
}

#[test]
fn a_document_is_finished_when_every_container_has_an_image() {
    let mut document = good(TWO);
    let error = document.finish().unwrap_err();
    let [cause] = error.causes() else { panic!("{}", error.report()) };
    assert_eq!(cause.field.as_deref(), Some("containerDefinitions[1].image"));
    assert_eq!(cause.at.as_ref().map(|at| (at.line, at.column)), Some((1, 87)));
    assert!(cause.message.contains("container `sidecar` has no `image`"), "{}", cause.message);
    document.set_image("sidecar", "proxy:3").unwrap();
    document.finish().unwrap();
    let template = with_container(r#""image":"<IMAGE>""#);
    let report = template.finish().unwrap_err().report();
    assert!(
        report.contains("td.json:1:63: ") && report.contains("a variable in it was not replaced"),
        "{report}"
    );
}

#[test]
fn tags_are_set_read_and_taken_away() {
    let mut document = good(TWO);
    document.set_tag("owner", "a");
    document.set_tag(RUN_TAG, "shop/1/deploy");
    document.set_tag("owner", "b");
    let tags = r#","tags":[{"key":"owner","value":"b"},{"key":"landfall:run","value":"shop/1/deploy"}]}"#;
    assert_eq!(document.to_body(), format!("{}{tags}", &TWO[..TWO.len() - 1]));
    assert_eq!((document.tag("owner"), document.tag("none")), (Some("b"), None));
    assert_eq!(document.without_tag("owner").without_tag(RUN_TAG).to_body(), TWO);
    document.set_tag("aws:x", "");
    (0..50).for_each(|number| document.set_tag(&number.to_string(), ""));
    let report = document.finish().unwrap_err().report();
    assert!(report.contains("53 entries") && report.contains("which is reserved"), "{report}");
}

#[test]
fn the_digest_follows_the_content_and_not_the_run_or_the_white_space() {
    let mut document = good(TWO);
    let digest = document.digest();
    assert_eq!(digest, "b794f2ca3e02d2f2a65f1d78c2dbf53a4ef5dfbdc9a7aa6f5990f00f58b8b110");
    document.set_tag(RUN_TAG, "shop/2/deploy");
    assert_eq!(document.digest(), digest);
    assert_eq!(good(&TWO.replace(',', " ,\n  ")).digest(), digest);
    document.set_image("web", "web:2").unwrap();
    assert_ne!(document.digest(), digest);
}

#[test]
fn ports_logs_and_compatibilities_are_read() {
    let document = with_container(
        r#""portMappings":[{"containerPort":8080},{"containerPortRange":"90-91"},{"containerPort":9090,"protocol":"udp"}],
           "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"eu-central-1"}}"#,
    );
    assert_eq!(document.family(), "web");
    assert_eq!(document.ports("web"), [8080, 9090]);
    assert_eq!(document.ports("none"), Vec::<u16>::new());
    let options = BTreeMap::from([("awslogs-group", "/ecs/web"), ("awslogs-region", "eu-central-1")]);
    assert_eq!(document.log_configuration("web"), Some(("awslogs", options)));
    assert_eq!(document.log_configuration("none"), None);
    assert!(!document.requires_fargate());
    assert!(good(TWO).requires_fargate());
    assert!(!with_members(r#""requiresCompatibilities":["EC2"]"#).requires_fargate());
}

#[test]
fn load_balancers_that_do_not_find_their_container_or_port_are_told_with_those_there_are() {
    let document = with_container(r#""portMappings":[{"containerPort":8080},{"containerPort":9090}]"#);
    assert_eq!(check_load_balancers(&document, &[("web", 8080), ("web", 9090)]), []);
    let causes = check_load_balancers(&document, &[("web", 80), ("wbe", 8080)]);
    let reports: Vec<String> = causes.iter().map(landfall_core::Cause::report).collect();
    assert!(reports[0].contains("port 80 of container `web`"), "{}", reports[0]);
    assert!(reports[0].contains("ports that it maps: 8080, 9090"), "{}", reports[0]);
    assert_eq!(causes[0].field.as_deref(), Some("loadBalancers[0].containerPort"));
    assert!(reports[1].contains("there is no container `wbe`"), "{}", reports[1]);
    assert!(reports[1].contains("did you mean `web`?"), "{}", reports[1]);
    assert_eq!(causes[1].field.as_deref(), Some("loadBalancers[1].containerName"));
    let silent = with_container(r#""cpu":1"#);
    assert!(check_load_balancers(&silent, &[("web", 80)])[0].message.contains("it maps no ports"));
}
