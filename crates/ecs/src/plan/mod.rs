//! What would change, and what is there now.

mod busy;
mod lost;

use jiff::Timestamp;
use landfall_core::event::Level;
use landfall_core::target::Effect;
use landfall_core::{Change, Context, Error, Plan, Result};

use crate::apply::primary_of;
use crate::client::{Answered, Revision};
use crate::document::{Document, check_load_balancers, diff};
use crate::error::Refusal;
use crate::facts::{Service, short};
use crate::find;
use crate::memory::{Baseline, Existing, Forward, Work};
use crate::run_tag;
use crate::spec::Source;
use crate::target::EcsService;

/// What the plan is made from.
pub(super) struct Scene {
    pub(super) service: Service,
    pub(super) at: Option<Timestamp>,
    /// The revision that the service runs, or is moving to.
    pub(super) live: Revision,
    pub(super) wanted: Document,
    /// Differences between the two; empty: the service has what is wanted.
    pub(super) differences: Vec<String>,
    /// The newest revision of the wanted family.
    pub(super) latest: Option<Revision>,
}

impl Scene {
    /// The service has what is wanted, and did not come up with it: without force, ECS would do nothing.
    fn has_failed(&self) -> bool {
        let failed =
            self.service.primary().is_some_and(|primary| primary.rollout_state.as_deref() == Some("FAILED"));
        failed && self.differences.is_empty()
    }
}

/// Makes the plan. Reads only.
pub(crate) async fn plan(target: &EcsService, cx: &Context) -> Result<Plan> {
    let found = look_up(target, cx).await?;
    let (at, service) = (found.at, found.value);
    check_service(target, &service)?;
    let primary = primary_of(target, &service)?;
    let live = named(target, cx, &primary.task_definition).await?;
    let base = base(target, cx, &live).await?;
    let start = base.as_ref().map(|base| base.document.clone());
    let wanted = match (&target.spec.source, start) {
        (Source::Document(document), _) => target.spec.edit(document)?,
        (_, Some(start)) => target.spec.edit(&start)?,
        (_, None) => return Err(Error::internal("no task definition to start from")),
    };
    check_balancers(target, &service, &wanted)?;
    let differences = diff(&live.document, &wanted);
    let latest = find::latest(&target.client, cx, wanted.family()).await?;
    let baseline =
        Baseline::of(&service, primary, at.or(primary.created_at).unwrap_or(Timestamp::UNIX_EPOCH));
    let scene = Scene { service, at, live, wanted, differences, latest };
    let existing = existing(cx, &scene, base.as_ref())?;
    if let Some(base) = &base {
        target.keep(base);
    }
    let forward = Forward {
        specification: target.spec.digest(),
        baseline,
        base: base.map(|base| base.arn),
        wanted: scene.wanted.digest(),
        family: scene.wanted.family().to_owned(),
        latest_revision: scene.latest.as_ref().map_or(0, |latest| latest.number),
        existing,
        force: target.spec.force || scene.has_failed(),
        attach: None,
        busy: None,
    };
    match busy::in_flight(target, cx, &scene).await? {
        Some(in_flight) => busy::plan(target, cx, &scene, forward, in_flight).await,
        None => idle(target, cx, &scene, forward).await,
    }
}

/// Nothing else is under way.
async fn idle(target: &EcsService, cx: &Context, scene: &Scene, forward: Forward) -> Result<Plan> {
    if let Some(own) = lost::cut_off(target, cx, scene, &forward).await? {
        return lost::attach(target, cx, scene, forward, own).await;
    }
    if scene.differences.is_empty() && !forward.force {
        return target.plan_of(Vec::new(), &Work::Forward(Box::new(forward)));
    }
    if scene.differences.is_empty() {
        cx.note(
            Level::Info,
            "redeploy-cannot-be-found-again",
            format!(
                "a forced redeployment of {} leaves no mark of this run: if it loses its journal, a repetition cannot \
                 know of it and would start the tasks anew once more",
                short(&scene.live.arn)
            ),
        );
    }
    let changes = changes(target, scene, &forward);
    target.plan_of(changes, &Work::Forward(Box::new(forward)))
}

/// The changes, for people.
pub(super) fn changes(target: &EcsService, scene: &Scene, forward: &Forward) -> Vec<Change> {
    let mut changes = Vec::new();
    let to = match &forward.existing {
        Some(existing) => short(&existing.task_definition).to_owned(),
        None => {
            let subject = format!("task definition {}", forward.family);
            changes.push(Change::new(Effect::Create, subject).with_details(scene.differences.clone()));
            format!("a new revision of {}", forward.family)
        }
    };
    let mut service = Change::new(Effect::Update, target.subject())
        .with_details([format!("taskDefinition: {} -> {to}", short(&scene.live.arn))]);
    if forward.existing.is_some() {
        service = service.with_details(scene.differences.clone());
    }
    if forward.force {
        service = service.with_details(["forceNewDeployment: true"]);
    }
    if scene.has_failed() {
        service =
            service.with_details(["it has this revision, and its deployment failed: it is tried again"]);
    }
    changes.push(service);
    changes
}

