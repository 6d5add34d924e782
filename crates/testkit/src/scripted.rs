//! A target that does what a script says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::target::Effect;
use landfall_core::{
    Change, Context, DeployTarget, Error, Look, Observation, Place, Plan, Receipt, Resource, Result, Revert,
    State,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

const KIND: &str = "scripted";

/// What a look sees from a given time on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Moment {
    /// This observation.
    Seen(Box<Observation>),
    /// This error.
    Failed(Error),
    /// Nothing: the look never ends.
    Hang,
}

impl Moment {
    /// An observation of this state and nothing else.
    #[must_use]
    pub fn state(state: State) -> Self {
        Self::seen(Observation::new(state))
    }

    /// This observation.
    #[must_use]
    pub fn seen(observation: Observation) -> Self {
        Self::Seen(Box::new(observation))
    }
}

/// What was called on a scripted target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// `plan`.
    Plan,
    /// `apply` with this token, for this part.
    Apply {
        /// The plan's token.
        token: String,
        /// Which part, from 0.
        part: u32,
    },
    /// `observe`.
    Observe {
        /// Whether it was the last look.
        last: bool,
    },
    /// `revert`.
    Revert,
}

/// A target that does what its script says.
///
/// The script has two lines of time, one for the change and one for its undo; both are counted from the effect
/// of the part that is looked at. Without any moment the deployment stays pending. Clones share their state.
#[derive(Debug, Clone)]
pub struct ScriptedTarget {
    name: String,
    specification: String,
    changes: Vec<Change>,
    parts: u32,
    forward: Vec<(Duration, Moment)>,
    back: Vec<(Duration, Moment)>,
    revert: Option<Revert>,
    plan_takes: Duration,
    apply_takes: Duration,
    look_takes: Duration,
    state: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    calls: Vec<Call>,
    effects: Vec<(String, u32, Instant)>,
    plan_errors: VecDeque<Error>,
    apply_errors: VecDeque<(bool, Error)>,
    revert_errors: VecDeque<Error>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    token: String,
    part: u32,
}

impl ScriptedTarget {
    /// A target with one change to make and one part.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let change = Change::new(Effect::Update, format!("thing {name}"));
        Self {
            specification: name.clone(),
            name,
            changes: vec![change],
            parts: 1,
            forward: Vec::new(),
            back: Vec::new(),
            revert: None,
            plan_takes: Duration::ZERO,
            apply_takes: Duration::ZERO,
            look_takes: Duration::ZERO,
            state: Arc::default(),
        }
    }

    /// The plan has no changes.
    #[must_use]
    pub fn without_changes(mut self) -> Self {
        self.changes.clear();
        self
    }

    /// What is asked for; the name when this is not called.
    #[must_use]
    pub fn asked_for(mut self, specification: impl Into<String>) -> Self {
        self.specification = specification.into();
        self
    }

    /// The change has this many parts; each but the last one says `Proceed` as soon as it is looked at.
    #[must_use]
    pub fn parts(mut self, parts: u32) -> Self {
        self.parts = parts.max(1);
        self
    }

    /// From `since` after the effect on, a look at the change sees `moment`.
    #[must_use]
    pub fn at(mut self, since: Duration, moment: Moment) -> Self {
        self.forward.push((since, moment));
        self
    }

    /// From `since` after the effect on, a look at the undo sees `moment`.
    #[must_use]
    pub fn undo_at(mut self, since: Duration, moment: Moment) -> Self {
        self.back.push((since, moment));
        self
    }

    /// `revert` answers this instead of a plan with one change.
    #[must_use]
    pub fn revert_answers(mut self, revert: Revert) -> Self {
        self.revert = Some(revert);
        self
    }

    /// `apply` takes this long.
    #[must_use]
    pub fn apply_takes(mut self, duration: Duration) -> Self {
        self.apply_takes = duration;
        self
    }

    /// `plan` takes this long.
    #[must_use]
    pub fn plan_takes(mut self, duration: Duration) -> Self {
        self.plan_takes = duration;
        self
    }

    /// A look takes this long; it sees what there is at its end.
    #[must_use]
    pub fn look_takes(mut self, duration: Duration) -> Self {
        self.look_takes = duration;
        self
    }

    /// The next call of `plan` fails.
    #[must_use]
    pub fn plan_fails(self, error: Error) -> Self {
        self.told().plan_errors.push_back(error);
        self
    }

    /// The next call of `apply` fails before it has an effect.
    #[must_use]
    pub fn apply_fails(self, error: Error) -> Self {
        self.told().apply_errors.push_back((false, error));
        self
    }

    /// The next call of `apply` has its effect, and its answer is lost.
    #[must_use]
    pub fn apply_loses_its_answer(self, error: Error) -> Self {
        self.told().apply_errors.push_back((true, error));
        self
    }

    /// The next call of `revert` fails.
    #[must_use]
    pub fn revert_fails(self, error: Error) -> Self {
        self.told().revert_errors.push_back(error);
        self
    }

    /// Everything that was called, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.told().calls.clone()
    }

    /// How many looks were made.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.told().calls.iter().filter(|call| matches!(call, Call::Observe { .. })).count()
    }

    /// The effects in the world: token and part of each, each once.
    #[must_use]
    pub fn effects(&self) -> Vec<(String, u32)> {
        self.told().effects.iter().map(|(token, part, _)| (token.clone(), *part)).collect()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self, payload: &Payload) -> Option<Moment> {
        let told = self.told();
        let same = |token: &str, part: u32| token == payload.token && part == payload.part;
        let (_, _, since) = told.effects.iter().find(|(token, part, _)| same(token, *part))?;
        let elapsed = since.elapsed();
        let line = if payload.token.ends_with("/undo") { &self.back } else { &self.forward };
        line.iter()
            .filter(|(from, _)| *from <= elapsed)
            .max_by_key(|(from, _)| *from)
            .map(|(_, moment)| moment.clone())
    }
}

