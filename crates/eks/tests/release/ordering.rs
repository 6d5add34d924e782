//! What is applied when, and how fast.

use std::time::Duration;

use landfall_core::{ErrorKind, Outcome};
use landfall_eks::input::ManifestSet;
use landfall_simulator::{CallNumbers, Fault, FaultKind, KubernetesFault};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{World, web};

const WIDGET: &str = "/apis/example.com/v1/namespaces/shop/widgets/w";

/// A custom resource in a namespace, and behind it what both of them need.
pub(crate) const WRONG_ORDER: &str = "\
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: shop}
spec: {size: 3}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {a: b}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";

#[test]
fn one_broken_document_of_ten_is_named_by_file_document_and_line_and_nothing_is_read() {
    let good = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n---\n");
    let three = |first: &str| ["a", "b", "c"].map(|letter| good(&format!("{first}{letter}"))).concat();
    let broken = format!("{}apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: [}}\n", three("y"));
    let read = ManifestSet::builder()
        .text("x.yaml", three("x"))
        .text("y.yaml", broken)
        .text("z.yaml", three("z"))
        .read();
    let error = read.unwrap_err();
    assert_eq!((error.kind(), error.causes().len()), (ErrorKind::Invalid, 1), "{}", error.report());
    let told = error.report();
    assert!(told.contains("y.yaml") && told.contains("document 4"), "{told}");
    assert!(told.contains("15"), "the line: {told}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_a_namespace_and_what_needs_them_are_applied_in_one_run_whatever_their_order() {
    let world = World::with(&json!({ "established_after_ms": 200, "served_after_ms": 2_000 }));
    let deploying = world.deploy("run-1", WRONG_ORDER);
    let becoming_ready = async {
        world.made(WIDGET).await;
        let ready = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "status": {
            "observedGeneration": 1, "conditions": [{ "type": "Ready", "status": "True" }]
        } });
        world.apply_as("widgets", &format!("{WIDGET}/status"), &ready).await;
    };
    let (report, ()) = tokio::join!(deploying, becoming_ready);
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(world.object(WIDGET).unwrap()["spec"]["size"], 3);
    assert!(world.object("/api/v1/namespaces/shop/configmaps/settings").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_objects_at_25_ms_each_are_applied_in_less_than_two_seconds() {
    let world = World::new();
    world.simulator.add_fault(Fault::new("kubernetes", "patch configmaps", FaultKind::Delay { ms: 25 }));
    let many: Vec<String> = (0..1_000)
        .map(|number| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\ndata: {{a: b}}\n")
        })
        .collect();
    let release = world.release(&many.join("---\n"));
    let cx = world.cx("run-1").build();
    let plan = landfall_core::DeployTarget::plan(&release, &cx).await.unwrap();
    let begun = Instant::now();
    landfall_core::DeployTarget::apply(&release, &cx, &plan, None).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(world.object("/api/v1/namespaces/default/configmaps/c999").is_some());
    let applied = world.cluster.requests().into_iter().filter(|one| {
        one.method == "PATCH" && one.path.contains("/configmaps/") && !one.query.contains("dryRun")
    });
    // The paused clock shows how many were answered at one time: those that were in flight together.
    let mut at_once = std::collections::BTreeMap::<_, usize>::new();
    for request in applied {
        *at_once.entry(request.at).or_default() += 1;
    }
    assert!(at_once.values().all(|count| *count <= 32), "{at_once:?}");
    assert_eq!(at_once.values().sum::<usize>(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_not_asked_before() {
    let world = World::new();
    let busy = FaultKind::Kubernetes(KubernetesFault::TooManyRequests { retry_after: 3 });
    world.simulator.add_fault(Fault::new("kubernetes", "patch configmaps", busy).on(CallNumbers::First(2)));
    let report = world.deploy("run-1", &web("example.com/web:1", "a")).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
    let patches: Vec<_> =
        world.cluster.requests().into_iter().filter(|one| one.path.ends_with("/configmaps/web")).collect();
    let refused: Vec<_> = patches.iter().filter(|one| one.status == 429).collect();
    assert_eq!(refused.len(), 2);
    let after = patches.iter().find(|one| one.method == "PATCH" && one.at > refused[0].at).unwrap();
    let pause = after.at.duration_since(refused[0].at);
    assert!(pause.as_millis() >= 3_000, "{pause:?}");
}