/// The service, or why there is none: said with what there is instead, when that can be read.
async fn look_up(target: &EcsService, cx: &Context) -> Result<Answered<Service>> {
    let found = match target.client.describe_service(cx).await {
        Ok(found) => found,
        Err(failure) if failure.code() == Some("ClusterNotFoundException") => {
            let clusters = target.client.list_clusters(cx).await.unwrap_or_default();
            return Err(Refusal::ClusterNotFound {
                cluster: target.spec.cluster.clone(),
                place: target.place.clone(),
                clusters,
            }
            .into());
        }
        Err(failure) => return Err(failure.into()),
    };
    match found.value {
        Some(service) => Ok(Answered { value: service, at: found.at }),
        None => Err(Refusal::ServiceNotFound {
            service: target.spec.service.clone(),
            cluster: target.spec.cluster.clone(),
            place: target.place.clone(),
            services: target.client.list_services(cx).await.unwrap_or_default(),
        }
        .into()),
    }
}

fn check_service(target: &EcsService, service: &Service) -> Result<()> {
    let name = target.spec.service.clone();
    if service.status != "ACTIVE" {
        let (cluster, status) = (target.spec.cluster.clone(), service.status.clone());
        return Err(Refusal::ServiceNotActive { service: name, cluster, status }.into());
    }
    let controller = service.deployment_controller.kind.as_str();
    // Services without the member are older than it, and of the controller ECS.
    if !controller.is_empty() && controller != "ECS" {
        return Err(Refusal::Controller { service: name, controller: controller.to_owned() }.into());
    }
    Ok(())
}

/// A revision by family, `family:revision` or ARN.
pub(super) async fn named(target: &EcsService, cx: &Context, name: &str) -> Result<Revision> {
    target.client.describe_task_definition(cx, name).await.map_err(|failure| {
        if find::is_missing(&failure) {
            let refusal =
                Refusal::TaskDefinitionNotFound { name: short(name).to_owned(), place: target.place.clone() };
            return Error::from(refusal).with_source(failure.error());
        }
        failure.into()
    })
}

/// The revision that the wanted document starts from; none when that is a file.
async fn base(target: &EcsService, cx: &Context, live: &Revision) -> Result<Option<Revision>> {
    match &target.spec.source {
        Source::Live => Ok(Some(live.clone())),
        Source::Named(name) => Ok(Some(named(target, cx, name).await?)),
        Source::Document(_) => Ok(None),
    }
}

fn check_balancers(target: &EcsService, service: &Service, wanted: &Document) -> Result<()> {
    let balancers: Vec<(&str, u16)> = service
        .load_balancers
        .iter()
        .map(|balancer| (balancer.container_name.as_str(), balancer.container_port))
        .collect();
    Error::all(
        format!("the task definition does not fit the load balancers of {}", target.subject()),
        check_load_balancers(wanted, &balancers),
    )
}

/// Whether an attempt of this run and step registered it.
fn is_ours(cx: &Context, revision: &Revision) -> bool {
    revision.run_tag().is_some_and(|tag| run_tag::is_of(tag, cx.run(), cx.step()))
}

/// The revision that has the wanted content already: the live one, the one that was named, or one that this run
/// registered and did not get to deploy.
fn existing(cx: &Context, scene: &Scene, base: Option<&Revision>) -> Result<Option<Existing>> {
    let use_it = |revision: &Revision| {
        Some(Existing { task_definition: revision.arn.clone(), ours: is_ours(cx, revision) })
    };
    if scene.differences.is_empty() {
        // A redeployment of what is live leaves no mark, whoever registered the revision.
        return Ok(Some(Existing { task_definition: scene.live.arn.clone(), ours: false }));
    }
    if let Some(base) = base.filter(|base| diff(&base.document, &scene.wanted).is_empty()) {
        if !base.active {
            return Err(Refusal::TaskDefinitionInactive { arn: base.arn.clone() }.into());
        }
        return Ok(use_it(base));
    }
    let of_this_run = scene
        .latest
        .as_ref()
        .filter(|latest| is_ours(cx, latest) && diff(&latest.document, &scene.wanted).is_empty());
    if of_this_run.is_some() {
        cx.note(
            Level::Info,
            "revision-found-again",
            format!(
                "{} was registered by this run already",
                of_this_run.map_or("", |latest| short(&latest.arn))
            ),
        );
    }
    Ok(of_this_run.and_then(use_it))
}
