//! The way of a request: told apart, counted, authenticated, authorised, hit by a fault or not, done, recorded.

pub(crate) mod forms;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};

use forms::{Input, form, html500, is_known, page, refusal, unknown_operation};

use crate::calls::is_write;
use crate::clock::{Clock, ms};
use crate::ecs::RegionState;
use crate::fault::FaultPlan;
use crate::hold::Hold;
use crate::iam::{Directory, Principal, authenticate, authorise};
use crate::ids::Ids;
use crate::kubernetes::{ClusterName, ClusterState};
use crate::oidc::{DISCOVERY_PATH, Issuer, KEYS_PATH};
use crate::s3::{S3State, S3Store};
use crate::sts::Sts;
use crate::wire::{Answer, Arrival, Protocol, Received, Reply, ServiceError, query, reply};
use crate::{
    BehaviourRule, Call, Fault, FaultKind, Outcome, Phase, Scenario, ScriptedAction, Simulator, World,
    cloudformation, codedeploy, ecs, eks, elb, fleet, logs, s3, sts, wire,
};

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) directory: Directory,
    pub(crate) issuer: Issuer,
    pub(crate) faults: FaultPlan,
    pub(crate) hold: Option<Hold>,
    pub(crate) calls: Vec<Call>,
    pub(crate) s3: S3State,
    regions: BTreeMap<(String, String), RegionState>,
    cloudformation: BTreeMap<(String, String), cloudformation::CloudFormation>,
    code_deploy: BTreeMap<(String, String), codedeploy::CodeDeploy>,
    kubernetes: BTreeMap<ClusterName, ClusterState>,
    behaviours: Vec<BehaviourRule>,
    actions: Vec<ScriptedAction>,
    forgotten_members: Vec<String>,
}

impl State {
    pub(crate) fn new(clock: Clock, world: World, scenario: &Scenario) -> Self {
        let mut state = Self {
            clock,
            ids: Ids::seeded("requests"),
            issuer: Issuer::new(&world.issuer),
            faults: FaultPlan::new(scenario.faults.clone()),
            hold: None,
            calls: Vec::new(),
            s3: S3State::new(S3Store::new(&world.accounts, clock.start())),
            regions: BTreeMap::new(),
            cloudformation: BTreeMap::new(),
            code_deploy: BTreeMap::new(),
            kubernetes: BTreeMap::new(),
            behaviours: scenario.behaviours.clone(),
            actions: scenario.actions.clone(),
            forgotten_members: world.forgotten_members.clone(),
            directory: Directory::new(world.accounts),
        };
        let places: Vec<(String, String)> = state
            .directory
            .accounts
            .iter()
            .flat_map(|(id, account)| account.regions.keys().map(move |region| (id.clone(), region.clone())))
            .collect();
        for (account, region) in places {
            state.region(&account, &region);
            state.code_deploy(&account, &region);
            state.cloudformation(&account, &region);
        }
        state
    }

    /// Brings every region to the present.
    pub(crate) fn advance(&mut self) {
        let now = self.clock.now();
        for region in self.regions.values_mut() {
            region.advance(now);
        }
        self.code_deploy.values_mut().for_each(|region| region.advance(now));
        self.kubernetes.values_mut().for_each(|cluster| cluster.advance(now));
        self.cloudformation.values_mut().for_each(|region| region.advance(now));
    }

    /// A region of an account; an empty one is made when nobody has been there yet.
    pub(crate) fn region(&mut self, account: &str, name: &str) -> &mut RegionState {
        let start = self.clock.start();
        let key = (account.to_owned(), name.to_owned());
        self.regions.entry(key).or_insert_with(|| {
            let seed = self.directory.accounts.get(account).and_then(|account| account.regions.get(name));
            let here = |action: &&ScriptedAction| action.account == account && action.region == name;
            let setup = ecs::Setup {
                account,
                region: name,
                world: seed.cloned().unwrap_or_default(),
                behaviours: self.behaviours.clone(),
                actions: self.actions.iter().filter(here).cloned().collect(),
                forgotten_members: self.forgotten_members.clone(),
                now: start,
            };
            RegionState::new(setup)
        })
    }

