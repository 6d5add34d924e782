//! What the server fills in where an object does not say: the fields that matter to deployments.
//! <https://github.com/kubernetes/kubernetes>: `pkg/apis/*/v1/defaults.go`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::kubernetes::kinds::Kind;

/// Sets a member unless it is there.
fn set(object: &mut Value, name: &str, default: Value) {
    if object[name].is_null() {
        object[name] = default;
    }
}

/// The member, made an empty object unless it is there.
fn inside<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    set(object, name, json!({}));
    &mut object[name]
}

fn each(object: &mut Value, name: &str, work: impl Fn(&mut Value)) {
    if let Some(items) = object.get_mut(name).and_then(Value::as_array_mut) {
        items.iter_mut().for_each(work);
    }
}

/// Fills in what an object of a kind leaves open. The object's types have been checked.
pub(super) fn fill(kind: &Kind, object: &mut Value) {
    let spec = |object: &mut Value, work: fn(&mut Value)| work(inside(object, "spec"));
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => spec(object, pod),
        ("", "Service") => spec(object, service),
        ("", "Secret") => secret(object),
        ("", "PersistentVolumeClaim") => spec(object, |claim| set(claim, "volumeMode", json!("Filesystem"))),
        ("", "Namespace") => namespace(object),
        ("apps", "Deployment") => spec(object, deployment),
        ("apps", "ReplicaSet") => spec(object, |spec| {
            set(spec, "replicas", json!(1));
            template(spec);
        }),
        ("apps", "StatefulSet") => spec(object, stateful_set),
        ("apps", "DaemonSet") => spec(object, daemon_set),
        ("batch", "Job") => spec(object, job),
        ("batch", "CronJob") => spec(object, cron_job),
        ("autoscaling", "HorizontalPodAutoscaler") => spec(object, |hpa| set(hpa, "minReplicas", json!(1))),
        ("networking.k8s.io", "NetworkPolicy") => spec(object, network_policy),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            set(inside(object, "roleRef"), "apiGroup", json!("rbac.authorization.k8s.io"));
        }
        ("storage.k8s.io", "StorageClass") => {
            set(object, "reclaimPolicy", json!("Delete"));
            set(object, "volumeBindingMode", json!("Immediate"));
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => spec(object, definition),
        _ => {}
    }
}

fn template(spec: &mut Value) {
    let template = inside(spec, "template");
    inside(template, "metadata");
    pod(inside(template, "spec"));
}

fn pod(spec: &mut Value) {
    set(spec, "restartPolicy", json!("Always"));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "securityContext", json!({}));
    set(spec, "schedulerName", json!("default-scheduler"));
    if let Some(account) = spec["serviceAccountName"].as_str().map(str::to_owned) {
        set(spec, "serviceAccount", json!(account));
    }
    each(spec, "containers", container);
    each(spec, "initContainers", container);
    each(spec, "volumes", |volume| {
        for source in ["configMap", "secret", "projected"] {
            if volume[source].is_object() {
                set(&mut volume[source], "defaultMode", json!(420));
            }
        }
    });
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let latest = !image.contains('@') && (!name.contains(':') || name.ends_with(":latest"));
    set(container, "imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" }));
    set(container, "terminationMessagePath", json!("/dev/termination-log"));
    set(container, "terminationMessagePolicy", json!("File"));
    set(container, "resources", json!({}));
    each(container, "ports", |port| set(port, "protocol", json!("TCP")));
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container[probe].is_object() {
            for (name, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                set(&mut container[probe], name, json!(value));
            }
        }
    }
}

fn deployment(spec: &mut Value) {
    set(spec, "replicas", json!(1));
    set(spec, "revisionHistoryLimit", json!(10));
    set(spec, "progressDeadlineSeconds", json!(600));
    let strategy = inside(spec, "strategy");
    set(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == json!("RollingUpdate") {
        let update = inside(strategy, "rollingUpdate");
        set(update, "maxUnavailable", json!("25%"));
        set(update, "maxSurge", json!("25%"));
    }
    template(spec);
}

fn stateful_set(spec: &mut Value) {
    set(spec, "replicas", json!(1));
    set(spec, "podManagementPolicy", json!("OrderedReady"));
    set(spec, "revisionHistoryLimit", json!(10));
    set(
        spec,
        "persistentVolumeClaimRetentionPolicy",
        json!({ "whenDeleted": "Retain", "whenScaled": "Retain" }),
    );
    let strategy = inside(spec, "updateStrategy");
    set(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == json!("RollingUpdate") {
        set(inside(strategy, "rollingUpdate"), "partition", json!(0));
    }
    template(spec);
}

fn daemon_set(spec: &mut Value) {
    set(spec, "revisionHistoryLimit", json!(10));
    let strategy = inside(spec, "updateStrategy");
    set(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == json!("RollingUpdate") {
        let update = inside(strategy, "rollingUpdate");
        set(update, "maxUnavailable", json!(1));
        set(update, "maxSurge", json!(0));
    }
    template(spec);
}

fn job(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        spec["completions"] = json!(1);
    }
    set(spec, "parallelism", json!(1));
    set(spec, "backoffLimit", json!(6));
    set(spec, "completionMode", json!("NonIndexed"));
    set(spec, "suspend", json!(false));
    set(spec, "manualSelector", json!(false));
    set(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
    template(spec);
}

fn cron_job(spec: &mut Value) {
    set(spec, "concurrencyPolicy", json!("Allow"));
    set(spec, "suspend", json!(false));
    set(spec, "successfulJobsHistoryLimit", json!(3));
    set(spec, "failedJobsHistoryLimit", json!(1));
    template(inside(inside(spec, "jobTemplate"), "spec"));
}

fn service(spec: &mut Value) {
    set(spec, "type", json!("ClusterIP"));
    set(spec, "sessionAffinity", json!("None"));
    each(spec, "ports", |port| {
        set(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        set(port, "targetPort", number);
    });
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        set(spec, "internalTrafficPolicy", json!("Cluster"));
        set(spec, "ipFamilies", json!(["IPv4"]));
        set(spec, "ipFamilyPolicy", json!("SingleStack"));
    }
    if kind == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    if kind == "LoadBalancer" || kind == "NodePort" {
        set(spec, "externalTrafficPolicy", json!("Cluster"));
    }
}

/// `stringData` is only for writing: its values go into `data`.
fn secret(secret: &mut Value) {
    set(secret, "type", json!("Opaque"));
    let plain = secret.as_object_mut().and_then(|secret| secret.shift_remove("stringData"));
    if let Some(Value::Object(plain)) = plain {
        let data = inside(secret, "data");
        for (name, value) in plain {
            data[name.as_str()] = STANDARD.encode(value.as_str().unwrap_or_default()).into();
        }
    }
}

fn namespace(namespace: &mut Value) {
    let name = namespace["metadata"]["name"].clone();
    inside(inside(namespace, "metadata"), "labels")["kubernetes.io/metadata.name"] = name;
    set(inside(namespace, "spec"), "finalizers", json!(["kubernetes"]));
    set(inside(namespace, "status"), "phase", json!("Active"));
}

fn network_policy(spec: &mut Value) {
    let egress = spec["egress"].is_array();
    set(spec, "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
}

fn definition(spec: &mut Value) {
    set(spec, "conversion", json!({ "strategy": "None" }));
    let names = inside(spec, "names");
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    set(names, "singular", json!(kind.to_lowercase()));
    set(names, "listKind", json!(format!("{kind}List")));
}
