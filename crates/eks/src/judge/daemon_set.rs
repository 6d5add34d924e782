//! DaemonSets.

use landfall_core::Progress;
use landfall_core::event::Level;

use super::Judgement;
use super::deployment::up_to;
use crate::facts::{Object, counted};

pub(super) fn judge(object: Object<'_>) -> Judgement {
    let status = |name: &str| object.at("status").member(name);
    let Some(wanted) = status("desiredNumberScheduled").number() else {
        return Judgement::waiting("its controller to count the nodes that need a pod");
    };
    let count = |name: &str| status(name).count();
    let (current, updated) = (count("currentNumberScheduled"), count("updatedNumberScheduled"));
    let (ready, available) = (count("numberReady"), count("numberAvailable"));
    let on_delete = object.at("spec.updateStrategy.type").text() == Some("OnDelete");
    let progress = vec![
        Progress::new("new pods made", up_to(updated, wanted), Some(up_to(wanted, wanted)), "pods"),
        Progress::new("pods available", up_to(available, wanted), Some(up_to(wanted, wanted)), "pods"),
    ];
    let judged = if current < wanted {
        Judgement::waiting(format!("{current} of {wanted} nodes to have their pod"))
    } else if updated < wanted && on_delete {
        let old = counted(wanted - updated, "pod");
        Judgement::waiting_for_somebody(format!(
            "somebody to delete {old} of the old revision, as strategy OnDelete asks for; {updated} of {wanted} are new"
        ))
    } else if updated < wanted {
        Judgement::waiting(format!("{updated} of {wanted} pods of the new revision to become {wanted}"))
    } else if ready < wanted {
        Judgement::waiting(format!("{ready} of {wanted} pods to be ready"))
    } else if available < wanted {
        Judgement::waiting(format!("{available} of {wanted} pods to be available"))
    } else if wanted == 0 {
        Judgement::ready().noting(
            Level::Warning,
            "image-not-proven",
            format!("{} fits no node of the cluster, so nothing shows that its images start", object.named()),
        )
    } else {
        Judgement::ready()
    };
    judged.counting(progress)
}
