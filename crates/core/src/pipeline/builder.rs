//! Puts a pipeline together, and finds everything that is wrong with it at once.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::graph::{Graph, Limit};
use super::outputs::Need;
use super::{Pipeline, Rollback, Source, Step, StepOutputs};
use crate::error::{Cause, Error, Result};
use crate::target::{DeployTarget, Policy};

/// How many names a message lists before it only counts.
const NAMES_SHOWN: usize = 20;

/// Makes a [`Pipeline`].
///
/// [`after`](Self::after), [`optional_outputs`](Self::optional_outputs), [`policy`](Self::policy) and [`kept`](Self::kept)
/// belong to the step named just before; the rest belongs to the whole.
#[must_use]
pub struct PipelineBuilder {
    parts: Vec<Part>,
    problems: Vec<Cause>,
    max_parallel: Option<usize>,
    default_policy: Policy,
    on_failure: Rollback,
    on_cancel: Rollback,
}

/// One step, or the steps of another pipeline.
struct Part {
    name: String,
    after: Vec<String>,
    what: What,
}

enum What {
    Step(Single),
    Pipeline(Pipeline),
}

struct Single {
    source: Source,
    needs: Vec<Named>,
    policy: Option<Policy>,
    kept: bool,
}

/// An output by names that are not resolved yet.
struct Named {
    step: String,
    output: String,
    optional: bool,
}

fn named<S: Into<String>, O: Into<String>>(
    outputs: impl IntoIterator<Item = (S, O)>,
    optional: bool,
) -> impl Iterator<Item = Named> {
    outputs.into_iter().map(move |(step, output)| Named {
        step: step.into(),
        output: output.into(),
        optional,
    })
}

impl PipelineBuilder {
    pub(super) fn new() -> Self {
        Self {
            parts: Vec::new(),
            problems: Vec::new(),
            max_parallel: None,
            default_policy: Policy::default(),
            on_failure: Rollback::RevertFailed,
            on_cancel: Rollback::Keep,
        }
    }

    /// Adds a step. Its name is part of what its effects are found again by: keep it over releases. Any text without
    /// `/`.
    pub fn step(self, name: impl Into<String>, target: impl DeployTarget + 'static) -> Self {
        self.add(name.into(), Source::Known(Arc::new(target)), Vec::new())
    }

    /// Adds a step whose target is made when the steps before it have succeeded, from their outputs: `needs` names each
    /// as step and output. It comes after these steps without a word.
    ///
    /// `make` reads nothing but what is passed to it and the values it holds: after a cut it is called again, and must
    /// give the same target. An error of it refuses the step.
    pub fn step_from<S, O, M>(
        self,
        name: impl Into<String>,
        needs: impl IntoIterator<Item = (S, O)>,
        make: M,
    ) -> Self
    where
        S: Into<String>,
        O: Into<String>,
        M: Fn(&StepOutputs<'_>) -> Result<Box<dyn DeployTarget>> + Send + Sync + 'static,
    {
        self.add(name.into(), Source::Made(Arc::new(make)), named(needs, false).collect())
    }

    /// Further outputs that the step made just before from others reads with [`StepOutputs::find_optional`], and that may
    /// be missing: the version of an object, say, where the bucket may keep none. It comes after their steps, too.
    pub fn optional_outputs<S: Into<String>, O: Into<String>>(
        mut self,
        outputs: impl IntoIterator<Item = (S, O)>,
    ) -> Self {
        let call = "optional_outputs";
        match self.parts.last_mut().map(|part| &mut part.what) {
            Some(What::Step(Single { source: Source::Made(_), needs, .. })) => {
                needs.extend(named(outputs, true));
            }
            _ => self.problems.push(misplaced(call, "step_from()")),
        }
        self
    }

    /// Adds the steps of another pipeline under a prefix: its step `web` becomes `prefix/web`. They keep their policies and
    /// their [`max_parallel`](Self::max_parallel) among themselves; what is put back is decided by this pipeline.
    /// [`after`](Self::after) holds for all of them, and a step that comes after `prefix` comes after all of them.
    pub fn include(mut self, prefix: impl Into<String>, pipeline: Pipeline) -> Self {
        self.parts.push(Part { name: prefix.into(), after: Vec::new(), what: What::Pipeline(pipeline) });
        self
    }

    /// Steps that must have succeeded before the one named just before. Steps of an included pipeline are
    /// `prefix/name`, all of them `prefix`.
    pub fn after<S: Into<String>>(mut self, steps: impl IntoIterator<Item = S>) -> Self {
        match self.parts.last_mut() {
            Some(part) => part.after.extend(steps.into_iter().map(Into::into)),
            None => self.problems.push(Cause::invalid("after", "after() comes before the first step")),
        }
        self
    }

    /// How the step named just before is run. What becomes of its change when it fails or is stopped is decided by the
    /// pipeline: `on_failure` and `on_cancel` of the policy are not used.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.with_step("policy", |step| step.policy = Some(policy));
        self
    }

