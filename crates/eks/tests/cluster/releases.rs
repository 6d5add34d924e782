//! Releases on the real API server, each in a namespace of its own: what the scripted one plays is here what Kubernetes does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::{Context, DeployTargetExt, End, Outcome, Place, Policy, StepReport, Undone};
use landfall_eks::input::ManifestSet;
use landfall_eks::inventory::Release;
use landfall_eks::judge::Patience;
use landfall_eks::{Manifests, ManifestsBuilder, Prune};
use serde_json::{Value, json};

use crate::Tested;
use crate::support::identities::{DEPLOYER, Identity, STRANGER};
use crate::support::{CLUSTER, ControlPlane, REGION, request, tokens};

type Test = for<'a> fn(&'a ControlPlane) -> Tested<'a>;

pub(crate) const TESTS: [(&str, Test); 12] = [
    ("a_release_comes_up_and_a_second_run_changes_nothing", |plane| Box::pin(good(plane))),
    ("an_image_that_is_not_found_ends_it_and_all_objects_are_put_back", |plane| Box::pin(image(plane))),
    ("a_container_that_crashes_ends_it_and_what_was_new_is_gone", |plane| Box::pin(crash(plane))),
    ("pods_that_never_become_ready_are_told_at_the_deadline", |plane| Box::pin(never(plane))),
    ("pods_that_no_node_takes_end_it_when_nothing_makes_one", |plane| Box::pin(unschedulable(plane))),
    ("a_quota_that_is_used_up_ends_it_with_its_name", |plane| Box::pin(quota(plane))),
    ("a_definition_its_object_and_their_namespace_come_in_one_run", |plane| Box::pin(definition(plane))),
    ("what_is_not_in_the_manifests_any_more_is_pruned", |plane| Box::pin(prune(plane))),
    ("fields_of_people_are_taken_over_and_those_of_controllers_refused", |plane| Box::pin(conflicts(plane))),
    ("an_object_that_was_there_before_the_release_is_put_back_as_it_was", |plane| Box::pin(taken_in(plane))),
    ("a_stateful_set_that_hangs_on_a_broken_pod_is_freed_by_the_undo", |plane| Box::pin(stuck(plane))),
    ("who_may_not_is_told_which_rule_is_missing", |plane| Box::pin(stranger(plane))),
];

/// A namespace, and what is deployed into it.
struct Stage<'a> {
    plane: &'a ControlPlane,
    namespace: &'static str,
    told: Arc<Mutex<Vec<String>>>,
}

impl<'a> Stage<'a> {
    async fn new(plane: &'a ControlPlane, namespace: &'static str) -> Result<Self, String> {
        let stage = Self { plane, namespace, told: Arc::default() };
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        stage.administer(Method::POST, "/api/v1/namespaces", &object).await?;
        // Without it a namespace takes no pods.
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        for _ in 0..200 {
            if stage.find(&account).await?.is_some() {
                return Ok(stage);
            }
            tokio::time::sleep(crate::support::LOOK).await;
        }
        Err(format!("{account} does not come"))
    }

