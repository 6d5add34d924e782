//! What the server says about itself.

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Cluster, request};

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

async fn get_as(cluster: &Cluster, path: &str, accept: &str) -> Answer {
    let mut request = request(Method::GET, path, &Value::Null);
    request.headers_mut().insert("accept", accept.parse().unwrap());
    Answer::of(cluster.send(request).await.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn two_aggregated_documents_name_all_kinds() {
    let cluster = Cluster::new();
    let core = get_as(&cluster, "/api", AGGREGATED).await;
    assert_eq!(
        core.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    assert_eq!(core.json["kind"], "APIGroupDiscoveryList");
    let pods = core.json["items"][0]["versions"][0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["resource"] == "pods")
        .unwrap()
        .clone();
    assert_eq!(
        (&pods["scope"], &pods["responseKind"]),
        (&json!("Namespaced"), &json!({ "group": "", "version": "v1", "kind": "Pod" }))
    );
    let groups = get_as(&cluster, "/apis", AGGREGATED).await.ok();
    let names: Vec<&str> = groups["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["metadata"]["name"].as_str().unwrap())
        .collect();
    for name in [
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
        "coordination.k8s.io",
        "apiextensions.k8s.io",
        "admissionregistration.k8s.io",
        "apiregistration.k8s.io",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_documents_say_the_same_one_by_one() {
    let cluster = Cluster::new();
    assert_eq!(cluster.get("/api").await.ok()["versions"], json!(["v1"]));
    let groups = cluster.get("/apis").await.ok();
    let apps =
        groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "apps").unwrap().clone();
    assert_eq!(apps["preferredVersion"], json!({ "groupVersion": "apps/v1", "version": "v1" }));
    let resources = cluster.get("/apis/apps/v1").await.ok();
    assert_eq!(
        (&resources["kind"], &resources["groupVersion"]),
        (&json!("APIResourceList"), &json!("apps/v1"))
    );
    let all = resources["resources"].as_array().unwrap();
    let of = |name: &str| all.iter().find(|resource| resource["name"] == name).unwrap().clone();
    assert_eq!(of("deployments")["shortNames"], json!(["deploy"]));
    assert_eq!(of("deployments/scale")["kind"], "Scale");
    assert_eq!(of("deployments/status")["kind"], "Deployment");
    assert_eq!(cluster.get("/apis/apps").await.ok()["kind"], "APIGroup");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_is_not_found() {
    let cluster = Cluster::new();
    for path in ["/apis/apps/v9", "/apis/nosuch.io", "/apis/nosuch.io/v1/things", "/nosuch"] {
        let answer = cluster.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
    let misplaced = cluster.get("/apis/apps/v1/deployments/web").await;
    assert_eq!(misplaced.message(), "the server could not find the requested resource");
    assert_eq!(cluster.get("/api/v1/namespaces/default/configmaps/a/status").await.status, 404);
    let refused = cluster.call(Method::PUT, "/api/v1/namespaces/default/configmaps", &json!({})).await;
    assert_eq!((refused.status, refused.reason()), (405, "MethodNotAllowed"));
}

#[tokio::test(start_paused = true)]
async fn version_and_health_are_told_to_everybody() {
    let cluster = Cluster::new();
    let anonymous = request(Method::GET, "/version", &Value::Null);
    let version = Answer::of(cluster.api.handle(anonymous).await.unwrap()).await.ok();
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("34")));
    assert_eq!(cluster.get("/readyz").await.text, "ok");
}