    /// The change of the step named just before is never undone, whatever happens: a migration that both the old and the
    /// new program can live with.
    pub fn kept(mut self) -> Self {
        self.with_step("kept", |step| step.kept = true);
        self
    }

    /// How steps without a policy of their own are run.
    pub fn default_policy(mut self, policy: Policy) -> Self {
        self.default_policy = policy;
        self
    }

    /// How many steps run at once, 1 or more; no bound when this is not called.
    pub fn max_parallel(mut self, steps: usize) -> Self {
        if steps == 0 {
            self.problems.push(Cause::invalid("max_parallel", "0 steps at once: nothing would ever run"));
        }
        self.max_parallel = Some(steps);
        self
    }

    /// What is put back after a failure; [`Rollback::RevertFailed`] when this is not called.
    pub fn on_failure(mut self, rollback: Rollback) -> Self {
        self.on_failure = rollback;
        self
    }

    /// What is put back when somebody asks to stop; [`Rollback::Keep`] when this is not called.
    pub fn on_cancel(mut self, rollback: Rollback) -> Self {
        self.on_cancel = rollback;
        self
    }

    /// The pipeline.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] with every problem as a cause: names that are empty, contain `/` or are given twice,
    /// steps that are not there, cycles, and two steps that deploy to one resource without an order between them.
    pub fn build(self) -> Result<Pipeline> {
        let Self { parts, mut problems, max_parallel, default_policy, on_failure, on_cancel } = self;
        let names = Names::new(&parts, &mut problems);
        let mut graph = Graph::default();
        let mut steps = Vec::new();
        for part in parts {
            let after = names.resolve(&part.name, &part.after, &mut problems);
            match part.what {
                What::Pipeline(pipeline) => append(&part.name, pipeline, &after, &mut steps, &mut graph),
                What::Step(Single { source, needs, policy, kept }) => {
                    let needs = names.resolve_needs(&part.name, needs, &mut problems);
                    let mut after: Vec<usize> =
                        after.into_iter().chain(needs.iter().map(|need| need.index)).collect();
                    after.sort_unstable();
                    after.dedup();
                    graph.after.push(after);
                    let policy = policy.unwrap_or_else(|| default_policy.clone());
                    steps.push(Step { name: part.name, source, needs, policy, kept });
                }
            }
        }
        let members = 0..steps.len();
        graph.limits.extend(max_parallel.map(|most| Limit { most, members }));
        problems.extend(graph.cycles().into_iter().map(|cycle| explain(&cycle, &steps)));
        problems.extend(at_once(&steps, &graph));
        Error::all("the pipeline cannot be run", problems)?;
        Ok(Pipeline { steps, graph, on_failure, on_cancel })
    }

    fn add(mut self, name: String, source: Source, needs: Vec<Named>) -> Self {
        let what = What::Step(Single { source, needs, policy: None, kept: false });
        self.parts.push(Part { name, after: Vec::new(), what });
        self
    }

    fn with_step(&mut self, call: &str, change: impl FnOnce(&mut Single)) {
        match self.parts.last_mut().map(|part| &mut part.what) {
            Some(What::Step(step)) => change(step),
            _ => self.problems.push(misplaced(call, "a step")),
        }
    }
}

fn misplaced(call: &str, behind: &str) -> Cause {
    Cause::invalid(call, format!("{call}() does not come behind {behind}"))
}

impl fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.parts.iter().map(|part| part.name.as_str()).collect();
        f.debug_struct("PipelineBuilder").field("parts", &names).finish_non_exhaustive()
    }
}

/// Takes the steps of an included pipeline over.
fn append(prefix: &str, pipeline: Pipeline, after: &[usize], steps: &mut Vec<Step>, graph: &mut Graph) {
    let offset = steps.len();
    for mut edges in pipeline.graph.after {
        edges.iter_mut().for_each(|before| *before += offset);
        // The others come after these.
        if edges.is_empty() {
            edges.extend(after);
        }
        graph.after.push(edges);
    }
    graph.limits.extend(
        pipeline.graph.limits.into_iter().map(|limit| Limit {
            members: limit.members.start + offset..limit.members.end + offset,
            ..limit
        }),
    );
    for mut step in pipeline.steps {
        step.name = format!("{prefix}/{}", step.name);
        step.needs.iter_mut().for_each(|need| need.index += offset);
        steps.push(step);
    }
}

fn explain(cycle: &[usize], steps: &[Step]) -> Cause {
    let names: Vec<&str> = cycle.iter().map(|step| steps[*step].name.as_str()).collect();
    Cause::new(
        "cycle",
        format!("each of these waits for the next, so that none can start: {}", names.join(" -> ")),
    )
    .with_hint("take out one of these dependencies")
}

