//! Images, namespaces and labels.

use landfall_core::Cause;

use super::super::{ManifestSet, Scope};
use super::{deployment, refused, text};

fn json(manifests: &ManifestSet) -> String {
    manifests.objects().iter().map(|object| object.to_json()).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_is_put_in_by_the_name_of_the_container_in_every_pod_template() {
    let containers = "[{name: web, image: web:1}, {name: log, image: log:1}]";
    let inits = "[{name: web, image: init:1}]";
    let mut yaml = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: {containers}, initContainers: {inits}}}}}\n"
    );
    for (version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("v1", "ReplicationController"),
    ] {
        yaml.push_str(&format!("---\n{{apiVersion: {version}, kind: {kind}, metadata: {{name: p}}, spec: {{template: {{spec: {{containers: {containers}, initContainers: {inits}}}}}}}}}\n"));
    }
    yaml.push_str(&format!("---\n{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: p}}, spec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: {containers}, initContainers: {inits}}}}}}}}}}}}}\n"));
    yaml.push_str(&format!("---\n{{apiVersion: example.com/v1, kind: Job, metadata: {{name: p}}, spec: {{template: {{spec: {{containers: {containers}}}}}}}}}\n"));
    let image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/web:2";
    let manifests = text(&yaml).image("web", image).read().unwrap();
    let all = json(&manifests);
    assert_eq!(all.matches(image).count(), 16, "{all}");
    assert_eq!(all.matches("log:1").count(), 9);
    assert_eq!(
        all.matches("web:1").count(),
        1,
        "of a custom resource nobody knows what is a container: {all}"
    );
}

