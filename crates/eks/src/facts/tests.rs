use serde_json::json;

use super::{Event, Field, Object, Pod, command};

#[test]
fn a_field_reads_what_is_there_and_nothing_else() {
    let value = json!({
        "a": { "b": [1, 2.0, "3", 4.5, "x", null, i64::MAX, 1e300, "-9223372036854775808"], "empty": "", "no": null, "yes": true, "list": [] },
        "at": "2026-11-20T10:00:00Z", "micro": "2026-11-20T10:00:00.250000Z",
    });
    let root = Field::of(&value);
    let numbers: Vec<_> = root.at("a.b").items().map(Field::number).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3), None, None, None, None, None, None]);
    assert_eq!(root.at("a.empty").text(), None);
    assert!(!root.at("a.no").exists() && root.at("a.no").is_empty() && root.at("a.list").is_empty());
    assert!(root.at("a.yes").is_true() && !root.at("a.b").is_true());
    assert_eq!(root.at("a.b.c.d").text(), None);
    let between = root.at("micro").time().unwrap().duration_since(root.at("at").time().unwrap());
    assert_eq!(between.as_millis(), 250);
    assert_eq!(root.at("a.b").time(), None);
}

#[test]
fn the_owner_is_the_one_that_controls() {
    let owner = json!({ "metadata": { "uid": "u-2" } });
    let child = json!({ "metadata": { "ownerReferences": [
        { "uid": "u-1", "kind": "Node" }, { "uid": "u-2", "controller": true },
    ] } });
    assert!(Object::of(&child).is_controlled_by(Object::of(&owner)));
    let nobody = json!({});
    assert!(!Object::of(&nobody).is_controlled_by(Object::of(&nobody)), "two objects without UID");
}

#[test]
fn a_condition_about_an_older_generation_is_stale() {
    let value = json!({ "metadata": { "generation": 3 }, "status": { "conditions": [
        { "type": "Ready", "status": "True", "observedGeneration": 2 },
        { "type": "Synced", "status": "True", "observedGeneration": "3" },
        { "type": "Old", "status": "True" },
    ] } });
    let object = Object::of(&value);
    assert!(object.condition("Ready").unwrap().stale && object.has("Ready").is_none());
    assert!(object.has("Synced").is_some() && object.has("Old").is_some());
}

#[test]
fn containers_carry_the_image_that_was_asked_for() {
    let value = json!({
        "spec": { "containers": [{ "name": "web", "image": "web:2" }], "initContainers": [{ "name": "init" }] },
        "status": {
            "initContainerStatuses": [{ "name": "init", "image": "init@sha256:0", "state": { "terminated": { "exitCode": 0 } } }],
            "containerStatuses": [{
                "name": "web", "image": "sha256:1", "restartCount": 2,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "exitCode": 1, "reason": "Error" } },
            }],
        },
    });
    let containers: Vec<_> = Pod::of(&value).containers().collect();
    assert_eq!(
        (containers[0].name, containers[0].init, containers[0].image),
        ("init", true, "init@sha256:0")
    );
    assert_eq!((containers[1].image, containers[1].restarts), ("web:2", 2));
    assert!(containers[1].waits_for("CrashLoopBackOff"));
    assert_eq!(containers[1].last_exit().unwrap().code, 1);
}

#[test]
fn events_of_both_ways_of_writing_have_times_and_counts() {
    let old = json!({
        "reason": "Failed", "message": "spec.containers{web}: Error: ImagePullBackOff", "count": 4,
        "firstTimestamp": "2026-11-20T10:00:00Z", "lastTimestamp": "2026-11-20T10:01:00Z",
        "source": { "component": "kubelet" }, "involvedObject": { "uid": "u" },
    });
    let new = json!({
        "reason": "FailedScheduling", "message": "0/3 nodes are available", "eventTime": "2026-11-20T10:00:00.5Z",
        "firstTimestamp": null, "reportingComponent": "default-scheduler",
        "series": { "count": 7, "lastObservedTime": "2026-11-20T10:02:00Z" },
    });
    let (old, new) = (Event::read(&old), Event::read(&new));
    assert_eq!(
        (old.count, old.words(), old.from, old.about),
        (4, "Error: ImagePullBackOff", "kubelet", Some("u"))
    );
    assert_eq!((new.count, new.from, new.about), (7, "default-scheduler", None));
    assert!(new.first < new.last && old.first < old.last);
}

#[test]
fn commands_name_kind_group_and_namespace() {
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" } });
    let certificate = json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "web", "namespace": "shop" } });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    assert_eq!(command::describe(Object::of(&deployment)), "kubectl -n shop describe deployment web");
    assert_eq!(
        command::show(Object::of(&certificate)),
        "kubectl -n shop get certificate.cert-manager.io web -o yaml"
    );
    assert_eq!(command::describe(Object::of(&namespace)), "kubectl describe namespace shop");
    assert_eq!(
        command::logs(Some("shop"), "web-1", "web", true),
        "kubectl -n shop logs web-1 -c web --previous"
    );
}
