use landfall_core::Cause;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Check, Path, Rule, Rules};
use crate::facts::Object;
use crate::judge::{Judgement, Readiness};

fn object(kind: &str, version: &str, status: Value) -> Value {
    let mut object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": { "name": "web", "namespace": "shop", "generation": 2, "annotations": { "example.com/ready": "yes" } },
    });
    object["status"] = status;
    object
}

fn check(text: &str) -> Check {
    Check::parse(text).unwrap_or_else(|error| panic!("{}", error.report()))
}

fn word(judged: Option<Judgement>) -> String {
    match judged.map(|judged| judged.readiness) {
        None => "no rule".to_owned(),
        Some(Readiness::Ready) => "ready".to_owned(),
        Some(Readiness::Waiting { waiting_for, .. }) => waiting_for,
        Some(Readiness::Failed(Cause { message, .. })) => message,
    }
}

#[test]
fn paths_lead_where_kubectl_leads() {
    let value = object(
        "Widget",
        "example.com/v1",
        json!({
            "phase": "Running", "list": [1, 2, 3], "a.b": { "c": true },
            "conditions": [{ "type": "Ready", "status": "True" }, { "type": "Synced", "status": "False", "n": 3 }],
        }),
    );
    let rows: [(&str, Value); 17] = [
        (".status.phase", json!(["Running"])),
        ("$.status.phase", json!(["Running"])),
        ("status.phase", json!(["Running"])),
        (".status['phase']", json!(["Running"])),
        ("$['status'][\"phase\"]", json!(["Running"])),
        (r".metadata.annotations.example\.com/ready", json!(["yes"])),
        (r".status.a\.b.c", json!([true])),
        (".status['a.b'].*", json!([true])),
        (".status.list[0]", json!([1])),
        (".status.list[-1]", json!([3])),
        (".status.list[-4]", json!([])),
        (".status.list[*]", json!([1, 2, 3])),
        (r#".status.conditions[?(@.type=="Ready")].status"#, json!(["True"])),
        (r#"$.status.conditions[?@.type == 'Synced'].status"#, json!(["False"])),
        (r#".status.conditions[?(@.type != "Ready")].status"#, json!(["False"])),
        (".status.conditions[?(@.n==3)].type", json!(["Synced"])),
        (".status.conditions[?(@.n)].type", json!(["Synced"])),
    ];
    for (text, expected) in rows {
        let path = Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(json!(path.find(&value)), expected, "{text}");
    }
}

#[test]
fn a_broken_path_is_refused_with_its_place() {
    for (text, expected) in [
        ("", "leads nowhere at its end"),
        ("$", "leads nowhere at its end"),
        ("..phase", "a name is missing at `.phase`"),
        (".status.", "a name is missing at its end"),
        (".status[0", "a bracket is not closed at `0`"),
        (".status[x]", "there is no index at `x]`"),
        (".status['x]", "a quotation mark is not closed"),
        (".status[?(.type==\"a\")]", "a filter begins with @"),
        (".status[?(@.type=~\"a\")]", "a filter compares with == or !="),
        (".status[?(@.type==Ready)]", "there is no text, number, true or false"),
        (".status)", "there is no step at `)`"),
    ] {
        let error = Path::parse(text).expect_err(text).message().to_owned();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn checks_are_read_as_kubectl_wait_reads_them() {
    let condition =
        |kind: &str, status: &str| Check::Condition { kind: kind.to_owned(), status: status.to_owned() };
    let path = |path: &str, value: Option<&str>| Check::Path {
        path: Path::parse(path).unwrap(),
        value: value.map(str::to_owned),
    };
    assert_eq!(check("condition=Ready"), condition("Ready", "True"));
    assert_eq!(check("condition=Ready=unknown"), condition("Ready", "Unknown"));
    assert_eq!(check("jsonpath={.status.phase}=Running"), path(".status.phase", Some("Running")));
    assert_eq!(check("jsonpath={.status.phase}='Running'"), path(".status.phase", Some("Running")));
    assert_eq!(check("jsonpath='{.status.ingress}'"), path(".status.ingress", None));
    let filter = r#".status.conditions[?(@.type=="Ready")].status"#;
    assert_eq!(check(&format!("jsonpath={{{filter}}}=True")), path(filter, Some("True")));
    for (text, expected) in [
        ("Ready", "write condition=TYPE"),
        ("condition=", "write condition=TYPE"),
        ("condition=Ready=Yes", "a status is True, False or Unknown"),
        ("jsonpath=.status.phase=Running", "in braces"),
        ("jsonpath={.status.phase}=", "is empty"),
        ("jsonpath={.status.phase}x", "in braces"),
        ("jsonpath={}", "write steps"),
    ] {
        let error = Check::parse(text).expect_err(text);
        assert!(error.report().contains(expected), "{text}: {}", error.report());
    }
}

#[test]
fn a_rule_decides_by_conditions_and_paths() {
    let rule = Rule::new("Widget.example.com")
        .unwrap()
        .ready_when(check("condition=synced"))
        .ready_when(check("jsonpath={.status.phase}=Running"))
        .failed_when(check(r#"jsonpath={.status.parts[*].state}=Broken"#));
    let rules = Rules::default().with(rule);
    let judge =
        |version: &str, status: Value| word(rules.judge(Object::of(&object("Widget", version, status))));
    let synced = |status: &str| json!([{ "type": "Synced", "status": status, "message": "not yet." }]);
    let version = "example.com/v1";
    assert_eq!(judge(version, json!({ "phase": "Running", "conditions": synced("True") })), "ready");
    assert_eq!(
        judge(version, json!({ "phase": "New", "conditions": synced("False") })),
        "condition synced to be True (synced is False: not yet), .status.phase to be Running (.status.phase is New)"
    );
    assert_eq!(
        judge(version, json!({ "phase": "Running" })),
        "condition synced to be True (there is no condition synced)"
    );
    assert_eq!(
        judge(
            version,
            json!({ "phase": "Running", "conditions": synced("True"), "parts": [{ "state": "Fine" }, { "state": "Broken" }] })
        ),
        "Widget shop/web failed: .status.parts[*].state is Fine, Broken"
    );
    assert_eq!(judge("other.com/v1", json!({})), "no rule");
}

#[test]
fn a_path_to_several_places_needs_its_value_in_all_of_them_to_be_ready() {
    let rule = Rule::new("widget").unwrap().ready_when(check("jsonpath={.status.parts[*].state}=Fine"));
    let rules = Rules::default().with(rule);
    let judge = |parts: Value| {
        word(rules.judge(Object::of(&object("Widget", "example.com/v1", json!({ "parts": parts })))))
    };
    assert_eq!(judge(json!([{ "state": "Fine" }, { "state": "Fine" }])), "ready");
    assert!(judge(json!([{ "state": "Fine" }, { "state": "New" }])).contains("is Fine, New"));
    assert!(judge(json!([])).contains("is not there"), "nothing to look at proves nothing");
}

#[test]
fn a_rule_that_knows_only_failures_leaves_the_rest_to_the_kind() {
    let rules = Rules::default()
        .with(Rule::new("Widget").unwrap().failed_when(check("jsonpath={.status.phase}=Failed")));
    let judge =
        |phase: &str| word(rules.judge(Object::of(&object("Widget", "e.com/v1", json!({ "phase": phase })))));
    assert_eq!(judge("Running"), "no rule");
    assert_eq!(judge("Failed"), "Widget shop/web failed: .status.phase is Failed");
}

#[test]
fn a_rule_may_be_about_one_name_and_the_last_one_is_asked_first() {
    let rules = Rules::default()
        .with(Rule::new("Widget").unwrap().ready_when(check("jsonpath={.status.a}")))
        .with(Rule::new("Widget/other").unwrap().ready_when(check("jsonpath={.status.b}")))
        .with(Rule::new("Widget/web").unwrap().ready_when(check("jsonpath={.status.c}")));
    let found = word(rules.judge(Object::of(&object("Widget", "e.com/v1", json!({ "c": 1 })))));
    assert_eq!(found, "ready");
    for about in ["", "/web", "Widget/", "Widget.", "Wid get", ".example.com"] {
        assert!(Rule::new(about).is_err(), "{about}");
    }
}

#[test]
fn the_rules_that_landfall_knows_are_those_of_ack_and_argo_rollouts() {
    let rules = Rules::default();
    let judge = |kind: &str, version: &str, status: Value| {
        word(rules.judge(Object::of(&object(kind, version, status))))
    };
    let ack = |kind: &str, status: &str| {
        let status = json!({ "conditions": [{ "type": kind, "status": status, "message": "no such role" }] });
        judge("Bucket", "s3.services.k8s.aws/v1alpha1", status)
    };
    assert_eq!(ack("ACK.ResourceSynced", "True"), "ready");
    assert!(ack("ACK.ResourceSynced", "False").contains("no such role"));
    assert!(ack("ACK.Terminal", "True").contains("failed: ACK.Terminal is True: no such role"));
    let rollout = |phase: &str| judge("Rollout", "argoproj.io/v1alpha1", json!({ "phase": phase }));
    assert_eq!(rollout("Healthy"), "ready");
    assert!(rollout("Progressing").contains(".status.phase is Progressing"));
    assert!(rollout("Degraded").starts_with("Rollout shop/web failed"));
}

#[test]
fn the_value_of_a_secret_is_not_told() {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "key": "aHVudGVyMg==" } });
    let rules =
        Rules::default().with(Rule::new("Secret").unwrap().ready_when(check("jsonpath={.data.key}=x")));
    let told = word(rules.judge(Object::of(&secret)));
    assert!(told.contains("[redacted]") && !told.contains("aHVudGVyMg"), "{told}");
}

#[test]
fn rules_of_a_command_are_read_together_and_those_about_the_same_objects_are_one() {
    let rules = Rule::read(&[
        "Widget/web=jsonpath={.status.c}",
        "Widget.e.com=condition=Ready",
        "widget.e.com!jsonpath={.status.phase}=Broken",
        "Widget.e.com=jsonpath={.status.b}=a=b",
    ])
    .unwrap();
    let named: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["Widget.e.com", "Widget/web"], "those for one name are added last");
    let all = Rule::new("Widget.e.com").unwrap().ready_when(check("condition=Ready"));
    let all = all.failed_when(check("jsonpath={.status.phase}=Broken"));
    assert_eq!(rules[0], all.ready_when(check("jsonpath={.status.b}=a=b")));
    let manifests = "{apiVersion: e.com/v1, kind: Widget, metadata: {name: db}}\n---\n\
                     {apiVersion: v1, kind: ConfigMap, metadata: {name: web}}\n";
    let set = crate::input::ManifestSet::builder().text("a.yaml", manifests).read().unwrap();
    let fits = |rule: &Rule| set.objects().iter().map(|one| rule.fits(one)).collect::<Vec<_>>();
    assert_eq!((fits(&rules[0]), fits(&rules[1])), (vec![true, false], vec![false, false]));
    let broken =
        ["Widget", "=condition=Ready", "Widget=Ready", "Widget!=condition=Ready", "A/b=jsonpath={.c"];
    let error = Rule::read(&broken).unwrap_err();
    assert_eq!(error.causes().len(), broken.len(), "{}", error.report());
    for (cause, text) in error.causes().iter().zip(broken) {
        let told = cause.message.contains(text) && cause.hint.is_some();
        assert!(told && cause.field.as_deref() == Some("rule"), "{cause:?}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader_of_paths_and_checks(text in "[\\[\\]().@?*='\"!$ a-c0-9\\\\{}é-]{0,24}") {
        if let Ok(path) = Path::parse(&text) {
            path.find(&json!({ "a": [{ "b": 1 }, { "c": "x" }], "b": { "a": null } }));
        }
        let _ = Check::parse(&format!("jsonpath={text}"));
        let _ = Rule::new(&text);
        let _ = Rule::read(&[&text]);
    }
}