#[test]
fn an_image_is_put_in_where_there_was_none_or_a_placeholder() {
    let yaml = deployment("d", "      - name: web\n      - name: job\n        image: $IMAGE\n");
    let manifests = text(&yaml).image("web", "web:2").image("job", "job:2").read().unwrap();
    assert!(
        json(&manifests).contains(r#"[{"name":"web","image":"web:2"},{"name":"job","image":"job:2"}]"#),
        "{}",
        json(&manifests)
    );
}

#[test]
fn an_image_for_a_container_that_there_is_not_is_told_with_those_that_there_are() {
    let yaml = deployment(
        "d",
        "      - name: web\n        image: web:1\n      - name: sidecar\n        image: s:1\n",
    );
    let error = refused(text(&yaml).image("wbe", "web:2").image("nothing", "x:1"));
    let told: Vec<String> = error.causes().iter().map(Cause::report).collect();
    assert_eq!(
        told,
        [
            "image: an image is given for container `nothing`, which there is not; containers in the manifests: sidecar, web",
            "image: an image is given for container `wbe`, which there is not; containers in the manifests: sidecar, web\nnext: did you mean `web`?",
        ]
        .map(|text| text.strip_prefix("image: ").unwrap())
    );
    let none =
        refused(text("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}").image("web", "web:2"));
    assert!(none.report().contains("there are no pod templates in the manifests"), "{}", none.report());
}

#[test]
fn what_is_asked_for_is_checked_too() {
    let yaml = deployment("d", "      - name: web\n        image: web:1\n");
    let error = refused(
        text(&yaml)
            .image("web", "registry.example.com/web:")
            .image("other", "a:1")
            .image("other", "a:2")
            .namespace("My_Space")
            .label("-bad", "x")
            .label("good", "no blanks please"),
    );
    let report = error.report();
    for expected in [
        "the variable for the tag was probably empty",
        "container `other` is given twice: `a:1` and `a:2`",
        "the namespace `My_Space` is not valid",
        "the label `-bad` has a key that Kubernetes does not take",
        "the label `good` has the value `no blanks please`, which Kubernetes does not take",
    ] {
        assert!(report.contains(expected), "{report}");
    }
    assert_eq!(error.causes().len(), 5, "{report}");
}

#[test]
fn the_default_namespace_goes_where_it_belongs() {
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: own}}\n---\n\
                {apiVersion: v1, kind: ConfigMap, metadata: {namespace: '', name: c}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: space}}\n---\n\
                {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r, namespace: x}}\n---\n\
                {apiVersion: e.com/v1, kind: Known, metadata: {name: k}}\n---\n{apiVersion: e.com/v1, kind: Wide, metadata: {name: w}}\n---\n\
                {apiVersion: other.com/v1, kind: Unknown, metadata: {name: u}}\n---\n\
                {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: knowns.e.com}, spec: {group: e.com, scope: Namespaced, names: {kind: Known}}}\n---\n\
                {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: wides.e.com}, spec: {group: e.com, scope: Cluster, names: {kind: Wide}}}\n";
    let manifests = text(yaml).namespace("shop").read().unwrap();
    let found: Vec<(String, Scope)> =
        manifests.objects().iter().map(|one| (one.to_string(), one.scope())).collect();
    let expected = [
        ("ConfigMap shop/a", Scope::Namespaced),
        ("ConfigMap own/b", Scope::Namespaced),
        ("ConfigMap shop/c", Scope::Namespaced),
        ("Namespace space", Scope::Cluster),
        ("ClusterRole r", Scope::Cluster),
        ("Known shop/k", Scope::Namespaced),
        ("Wide w", Scope::Cluster),
        ("Unknown u", Scope::Unknown),
        ("CustomResourceDefinition knowns.e.com", Scope::Cluster),
        ("CustomResourceDefinition wides.e.com", Scope::Cluster),
    ];
    assert_eq!(found, expected.map(|(name, scope)| (name.to_owned(), scope)));
    assert!(manifests.objects()[0].to_json().contains(r#""metadata":{"name":"a","namespace":"shop"}"#));
    assert!(manifests.objects()[2].to_json().contains(r#""metadata":{"namespace":"shop","name":"c"}"#));
    assert!(
        !manifests.objects()[7].to_json().contains("shop"),
        "only the cluster knows whether it has a namespace"
    );
    assert_eq!(text(yaml).read().unwrap().objects()[0].namespace(), None);
}

#[test]
fn labels_go_onto_objects_and_neither_into_templates_nor_selectors() {
    let yaml = deployment("d", "      - name: web\n        image: web:1\n")
        + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {a: b}}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: e, labels: null}}\n";
    let manifests = text(&yaml).label("example.com/release", "r1").label("a", "b").read().unwrap();
    let objects = manifests.objects();
    assert!(
        objects[0]
            .to_json()
            .contains(r#""metadata":{"name":"d","labels":{"a":"b","example.com/release":"r1"}}"#),
        "{}",
        objects[0].to_json()
    );
    assert_eq!(objects[0].to_json().matches("r1").count(), 1);
    assert!(objects[1].to_json().contains(r#""labels":{"a":"b","example.com/release":"r1"}"#));
    assert!(objects[2].to_json().contains(r#""labels":{"a":"b","example.com/release":"r1"}"#));
    let error = refused(text(&yaml).label("a", "c"));
    let expected = "m.yaml:12:67: metadata.labels: document 2: ConfigMap c: it has the label `a` already, with another value than `c`";
    assert!(error.report().contains(expected), "{}", error.report());
}

#[test]
fn an_object_that_is_there_twice_is_refused_with_both_places() {
    let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n";
    let error = refused(text(one).text("n.yaml", format!("---\n---\n{other}")));
    let expected = "n.yaml:3:1: metadata.name: document 1: ConfigMap default/a: it stands here for the second time, and before in m.yaml:1:1, document 1";
    assert!(error.report().contains(expected), "{}", error.report());
    text(one).namespace("x").text("n.yaml", other).read().unwrap();
    let versions = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n{apiVersion: apps/v1beta2, kind: Deployment, metadata: {name: a}}";
    assert!(refused(text(versions)).report().contains("for the second time"), "two views of one object");
    let groups = "{apiVersion: a.com/v1, kind: X, metadata: {name: a}}\n---\n{apiVersion: b.com/v1, kind: X, metadata: {name: a}}";
    text(groups).read().unwrap();
    let wide = "{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: a}}";
    assert!(
        refused(text(wide)).report().contains("for the second time"),
        "the namespace of an object of the cluster does not count"
    );
}

#[test]
fn texts_of_a_secret_go_out_as_data_so_that_what_is_taken_out_of_them_goes() {
    let secret = |more: &str| format!("{{apiVersion: v1, kind: Secret, metadata: {{name: db}}{more}}}");
    for (more, data) in [
        (", stringData: {a: hunter2, b: null}", r#","data":{"a":"aHVudGVyMg==","b":""}}"#),
        (
            ", data: {a: eA==, c: eQ==}, stringData: {a: hunter2}",
            r#","data":{"a":"aHVudGVyMg==","c":"eQ=="}}"#,
        ),
        (", data: null, stringData: {a: hunter2}", r#","data":{"a":"aHVudGVyMg=="}}"#),
        (", data: {c: eQ==}", r#","data":{"c":"eQ=="}}"#),
    ] {
        let sent = json(&text(&secret(more)).read().unwrap());
        assert!(sent.ends_with(data) && !sent.contains("stringData"), "{more}: {sent}");
    }
    let other = "{apiVersion: example.com/v1, kind: Secret, metadata: {name: db}, stringData: {a: b}}";
    assert!(
        json(&text(other).read().unwrap()).contains("stringData"),
        "what custom kinds mean by it nobody knows"
    );
}