    /// CloudFormation in a region of an account.
    pub(crate) fn cloudformation(
        &mut self,
        account: &str,
        name: &str,
    ) -> &mut cloudformation::CloudFormation {
        let start = self.clock.start();
        let key = (account.to_owned(), name.to_owned());
        self.cloudformation.entry(key).or_insert_with(|| {
            let seed = self.directory.accounts.get(account).and_then(|account| account.regions.get(name));
            let (seed, s3) = (seed.cloned().unwrap_or_default(), self.s3.store.clone());
            cloudformation::CloudFormation::new((account, name), seed, s3, start)
        })
    }

    /// CodeDeploy in a region of an account.
    pub(crate) fn code_deploy(&mut self, account: &str, name: &str) -> &mut codedeploy::CodeDeploy {
        let start = self.clock.start();
        let key = (account.to_owned(), name.to_owned());
        self.code_deploy.entry(key).or_insert_with(|| {
            let seed = self.directory.accounts.get(account).and_then(|account| account.regions.get(name));
            let setup = codedeploy::Setup {
                applications: seed.map(|seed| seed.applications.clone()).unwrap_or_default(),
                configs: seed.map(|seed| seed.deployment_configs.clone()).unwrap_or_default(),
                denied: self
                    .directory
                    .accounts
                    .get(account)
                    .map(|one| one.denied.clone())
                    .unwrap_or_default(),
                s3: self.s3.store.clone(),
                instances: seed.map(|seed| seed.instances.clone()).unwrap_or_default(),
            };
            codedeploy::CodeDeploy::new((account, name), setup, start)
        })
    }

    /// The Kubernetes side of a cluster, which begins when it is first asked for.
    pub(crate) fn kubernetes(&mut self, name: &ClusterName) -> &mut ClusterState {
        let start = self.clock.now();
        let Self { kubernetes, directory, .. } = self;
        kubernetes.entry(name.clone()).or_insert_with(|| {
            let account = directory.accounts.get(&name.account);
            let region = account.and_then(|account| account.regions.get(&name.region));
            let cluster = region.and_then(|region| region.eks_clusters.get(&name.cluster));
            ClusterState::of(name, &cluster.cloned().unwrap_or_default(), start)
        })
    }

    fn principal(&self, received: &Received) -> Result<Option<Principal>, ServiceError> {
        // The only call that needs no signature: the token is the proof.
        if received.service == "sts" && received.operation == "AssumeRoleWithWebIdentity" {
            return Ok(None);
        }
        authenticate(&self.directory, received, self.clock.now())
            .map(Some)
            .map_err(|error| error.for_protocol(received.protocol))
    }

    fn authorise(
        &mut self,
        received: &Received,
        principal: &Principal,
        input: &Input,
    ) -> Result<(), ServiceError> {
        let operation = received.operation.as_str();
        let wanted = match (received.service.as_str(), input) {
            ("sts", Input::Query(form)) => sts::required(operation, form, principal),
            ("ecs", Input::Json(object)) => {
                self.region(&principal.account, &principal.region).required(operation, object)
            }
            ("logs", Input::Json(object)) => logs::required(operation, object, principal),
            ("cloudformation", Input::Query(form)) => cloudformation::required(operation, form, principal),
            ("codedeploy", Input::Json(object)) => codedeploy::required(operation, object, principal),
            ("elasticloadbalancing", Input::Query(_)) => elb::required(operation),
            ("eks", Input::Path(address)) => eks::required(operation, address, principal),
            (service, _) => fleet::required(service, operation),
        };
        authorise(&self.directory, principal, received.protocol, &wanted)
    }

