//! StatefulSets. There is no progress deadline (<https://github.com/kubernetes/kubectl/issues/738>), so what keeps one from
//! coming up is found below it.

use landfall_core::Progress;
use landfall_core::event::Level;

use super::Judgement;
use super::deployment::{not_proven, up_to, wanted};
use crate::facts::{Object, Pod, counted};

pub(super) fn judge(object: Object<'_>) -> Judgement {
    let wanted = wanted(object);
    let on_delete = object.at("spec.updateStrategy.type").text() == Some("OnDelete");
    // Pods below this ordinal stay as they are.
    let kept = match on_delete {
        true => 0,
        false => object.at("spec.updateStrategy.rollingUpdate.partition").count().clamp(0, wanted),
    };
    let updated = object.at("status.updatedReplicas").count();
    let progress = vec![
        Progress::new(
            "pods of the new revision",
            up_to(updated, wanted - kept),
            Some(up_to(wanted - kept, wanted)),
            "pods",
        ),
        Progress::new(
            "pods ready",
            up_to(object.at("status.readyReplicas").count(), wanted),
            Some(up_to(wanted, wanted)),
            "pods",
        ),
    ];
    if let Some(judged) = incomplete(object, wanted, kept, on_delete) {
        return judged.counting(progress);
    }
    let ready = Judgement::ready().counting(progress);
    if wanted == 0 {
        return ready.noting(Level::Warning, "image-not-proven", not_proven(object));
    }
    if kept == 0 {
        return ready;
    }
    ready.noting(
        Level::Warning,
        "partition",
        format!(
            "{}: partition {kept} keeps {} as it was; {} of {wanted} run the new revision",
            object.named(),
            counted(kept, "pod"),
            wanted - kept
        ),
    )
}

fn incomplete(object: Object<'_>, wanted: i64, kept: i64, on_delete: bool) -> Option<Judgement> {
    let status = |name: &str| object.at("status").member(name).count();
    let (all, ready) = (status("replicas"), status("readyReplicas"));
    let (updated, goal) = (status("updatedReplicas"), wanted - kept);
    if all > wanted {
        return Some(Judgement::waiting(format!(
            "{} to end, the last one first",
            counted(all - wanted, "pod")
        )));
    }
    if on_delete && updated < goal {
        let old = counted(goal - updated, "pod");
        return Some(Judgement::waiting_for_somebody(format!(
            "somebody to delete {old} of the old revision, as strategy OnDelete asks for; {updated} of {wanted} are new"
        )));
    }
    if all < wanted {
        return Some(Judgement::waiting(format!("{all} of {wanted} pods to become {wanted}")));
    }
    if updated < goal {
        return Some(Judgement::waiting(format!(
            "{updated} of {goal} pods of the new revision to become {goal}"
        )));
    }
    if ready < wanted {
        return Some(Judgement::waiting(format!("{ready} of {wanted} pods to be ready")));
    }
    let available = object.at("status.availableReplicas").number();
    if let Some(available) = available.filter(|available| *available < wanted) {
        let seconds = object.at("spec.minReadySeconds").count();
        return Some(Judgement::waiting(format!(
            "{available} of {wanted} pods to be available, which takes {seconds} s of being ready"
        )));
    }
    let (current, update) = (object.at("status.currentRevision"), object.at("status.updateRevision"));
    if kept == 0 && !on_delete && current.text() != update.text() {
        return Some(Judgement::waiting("the controller to call the new revision the current one"));
    }
    None
}

/// Pods of another revision than the one that is wanted now which are not ready. The controller replaces pods one by one,
/// waits for each to be ready before the next, and so never comes to those that cannot be.
pub(crate) fn stuck_pods<'a>(object: Object<'_>, pods: impl Iterator<Item = Pod<'a>>) -> Vec<Pod<'a>> {
    let revision = object.at("status.updateRevision").text();
    let is_current = object.observed_generation() >= object.generation() && revision.is_some();
    if !is_current || object.at("spec.updateStrategy.type").text() == Some("OnDelete") {
        return Vec::new();
    }
    pods.filter(|pod| {
        pod.object.is_controlled_by(object)
            && !pod.object.is_being_deleted()
            && pod.object.label("controller-revision-hash") != revision
            && pod.object.has("Ready").is_none()
    })
    .collect()
}
