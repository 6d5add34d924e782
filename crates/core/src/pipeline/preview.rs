//! What a run would do, found out without changing anything.

use futures_util::{FutureExt, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::{Pipeline, Source, Step};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::target::{Change, DeployTargetExt, Guarded, panicked};

/// How many plans are made at once. Reading is quick, and many reads at once are throttled.
const AT_ONCE: usize = 16;

/// What a run would do, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Preview {
    /// The run's id.
    pub run: String,
    /// The pipeline's path.
    pub path: String,
    /// Every step, in the order in which they were added to the pipeline.
    pub steps: Vec<Previewed>,
}

/// What one step would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Previewed {
    /// The step's path below the pipeline's.
    pub name: String,
    /// Which steps it waits for.
    pub after: Vec<String>,
    /// What it would do.
    #[serde(flatten)]
    pub preview: StepPreview,
}

/// What a step would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "preview", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StepPreview {
    /// It would change this, as things are now. Steps before it may change that.
    Planned {
        /// What would change; empty when nothing would.
        changes: Vec<Change>,
    },
    /// It is made from outputs that are known only when other steps have been applied.
    KnownAfterApply {
        /// Which outputs.
        needs: Vec<NeededOutput>,
    },
    /// Its plan could not be made, as things are now.
    Refused {
        /// Why.
        error: Error,
    },
}

/// An output of a step that another step is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeededOutput {
    /// The step.
    pub step: String,
    /// The name of its output.
    pub output: String,
    /// It may be missing, and the step is made even so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl Preview {
    /// 0, or the exit code of the first step whose plan was refused.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let refused = self.steps.iter().find_map(|step| match &step.preview {
            StepPreview::Refused { error } => Some(error.exit_code()),
            _ => None,
        });
        refused.unwrap_or(0)
    }
}

impl Pipeline {
    /// Makes every plan and changes nothing, neither in AWS nor in the journal. A step that is made from outputs of others
    /// is shown as known after apply.
    ///
    /// # Cancellation
    /// Plans are dropped when the context is cancelled, and shown as refused.
    pub async fn preview(&self, cx: &Context) -> Preview {
        let one = |(step, after): (&Step, &Vec<usize>)| {
            let after = after.iter().map(|before| self.steps[*before].name.clone()).collect();
            let (name, source, cx) = (step.name.clone(), step.source.clone(), cx.at_step(&step.name));
            let needs = self.needs(step);
            async move { Previewed { name, after, preview: preview(source, needs, &cx).await } }
        };
        let plans: Vec<_> = self.steps.iter().zip(&self.graph.after).map(one).collect();
        let steps = futures_util::stream::iter(plans).buffered(AT_ONCE).collect().await;
        Preview { run: cx.run().to_owned(), path: cx.step().to_owned(), steps }
    }

    fn needs(&self, step: &Step) -> Vec<NeededOutput> {
        let one = |need: &super::Need| NeededOutput {
            step: self.steps[need.index].name.clone(),
            output: need.output.clone(),
            optional: need.optional,
        };
        step.needs.iter().map(one).collect()
    }
}

async fn preview(source: Source, needs: Vec<NeededOutput>, cx: &Context) -> StepPreview {
    let target = match source {
        Source::Known(target) => target,
        Source::Made(_) => return StepPreview::KnownAfterApply { needs },
    };
    let planned = async {
        let target = guarded(target, cx)?;
        tokio::select! {
            biased;
            () = cx.cancelled() => Err(Error::new(ErrorKind::Transient, "the preview was cancelled")),
            plan = target.preview(cx) => plan,
        }
    };
    match planned.boxed().await {
        Ok(plan) => StepPreview::Planned { changes: plan.changes },
        Err(error) => StepPreview::Refused { error },
    }
}

fn guarded(target: Arc<dyn crate::DeployTarget>, cx: &Context) -> Result<Guarded> {
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| Guarded::new(target)));
    made.map_err(|panic| panicked(&format!("step {}", cx.step()), &*panic))
}
