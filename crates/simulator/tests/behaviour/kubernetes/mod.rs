//! The API server of an EKS cluster, held to what Kubernetes documents and real servers answer.

mod answers;
mod applying;
mod controllers;
mod definitions;
mod deleting;
mod discovery;
mod failures;
mod faults;
mod managers;
mod reading;
mod rollouts;
mod scenarios;
mod served;
mod tokens;
mod watches;
mod wire;
mod worlds;

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use landfall_simulator::{
    DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_EKS_CLUSTER, DEMO_REGION, DEMO_SECRET_ACCESS_KEY, Kubernetes,
    KubernetesBody, KubernetesSetup, Simulator, World,
};
use serde_json::{Value, json};

/// The path of the Deployments in the namespace `default`.
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
/// The path of the ConfigMaps in the namespace `default`.
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// The demonstration's cluster, and how a client and others talk to it.
struct Cluster {
    simulator: Simulator,
    api: Kubernetes,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
    json: Value,
}

impl Answer {
    async fn of(response: Response<KubernetesBody>) -> Self {
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status: head.status.as_u16(), headers: head.headers, text, json }
    }

    fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    fn reason(&self) -> &str {
        self.json["reason"].as_str().unwrap_or_default()
    }

    /// The object, which has to have been given.
    fn ok(self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.text);
        self.json
    }
}

/// A token for a cluster as AWS's CLI makes it, with a few things changed.
struct Token<'a> {
    key: &'a str,
    secret: &'a str,
    session: Option<&'a str>,
    cluster: &'a str,
    query: &'a str,
    at: Timestamp,
}

impl Token<'_> {
    fn good(at: Timestamp) -> Self {
        Self {
            key: DEMO_ACCESS_KEY_ID,
            secret: DEMO_SECRET_ACCESS_KEY,
            session: None,
            cluster: DEMO_EKS_CLUSTER,
            query: "Action=GetCallerIdentity&Version=2011-06-15",
            at,
        }
    }

    fn url(&self) -> String {
        let session = self.session.map(str::to_owned);
        let identity = Identity::from(Credentials::new(self.key, self.secret, session, None, "test"));
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(DEMO_REGION)
            .name("sts")
            .time(SystemTime::from(self.at))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let host = "sts.eu-central-1.amazonaws.com";
        let url = format!("https://{host}/?{}", self.query);
        let headers = [("host", host), ("x-k8s-aws-id", self.cluster)];
        let signable =
            SignableRequest::new("GET", url.as_str(), headers.into_iter(), SignableBody::Bytes(&[])).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::get(&url).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request.uri().to_string()
    }

    fn text(&self) -> String {
        format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(self.url()))
    }
}

fn request(method: Method, path: &str, body: &Value) -> Request<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let content_type =
        if method == Method::PATCH { "application/apply-patch+yaml" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    request.header("user-agent", "curl/8.0").body(body).unwrap()
}

impl Cluster {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// Nothing runs in it but what the change adds.
    fn with(change: impl FnOnce(&mut KubernetesSetup)) -> Self {
        let mut world = World::demo();
        let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
        let setup = &mut region.eks_clusters.get_mut(DEMO_EKS_CLUSTER).unwrap().kubernetes;
        setup.written.clear();
        change(setup);
        Self::of(world)
    }

    fn of(world: World) -> Self {
        let simulator = Simulator::builder().world(world).build();
        let api = simulator.kubernetes(DEMO_ACCOUNT, DEMO_REGION, DEMO_EKS_CLUSTER);
        Self { simulator, api }
    }

    fn token(&self) -> String {
        Token::good(self.simulator.now()).text()
    }

    /// Sends a request with a good token.
    async fn send(&self, mut request: Request<Bytes>) -> std::io::Result<Response<KubernetesBody>> {
        let bearer = format!("Bearer {}", self.token());
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
        self.api.handle(request).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(self.send(request(method, path, body)).await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    async fn delete(&self, path: &str, options: &Value) -> Answer {
        self.call(Method::DELETE, path, options).await
    }

    /// Applies as the field manager `landfall`.
    async fn apply(&self, path: &str, body: &Value) -> Answer {
        self.apply_as("landfall", path, body).await
    }

    async fn apply_as(&self, manager: &str, path: &str, body: &Value) -> Answer {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.call(Method::PATCH, &format!("{path}{mark}fieldManager={manager}"), body).await
    }

    async fn patch(&self, content_type: &str, path: &str, body: &Value) -> Answer {
        let mut request = request(Method::PATCH, path, body);
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        Answer::of(self.send(request).await.unwrap()).await
    }

    fn object(&self, path: &str) -> Value {
        self.api.object(path).unwrap_or_default()
    }

    /// Waits on the simulator's clock until something holds, for a minute at most.
    async fn until(&self, what: impl Fn(&Self) -> bool) {
        for _ in 0..6_000 {
            if what(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come to that");
    }

    /// The pods of the namespace `default`.
    async fn pods(&self) -> Vec<Value> {
        let list = self.get("/api/v1/namespaces/default/pods").await.ok();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Reasons and messages of the events of the namespace `default`.
    async fn events(&self) -> Vec<(String, String)> {
        let list = self.get("/api/v1/namespaces/default/events").await.ok();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|event| (text(&event["reason"]), text(&event["message"]))).collect()
    }
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
}

fn workload(kind: &str, name: &str, replicas: Option<u32>, image: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": image }] }
            }
        }
    });
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = replicas.into();
    }
    object
}

fn deployment(name: &str, image: &str) -> Value {
    workload("Deployment", name, Some(2), image)
}

/// The status of a condition, `Type=Status reason`.
fn condition(object: &Value, kind: &str) -> String {
    let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["type"] == kind);
    found.map_or_else(String::new, |one| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("status"), text("reason")).trim().to_owned()
    })
}
