//! Puts back what had succeeded, when the whole did not.

use super::Rollback;
use super::run::{CANCELLED, Execution};
use super::step::Ran;
use super::watched::did_not_succeed;
use crate::target::Undone;

impl Execution<'_> {
    /// Undoes the steps that succeeded, in reverse order of their completion, if that is what is to become of this run.
    /// What an earlier process has begun to put back is put back to the end.
    pub(super) async fn put_back(&mut self) {
        let Some(reason) = self.reason_to_revert() else { return };
        // First, since a process that goes on would look at these steps again, and see what came of them since.
        let given_up: Vec<&Ran> = self.ran.iter().flatten().filter(|ran| ran.is_given_up()).collect();
        for ran in &given_up {
            let name = &self.pipeline.steps[ran.slot.index].name;
            self.note_if_lost(self.facts.give_up(name, &ran.report.verdict).await);
        }
        self.note_if_lost(self.facts.revert(&reason).await);
        for ran in given_up.into_iter().filter(|ran| !ran.has_changed()) {
            self.note_if_lost(ran.close().await);
        }
        for index in self.completed.clone().into_iter().rev() {
            let step = &self.pipeline.steps[index];
            let Some(ran) = &mut self.ran[index] else { continue };
            if ran.report.undone != Undone::NotNeeded {
                continue;
            }
            match (step.kept, ran.has_changed()) {
                (true, true) => ran.report.undone = Undone::Kept,
                (true, false) => {}
                (false, true) => ran.undo(&self.pipeline.policy(step)).await,
                // What it saw is not there any more: a new attempt looks again.
                (false, false) => {
                    let closed = ran.close().await;
                    self.note_if_lost(closed);
                }
            }
        }
    }

    fn reason_to_revert(&self) -> Option<String> {
        if let Some(reason) = self.facts.reverting() {
            return Some(reason);
        }
        let failed = self.failure().filter(|_| self.pipeline.on_failure == Rollback::RevertAll);
        if let Some(step) = failed {
            return Some(did_not_succeed(step));
        }
        let cancelled = self.cut_short() && self.pipeline.on_cancel == Rollback::RevertAll;
        cancelled.then(|| CANCELLED.to_owned())
    }
}
