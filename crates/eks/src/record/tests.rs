use landfall_core::ErrorKind;
use serde_json::json;

use super::{Content, forget, keep, recall};
use crate::input::ManifestSet;
use crate::inventory::{RecordRef, Release};
use crate::scripted::{Scripted, hearing};

const TEXT: &str = "\
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {version: '1.10'}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, spec: {ratio: 1.10, count: 123456789012345678901234567890}}
";

fn release() -> Release {
    Release { namespace: "shop".to_owned(), name: "web".to_owned() }
}

async fn kept(server: &Scripted, revision: u64) -> RecordRef {
    let manifests = ManifestSet::builder().text("m.yaml", TEXT).read().unwrap();
    keep(&hearing().0, &server.api, &release(), revision, Content::Applied(manifests.objects()))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_applied_comes_back_with_every_digit() {
    let server = Scripted::with(&[]).await;
    let kept = kept(&server, 3).await;
    assert_eq!((kept.revision, kept.parts), (3, 1));
    let secret = server.object("/api/v1/namespaces/shop/secrets/landfall-web.3.0").unwrap();
    assert!(!secret.to_string().contains("ConfigMap"), "it is packed");
    let back = recall(&hearing().0, &server.api, &release(), &kept).await.unwrap();
    let json: Vec<String> = back.objects().iter().map(|object| object.to_json()).collect();
    assert!(json[1].contains(r#""ratio":1.10,"count":123456789012345678901234567890"#), "{json:?}");
    assert_eq!(json.len(), 2);
}

#[tokio::test]
async fn a_record_that_is_gone_or_changed_is_told() {
    let server = Scripted::with(&[]).await;
    let kept = kept(&server, 1).await;
    let other = RecordRef { sha256: "0".to_owned(), ..kept.clone() };
    let error = recall(&hearing().0, &server.api, &release(), &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let longer = RecordRef { parts: 2, ..kept };
    let error = recall(&hearing().0, &server.api, &release(), &longer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("Secret shop/landfall-web.1.1"), "{error}");
}

#[tokio::test]
async fn only_parts_of_the_record_are_forgotten() {
    let server = Scripted::with(&[]).await;
    let kept = kept(&server, 1).await;
    let strangers = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "landfall-web.1.1", "namespace": "shop"}});
    server.put(&strangers);
    let both = RecordRef { parts: 3, ..kept };
    for _ in 0..2 {
        forget(&hearing().0, &server.api, &release(), &both).await.unwrap();
    }
    assert_eq!(server.object("/api/v1/namespaces/shop/secrets/landfall-web.1.0"), None);
    assert!(server.object("/api/v1/namespaces/shop/secrets/landfall-web.1.1").is_some());
}