    async fn administer(&self, method: Method, path: &str, object: &Value) -> Result<(), String> {
        let answer = self.plane.administrator()?.send(request(method, path, object)).await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("{path}: {}", String::from_utf8_lossy(answer.body()))),
        }
    }

    async fn find(&self, path: &str) -> Result<Option<Value>, String> {
        let answer = self.plane.administrator()?.send(request(Method::GET, path, &Value::Null)).await?;
        let found = answer.status().is_success();
        Ok(if found { serde_json::from_slice(answer.body()).ok() } else { None })
    }

    async fn image_of(&self, plural: &str) -> Result<String, String> {
        let path = format!("/apis/apps/v1/namespaces/{}/{plural}/web", self.namespace);
        let object = self.find(&path).await?.unwrap_or_default();
        Ok(object["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    fn target(
        &self,
        identity: &Identity,
        text: &str,
        more: impl FnOnce(ManifestsBuilder) -> ManifestsBuilder,
    ) -> Result<Manifests, String> {
        let said = |error: landfall_core::Error| error.report();
        let set =
            ManifestSet::builder().text("web.yaml", text).namespace(self.namespace).read().map_err(said)?;
        let release = Release { namespace: self.namespace.to_owned(), name: "web".to_owned() };
        let spec = more(Manifests::builder().release(release).set(set)).build().map_err(said)?;
        let server = self.plane.signed_in(tokens(identity, CLUSTER, Clock::start())?)?;
        Ok(spec.target(Place::new("aws", "111122223333", REGION), server))
    }

    fn cx(&self, run: &str) -> Context {
        let told = Arc::clone(&self.told);
        let observer = Arc::new(move |event: &Event| {
            if let EventKind::Note { code, text, .. } = &event.kind {
                told.lock().unwrap().push(format!("{code}: {text}"));
            }
        });
        Context::builder(run).observer(observer).build()
    }

    async fn deploy(&self, run: &str, text: &str) -> Result<StepReport, String> {
        self.deploy_with(run, text, |builder| builder).await
    }

    async fn deploy_with(
        &self,
        run: &str,
        text: &str,
        more: impl FnOnce(ManifestsBuilder) -> ManifestsBuilder,
    ) -> Result<StepReport, String> {
        let policy = Policy::default().timeout(Duration::from_secs(60));
        Ok(self.target(&DEPLOYER, text, more)?.deploy(&self.cx(run), &policy).await)
    }

    fn has_told(&self, code: &str) -> bool {
        self.told.lock().unwrap().iter().any(|line| line.starts_with(&format!("{code}: ")))
    }
}

/// What was expected, or what there is instead.
fn held(holds: bool, what: &str, seen: &impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not so: {what}\n{seen:#?}")) }
}

fn settings(setting: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{setting: {setting:?}}}\n---\n")
}

/// A workload `web` whose pods meet this fate.
fn workload(kind: &str, image: &str, fate: &str) -> String {
    let fate = if fate.is_empty() { "{}".to_owned() } else { format!("{{landfall.example/fate: {fate}}}") };
    let more = if kind == "StatefulSet" { "\n  serviceName: web" } else { "" };
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata: {{name: web}}
spec:{more}
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {fate}}}
    spec: {{containers: [{{name: web, image: {image:?}}}]}}
"
    )
}

async fn good(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "good").await?;
    let text = settings("a") + &workload("Deployment", "example.com/web:1", "");
    let report = stage.deploy("run-1", &text).await?;
    held(report.verdict.outcome == Outcome::Succeeded, "it succeeds", &report)?;
    let report = stage.deploy("run-2", &text).await?;
    held(report.verdict.outcome == Outcome::Unchanged, "nothing changes", &report)?;
    held(report.plan.is_some_and(|plan| plan.changes.is_empty()), "the plan is empty", &"")?;
    let lease = stage.find("/apis/coordination.k8s.io/v1/namespaces/good/leases/landfall-web").await?;
    let holder = lease.map(|lease| lease["spec"]["holderIdentity"].clone());
    held(holder == Some(Value::Null) || holder == Some(json!("")), "the lock is given back", &holder)
}

async fn image(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "image").await?;
    stage.deploy("run-1", &(settings("a") + &workload("Deployment", "example.com/web:1", ""))).await?;
    let bad = workload("Deployment", "example.com/web:2", "image-not-found");
    let report = stage.deploy("run-2", &(settings("b") + &bad)).await?;
    held(report.verdict.outcome == Outcome::Ended(End::Failed), "it fails", &report)?;
    let named = report.verdict.causes.iter().any(|cause| cause.message.contains("example.com/web:2"));
    held(named, "the image is named", &report.verdict.causes)?;
    held(report.undone == Undone::Reverted, "it is undone", &report.undone)?;
    let setting = stage.find("/api/v1/namespaces/image/configmaps/web").await?.unwrap_or_default();
    held(setting["data"]["setting"] == "a", "the ConfigMap is put back", &setting)?;
    let image = stage.image_of("deployments").await?;
    held(image == "example.com/web:1", "the Deployment is put back", &image)
}

