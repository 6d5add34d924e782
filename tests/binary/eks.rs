//! `eks`: manifests in the simulated Kubernetes of the cluster `demo`.

use std::process::Stdio;

use hyper::Request;
use hyper::body::Bytes;
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Kubernetes, KubernetesServer, PodBehaviour, PodRule,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::machine::{events, kinds};
use crate::support::{Cloud, Ran, binary, run};

/// Where the Deployment is.
pub(crate) const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/front";

/// A cloud with the demonstration's Kubernetes, and a folder `shop` of manifests.
pub(crate) struct Shop {
    pub(crate) cloud: Cloud,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) server: KubernetesServer,
    pub(crate) folder: TempDir,
}

impl Shop {
    pub(crate) async fn new(scenario: &str) -> Self {
        Self::of(Cloud::new(scenario).await).await
    }

    pub(crate) async fn of(cloud: Cloud) -> Self {
        let kubernetes = cloud.simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
        let server = kubernetes.serve().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("shop")).unwrap();
        let shop = Self { cloud, kubernetes, server, folder };
        shop.write("shop/web.yaml", &deployment("registry.example.com/web:1.0").to_string());
        let settings =
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LOG_LEVEL: info}}";
        shop.write("shop/settings.yaml", settings);
        shop
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Deploys the folder to the cluster with these further arguments.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Command {
        let what = ["eks", "--cluster", "demo", "--manifests", "shop"];
        let timeout: &[&str] = if arguments.contains(&"--timeout") { &[] } else { &["--timeout", "60s"] };
        let mut command = self.cloud.command(&[&what[..], timeout, arguments].concat());
        command.current_dir(self.folder.path());
        command
    }

    /// The image of the Deployment, if it is there.
    pub(crate) fn image(&self) -> Option<String> {
        let web = self.kubernetes.object(WEB)?;
        Some(web["spec"]["template"]["spec"]["containers"][0]["image"].as_str()?.to_owned())
    }

    /// What was sent to change something, but for dry runs.
    pub(crate) fn written(&self) -> Vec<String> {
        let requests = self.kubernetes.requests().into_iter();
        let written = requests.filter(|one| one.method != "GET" && !one.query.contains("dryRun"));
        written.map(|one| format!("{} {}", one.method, one.path)).collect()
    }

    /// Applies an object as another manager does.
    pub(crate) async fn apply_as(&self, manager: &str, path: &str, object: &Value) {
        let request = Request::patch(format!("{path}?fieldManager={manager}&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(Bytes::from(object.to_string()))
            .unwrap();
        let answer = self.kubernetes.handle_as(manager, request).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

/// The Deployment `front`, which is not one of the demonstration, with a container `web`.
pub(crate) fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "front" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": "front" } },
            "template": {
                "metadata": { "labels": { "app": "front" } },
                "spec": { "containers": [{ "name": "web", "image": image }] }
            }
        }
    })
}

pub(crate) fn tells(ran: &Ran, words: &[&str]) {
    for words in words {
        assert!(ran.told().contains(words), "{words:?} is not in\n{}", ran.told());
    }
}