/// Steps that deploy to one resource, and might do so at once. What is made from outputs is not known yet: of two such
/// steps the second is refused when it comes while the first is at work.
fn at_once(steps: &[Step], graph: &Graph) -> Vec<Cause> {
    let mut by_resource: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let Source::Known(target) = &step.source else { continue };
        // One that panics is told as the error of its step, when it is run.
        if let Ok(resource) = std::panic::catch_unwind(AssertUnwindSafe(|| target.resource()))
            && !resource.read_only
        {
            by_resource.entry(resource).or_default().push(index);
        }
    }
    // In an order of the graph: where each waits for the one before it, no two come together.
    let mut position = vec![usize::MAX; steps.len()];
    for (place, step) in graph.order().into_iter().enumerate() {
        position[step] = place;
    }
    let mut problems = Vec::new();
    for (resource, mut sharing) in by_resource {
        sharing.sort_by_key(|step| position[*step]);
        for pair in sharing.windows(2) {
            let &[first, second] = pair else { continue };
            if !graph.waits_for(second, first) && !graph.waits_for(first, second) {
                let (first, second) = (&steps[first].name, &steps[second].name);
                let message = format!(
                    "steps {first} and {second} both deploy to {resource}, and neither waits for the other"
                );
                problems.push(
                    Cause::new("resource-shared", message)
                        .with_hint("one deployment at a time per resource: order them with after()"),
                );
            }
        }
    }
    problems
}

/// What steps are called, and which they are.
struct Names(BTreeMap<String, Range<usize>>);

impl Names {
    fn new(parts: &[Part], problems: &mut Vec<Cause>) -> Self {
        let mut names = BTreeMap::new();
        let mut next = 0;
        for part in parts {
            let first = next;
            if let What::Pipeline(pipeline) = &part.what {
                if pipeline.steps.is_empty() {
                    // Whatever comes after it would come after nothing.
                    let message = format!("the included pipeline {} has no steps", part.name);
                    problems.push(Cause::invalid(format!("step {}", part.name), message));
                }
                for step in &pipeline.steps {
                    names.insert(format!("{}/{}", part.name, step.name), next..next + 1);
                    next += 1;
                }
            } else {
                next += 1;
            }
            if let Some(problem) = bad_name(&part.name) {
                problems.push(problem);
            } else if names.insert(part.name.clone(), first..next).is_some() {
                problems.push(Cause::invalid(
                    format!("step {}", part.name),
                    format!("the name {} is given twice", part.name),
                ));
            }
        }
        Self(names)
    }

    fn find(&self, step: &str, name: &str, problems: &mut Vec<Cause>) -> Option<Range<usize>> {
        let found = self.0.get(name).cloned();
        if found.is_none() {
            let message = format!("step {step} comes after {name:?}, and there is no such step");
            problems.push(Cause::invalid(format!("step {step}"), message).with_hint(self.listed()));
        }
        found
    }

    fn resolve(&self, step: &str, after: &[String], problems: &mut Vec<Cause>) -> Vec<usize> {
        let found = after.iter().filter_map(|name| self.find(step, name, problems));
        found.flatten().collect()
    }

    fn resolve_needs(&self, step: &str, needs: Vec<Named>, problems: &mut Vec<Cause>) -> Vec<Need> {
        let mut resolved = Vec::with_capacity(needs.len());
        for Named { step: from, output, optional } in needs {
            let Some(found) = self.find(step, &from, problems) else { continue };
            if found.len() == 1 {
                resolved.push(Need { index: found.start, step: from, output, optional });
            } else {
                let message =
                    format!("{from} is an included pipeline of {} steps, which has no outputs", found.len());
                let hint = format!("name the step whose output {output} is meant: {from}/...");
                problems.push(Cause::invalid(format!("step {step}"), message).with_hint(hint));
            }
        }
        resolved
    }

    fn listed(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        match names.len() {
            0 => "there are no steps".to_owned(),
            1..=NAMES_SHOWN => format!("the steps are: {}", names.join(", ")),
            all => {
                format!("the steps are: {} and {} more", names[..NAMES_SHOWN].join(", "), all - NAMES_SHOWN)
            }
        }
    }
}

fn bad_name(name: &str) -> Option<Cause> {
    if name.trim().is_empty() {
        Some(
            Cause::invalid("step", "a step has no name").with_hint("its effects are found again by its name"),
        )
    } else if name.contains('/') {
        Some(
            Cause::invalid(format!("step {name}"), format!("the name {name:?} contains /"))
                .with_hint("/ joins the prefix of an included pipeline and a step's name"),
        )
    } else {
        None
    }
}
