//! The simulator itself: how it is built, the one entry for requests, and the record of calls.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;

use crate::clock::Clock;
use crate::dispatch::State;
use crate::wire::Reply;
use crate::{
    Call, CloudFormation, CodeDeploy, Ecs, Fault, FaultKind, Kubernetes, Oidc, Refusing, Scenario, World,
    wall,
};

/// 2026-01-01T00:00:00Z: where time starts unless the builder says otherwise, so that runs are alike.
const DEFAULT_START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A simulated AWS. Cloning is cheap; all clones are the same AWS.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    seed: Seed,
    /// When the simulator was built: its time starts there.
    built: tokio::time::Instant,
    /// Made at the first use, so that a served simulator can start at the wall clock's time.
    state: Mutex<Option<State>>,
}

#[derive(Debug, Clone)]
struct Seed {
    world: World,
    scenario: Scenario,
    start_at: Option<Timestamp>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("scenario", &self.shared.seed.scenario.name)
            .finish_non_exhaustive()
    }
}

/// Makes a [`Simulator`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    seed: Seed,
}

impl Builder {
    /// What exists at the start; the default is [`World::demo`].
    pub fn world(mut self, world: World) -> Self {
        self.seed.world = world;
        self
    }

    /// What happens; the default is that everything goes well.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.seed.scenario = scenario;
        self
    }

    /// Where the simulator's time starts; the default is 2026-01-01T00:00:00Z, and the wall clock's time for a
    /// simulator whose first use is [`Simulator::serve`].
    pub fn start_at(mut self, start: Timestamp) -> Self {
        self.seed.start_at = Some(start);
        self
    }

    /// Time starts at the wall clock's time: needed when a client of another process, or one with its own time source,
    /// signs the requests.
    pub fn wall_clock(self) -> Self {
        self.start_at(wall::now())
    }

    /// The simulator. Its time starts now.
    pub fn build(self) -> Simulator {
        let built = tokio::time::Instant::now();
        Simulator { shared: Arc::new(Shared { seed: self.seed, built, state: Mutex::new(None) }) }
    }
}

impl Simulator {
    /// A builder for the demonstration world.
    pub fn builder() -> Builder {
        Builder { seed: Seed { world: World::demo(), scenario: Scenario::default(), start_at: None } }
    }

    /// Runs `work` on the state, which is made first if need be. The present is reached before `work` sees it.
    pub(crate) fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut guard = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = guard.get_or_insert_with(|| self.new_state(DEFAULT_START));
        state.advance();
        work(state)
    }

    /// Makes the state at the wall clock's time, unless it exists or a start time was given.
    pub(crate) fn start_at_wall_clock(&self) {
        let mut guard = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        guard.get_or_insert_with(|| self.new_state(wall::now()));
    }

    fn new_state(&self, default_start: Timestamp) -> State {
        let Shared { seed: Seed { world, scenario, start_at }, built, .. } = &*self.shared;
        // A merge patch that does not make a world is a mistake in the scenario; the built-in ones are tested.
        let world = scenario.apply_to(world).unwrap_or_else(|_| world.clone());
        State::new(Clock::starting_at(start_at.unwrap_or(default_start), *built), world, scenario)
    }

    /// What the simulator's clock shows.
    pub fn now(&self) -> Timestamp {
        self.with_state(|state| state.clock.now())
    }

    /// Answers a request: the one entry, whatever the transport.
    ///
    /// A connection that a fault breaks cannot be shown in a response: it becomes status 502 without a body. The
    /// in-memory client and the server break it for real.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(request).await.into_response()
    }

    pub(crate) async fn answer(&self, request: Request<Bytes>) -> Reply {
        crate::dispatch::answer(self, request).await
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.with_state(|state| state.calls.clone())
    }

    /// How often an operation was called: `count("ecs", "UpdateService")`.
    pub fn count(&self, service: &str, operation: &str) -> usize {
        let same = |call: &&Call| call.service == service && call.operation == operation;
        self.with_state(|state| state.calls.iter().filter(same).count())
    }

    /// The calls of operations that change something, oldest first.
    pub fn writes(&self) -> Vec<Call> {
        self.with_state(|state| state.calls.iter().filter(|call| call.write).cloned().collect())
    }

    /// Forgets the calls so far. Call numbers, by which faults are chosen, go on.
    pub fn reset_calls(&self) {
        self.with_state(|state| state.calls.clear());
    }

    /// Adds a fault from now on. Call numbers count from the start of the simulator.
    pub fn add_fault(&self, fault: Fault) {
        self.with_state(|state| state.faults.add(fault));
    }

    /// Removes all faults, those of the scenario included.
    pub fn clear_faults(&self) {
        self.with_state(|state| state.faults.clear());
    }

    /// Refuses every call of every service from now on; with none it refuses nothing any more, faults of the scenario
    /// included.
    pub fn refuse_everything(&self, how: Option<Refusing>) {
        self.clear_faults();
        let (code, status) = match how {
            None => return,
            Some(Refusing::Denied) => ("AccessDenied", 403),
            Some(Refusing::Unavailable) => ("ServiceUnavailable", 503),
        };
        let kind = FaultKind::Error { code: code.into(), message: "no".into(), status };
        self.add_fault(Fault::new("*", "*", kind));
    }

    /// Ends all sessions that STS has handed out so far: their next call is refused as expired.
    pub fn expire_sessions(&self) {
        self.with_state(|state| {
            let keys: Vec<String> = state.directory.sessions.keys().cloned().collect();
            state.directory.ended.extend(keys);
        });
    }

    /// ECS in one region of one account, from the point of view of somebody else. Nothing here counts as a call.
    pub fn ecs(&self, account: &str, region: &str) -> Ecs {
        Ecs::new(self.clone(), account, region)
    }

    /// CloudFormation in one region of one account, from the point of view of somebody else. Nothing here counts as a call.
    pub fn cloudformation(&self, account: &str, region: &str) -> CloudFormation {
        CloudFormation::new(self.clone(), account, region)
    }

    /// CodeDeploy in one region of one account, from the point of view of somebody else. Nothing here counts as a call.
    pub fn code_deploy(&self, account: &str, region: &str) -> CodeDeploy {
        CodeDeploy::new(self.clone(), account, region)
    }

    /// The Kubernetes of an EKS cluster in one region of one account.
    pub fn kubernetes(&self, account: &str, region: &str, cluster: &str) -> Kubernetes {
        Kubernetes::new(self.clone(), account, region, cluster)
    }

    /// The issuer of identity tokens.
    pub fn oidc(&self) -> Oidc {
        Oidc { simulator: self.clone() }
    }
}
