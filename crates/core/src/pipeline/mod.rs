//! Several targets as one release.
//!
//! - [`Pipeline`] is a graph of named steps, each a target; [`PipelineBuilder`] makes and checks it, before any call.
//! - [`Pipeline::run`] runs each step through the one life cycle as soon as all steps before it have succeeded, and gives
//!   a [`Report`] for people and programs. [`Pipeline::preview`] only plans.
//! - [`Rollback`] says what is put back when a step fails, or somebody asks to stop.
//!
//! After a failure nothing new is started, and what runs already is awaited. With [`Rollback::RevertAll`] the steps that
//! had succeeded are then undone, in reverse order of their completion. An undo that fails is reported beside the cause,
//! and does not keep the others from being undone.
//!
//! A run that was cut off goes on with the same run id and journal: steps that had succeeded are not called again, steps
//! in the middle go on, and a failure that was known is still known.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> landfall_core::Result<()> {
//! use landfall_core::pipeline::{Pipeline, Rollback};
//! use landfall_core::{Context, Outputs, State};
//! use landfall_testkit::{Moment, ScriptedTarget};
//! use std::time::Duration;
//!
//! # let ready = |outputs| Moment::state(State::Ready(outputs));
//! # let migration = ScriptedTarget::new("migration").at(Duration::ZERO, ready(Outputs::new()));
//! # let web = ScriptedTarget::new("web").at(Duration::ZERO, ready(Outputs::new().with("url", "https://example.com")));
//! let release = Pipeline::builder()
//!     .step("migrate", migration)
//!     .step("web", web)
//!     .after(["migrate"])
//!     .step_from("smoke", [("web", "url")], |outputs| {
//!         let url = outputs.find("web", "url")?;
//!         Ok(Box::new(ScriptedTarget::new(url).at(Duration::ZERO, Moment::state(State::Ready(Outputs::new())))))
//!     })
//!     .on_failure(Rollback::RevertAll)
//!     .build()?;
//! let report = release.run(&Context::builder("shop/81/deploy/production").build()).await;
//! assert_eq!(report.exit_code, 0);
//! println!("{}", report.text());
//! # Ok(()) }
//! ```

mod builder;
mod facts;
mod graph;
mod outputs;
mod preview;
mod report;
mod revert;
mod run;
mod schedule;
mod step;
mod text;
mod watched;

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::target::{DeployTarget, Policy, Undo};
pub use builder::PipelineBuilder;
use graph::Graph;
use outputs::Need;
pub use outputs::StepOutputs;
pub use preview::{NeededOutput, Preview, Previewed, StepPreview};
pub use report::{Report, Settled, Status, StepResult, schema};

/// What is put back when a run does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rollback {
    /// Nothing.
    Keep,
    /// The steps that failed, or that were in the middle when somebody asked to stop, each by itself.
    RevertFailed,
    /// These, and then all steps that had succeeded, in reverse order of completion.
    RevertAll,
}

impl Rollback {
    /// What it means for a step that itself does not succeed.
    fn of_step(self) -> Undo {
        if self == Self::Keep { Undo::Keep } else { Undo::Revert }
    }
}

/// A checked graph of named steps.
pub struct Pipeline {
    steps: Vec<Step>,
    graph: Graph,
    on_failure: Rollback,
    on_cancel: Rollback,
}

/// One step of a pipeline.
struct Step {
    /// Path below the pipeline's own, names joined with `/`.
    name: String,
    source: Source,
    needs: Vec<Need>,
    policy: Policy,
    kept: bool,
}

/// Makes a target of the outputs of earlier steps.
type Make = dyn Fn(&StepOutputs<'_>) -> Result<Box<dyn DeployTarget>> + Send + Sync;

/// Where the target of a step comes from.
#[derive(Clone)]
enum Source {
    Known(Arc<dyn DeployTarget>),
    Made(Arc<Make>),
}

impl Pipeline {
    /// Begins to put a pipeline together.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::new()
    }

    /// The paths of all steps, in the order in which they were added.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.name.as_str())
    }

    /// The policy of a step within this pipeline.
    fn policy(&self, step: &Step) -> Policy {
        let undo = |rollback: Rollback| if step.kept { Undo::Keep } else { rollback.of_step() };
        step.policy.clone().on_failure(undo(self.on_failure)).on_cancel(undo(self.on_cancel))
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("steps", &self.steps().collect::<Vec<_>>())
            .field("on_failure", &self.on_failure)
            .field("on_cancel", &self.on_cancel)
            .finish_non_exhaustive()
    }
}