async fn crash(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "crash").await?;
    let bad = workload("Deployment", "example.com/web:1", "crash-loop");
    let report = stage.deploy("run-1", &(settings("a") + &bad)).await?;
    held(report.verdict.outcome == Outcome::Ended(End::Failed), "it fails", &report)?;
    held(report.undone == Undone::Reverted, "it is undone", &report.undone)?;
    for path in ["/api/v1/namespaces/crash/configmaps/web", "/apis/apps/v1/namespaces/crash/deployments/web"]
    {
        let left = stage.find(path).await?;
        let gone = left.as_ref().is_none_or(|left| left["metadata"]["deletionTimestamp"].is_string());
        held(gone, "what the run made is deleted", &left)?;
    }
    Ok(())
}

async fn never(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "never").await?;
    let bad = workload("Deployment", "example.com/web:1", "never-ready");
    let target = stage.target(&DEPLOYER, &bad, |builder| builder)?;
    let policy = Policy::default().timeout(Duration::from_secs(8));
    let report = target.deploy(&stage.cx("run-1"), &policy).await;
    let timed_out = matches!(report.verdict.outcome, Outcome::TimedOut { person: false, .. });
    held(timed_out, "it times out", &report)?;
    held(
        report.verdict.causes.iter().any(|cause| cause.message.contains("web")),
        "the container is named",
        &report,
    )
}

async fn unschedulable(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "unschedulable").await?;
    let nowhere = workload("Deployment", "example.com/web:1", "")
        .replace("spec: {containers", "spec: {nodeSelector: {disk: of-gold}, containers");
    let mut patience = Patience::default();
    (patience.unschedulable_warning, patience.unschedulable) =
        (SignedDuration::from_secs(1), SignedDuration::from_secs(3));
    let report = stage.deploy_with("run-1", &nowhere, |builder| builder.patience(patience)).await?;
    held(report.verdict.outcome == Outcome::Ended(End::Failed), "it fails", &report)?;
    let told = report.verdict.causes.iter().any(|cause| cause.message.contains("no node takes"));
    held(told, "it is said that no node takes the pods", &report.verdict.causes)?;
    held(report.undone == Undone::Reverted, "it is undone", &report.undone)
}

async fn quota(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "quota").await?;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}},
    });
    stage.administer(Method::POST, "/api/v1/namespaces/quota/resourcequotas", &quota).await?;
    // It counts only when its controller has written its status.
    for _ in 0..200 {
        let quota = stage.find("/api/v1/namespaces/quota/resourcequotas/small").await?.unwrap_or_default();
        if quota["status"]["hard"]["pods"] == "0" {
            break;
        }
        tokio::time::sleep(crate::support::LOOK).await;
    }
    let report = stage.deploy("run-1", &workload("Deployment", "example.com/web:1", "")).await?;
    held(report.verdict.outcome == Outcome::Ended(End::Failed), "it fails", &report)?;
    let told = report.verdict.causes.iter().any(|cause| cause.report().contains("small"));
    held(told, "the quota is named", &report.verdict.causes)
}

async fn definition(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "definition").await?;
    let text = "\
apiVersion: releases.example.com/v1
kind: Gadget
metadata: {name: one, namespace: brought}
spec: {size: 1}
---
apiVersion: v1
kind: Namespace
metadata: {name: brought}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.releases.example.com}
spec:
  group: releases.example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {size: {type: integer}}}
";
    let report = stage.deploy("run-1", text).await?;
    held(report.verdict.outcome == Outcome::Succeeded, "it succeeds in one run", &report)?;
    let gadget = stage.find("/apis/releases.example.com/v1/namespaces/brought/gadgets/one").await?;
    held(gadget.is_some_and(|gadget| gadget["spec"]["size"] == 1), "the object is there", &"")
}

async fn prune(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "prune").await?;
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: \
                 [ReadWriteOnce], storageClassName: later, resources: {requests: {storage: 1Gi}}}\n---\n";
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n---\n";
    let all = format!("{}{claim}{other}", settings("a"));
    // A claim that waits for its first pod is not waited for.
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "later"},
        "provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer",
    });
    stage.administer(Method::POST, "/apis/storage.k8s.io/v1/storageclasses", &class).await?;
    let report = stage.deploy("run-1", &all).await?;
    held(report.verdict.outcome == Outcome::Succeeded, "it succeeds", &report)?;
    let rest = settings("a");
    let report = stage.deploy("run-2", &rest).await?;
    held(stage.has_told("not-pruned"), "without consent it is told", &(&report, &stage.told))?;
    let report = stage.deploy_with("run-3", &rest, |builder| builder.prune(Prune::Safe)).await?;
    held(report.verdict.outcome == Outcome::Succeeded, "it succeeds", &report)?;
    let other = stage.find("/api/v1/namespaces/prune/configmaps/other").await?;
    held(other.is_none(), "the ConfigMap is gone", &other)?;
    let claim = stage.find("/api/v1/namespaces/prune/persistentvolumeclaims/data").await?.unwrap_or_default();
    held(claim["metadata"]["deletionTimestamp"].is_null() && !claim.is_null(), "the claim stays", &claim)
}

