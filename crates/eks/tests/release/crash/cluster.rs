//! What there is in a cluster, for comparing one end with another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::World;

const LISTS: [&str; 5] = [
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/namespaces/default/secrets",
    "/api/v1/namespaces/default/services",
    "/apis/apps/v1/namespaces/default/deployments",
    "/apis/apps/v1/namespaces/default/statefulsets",
];

const INVENTORY: &str = "/api/v1/namespaces/default/secrets/landfall-web";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/landfall-web";

/// Every object with all that anybody wants of it, and what the cluster remembers of the release; an object by its UID is
/// remembered as the one that is there or not. `counted`: with how often what is wanted of it was changed.
pub(super) async fn state(world: &World, counted: bool) -> Value {
    let mut objects = Vec::new();
    for path in LISTS {
        for object in world.list(path).await {
            let name = object["metadata"]["name"].as_str().unwrap();
            let mut data = object["data"].clone();
            if path.ends_with("secrets") && name == "landfall-web" {
                data = remembered(world).await;
            }
            let metadata = &object["metadata"];
            let ready = [&object["status"]["readyReplicas"], &object["status"]["updatedReplicas"]];
            let generation = counted.then(|| metadata["generation"].clone());
            objects.push(json!([path, name, metadata["labels"], object["spec"], data, ready, generation]));
        }
    }
    Value::from(objects)
}

/// What is in only one of two states, a line each.
pub(super) fn difference(is: &Value, should_be: &Value) -> String {
    let [is, should_be] = [is, should_be].map(|state| state.as_array().unwrap());
    let more = is.iter().filter(|one| !should_be.contains(one)).map(|one| format!("there is {one}"));
    let less = should_be.iter().filter(|one| !is.contains(one)).map(|one| format!("there should be {one}"));
    more.chain(less).collect::<Vec<_>>().join("\n")
}

/// The inventory, in words that mean the same in every cluster.
async fn remembered(world: &World) -> Value {
    let mut kept = inventory(world);
    for member in kept["members"].as_array_mut().unwrap() {
        let (kind, name) = (member["kind"].as_str().unwrap().to_owned(), member["name"].as_str().unwrap());
        let path = LISTS.iter().find(|path| path.ends_with(&format!("/{}s", kind.to_lowercase()))).unwrap();
        let live = world.object(&format!("{path}/{name}")).unwrap_or_default();
        let is = match (live["metadata"]["uid"].is_null(), live["metadata"]["uid"] == member["uid"]) {
            (true, _) => "gone",
            (false, true) => "there",
            (false, false) => "another",
        };
        member["uid"] = json!(is);
    }
    kept
}

fn inventory(world: &World) -> Value {
    let Some(secret) = world.object(INVENTORY) else { return Value::Null };
    let members = STANDARD.decode(secret["data"]["members"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&members).unwrap()
}

/// What must not be in any end: parts of records that do not count or are missing, and a lock that somebody holds.
pub(super) async fn wrong(world: &World) -> Option<String> {
    let kept = inventory(world);
    let mut count: Vec<String> = Vec::new();
    for record in
        ["record", "previous", "found"].map(|name| &kept[name]).into_iter().filter(|one| one.is_object())
    {
        let revision = &record["revision"];
        let found = match record["found"] == true {
            true => format!("-found-{}", &record["sha256"].as_str().unwrap()[..8]),
            false => String::new(),
        };
        count.extend(
            (0..record["parts"].as_u64().unwrap())
                .map(|part| format!("landfall-web.{revision}{found}.{part}")),
        );
    }
    count.sort();
    let secrets = world.list(LISTS[1]).await;
    let names = secrets.iter().map(|secret| secret["metadata"]["name"].as_str().unwrap().to_owned());
    let mut parts: Vec<String> = names.filter(|name| name.starts_with("landfall-web.")).collect();
    parts.sort();
    if parts != count {
        return Some(format!("of records there are {parts:?}, and {count:?} count"));
    }
    let lease = world.object(LEASE).unwrap_or_default();
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    (!holder.is_empty()).then(|| format!("the lock is still held by {holder}"))
}
