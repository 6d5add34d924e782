//! Pods, and the kinds of Kubernetes' own that make pods of a template.

use super::document::Node;
use super::objects::Manifest;

/// Where the specification of the pods is, by group and kind.
const TEMPLATES: [(&str, &str, &[&str]); 9] = [
    ("", "Pod", &["spec"]),
    ("", "PodTemplate", &["template", "spec"]),
    ("", "ReplicationController", &["spec", "template", "spec"]),
    ("apps", "DaemonSet", &["spec", "template", "spec"]),
    ("apps", "Deployment", &["spec", "template", "spec"]),
    ("apps", "ReplicaSet", &["spec", "template", "spec"]),
    ("apps", "StatefulSet", &["spec", "template", "spec"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
    ("batch", "Job", &["spec", "template", "spec"]),
];

/// The lists of containers in the specification of a pod.
pub(super) const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

impl Manifest {
    /// The path to the specification of the pods, for kinds that have one.
    pub(super) fn pod_path(&self) -> Option<&'static [&'static str]> {
        let here = |(group, kind, _): &&(&str, &str, &[&str])| *group == self.group() && *kind == self.kind;
        TEMPLATES.iter().find(here).map(|(_, _, path)| *path)
    }

    /// The specification of the pods.
    pub(super) fn pod(&self) -> Option<&Node> {
        self.root.find(self.pod_path()?)
    }

    /// The containers of the pods, each with the path to it.
    pub(super) fn containers(&self) -> impl Iterator<Item = (String, &Node)> {
        let path = self.pod_path().unwrap_or_default().join(".");
        let lists = CONTAINERS.iter().filter_map(move |list| Some((*list, self.pod()?.member(list)?)));
        lists.flat_map(move |(list, containers)| {
            let path = path.clone();
            let at = move |(index, container)| (format!("{path}.{list}[{index}]"), container);
            containers.items().iter().enumerate().map(at)
        })
    }

    /// The containers of the pods, to be changed.
    pub(super) fn containers_mut(&mut self) -> Vec<&mut Node> {
        let Some(pod) = self.pod_path().and_then(|path| self.root.find_mut(path)) else { return Vec::new() };
        let super::document::Value::Map(entries) = &mut pod.value else { return Vec::new() };
        let lists = entries.iter_mut().filter(|entry| CONTAINERS.contains(&entry.key.as_str()));
        lists.flat_map(|entry| entry.value.items_mut()).collect()
    }
}