#[tokio::test]
async fn manifests_are_applied_and_waited_for_and_the_same_again_is_unchanged() {
    let shop = Shop::new("good").await;
    let ran = run(shop.deploy(&["--image", "web=registry.example.com/web:2.0"])).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.told());
    tells(
        &ran,
        &["eks-release demo/default/shop", "Deployment default/front", "SUCCEEDED", "release: default/shop"],
    );
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:2.0"));
    let web = shop.kubernetes.object(WEB).unwrap();
    assert_eq!(web["status"]["readyReplicas"], 2, "{web}");
    let again = run(shop.deploy(&["--image", "web=registry.example.com/web:2.0"])).await;
    assert_eq!(again.code, 0, "{}", again.told());
    assert!(again.stdout.contains("UNCHANGED") && !again.stdout.contains("SUCCEEDED"), "{}", again.told());
    let after = shop.kubernetes.object(WEB).unwrap();
    assert_eq!(after["metadata"]["resourceVersion"], web["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn the_readmes_command_runs_from_a_fresh_clone() {
    let mut command = Command::new(binary());
    let arguments = ["eks", "--simulate", "--cluster", "demo", "--manifests", "examples/eks"];
    let image = ["--image", "web=registry.example.com/web:2.0"];
    command.env_clear().env("HOME", "/nonexistent").args(arguments).args(image);
    // A cluster that is really there is never reached by a demonstration.
    command.env("KUBECONFIG", "/nonexistent/config");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(
        &ran,
        &["ConfigMap default/web-settings", "Service default/web", "SUCCEEDED", "release: default/eks"],
    );
}

#[tokio::test]
async fn a_plan_shows_what_would_change_and_changes_nothing() {
    let shop = Shop::new("good").await;
    let ran = run(shop.deploy(&["--plan"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let words =
        ["release default/shop, called by", "+ Deployment default/front", "+ ConfigMap default/settings"];
    tells(&ran, &[&words[..], &["nothing was changed"]].concat());
    assert_eq!((shop.image(), shop.written()), (None, Vec::new()));
    assert_eq!(run(shop.deploy(&[])).await.code, 0);
    let written = shop.written().len();
    let ran = run(shop.deploy(&["--plan", "--image", "web=registry.example.com/web:2.0"])).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    tells(
        &ran,
        &["~ Deployment default/front", "registry.example.com/web:1.0", "registry.example.com/web:2.0"],
    );
    assert!(!ran.stdout.contains("ConfigMap"), "it is as it is to be: {}", ran.stdout);
    assert_eq!(shop.written().len(), written);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_told_with_its_evidence_before_the_old_one_is_put_back() {
    let shop = Shop::new("good").await;
    assert_eq!(run(shop.deploy(&[])).await.code, 0);
    shop.kubernetes.behave(PodRule::of("Deployment", "front", PodBehaviour::ImageNotFound).image("*:3.0"));
    let ran = run(shop.deploy(&["--image", "web=registry.example.com/web:3.0"])).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    tells(&ran, &["FAILED", "registry.example.com/web:3.0", "next:", "undone", "(exit code 3)"]);
    let place = |words: &str| ran.stdout.find(words).unwrap_or_else(|| panic!("{words:?}: {}", ran.stdout));
    assert!(place("cause: ") < place("undo"), "the evidence goes before the undo: {}", ran.stdout);
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:1.0"));
    let kept =
        run(shop.deploy(&["--image", "web=registry.example.com/web:3.0", "--on-failure", "keep"])).await;
    assert_eq!(kept.code, 1, "{}", kept.told());
    assert_eq!(shop.image().as_deref(), Some("registry.example.com/web:3.0"));
}

#[tokio::test]
async fn what_a_failed_first_release_made_is_taken_away_again() {
    let shop = Shop::new("kubernetes-crash").await;
    let ran = run(shop.deploy(&[])).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    tells(&ran, &["panic: DATABASE_URL is not set", "exit code 1", "undone"]);
    assert_eq!(shop.image(), None);
    assert_eq!(shop.kubernetes.object("/api/v1/namespaces/default/configmaps/settings"), None);
}

#[tokio::test]
async fn what_a_controller_has_set_is_refused_with_both_values_unless_it_is_to_be_taken_over() {
    let shop = Shop::new("good").await;
    let theirs = deployment("registry.example.com/web:0.9");
    shop.apply_as("argocd-controller", WEB, &theirs).await;
    let ran = run(shop.deploy(&[])).await;
    assert_eq!((ran.code, shop.written()), (1, Vec::new()), "{}", ran.told());
    tells(
        &ran,
        &["argocd-controller", "web:0.9", "web:1.0", "containers[name=\"web\"].image", "nothing was changed"],
    );
    let ran = run(shop.deploy(&["--conflicts", "take-over"])).await;
    assert_eq!(
        (ran.code, shop.image().as_deref()),
        (0, Some("registry.example.com/web:1.0")),
        "{}",
        ran.told()
    );
}

#[tokio::test]
async fn what_is_taken_out_of_the_manifests_stays_until_it_is_to_be_pruned() {
    let settings = "/api/v1/namespaces/default/configmaps/settings";
    let shop = Shop::new("good").await;
    assert_eq!(run(shop.deploy(&[])).await.code, 0);
    std::fs::remove_file(shop.folder.path().join("shop/settings.yaml")).unwrap();
    let ran = run(shop.deploy(&[])).await;
    assert!(ran.code == 0 && shop.kubernetes.object(settings).is_some(), "{}", ran.told());
    let ran = run(shop.deploy(&["--prune", "--plan"])).await;
    assert!(ran.code == 0 && ran.stdout.contains("- ConfigMap default/settings"), "{}", ran.told());
    assert!(shop.kubernetes.object(settings).is_some(), "a plan deletes nothing");
    let ran = run(shop.deploy(&["--prune"])).await;
    assert!(ran.code == 0 && shop.kubernetes.object(settings).is_none(), "{}", ran.told());
}

#[tokio::test]
async fn a_rule_says_when_an_object_has_failed() {
    let shop = Shop::new("good").await;
    let rule = ["--wait-for", "ConfigMap/settings!jsonpath={.data.LOG_LEVEL}=info"];
    let ran = run(shop.deploy(&rule)).await;
    assert_eq!(ran.code, 3, "{}", ran.told());
    tells(&ran, &["ConfigMap default/settings failed: .data.LOG_LEVEL is info"]);
    let rule = ["--wait-for", "ConfigMap/settings=jsonpath={.data.LOG_LEVEL}=debug", "--timeout", "3s"];
    let ran = run(shop.deploy(&rule)).await;
    assert_eq!(ran.code, 6, "{}", ran.told());
    tells(&ran, &["TIMED OUT while waiting for", ".data.LOG_LEVEL to be debug"]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_goes_on_in_the_cluster() {
    for wait in [&["--no-wait"][..], &["--wait-for", "ConfigMap/settings=jsonpath={.a}=b", "--timeout", "1s"]]
    {
        let shop = Shop::new("good").await;
        let ran = run(shop.deploy(&[wait, &["--on-failure", "keep"]].concat())).await;
        tells(&ran, &["it goes on in the cluster: ", "--run-id"]);
    }
}

#[tokio::test]
async fn the_stream_of_events_fits_the_schema() {
    let shop = Shop::new("good").await;
    let ran = run(shop.deploy(&["--output", "json", "--run-id", "shop/1"])).await;
    let told = events(&ran);
    let kinds = kinds(&told);
    let place = |kind: &str| kinds.iter().position(|one| *one == kind);
    assert!(place("signed-in") < place("started") && place("started") < place("planned"), "{kinds:?}");
    let last = told.last().unwrap();
    assert_eq!((last["event"].as_str(), last["exit_code"].as_i64()), (Some("finished"), Some(0)), "{last}");
    let outputs = &last["verdict"]["outputs"];
    assert_eq!((&outputs["release"], &outputs["objects"]), (&"default/shop".into(), &"2".into()), "{last}");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let shop = Shop::new("kubernetes-image-not-found").await;
    let ran = run(shop.deploy(&["--output", "json"])).await;
    let last = events(&ran).pop().unwrap();
    assert_eq!(last["exit_code"].as_i64(), Some(i64::from(ran.code)), "{last}");
    assert_eq!(last["verdict"]["causes"][0]["code"], "image-not-found", "{last}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_terminal_the_objects_that_are_waited_for_are_a_tree() {
    let shop = Shop::new("kubernetes-never-ready").await;
    // `script` of util-linux gives the command a terminal.
    let deploy = format!("{} eks --cluster demo --manifests shop --timeout 4s", binary().display());
    let mut command = shop.cloud.command(&[]);
    let environment: Vec<_> = command
        .as_std()
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned()))
        .collect();
    let mut script = Command::new("script");
    script
        .env_clear()
        .envs(environment)
        .env("TERM", "xterm")
        .env("PATH", "/usr/bin:/bin")
        .current_dir(shop.folder.path());
    script
        .args(["-qec", &deploy, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command = script;
    let ran = run(command).await;
    assert_eq!(ran.code, 6, "{}", ran.told());
    tells(
        &ran,
        &["1/2 objects ready", "Deployment default/front ", "2/2 new pods made", "0/2 pods available"],
    );
}
