//! `eks`: stops, `--journal`, `runs` and `revert`.

use std::process::Stdio;
use std::time::Duration;

use landfall_simulator::{PodBehaviour, PodRule};

use crate::eks::{Shop, tells};
use crate::stops::{signal, until};
use crate::support::{ended, run};

const RUN: [&str; 4] = ["--journal", "journal", "--run-id", "shop/81"];

impl Shop {
    fn slow(&self, ready_after_ms: u64) {
        self.kubernetes.behave(PodRule::of("Deployment", "front", PodBehaviour::Good { ready_after_ms }));
    }

    fn ask(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = self.cloud.command(&[arguments, &["--journal", "journal"]].concat());
        command.current_dir(self.folder.path());
        command
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_wait_at_once_and_says_how_to_attach_again() {
    for name in ["TERM", "INT"] {
        let shop = Shop::new("kubernetes-never-ready").await;
        let (child, _) = until(shop.deploy(&["--run-id", "shop/5"]), "started:").await;
        signal(&child, name).await;
        let ran = tokio::time::timeout(Duration::from_secs(20), ended(child)).await.unwrap();
        assert_eq!(ran.code, 130, "{name}: {}", ran.told());
        tells(&ran, &["CANCELLED", "--run-id shop/5"]);
        assert!(shop.image().is_some(), "{name}: nothing is undone by default");
    }
}

#[tokio::test]
async fn a_killed_run_goes_on_with_its_id() {
    let shop = Shop::new("good").await;
    shop.slow(4_000);
    let mut command = shop.deploy(&RUN);
    command.stderr(Stdio::null());
    let (mut child, _) = until(command, "started:").await;
    child.kill().await.unwrap();
    let listed = run(shop.ask(&["runs"])).await;
    tells(&listed, &["shop/81", "eks-release demo/default/shop in 111122223333 eu-central-1", "started"]);
    let web = shop.kubernetes.object(crate::eks::WEB).unwrap();
    let again = run(shop.deploy(&RUN)).await;
    assert_eq!(again.code, 0, "{}", again.told());
    tells(&again, &["SUCCEEDED"]);
    let after = shop.kubernetes.object(crate::eks::WEB).unwrap();
    assert_eq!(after["metadata"]["uid"], web["metadata"]["uid"]);
    assert_eq!(after["metadata"]["generation"], web["metadata"]["generation"], "nothing is applied twice");
}

#[tokio::test]
async fn a_run_is_undone_by_its_journal_and_what_was_there_before_is_there_again() {
    let shop = Shop::new("good").await;
    assert_eq!(run(shop.deploy(&[])).await.code, 0);
    let image = ["--image", "web=registry.example.com/web:2.0"];
    let ran = run(shop.deploy(&[&RUN[..], &image].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let planned = run(shop.ask(&["revert", "shop/81", "--plan"])).await;
    assert_eq!(planned.code, 0, "{}", planned.told());
    tells(&planned, &["Deployment default/front", "nothing was changed"]);
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:2.0"));
    let undone = run(shop.ask(&["revert", "shop/81"])).await;
    assert_eq!(undone.code, 0, "{}", undone.told());
    tells(&undone, &["what was there before runs again"]);
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:1.0"));
    let shown = run(shop.ask(&["runs", "shop/81"])).await;
    tells(&shown, &["succeeded, undone", "eks-release demo/default/shop"]);
}

#[tokio::test]
async fn a_second_run_of_the_release_is_refused_or_waits() {
    let shop = Shop::new("good").await;
    shop.slow(3_000);
    let mut command = shop.deploy(&["--run-id", "shop/1"]);
    command.stderr(Stdio::null());
    let (child, _) = until(command, "started:").await;
    let refused = run(shop.deploy(&["--run-id", "shop/2"])).await;
    assert_eq!(refused.code, 1, "{}", refused.told());
    tells(&refused, &["shop/1", "nothing was changed"]);
    let waited = run(shop.deploy(&["--run-id", "shop/3", "--if-busy", "wait"])).await;
    assert_eq!(waited.code, 0, "{}", waited.told());
    assert_eq!(ended(child).await.code, 0);
}