/// Applies a ConfigMap as somebody else.
async fn edit(stage: &Stage<'_>, manager: &str, data: &Value) -> Result<(), String> {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data});
    let path =
        format!("/api/v1/namespaces/{}/configmaps/web?fieldManager={manager}&force=true", stage.namespace);
    let mut request = request(Method::PATCH, &path, &object);
    request
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/apply-patch+yaml"));
    let answer = stage.plane.administrator()?.send(request).await?;
    held(answer.status().is_success(), "somebody else edits", &answer)
}

async fn conflicts(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "conflicts").await?;
    stage.deploy("run-1", &settings("a")).await?;
    edit(&stage, "kubectl-edit", &json!({"setting": "by hand"})).await?;
    let report = stage.deploy("run-2", &settings("a")).await?;
    held(report.verdict.outcome == Outcome::Succeeded, "what people set is taken over", &report)?;
    held(stage.has_told("field-taken-over"), "and told", &stage.told)?;
    edit(&stage, "argocd-controller", &json!({"setting": "theirs"})).await?;
    let report = stage.deploy("run-3", &settings("a")).await?;
    let Outcome::Refused { error } = &report.verdict.outcome else {
        return Err(format!("what a controller set is not refused: {report:#?}"));
    };
    let told = error.report();
    let named = ["argocd-controller", ".data.setting", "theirs"].iter().all(|word| told.contains(word));
    held(named, "field, manager and value are named", &told)
}

async fn taken_in(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "taken-in").await?;
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "labels": {"team": "shop"}},
        "data": {"setting": "before", "kept": "yes"},
    });
    stage
        .administer(
            Method::POST,
            "/api/v1/namespaces/taken-in/configmaps?fieldManager=kubectl-create",
            &object,
        )
        .await?;
    let bad = workload("Deployment", "example.com/web:2", "image-not-found");
    let report = stage.deploy("run-1", &(settings("a") + &bad)).await?;
    held(report.undone == Undone::Reverted, "it is undone", &report)?;
    let now = stage.find("/api/v1/namespaces/taken-in/configmaps/web").await?.unwrap_or_default();
    held(now["data"] == object["data"], "its data is as it was", &now)?;
    held(now["metadata"]["labels"] == object["metadata"]["labels"], "its labels are as they were", &now)
}

async fn stuck(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "stuck").await?;
    stage.deploy("run-1", &workload("StatefulSet", "example.com/web:1", "")).await?;
    let bad = workload("StatefulSet", "example.com/web:2", "image-not-found");
    let report = stage.deploy("run-2", &bad).await?;
    held(report.verdict.outcome == Outcome::Ended(End::Failed), "it fails", &report)?;
    held(report.undone == Undone::Reverted, "it is undone", &(&report.undone, &stage.told))?;
    held(stage.has_told("stuck-pod-deleted"), "the broken pod is told of", &stage.told)?;
    let set = stage.find("/apis/apps/v1/namespaces/stuck/statefulsets/web").await?.unwrap_or_default();
    held(set["status"]["readyReplicas"] == 2, "all pods are ready", &set["status"])
}

async fn stranger(plane: &ControlPlane) -> Result<(), String> {
    let stage = Stage::new(plane, "stranger").await?;
    let target = stage.target(&STRANGER, &settings("a"), |builder| builder)?;
    let report = target.deploy(&stage.cx("run-1"), &Policy::default()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else {
        return Err(format!("it is not refused: {report:#?}"));
    };
    let told = error.report();
    held(told.contains(r#"resources: ["configmaps"]"#), "the rule is named", &told)
}
