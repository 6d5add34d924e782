//! Releases of manifests: a Deployment that runs already and is taken in, and a ConfigMap that is new.

use std::path::Path;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, Kubernetes, Simulator};
use serde_json::{Value, json};

use crate::case::{Case, Expected, Product};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const SETTINGS: &str = "/api/v1/namespaces/default/configmaps/settings";
const INVENTORY: &str = "/api/v1/namespaces/default/secrets/landfall-shop";
const RECORD: &str = "/api/v1/namespaces/default/secrets/landfall-shop.1.0";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/landfall-shop";

const NEW: &str = "registry.example.com/web:2.0";

/// Whether the new image is there.
#[derive(Debug, Clone, Copy)]
struct Eks {
    good: bool,
}

const ARGUMENTS: [&str; 6] = ["eks", "--cluster", "demo", "--manifests", "shop", "--prune"];

pub(crate) const CASES: [Case; 2] = [
    Case { name: "manifests succeed", arguments: &ARGUMENTS, code: 0, product: &Eks { good: true } },
    Case {
        name: "manifests fail and are put back",
        arguments: &ARGUMENTS,
        code: 3,
        product: &Eks { good: false },
    },
];

/// What a test looks at.
#[derive(Debug)]
struct World {
    image: String,
    ready: Value,
    /// How often what is wanted of the Deployment was changed.
    generation: i64,
    settings: bool,
    record: bool,
    inventory: bool,
    holder: String,
}

impl World {
    fn of(simulator: &Simulator) -> Self {
        let cluster = kubernetes(simulator);
        let web = cluster.object(WEB).unwrap();
        let lease = cluster.object(LEASE).unwrap_or_default();
        let image = &web["spec"]["template"]["spec"]["containers"][0]["image"];
        Self {
            image: image.as_str().unwrap().to_owned(),
            ready: web["status"]["readyReplicas"].clone(),
            generation: web["metadata"]["generation"].as_i64().unwrap(),
            settings: cluster.object(SETTINGS).is_some(),
            record: cluster.object(RECORD).is_some(),
            inventory: cluster.object(INVENTORY).is_some(),
            holder: lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

fn kubernetes(simulator: &Simulator) -> Kubernetes {
    simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER)
}

impl Product for Eks {
    fn scenario(&self) -> Value {
        let fails = json!([{ "new_images": true, "behaviour": "image_not_found" }]);
        let pods = if self.good { json!([]) } else { fails };
        let clusters = json!({ DEMO_EKS_CLUSTER: { "kubernetes": { "pods": pods } } });
        let regions = json!({ DEMO_REGION: { "eks_clusters": clusters } });
        json!({ "world": { "accounts": { DEMO_ACCOUNT: { "regions": regions } } } })
    }

    fn services(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("kubernetes", &["get *", "list *"])]
    }

    fn prepare(&self, folder: &Path) {
        let shop = folder.join("shop");
        std::fs::create_dir(&shop).unwrap();
        let web = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [{ "name": "web", "image": NEW }] }
                }
            }
        });
        std::fs::write(shop.join("web.yaml"), web.to_string()).unwrap();
        let settings =
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LOG_LEVEL: info}}";
        std::fs::write(shop.join("settings.yaml"), settings).unwrap();
    }

    fn cluster(&self, simulator: &Simulator) -> Option<Kubernetes> {
        Some(kubernetes(simulator))
    }

    fn is_over(&self, simulator: &Simulator) -> bool {
        let world = World::of(simulator);
        !self.good && world.generation > 1 && world.image != NEW && world.holder.is_empty()
    }

    fn wrong(&self, simulator: &Simulator, _: i32, expected: Expected) -> Option<String> {
        let world = World::of(simulator);
        if (world.image == NEW) != self.good || world.ready != 2 {
            return Some(format!("another image should be live; {world:?}"));
        }
        if (world.settings, world.record, world.inventory) != (self.good, self.good, true) {
            return Some(format!("what belongs to the release should be there or gone; {world:?}"));
        }
        // Without a journal the next run may begin anew what the one before it was putting back. And one that finds
        // everything done changes nothing, the lock of the killed one included, which is over by itself.
        let once = if self.good { 2 } else { 3 };
        if !expected.journal_lost && (world.generation != once || !world.holder.is_empty()) {
            return Some(format!("one deployment was wanted, and the lock given back; {world:?}"));
        }
        None
    }
}
