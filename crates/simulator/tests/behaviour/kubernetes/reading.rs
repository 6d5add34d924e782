//! Get, lists and their pages, selectors, and what callers may not do.

use http::Method;
use landfall_simulator::KubernetesDenial;
use serde_json::{Value, json};

use super::{Answer, CONFIG_MAPS, Cluster, DEPLOYMENTS, config_map, request};

async fn with_maps(names: &[&str]) -> Cluster {
    let cluster = Cluster::new();
    for name in names {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({ "name": name, "test": "yes" });
        cluster.post(CONFIG_MAPS, &object).await.ok();
    }
    cluster
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn lists_are_selected_by_labels_and_names() {
    let cluster = with_maps(&["a", "b", "c"]).await;
    for (selector, expected) in [
        ("labelSelector=test", vec!["a", "b", "c"]),
        ("labelSelector=name%20in%20(a,c)", vec!["a", "c"]),
        ("labelSelector=test,name!=a", vec!["b", "c"]),
        ("fieldSelector=metadata.name%3Db", vec!["b"]),
    ] {
        assert_eq!(
            names(&cluster.get(&format!("{CONFIG_MAPS}?{selector}")).await.ok()),
            expected,
            "{selector}"
        );
    }
    let everywhere = cluster.get("/api/v1/configmaps?labelSelector=test").await.ok();
    assert_eq!((&everywhere["kind"], names(&everywhere).len()), (&json!("ConfigMapList"), 3));
    assert!(everywhere["items"][0]["kind"].is_null(), "items do not say what they are");
    let refused = cluster.get(&format!("{CONFIG_MAPS}?fieldSelector=data.x%3D1")).await;
    assert_eq!((refused.status, refused.message()), (400, "field label not supported: data.x"));
}

#[tokio::test(start_paused = true)]
async fn long_lists_come_in_pages() {
    let cluster = with_maps(&["a", "b", "c", "d", "e"]).await;
    let first = cluster.get(&format!("{CONFIG_MAPS}?labelSelector=test&limit=2")).await.ok();
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["a".into(), "b".into()], &json!(3))
    );
    let page = |list: &Value| {
        let token = list["metadata"]["continue"].as_str().unwrap().to_owned();
        format!("{CONFIG_MAPS}?labelSelector=test&limit=2&continue={token}")
    };
    let second = cluster.get(&page(&first)).await.ok();
    let third = cluster.get(&page(&second)).await.ok();
    assert_eq!((names(&second).concat(), names(&third).concat()), ("cd".to_owned(), "e".to_owned()));
    assert!(third["metadata"]["continue"].is_null());
    assert_eq!(first["metadata"]["resourceVersion"], third["metadata"]["resourceVersion"]);
    cluster.post(CONFIG_MAPS, &config_map("later", &json!({}))).await.ok();
    cluster.api.forget_history();
    let expired = cluster.get(&page(&first)).await;
    assert_eq!((expired.status, expired.reason()), (410, "Expired"));
    assert_eq!(cluster.get(&format!("{CONFIG_MAPS}?continue=nonsense")).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_take_the_metadata_only() {
    let cluster = with_maps(&["a"]).await;
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let mut listing = request(Method::GET, &format!("{CONFIG_MAPS}?labelSelector=test"), &Value::Null);
    listing.headers_mut().insert("accept", accept.parse().unwrap());
    let list = Answer::of(cluster.send(listing).await.unwrap()).await.ok();
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!((names(&list), &list["items"][0]["data"]), (vec!["a".to_owned()], &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn what_rbac_does_not_allow_is_forbidden_in_its_words() {
    let cluster = Cluster::with(|setup| {
        setup.denied = vec![
            KubernetesDenial::of("patch", "deployments.apps"),
            KubernetesDenial::of("list", "namespaces"),
            KubernetesDenial::of("*", "pods/log"),
        ];
    });
    let user = "arn:aws:iam::111122223333:user/deployer";
    let refused = cluster.apply(&format!("{DEPLOYMENTS}/web"), &super::deployment("web", "web:1")).await;
    assert_eq!((refused.status, refused.reason()), (403, "Forbidden"));
    assert_eq!(
        refused.message(),
        format!(
            "deployments.apps \"web\" is forbidden: User \"{user}\" cannot patch resource \"deployments\" in API group \
             \"apps\" in the namespace \"default\""
        )
    );
    assert_eq!(refused.json["details"], json!({ "kind": "deployments", "name": "web", "group": "apps" }));
    let refused = cluster.get("/api/v1/namespaces").await;
    assert_eq!(
        refused.message(),
        format!(
            "namespaces is forbidden: User \"{user}\" cannot list resource \"namespaces\" in API group \"\" at the \
             cluster scope"
        )
    );
    let refused = cluster.get("/api/v1/namespaces/default/pods/p/log").await;
    assert!(refused.message().contains("cannot get resource \"pods/log\""), "{}", refused.message());
    assert_eq!(cluster.get("/api/v1/namespaces/default").await.status, 200);
    let review = |verb: &str| {
        json!({ "spec": { "resourceAttributes": {
            "verb": verb, "group": "apps", "resource": "deployments", "namespace": "default"
        } } })
    };
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (verb, allowed) in [("patch", false), ("get", true)] {
        let reviewed = cluster.post(reviews, &review(verb)).await.ok();
        assert_eq!(reviewed["status"]["allowed"], json!(allowed), "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_are_those_of_a_container_that_exists() {
    let cluster = Cluster::new();
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" } });
    pod["spec"]["containers"] = json!([{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b:1" }]);
    cluster.post("/api/v1/namespaces/default/pods", &pod).await.ok();
    let path = "/api/v1/namespaces/default/pods/p/log";
    let young = cluster.get(&format!("{path}?container=a")).await;
    assert!(young.message().ends_with("is waiting to start: ContainerCreating"), "{}", young.message());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let which = cluster.get(path).await;
    assert_eq!(
        (which.status, which.message()),
        (400, "a container name must be specified for pod p, choose one of: [a b]")
    );
    assert_eq!(cluster.get(&format!("{path}?container=b")).await.text, "b started\n");
    let wrong = cluster.get(&format!("{path}?container=c")).await;
    assert_eq!(wrong.message(), "container c is not valid for pod p");
    let previous = cluster.get(&format!("{path}?container=a&previous=true")).await;
    assert_eq!(
        (previous.status, previous.message()),
        (400, "previous terminated container \"a\" in pod \"p\" not found")
    );
}
