//! The rule about secrets.

use std::sync::Arc;

use landfall_core::Cursor;
use landfall_core::context::CancellationToken;
use landfall_core::journal::MemoryJournal;

use super::World;
use super::drive::{Found, Stage};
use super::stops::{context, deployed};
use crate::Recorder;

/// Shorter pieces of a secret of several lines would be found everywhere.
const SHORTEST: usize = 4;

/// The forms in which a secret may stand in a text: as it is, without the blanks around it, each of its lines, and all of
/// these as JSON, JSON within JSON and `Debug` write them.
fn forms(secret: &str) -> Vec<String> {
    let pieces = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
    let mut forms = Vec::new();
    for piece in pieces.chain([secret, secret.trim()]).filter(|piece| !piece.is_empty()) {
        let escaped = |text: &str| {
            let quoted = serde_json::Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let (json, debug) = (escaped(piece), format!("{piece:?}"));
        forms.extend([piece.to_owned(), escaped(&json), json, debug[1..debug.len() - 1].to_owned()]);
    }
    forms
}

/// Whether a text holds a secret of the world, in any form.
pub(super) fn shows_secret(world: &dyn World, text: &str) -> bool {
    world.secrets().iter().flat_map(|secret| forms(secret)).any(|form| text.contains(form.as_str()))
}

/// Everything that leaves the target, searched for the secrets of the world.
pub(super) async fn shown(stage: &Stage<'_>) -> Found {
    let secrets = stage.world.secrets();
    if secrets.iter().any(|secret| secret.trim().is_empty()) {
        return Err("a secret of the world is empty, and would be found nowhere".to_owned());
    }
    if secrets.is_empty() && !stage.world.knows_no_secret() {
        return Err(
            "the world gives no secrets, so that nothing was checked: give the target some and name them, or say \
             that it can know none by knows_no_secret"
                .to_owned(),
        );
    }
    let recorder = Recorder::new();
    let journal = MemoryJournal::new();
    let cx = context(&journal, CancellationToken::new(), Arc::new(recorder.clone()));
    let target = stage.target().await?;
    let report = deployed(&*target, &cx).await?;
    let receipt = report.receipt.as_ref().ok_or("nothing was applied")?;
    let plan = report.plan.as_ref().ok_or("nothing was planned")?;
    let seen = stage.look(receipt, &Cursor::default(), true).await?;
    let back = stage.revert(plan, Some(receipt)).await?;
    let json = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
    let texts = [
        ("its plan", json(serde_json::to_string(plan))?),
        ("its receipt", json(serde_json::to_string(receipt))?),
        ("what a look sees", json(serde_json::to_string(&seen))?),
        ("its verdict", json(serde_json::to_string(&report.verdict))?),
        ("its plan of the undo", json(serde_json::to_string(&back))?),
        ("its events", recorder.json_lines()),
        ("its Debug form", format!("{target:?}")),
        ("its resource and specification", format!("{} {}", target.resource(), target.specification())),
    ];
    for (what, text) in &texts {
        if shows_secret(stage.world, text) {
            return Err(format!("{what} shows a secret of the world"));
        }
    }
    Ok(())
}
