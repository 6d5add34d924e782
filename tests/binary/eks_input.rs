//! `eks`: bad input is told all at once, and nothing is sent.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::eks::{Shop, deployment, tells};
use crate::stops::signal;
use crate::support::{ended, run};

#[tokio::test]
async fn problems_of_manifests_flags_and_credentials_are_told_at_once() {
    let shop = Shop::new("good").await;
    shop.write("shop/broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\nkind: [\n");
    shop.write("shop/nameless.yaml", "apiVersion: v1\nkind: Service\nmetadata: {}\n");
    let ran = run(shop.deploy(&[
        "--image",
        "registry.example.com/web:2.0",
        "--label",
        "team",
        "--if-busy",
        "adopt",
        "--stable-for",
        "soon",
        "--wait-for",
        "Deployment",
        "--session-tag",
        "a",
    ]))
    .await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(
        &ran,
        &[
            "shop/broken.yaml:",
            "document 2",
            "shop/nameless.yaml:",
            "names no container",
            "--label \"team\" is not KEY=VALUE",
            "cannot be adopted or superseded",
            "--stable-for",
            "`Deployment`: it does not say what is waited for",
            "--session-tag",
        ],
    );
    assert!(shop.kubernetes.requests().is_empty() && shop.cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn what_does_not_fit_together_is_told_before_anything_is_sent() {
    let shop = Shop::new("good").await;
    let rows: [(&[&str], &[&str]); 9] = [
        (
            &["--image", "wbe=registry.example.com/web:2.0"],
            &["containers in the manifests: web", "did you mean `web`?"],
        ),
        (&["--image", "web=registry.example.com/web:"], &["tag"]),
        (&["--namespace", "Shop"], &["--namespace"]),
        (&["--label", "a b=c"], &["the label `a b`"]),
        (&["--release", "Web_1"], &["--release", "Web_1"]),
        (
            &["--wait-for", "deployments=condition=Available"],
            &["--wait-for deployments", "Deployment and not deployments"],
        ),
        (&["--at-once", "0"], &["--at-once"]),
        (&["--if-busy", "supersede"], &["--if-busy wait or fail"]),
        (&["--plan=change-set"], &["--plan"]),
    ];
    for (arguments, words) in rows {
        let ran = run(shop.deploy(arguments)).await;
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.told());
        tells(&ran, words);
    }
    assert!(shop.kubernetes.requests().is_empty() && shop.cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn paths_that_lead_to_no_manifest_are_told() {
    let shop = Shop::new("good").await;
    std::fs::create_dir(shop.folder.path().join("empty")).unwrap();
    for (path, words) in [
        ("none.yaml", "there is no file or folder `none.yaml`"),
        ("empty", "holds no .yaml"),
        ("*.json", "no file matches `*.json`"),
        ("https://example.com/web.yaml", "only files are read"),
        ("", "a path of manifests is empty"),
    ] {
        let mut command =
            shop.cloud.command(&["eks", "--cluster", "demo", "--manifests", path, "--release", "web"]);
        command.current_dir(shop.folder.path());
        let ran = run(command).await;
        assert_eq!(ran.code, 2, "{path:?}: {}", ran.told());
        tells(&ran, &[words, "--manifests"]);
    }
    assert!(shop.cloud.simulator.calls().is_empty());
}

#[tokio::test]
async fn standard_input_is_read_and_the_release_has_to_be_named() {
    let shop = Shop::new("good").await;
    let what = ["eks", "--cluster", "demo", "--manifests", "-"];
    let ran = run(shop.cloud.command(&what)).await;
    assert_eq!(ran.code, 2, "{}", ran.told());
    tells(&ran, &["--release", "standard input is in no folder", "there is no object in what was read"]);
    let mut command = shop.cloud.command(&[&what[..], &["--release", "piped"]].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(deployment("registry.example.com/web:7").to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let ran = ended(child).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(&ran, &["release: default/piped"]);
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:7"));
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_types_manifests_can_stop() {
    let shop = Shop::new("good").await;
    let mut command = shop.cloud.command(&["eks", "--cluster", "demo", "--manifests", "-", "--release", "a"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let open = child.stdin.take();
    // Signals are listened to before standard input is read.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    signal(&child, "INT").await;
    let ran = tokio::time::timeout(std::time::Duration::from_secs(10), ended(child)).await.unwrap();
    assert_eq!(ran.code, 130, "{}", ran.told());
    drop(open);
    tells(&ran, &["stopped before standard input had ended; nothing was sent"]);
    assert!(shop.cloud.simulator.calls().is_empty());
}
