//! A control plane as the tests have it. Its pods stay unready until this process says otherwise, as a kubelet would.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use landfall_aws::environment::Environment;
use landfall_core::Place;
use landfall_core::context::Clock;
use landfall_eks::access::ApiServer;
use serde_json::{Value, json};

use crate::support::administrator::Administrator;
use crate::support::identities::DEPLOYER;
use crate::support::{CLUSTER, ControlPlane, LOOK, REGION, own_folder, program, request, tokens};
use crate::{NAMESPACE, PODS, Server};

pub(crate) struct Real {
    plane: ControlPlane,
}

pub(crate) fn start(folder: &Path) -> Result<Real, String> {
    let folder = own_folder(folder)?;
    let program = program::find(&Environment::from_process())?;
    Ok(Real { plane: ControlPlane::start(&program, &folder)? })
}

impl Server for Real {
    fn name(&self) -> &'static str {
        "Kubernetes, with kwok"
    }

    fn place(&self) -> Place {
        Place::new("aws", "111122223333", REGION)
    }

    fn connect(&self) -> Result<ApiServer, String> {
        self.plane.signed_in(tokens(&DEPLOYER, CLUSTER, Clock::start())?)
    }

    fn ready_after(&self, deployment: &str, after: Duration) -> Value {
        let deployment = deployment.to_owned();
        let administrator = self.plane.administrator();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            // A failure shows itself as a rollout that does not succeed.
            runtime.block_on(become_ready(&administrator?, &deployment, after))
        });
        json!({ "landfall.example/fate": "never-ready" })
    }
}

/// Waits until the pods run, and so long again; then they are ready.
async fn become_ready(
    administrator: &Administrator,
    deployment: &str,
    after: Duration,
) -> Result<(), String> {
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let running = loop {
        let list = request(Method::GET, &format!("{pods}?labelSelector=app%3D{deployment}"), &Value::Null);
        let answer = administrator.send(list).await?;
        let listed: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let all = listed["items"].as_array().cloned().unwrap_or_default();
        let running = all.iter().filter(|pod| pod["status"]["phase"] == "Running");
        let names: Vec<String> =
            running.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect();
        if u32::try_from(names.len()).is_ok_and(|count| count == PODS) {
            break names;
        }
        tokio::time::sleep(LOOK).await;
    };
    tokio::time::sleep(after).await;
    for name in running {
        let answer = administrator.send(ready(&format!("{pods}/{name}/status"))).await?;
        if !answer.status().is_success() {
            return Err(format!("{name}: {}", answer.status()));
        }
    }
    Ok(())
}

/// What a kubelet says of a pod whose readiness probe has succeeded.
fn ready(path: &str) -> Request<Bytes> {
    let conditions: Vec<Value> =
        ["ContainersReady", "Ready"].iter().map(|kind| json!({ "type": kind, "status": "True" })).collect();
    let mut request = request(Method::PATCH, path, &json!({ "status": { "conditions": conditions } }));
    let patch = HeaderValue::from_static("application/strategic-merge-patch+json");
    request.headers_mut().insert("content-type", patch);
    request
}