#[async_trait]
impl DeployTarget for ScriptedTarget {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        Resource::new(Place::new("aws", "111122223333", "eu-central-1"), KIND, [self.name.clone()])
    }

    fn specification(&self) -> String {
        self.specification.clone()
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        self.told().calls.push(Call::Plan);
        tokio::time::sleep(self.plan_takes).await;
        let mut told = self.told();
        match told.plan_errors.pop_front() {
            Some(error) => Err(error),
            None => Plan::new(KIND, 1, self.changes.clone(), &self.name),
        }
    }

    async fn apply(&self, _cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        let part = match so_far {
            Some(receipt) => receipt.read::<Payload>(KIND, 1)?.part + 1,
            None => 0,
        };
        let token = plan.token.to_string();
        self.told().calls.push(Call::Apply { token: token.clone(), part });
        tokio::time::sleep(self.apply_takes).await;
        let mut told = self.told();
        let failure = told.apply_errors.pop_front();
        let known = told.effects.iter().any(|(known, at, _)| *known == token && *at == part);
        if !known && !matches!(failure, Some((false, _))) {
            told.effects.push((token.clone(), part, Instant::now()));
        }
        match failure {
            Some((_, error)) => Err(error),
            None => Receipt::new(KIND, 1, format!("part {part} of {}", self.name), &Payload { token, part }),
        }
    }

    async fn observe(&self, _cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        self.told().calls.push(Call::Observe { last: look.last });
        tokio::time::sleep(self.look_takes).await;
        let payload: Payload = receipt.read(KIND, 1)?;
        if !payload.token.ends_with("/undo") && payload.part + 1 < self.parts {
            return Ok(Observation::new(State::Proceed));
        }
        match self.moment(&payload) {
            Some(Moment::Seen(observation)) => Ok(*observation),
            Some(Moment::Failed(error)) => Err(error),
            Some(Moment::Hang) => std::future::pending().await,
            None => Ok(Observation::new(State::pending("the script"))),
        }
    }

    async fn revert(&self, _cx: &Context, _plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        let mut told = self.told();
        told.calls.push(Call::Revert);
        if let Some(error) = told.revert_errors.pop_front() {
            return Err(error);
        }
        match &self.revert {
            Some(revert) => Ok(revert.clone()),
            None => Ok(Revert::Plan(Box::new(Plan::new(KIND, 1, self.changes.clone(), &self.name)?))),
        }
    }
}
