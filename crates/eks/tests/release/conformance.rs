//! The rules of the contract, by the public suite: for the first release into a cluster, and for one that changes, makes,
//! takes in and deletes objects.

use landfall_core::{DeployTarget, ErrorKind, Outcome, Result};
use landfall_eks::{Manifests, Prune};
use landfall_simulator::{DEMO_SECRET_ACCESS_KEY, Fault, FaultKind, KubernetesFault, Refusing};
use landfall_testkit::conformance::{World as Suite, check};
use serde_json::{Value, json};

use crate::support::{World, web};

/// What the releases hold; in base64 in the cluster, and in these letters in a manifest.
const PASSWORD: &str = "correct horse battery staple";

/// Objects that a release of this suite may touch.
const PATHS: [&str; 7] = [
    "/apis/apps/v1/namespaces/default/deployments/web",
    "/api/v1/namespaces/default/configmaps/web",
    "/api/v1/namespaces/default/configmaps/old",
    "/api/v1/namespaces/default/configmaps/new",
    "/api/v1/namespaces/default/configmaps/taken-in",
    "/api/v1/namespaces/default/secrets/web",
    "/api/v1/namespaces/default/services/web",
];

/// Where the cluster remembers the release.
const MEMORY: [&str; 3] = ["landfall-web", "landfall-web.1.0", "landfall-web.2.0"];

/// What RBAC says.
const NOT_ALLOWED: &str = "things \"web\" is forbidden: User \"demo\" cannot patch resource \"things\" in API group \"\" in \
                           the namespace \"default\"";

/// A world in which these documents are to be deployed.
struct Stage {
    world: World,
    text: String,
}

impl Stage {
    fn first() -> Self {
        Self {
            world: World::new(),
            text: format!("{}---\n{}", web("example.com/web:1", "a"), secret(PASSWORD)),
        }
    }

    async fn next() -> Self {
        let world = World::new();
        let taken_in = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "taken-in" }, "data": { "by": "kubectl" }
        });
        world.apply_as("kubectl", PATHS[4], &taken_in).await;
        let before = [web("example.com/web:1", "a"), secret("before"), config_map("old")].join("---\n");
        let report = world.deploy("before", &before).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
        let after =
            [web("example.com/web:2", "b"), secret(PASSWORD), config_map("new"), config_map("taken-in")];
        Self { world, text: after.join("---\n") }
    }

    fn target(&self) -> Manifests {
        self.world.release_with(&self.text, |builder| builder.prune(Prune::Safe))
    }
}

fn secret(password: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{password: {password:?}}}\n")
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{by: landfall}}\n")
}

#[async_trait::async_trait]
impl Suite for Stage {
    async fn target(&self) -> Result<Box<dyn DeployTarget>> {
        Ok(Box::new(Stage::target(self)))
    }

    /// What is wanted of each object, and whose it is.
    async fn look(&self) -> Value {
        let look = |path: &&str| {
            let object = self.world.object(path)?;
            Some(json!([path, object["metadata"]["labels"], object["spec"], object["data"]]))
        };
        json!(PATHS.iter().filter_map(look).collect::<Vec<_>>())
    }

    /// Each object with how often it was changed; of one with a status, how often what is wanted of it was. The lock moves
    /// with time.
    async fn effects(&self) -> Value {
        let memory = MEMORY.iter().map(|name| format!("/api/v1/namespaces/default/secrets/{name}"));
        let paths = PATHS.iter().map(|path| (*path).to_owned()).chain(memory);
        let seen = paths.filter_map(|path| {
            let metadata = self.world.object(&path)?["metadata"].clone();
            let count = [&metadata["generation"], &metadata["resourceVersion"]];
            let count = count.into_iter().find(|count| !count.is_null()).cloned();
            Some(json!([path, metadata["uid"], count]))
        });
        json!(seen.collect::<Vec<_>>())
    }

    /// The keys that sign, and what is in the Secret, as it is and as the cluster has it.
    fn secrets(&self) -> Vec<String> {
        vec![
            DEMO_SECRET_ACCESS_KEY.to_owned(),
            PASSWORD.to_owned(),
            "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ".to_owned(),
        ]
    }

    fn refusals(&self) -> Vec<ErrorKind> {
        vec![ErrorKind::Denied, ErrorKind::Transient, ErrorKind::Throttled, ErrorKind::Auth]
    }

    async fn refuse(&self, with: Option<ErrorKind>) {
        let simulator = &self.world.simulator;
        match with {
            None => simulator.refuse_everything(None),
            Some(ErrorKind::Denied) => {
                let (code, message) = ("Forbidden".to_owned(), NOT_ALLOWED.to_owned());
                let kind = FaultKind::Error { code, message, status: 403 };
                simulator.add_fault(Fault::new("kubernetes", "*", kind));
            }
            Some(ErrorKind::Transient) => simulator.refuse_everything(Some(Refusing::Unavailable)),
            Some(ErrorKind::Auth) => self.world.fault("*", KubernetesFault::Unauthorized),
            Some(_) => self.world.fault("*", KubernetesFault::TooManyRequests { retry_after: 1 }),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_release_into_a_cluster_keeps_every_rule_of_the_contract() {
    let broken = check(async || Ok(Stage::first())).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}

#[tokio::test(start_paused = true)]
async fn a_later_release_keeps_every_rule_of_the_contract() {
    let broken = check(async || Ok(Stage::next().await)).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|v| format!("{v}\n")).collect::<String>());
}
