//! What is not made: pods, volumes, load balancers.

use super::names::{between, quoted_after};
use super::tell::{Place, Told};
use crate::facts::command;

/// Why the API server makes no pods.
pub(super) fn tell(place: &Place<'_>, message: &str) -> Told {
    quota(place, message)
        .or_else(|| security(place, message))
        .or_else(|| service_account(place, message))
        .or_else(|| webhook(place, message))
        .unwrap_or_else(|| {
            let (code, hint) = match message.contains("denied request") {
                true => ("admission-denied", "do what the policy says, or ask whoever keeps it"),
                false => (
                    "pods-not-created",
                    "the message of the API server says what is wrong in the pod template",
                ),
            };
            let text = format!("{} cannot be made: {message}", place.pods());
            Told::new(code, text, hint).then(&command::describe(place.maker))
        })
}

fn namespace<'a>(place: &Place<'a>) -> &'a str {
    place.object.namespace().unwrap_or("default")
}

fn quota(place: &Place<'_>, message: &str) -> Option<Told> {
    let (who, space) = (place.pods(), namespace(place));
    let exceeded = between(message, "exceeded quota: ", &[","]);
    let quota = exceeded.or_else(|| between(message, "failed quota: ", &[":"]))?;
    let told = match exceeded {
        Some(_) => {
            let counts = message.split_once("requested: ").map(|(_, rest)| format!(" (requested: {rest})"));
            Told::new(
                "quota-exceeded",
                format!("ResourceQuota {space}/{quota} allows no more {who}{}", counts.unwrap_or_default()),
                "raise the quota, free what uses it up, or lower replicas or resources",
            )
        }
        None => {
            let needs = between(message, "must specify ", &[" for:", ";"]).unwrap_or("resources");
            Told::new(
                "quota-needs-resources",
                format!("ResourceQuota {space}/{quota} refuses {who} that do not specify {needs}"),
                "set resources.requests and resources.limits in the pod template, or defaults by a LimitRange",
            )
        }
    };
    Some(told.then(&format!("kubectl -n {space} describe resourcequota {quota}")))
}

fn security(place: &Place<'_>, message: &str) -> Option<Told> {
    let level = quoted_after(message, "violates PodSecurity ")?;
    let why = message.split_once("\": ").map_or(message, |(_, why)| why);
    let text = format!(
        "Pod Security level {level} of namespace {} refuses {}: {why}",
        namespace(place),
        place.pods()
    );
    let hint = "correct the securityContext of the pod template, or the label pod-security.kubernetes.io/enforce of the namespace";
    Some(Told::new("pod-security", text, hint).then(&command::describe(place.maker)))
}

fn service_account(place: &Place<'_>, message: &str) -> Option<Told> {
    let account = quoted_after(message, "serviceaccount ").filter(|_| message.contains("not found"))?;
    let space = namespace(place);
    let text = format!("{} need ServiceAccount {space}/{account}, and there is none", place.pods());
    let hint = "create it, or correct serviceAccountName in the pod template";
    let command = format!("kubectl -n {space} get serviceaccounts");
    Some(Told::new("service-account-missing", text, hint).then(&command))
}

fn webhook(place: &Place<'_>, message: &str) -> Option<Told> {
    let who = place.pods();
    let told = if let Some(webhook) = quoted_after(message, "failed calling webhook ") {
        Told::new(
            "webhook-unavailable",
            format!("{who} cannot be made: webhook {webhook} does not answer"),
            "see whether the pods behind the webhook run; `kubectl get validatingwebhookconfigurations,\
             mutatingwebhookconfigurations` lists where it is configured",
        )
    } else {
        let webhook = quoted_after(message, "admission webhook ")?;
        let why = message.split_once("denied the request: ").map_or(message, |(_, why)| why);
        Told::new(
            "admission-denied",
            format!("admission webhook {webhook} refuses {who}: {why}"),
            "do what it says, or ask whoever keeps that policy",
        )
    };
    Some(told.then(&command::describe(place.maker)))
}

pub(super) fn provisioning(place: &Place<'_>, message: &str) -> Told {
    let who = place.object.named();
    let class =
        quoted_after(message, "storageclass.storage.k8s.io ").filter(|_| message.contains("not found"));
    let told = match class {
        Some(class) => Told::new(
            "storage-class-missing",
            format!("{who} asks for StorageClass {class}, and there is none"),
            "correct storageClassName; `kubectl get storageclass` lists those there are",
        ),
        None => Told::new(
            "volume-not-made",
            format!("no volume can be made for {who}: {message}"),
            "see the role of the volume driver (ebs-csi-controller in kube-system), the quota of volumes and the zone",
        ),
    };
    told.then(&command::describe(place.object))
}

/// What the words of controllers mean, in lower case.
const BALANCER: [(&str, &str); 5] = [
    (
        "subnet",
        "tag the subnets kubernetes.io/role/elb or kubernetes.io/role/internal-elb with 1, or name them in the annotation",
    ),
    ("certificate", "check the ARN and the host names of the certificate, and that it is issued"),
    ("toomany", "a quota of Elastic Load Balancing is used up: delete what is not needed, or ask for more"),
    ("not authorized", "allow that action to the role of the load balancer controller"),
    ("accessdenied", "allow that action to the role of the load balancer controller"),
];

pub(super) fn balancer(place: &Place<'_>, message: &str) -> Told {
    let lower = message.to_lowercase();
    let hint = BALANCER.iter().find(|(words, _)| lower.contains(words)).map(|(_, hint)| *hint);
    Told::new(
        "load-balancer",
        format!("the load balancer of {} is not made: {message}", place.object.named()),
        hint.unwrap_or("the controller tries again; its log says more"),
    )
    .then(&command::describe(place.object))
}