    /// Does what is asked.
    fn effect(
        &mut self,
        received: &Received,
        principal: Option<&Principal>,
        input: &Input,
        stale: Option<u64>,
    ) -> Result<Answer, ServiceError> {
        let operation = received.operation.as_str();
        match (received.service.as_str(), input, principal) {
            ("sts", Input::Query(form), principal) => {
                let now = self.clock.now();
                let mut sts =
                    Sts { directory: &mut self.directory, issuer: &self.issuer, ids: &mut self.ids, now };
                sts.call(operation, form, principal).map(Answer::Xml)
            }
            ("ecs", Input::Json(object), Some(principal)) => {
                let region = self.region(&principal.account, &principal.region);
                region.call(operation, object, &principal.arn, stale).map(Answer::Json)
            }
            ("logs", Input::Json(object), Some(principal)) => {
                let region = self.region(&principal.account, &principal.region);
                logs::call(&region.logs, operation, object).map(Answer::Json)
            }
            ("cloudformation", Input::Query(form), Some(principal)) => {
                let region = self.cloudformation(&principal.account, &principal.region);
                region.call(operation, form, stale).map(Answer::Xml)
            }
            ("codedeploy", Input::Json(object), Some(principal)) => {
                let region = self.code_deploy(&principal.account, &principal.region);
                region.call(operation, object, stale).map(Answer::Json)
            }
            ("elasticloadbalancing", Input::Query(form), Some(principal)) => {
                let region = self.region(&principal.account, &principal.region);
                elb::call(region, operation, form).map(Answer::Xml)
            }
            ("eks", Input::Path(address), Some(principal)) => {
                let account = self.directory.accounts.get(&principal.account);
                let region = account.and_then(|account| account.regions.get(&principal.region));
                let mut clusters = region.map(|region| region.eks_clusters.clone()).unwrap_or_default();
                for (name, cluster) in &self.kubernetes {
                    if (&name.account, &name.region) == (&principal.account, &principal.region) {
                        cluster.show_address(&mut clusters, &name.cluster);
                    }
                }
                eks::call(&clusters, operation, address, principal, self.clock.start()).map(Answer::Json)
            }
            ("autoscaling" | "tagging" | "ssm", input, Some(principal)) => {
                let region = self.directory.accounts.get(&principal.account);
                let region = region.and_then(|account| account.regions.get(&principal.region));
                let region = &region.cloned().unwrap_or_default();
                let (start, now) = (self.clock.start(), self.clock.now());
                let fleet = fleet::Fleet { region, principal, start, now };
                match input {
                    Input::Query(form) => fleet.scaling_groups(form).map(Answer::Xml),
                    Input::Json(object) if received.service == "ssm" => {
                        fleet.instance_information(object).map(Answer::Json)
                    }
                    Input::Json(object) => fleet.tagged(object).map(Answer::Json),
                    Input::Path(_) => Err(unknown_operation(received)),
                }
            }
            _ => Err(unknown_operation(received)),
        }
    }

    /// The answer to a call, with the fault that hits it.
    fn execute(&mut self, received: &Received, number: u64, fault: Option<&Fault>) -> Reply {
        let mut account = None;
        let result = self.attempt(received, fault, &mut account);
        let request_id = self.ids.uuid();
        let refused = result.as_ref().err().map(|error| error.code.clone());
        self.record(received, number, account, refused, fault);
        let answer = form(received, result, &request_id);
        self.disturb(answer, received, fault, &request_id)
    }

    /// Adds a call to the record.
    pub(crate) fn record(
        &mut self,
        received: &Received,
        number: u64,
        account: Option<String>,
        refused: Option<String>,
        fault: Option<&Fault>,
    ) {
        self.calls.push(Call {
            service: received.service.clone(),
            operation: received.operation.clone(),
            account,
            at: self.clock.now(),
            number,
            write: is_write(&received.operation),
            body: received.body.len() as u64,
            outcome: refused.map_or(Outcome::Answered, Outcome::Refused),
            fault: fault.map(|fault| fault.kind.name().to_owned()),
        });
    }

