//! Logs of containers: <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#read-log-pod-v1-core>.

use serde_json::Value;

use crate::kubernetes::asked::Query;
use crate::kubernetes::controllers::pods::written;
use crate::kubernetes::items;
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

impl ClusterState {
    /// What a container wrote: the running one, or with `previous` the one before its last restart.
    pub(crate) fn logs(&self, namespace: &str, name: &str, query: &Query) -> Result<String, Refusal> {
        let key = ObjectKey::new("", "pods", namespace, name);
        let kind = self.kinds.of("", "pods").cloned().ok_or_else(Refusal::no_such_path)?;
        let pod = self.store.get(&key).ok_or_else(|| Refusal::not_found(&kind, name))?;
        let containers: Vec<&str> = ["containers", "initContainers"]
            .iter()
            .flat_map(|list| items(&pod["spec"][list]).iter())
            .filter_map(|container| container["name"].as_str())
            .collect();
        let container = match query.text("container") {
            "" if pod["spec"]["containers"].as_array().is_some_and(|all| all.len() > 1) => {
                let names = containers.join(" ");
                let message =
                    format!("a container name must be specified for pod {name}, choose one of: [{names}]");
                return Err(Refusal::bad_request(message));
            }
            "" => containers.first().copied().unwrap_or_default(),
            named if containers.contains(&named) => named,
            other => {
                return Err(Refusal::bad_request(format!("container {other} is not valid for pod {name}")));
            }
        };
        let status = status_of(pod, container);
        let refused = |why: String| Err(Refusal::bad_request(why));
        if query.flag("previous") && status["lastState"]["terminated"].is_null() {
            return refused(format!("previous terminated container {container:?} in pod {name:?} not found"));
        }
        let waiting = &status["state"]["waiting"]["reason"];
        let ran = status["restartCount"].as_u64().unwrap_or_default() > 0;
        if status.is_null() || (waiting.is_string() && !ran) {
            let why = match waiting.as_str() {
                None => "ContainerCreating",
                Some("ErrImagePull") => "image can't be pulled",
                Some("ImagePullBackOff") => "trying and failing to pull image",
                Some(other) => other,
            };
            return refused(format!("container {container:?} in pod {name:?} is waiting to start: {why}"));
        }
        let lines = written(self, pod, container);
        let tail = query.number("tailLines").and_then(|tail| usize::try_from(tail).ok());
        let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        Ok(lines.into_iter().skip(skipped).map(|line| format!("{line}\n")).collect())
    }
}

fn status_of<'a>(pod: &'a Value, container: &str) -> &'a Value {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let mut all = lists.iter().flat_map(|list| items(&pod["status"][list]).iter());
    all.find(|status| status["name"] == container).unwrap_or(&Value::Null)
}
