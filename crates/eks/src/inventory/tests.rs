use std::collections::HashSet;

use landfall_core::ErrorKind;
use serde_json::{Value, json};

use super::{Inventory, Kept, PART_OF, Pruned, RecordRef, Release, Verdict, id_of, judge, preview, prune};
use crate::api::{Key, Live};
use crate::input::ManifestSet;
use crate::scripted::{Reply, Scripted, hearing, sendable};

fn release() -> Release {
    Release { namespace: "shop".to_owned(), name: "web".to_owned() }
}

fn key(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Key {
    let (group, kind, name) = (group.to_owned(), kind.to_owned(), name.to_owned());
    Key { group, kind, namespace: namespace.map(str::to_owned), name }
}

fn config(name: &str) -> Key {
    key("", "ConfigMap", Some("shop"), name)
}

fn full() -> Inventory {
    let mut inventory = Inventory::empty(release()).with([&config("coming")]);
    inventory.record = Some(RecordRef { revision: 7, parts: 2, sha256: "00".to_owned(), found: false });
    inventory.set(config("a"), "uid-a");
    inventory.set(key("apps", "Deployment", Some("other"), "web"), "uid-w");
    inventory.set(key("", "Namespace", None, "shop"), "uid-n");
    inventory
}

/// The id that the documentation of the label shows, and kubectl's tests have.
#[test]
fn the_id_is_that_of_every_tool() {
    assert_eq!(id_of("my-set.test.Secret."), "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1");
    assert_eq!(release().id(), id_of("landfall-web.shop.Secret."));
    let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    let labelled = ManifestSet::builder().text("m.yaml", text).label(PART_OF, release().id()).read();
    assert!(labelled.is_ok(), "the label is one that Kubernetes takes: {labelled:?}");
}

#[test]
fn the_secret_has_the_form_of_an_applyset_and_is_read_as_it_was_written() {
    let secret = full().to_secret().unwrap();
    let metadata = &secret["metadata"];
    assert_eq!(
        (metadata["name"].as_str(), metadata["namespace"].as_str()),
        (Some("landfall-web"), Some("shop"))
    );
    assert_eq!(metadata["labels"]["applyset.kubernetes.io/id"], release().id());
    let annotation = |name: &str| metadata["annotations"][format!("applyset.kubernetes.io/{name}")].clone();
    assert_eq!(annotation("contains-group-kinds"), "ConfigMap,Deployment.apps,Namespace");
    assert_eq!(annotation("additional-namespaces"), "other");
    assert!(annotation("tooling").as_str().unwrap().starts_with("landfall/"));
    assert_eq!(Inventory::of_secret(&release(), &Live::new(secret)).unwrap(), full());
}

#[test]
fn another_tools_secret_and_a_broken_one_are_refused() {
    let mut secret = full().to_secret().unwrap();
    secret["data"]["members"] = json!("bm9uc2Vuc2U=");
    let error = Inventory::of_secret(&release(), &Live::new(secret.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.message().contains("Secret shop/landfall-web holds no inventory that can be read"),
        "{error}"
    );
    secret["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = json!("kubectl/v1.34.0");
    let error = Inventory::of_secret(&release(), &Live::new(secret)).unwrap_err();
    assert_eq!(error.message(), "Secret shop/landfall-web is the ApplySet of kubectl/v1.34.0");
    let error = Inventory::of_secret(&release(), &Live::new(json!({}))).unwrap_err();
    assert_eq!(error.message(), "Secret shop/landfall-web is no ApplySet of landfall's");
}

#[test]
fn before_applying_it_holds_what_was_and_what_will_be() {
    let wider = full().with([&config("a"), &config("b")]);
    let uid = |name: &str| {
        wider.members().find(|(key, _)| **key == config(name)).map(|(_, uid)| uid.map(str::to_owned))
    };
    assert_eq!(uid("a"), Some(Some("uid-a".to_owned())), "what is known stays known");
    assert_eq!(uid("b"), Some(None));
    assert_eq!(wider.members().count(), full().members().count() + 1);
}

#[test]
fn after_pruning_it_holds_what_is_there_and_is_the_releases() {
    let failed = || Pruned::Failed(landfall_core::Error::internal("x"));
    for (pruned, remembered) in [
        (Pruned::Deleted, false),
        (Pruned::Kept(Kept::Another), false),
        (Pruned::Kept(Kept::Stranger), false),
        (Pruned::Kept(Kept::Precious), true),
        (Pruned::Kept(Kept::Annotated), true),
        (failed(), true),
    ] {
        let mut inventory = full();
        inventory.settle(&config("a"), &pruned);
        assert_eq!(inventory.members().any(|(key, _)| *key == config("a")), remembered, "{pruned:?}");
        assert_eq!(inventory.members().count(), full().members().count() - usize::from(!remembered));
    }
}

#[test]
fn what_is_unwanted_goes_in_the_reverse_of_the_order_in_which_it_came() {
    let wanted = HashSet::from([config("coming")]);
    let names: Vec<String> = full().unwanted(&wanted).iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(names, ["Deployment other/web", "ConfigMap shop/a", "Namespace shop"]);
}

#[test]
fn only_what_is_the_releases_own_and_not_precious_is_deleted() {
    let ours = release().id();
    let object = |more: Value| {
        let mut object = json!({"metadata": {"uid": "u1"}});
        object["metadata"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(Live::new(object))
    };
    let (map, namespace) = (config("a"), key("", "Namespace", None, "shop"));
    let claim = key("", "PersistentVolumeClaim", Some("shop"), "data");
    let definition = key("apiextensions.k8s.io", "CustomResourceDefinition", None, "x");
    let custom = key("example.com", "Namespace", None, "x");
    let delete = Verdict::Delete { uid: "u1".to_owned() };
    let kept = |why: Kept| Verdict::Keep(why);
    let plain = || object(json!({}));
    let labelled = || object(json!({"labels": {PART_OF: ours.as_str()}}));
    for (key, uid, live, consent, verdict) in [
        (&map, Some("u1"), plain(), false, delete.clone()),
        (&map, Some("u2"), labelled(), false, kept(Kept::Another)),
        (&map, None, labelled(), false, delete.clone()),
        (&map, None, plain(), false, kept(Kept::Stranger)),
        (&map, None, object(json!({"labels": {PART_OF: "applyset-of-others"}})), false, kept(Kept::Stranger)),
        (&map, Some("u1"), None, false, Verdict::Gone),
        (
            &map,
            Some("u1"),
            object(json!({"deletionTimestamp": "2026-01-01T00:00:00Z"})),
            false,
            Verdict::Gone,
        ),
        (
            &map,
            Some("u1"),
            object(json!({"annotations": {"landfall/keep": "true"}})),
            true,
            kept(Kept::Annotated),
        ),
        (&namespace, Some("u1"), plain(), false, kept(Kept::Precious)),
        (&claim, Some("u1"), plain(), false, kept(Kept::Precious)),
        (&definition, Some("u1"), plain(), false, kept(Kept::Precious)),
        (&custom, Some("u1"), plain(), false, delete.clone()),
        (&namespace, Some("u2"), plain(), true, kept(Kept::Another)),
        (&namespace, Some("u1"), plain(), true, delete),
    ] {
        assert_eq!(judge(&release(), key, uid, live.as_ref(), consent), verdict, "{key} {uid:?} {consent}");
    }
}

#[tokio::test]
async fn it_is_written_and_read_in_the_cluster() {
    let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
    assert_eq!(Inventory::load(&cx, &server.api, &release()).await.unwrap(), Inventory::empty(release()));
    full().store(&cx, &server.api).await.unwrap();
    assert!(server.object("/api/v1/namespaces/shop/secrets/landfall-web").is_some());
    assert_eq!(Inventory::load(&cx, &server.api, &release()).await.unwrap(), full());
}

#[tokio::test]
async fn what_is_unwanted_is_deleted_and_what_was_made_anew_is_kept() {
    let server = Scripted::start(|seen| {
        (seen.method == "DELETE" && seen.path.ends_with("/locked")).then(|| {
            Reply::status(
                403,
                "Forbidden",
                "User \"ci\" cannot delete resource \"configmaps\" in API group \"\"",
            )
        })
    })
    .await;
    for name in ["mine", "theirs", "locked"] {
        server.put(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}}));
    }
    let unwanted = [
        (config("mine"), Some("uid-1".to_owned())),
        (config("theirs"), Some("uid-of-before".to_owned())),
        (config("gone"), Some("uid-9".to_owned())),
        (config("locked"), Some("uid-3".to_owned())),
        (key("example.com", "Widget", Some("shop"), "w"), Some("uid-8".to_owned())),
    ];
    let verdicts =
        sendable(preview(&hearing().0, &server.api, &release(), &unwanted, false, 4)).await.unwrap();
    let delete = |uid: &str| Verdict::Delete { uid: uid.to_owned() };
    let kept = Verdict::Keep(Kept::Another);
    assert_eq!(verdicts, [delete("uid-1"), kept, Verdict::Gone, delete("uid-3"), Verdict::Gone]);
    assert!(server.seen().iter().all(|seen| seen.method == "GET"), "a preview deletes nothing");
    let pruned = sendable(prune(&hearing().0, &server.api, &release(), &unwanted, false, 4)).await;
    let told: Vec<String> = pruned
        .iter()
        .map(|pruned| match pruned {
            Pruned::Deleted => "deleted".to_owned(),
            Pruned::Kept(why) => format!("{why:?}"),
            Pruned::Failed(error) => format!("{:?}", error.kind()),
        })
        .collect();
    assert_eq!(told, ["deleted", "Another", "deleted", "Denied", "deleted"]);
    let there = |name: &str| server.object(&format!("/api/v1/namespaces/shop/configmaps/{name}")).is_some();
    assert_eq!((there("mine"), there("theirs")), (false, true));
}