    /// Everything up to the effect. A caller that is not known, or not allowed, meets no fault before that.
    fn attempt(
        &mut self,
        received: &Received,
        fault: Option<&Fault>,
        account: &mut Option<String>,
    ) -> Result<Answer, ServiceError> {
        if !is_known(received) {
            return Err(unknown_operation(received));
        }
        let principal = self.principal(received)?;
        *account = principal.as_ref().map(|principal| principal.account.clone());
        let input = Input::read(received)?;
        if let Some(principal) = &principal {
            self.authorise(received, principal, &input)?;
        }
        if let Err(error) = refused_before(fault, received) {
            self.end_session(fault, principal.as_ref());
            return Err(error);
        }
        let stale = match fault.map(|fault| &fault.kind) {
            Some(FaultKind::Stale { seconds }) => Some(*seconds),
            _ => None,
        };
        let answer = self.effect(received, principal.as_ref(), &input, stale)?;
        self.end_session(fault, principal.as_ref());
        Ok(answer)
    }

    pub(crate) fn end_session(&mut self, fault: Option<&Fault>, principal: Option<&Principal>) {
        if let (Some(Fault { kind: FaultKind::ExpireSession, .. }), Some(principal)) = (fault, principal) {
            self.directory.ended.insert(principal.access_key_id.clone());
        }
    }

    /// What of the answer arrives.
    pub(crate) fn disturb(
        &self,
        answer: Response<Bytes>,
        received: &Received,
        fault: Option<&Fault>,
        id: &str,
    ) -> Reply {
        let mut answer = answer;
        reply::stamp(&mut answer, id, self.clock.now());
        let Some(fault) = fault else { return Reply::Whole(answer) };
        let replaced = match &fault.kind {
            FaultKind::Reset => return Reply::Reset,
            FaultKind::Truncate => return Reply::Truncated(answer),
            FaultKind::Http { status, body, content_type } => Some(page(*status, body, content_type)),
            FaultKind::Html500 => Some(html500()),
            kind if fault.phase == Phase::After => {
                refusal(kind, received).map(|error| form(received, Err(error), id))
            }
            _ => None,
        };
        if let Some(mut response) = replaced {
            reply::stamp(&mut response, id, self.clock.now());
            return Reply::Whole(response);
        }
        Reply::Whole(answer)
    }
}

/// The refusal of a fault that strikes before the effect.
pub(crate) fn refused_before(fault: Option<&Fault>, received: &Received) -> Result<(), ServiceError> {
    let before = fault.filter(|fault| fault.phase == Phase::Before);
    before.and_then(|fault| refusal(&fault.kind, received)).map_or(Ok(()), Err)
}

/// Answers a request, waiting where a fault delays it.
pub(crate) async fn answer(simulator: &Simulator, request: Request<Bytes>) -> Reply {
    let received = match wire::arrival(request) {
        Arrival::Call(received) => received,
        Arrival::Issuer(path) => {
            return Reply::Whole(simulator.with_state(|state| issuer_document(state, &path)));
        }
        Arrival::Unknown => {
            let error = ServiceError::new(400, "MissingAction", "Could not find the action of the request");
            return Reply::Whole(query::failure("sts", &error, "unknown"));
        }
    };
    let (number, fault) =
        simulator.with_state(|state| state.faults.next(&received.service, &received.operation));
    let hold = simulator.with_state(|state| state.hold.as_mut().and_then(Hold::next));
    if let Some(hold) = hold.as_ref().filter(|hold| hold.phase == Phase::Before) {
        hold.forever().await;
    }
    let delay = match &fault {
        Some(Fault { kind: FaultKind::Delay { ms: length }, phase, .. }) => Some((ms(*length), *phase)),
        _ => None,
    };
    if let Some((length, Phase::Before)) = delay {
        tokio::time::sleep(length).await;
    }
    let reply = if received.protocol == Protocol::RestXml {
        s3::answer(simulator, &received, number, fault.as_ref()).await
    } else {
        simulator.with_state(|state| state.execute(&received, number, fault.as_ref()))
    };
    if let Some((length, Phase::After)) = delay {
        tokio::time::sleep(length).await;
    }
    if let Some(hold) = &hold {
        hold.forever().await;
    }
    reply
}

fn issuer_document(state: &State, path: &str) -> Response<Bytes> {
    let document = match path {
        DISCOVERY_PATH => state.issuer.discovery(),
        KEYS_PATH => state.issuer.key_set(),
        _ => return page(404, "{\"error\":\"404 Not Found\"}", "application/json"),
    };
    page(200, &document.to_string(), "application/json")
}
