//! One look: fetches facts, asks the judge, and has causes looked for when something has failed.
//!
//! The calls of a look: DescribeServiceDeployments; DescribeServices at every fourth look, and whenever something
//! moved, failed or ended. Until our service deployment is found it is ListServiceDeployments and DescribeServices.
//! Where no circuit breaker counts failed tasks, or nothing starts, only the service tells of trouble: then it is asked for
//! at every look. Causes are gathered at the first sign of trouble, when there is twice as much of it, and at the last
//! look; each is told when it is found.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Cause, Context, Cursor, End, ErrorKind, Look, News, Observation, Result, State};

use crate::client::{Allowed, Asked, Freshness, allowed};
use crate::diagnose;
use crate::facts::{RolloutStatus, ServiceDeployment, ServiceEvent, is_revision_of};
use crate::find::with_margin;
use crate::judge::{self, Facts, Judgement};
use crate::memory::{Memory, Purpose, Watch};
use crate::target::EcsService;

/// How long a service deployment may be missing in lists and descriptions before the service is watched instead.
/// The AWS CLI tolerates MISSING in the same way without a limit; the limit is ours.
const MISSING: SignedDuration = SignedDuration::from_secs(60);

/// DescribeServices is called at every look of this many, if nothing else asks for it.
const SERVICE_LOOKS: u64 = 4;

/// Words of service events that a person should not overlook.
const ALARMING: [&str; 6] = ["unable", "unhealthy", "failed", "rolling back", "deregistered", "unavailable"];

/// Looks once.
pub(crate) async fn observe(
    target: &EcsService,
    cx: &Context,
    watch: &Watch,
    look: Look<'_>,
) -> Result<Observation> {
    let before: Memory = look.cursor.read().unwrap_or_default();
    let facts = Facts::default();
    let mut looking = Looking { target, cx, watch, memory: before, last: look.last, facts, asked: None };
    let judgement = looking.judged().await?;
    looking.conclude(judgement).await
}

/// A look that is being made.
struct Looking<'a> {
    target: &'a EcsService,
    cx: &'a Context,
    watch: &'a Watch,
    memory: Memory,
    last: bool,
    facts: Facts,
    /// The call that the facts are from, which may be shared with other targets.
    asked: Option<Asked>,
}

impl Looking<'_> {
    async fn judged(&mut self) -> Result<Judgement> {
        let turn = self.target.next_look();
        self.facts.steady_before = self.memory.steady;
        if self.watch.purpose == Purpose::Unchanged {
            self.fetch_service().await?;
            return Ok(judge::standing(self.watch, &self.facts));
        }
        if !self.memory.legacy {
            self.resolve().await?;
        }
        if !self.memory.legacy {
            self.fetch_service_deployment(turn).await?;
        }
        if self.facts.service_deployment.is_none() {
            // Not allowed, or not shown yet, or by a server that never shows it: the service knows enough to tell
            // the truth, and a rollout that is over must not be waited for until its deadline.
            self.fetch_service().await?;
            return Ok(judge::legacy(self.watch, &self.facts));
        }
        Ok(judge::rollout(self.watch, &self.facts))
    }

    /// Finds the ARN of our service deployment, which UpdateService does not tell
    /// (aws/containers-roadmap #2709).
    async fn resolve(&mut self) -> Result<()> {
        let ours = &self.watch.deployment;
        if self.memory.service_deployment.is_none() {
            self.memory.service_deployment.clone_from(&ours.service_deployment);
        }
        if self.memory.service_deployment.is_some() {
            return Ok(());
        }
        let after = Some(with_margin(ours.created_at));
        let listed = self.target.client.list_service_deployments(self.cx, after, &[]).await;
        let listed = match allowed(self.cx, "ecs:ListServiceDeployments", listed)? {
            Allowed::Yes(listed) => listed,
            Allowed::No(action) => {
                self.watch_the_service_because(&format!("{action} is refused"));
                return Ok(());
            }
        };
        self.facts.now = listed.at;
        let is_ours =
            |brief: &&crate::facts::Brief| is_revision_of(&brief.target_service_revision_arn, &ours.id);
        self.memory.service_deployment =
            listed.value.iter().find(is_ours).map(|brief| brief.service_deployment_arn.clone());
        if self.memory.service_deployment.is_none() && self.is_overdue(listed.at) {
            self.watch_the_service_because("ListServiceDeployments does not show the deployment");
        }
        Ok(())
    }

    async fn fetch_service_deployment(&mut self, turn: u64) -> Result<()> {
        let Some(arn) = self.memory.service_deployment.clone() else { return Ok(()) };
        let fresh = self.freshness();
        let described = self.target.client.watch_service_deployment(self.cx, &arn, fresh).await;
        let (described, asked) = match allowed(self.cx, "ecs:DescribeServiceDeployments", described)? {
            Allowed::Yes(described) => described,
            Allowed::No(action) => {
                self.watch_the_service_because(&format!("{action} is refused"));
                return Ok(());
            }
        };
        self.asked = Some(asked);
        self.facts.now = described.at;
        // A list that mixes deployments up may have led to somebody else's.
        let id = &self.watch.deployment.id;
        let is_ours = |found: &ServiceDeployment| is_revision_of(&found.target_service_revision.arn, id);
        let Some(found) = described.value.filter(is_ours) else {
            if self.is_overdue(described.at) {
                self.watch_the_service_because("DescribeServiceDeployments does not show the deployment");
            }
            return Ok(());
        };
        let status = found.standing();
        let moved = found.status != self.memory.status || found.lifecycle_stage != self.memory.stage;
        self.memory.status.clone_from(&found.status);
        self.memory.stage.clone_from(&found.lifecycle_stage);
        let failing = found.failures() > 0;
        let silent = found.is_idle() || found.breaker_status() == Some("DISABLED");
        self.facts.service_deployment = Some(found);
        if moved || failing || silent || status.is_final() || self.last || turn.is_multiple_of(SERVICE_LOOKS)
        {
            self.fetch_service().await?;
        }
        if status == RolloutStatus::Stopped {
            self.fetch_newer().await?;
        }
        Ok(())
    }

    /// The last look is one of its own. The service is seen at a later moment than the service deployment, so that what
    /// it shows is never older than what it is compared with.
    fn freshness(&self) -> Freshness {
        match self.asked {
            _ if self.last => Freshness::Now,
            Some(asked) => Freshness::After(asked.number),
            None => Freshness::Lately,
        }
    }

    async fn fetch_service(&mut self) -> Result<()> {
        let fresh = self.freshness();
        let (described, asked) = self.target.client.watch_service(self.cx, fresh).await?;
        self.asked = self.asked.or(Some(asked));
        self.facts.now = described.at.or(self.facts.now);
        self.facts.service = described.value;
        Ok(())
    }

    /// Deployments after ours, which may be gone from the service again.
    async fn fetch_newer(&mut self) -> Result<()> {
        let after = Some(self.watch.deployment.created_at);
        let listed = self.target.client.list_service_deployments(self.cx, after, &[]).await;
        if let Allowed::Yes(listed) = allowed(self.cx, "ecs:ListServiceDeployments", listed)? {
            self.facts.newer = listed.value;
        }
        Ok(())
    }

    /// Whether the deployment should have been shown by now, by the clock of AWS.
    fn is_overdue(&self, now: Option<Timestamp>) -> bool {
        now.is_some_and(|now| now.duration_since(self.watch.deployment.created_at) > MISSING)
    }

    fn watch_the_service_because(&mut self, why: &str) {
        self.memory.legacy = true;
        self.tell(
            Level::Warning,
            "service-deployment-unseen",
            &format!(
                "{why}: the service is watched instead, which tells less about why a deployment ends. Needed are \
                 ecs:ListServiceDeployments and ecs:DescribeServiceDeployments"
            ),
        );
    }

    /// A note, told once.
    fn tell(&mut self, level: Level, code: &'static str, text: &str) {
        if self.memory.noted.insert(code.to_owned()) {
            self.cx.note(level, code, text);
        }
    }

    /// Causes, each told once, while the wait goes on: the verdict tells them again, perhaps much later.
    fn tell_causes(&mut self, causes: &[Cause]) {
        for cause in causes {
            let key = format!("{} {}", cause.code, diagnose::normalised(&cause.message));
            if self.memory.noted.insert(key) {
                let next = cause.hint.as_ref().map(|hint| format!("; next: {hint}")).unwrap_or_default();
                self.cx.note(Level::Warning, &cause.code, format!("{}{next}", cause.message));
            }
        }
    }

    async fn conclude(mut self, mut judgement: Judgement) -> Result<Observation> {
        self.memory.steady = judgement.steady;
        for note in &judgement.notes {
            self.tell(note.level, note.code, &note.text);
        }
        self.find_causes(&judgement).await?;
        let pending = matches!(judgement.state, State::Pending { .. });
        if pending
            && self.target.spec.fail_fast
            && let Some(cause) = judge::fail_fast(self.watch, &self.facts, self.memory.repeated.as_ref())
        {
            judgement.state = State::Ended(End::Failed);
            judgement.causes.push(cause);
        }
        let causes = self.causes(&judgement);
        if pending && !self.last {
            self.tell_causes(&causes);
        }
        let news = self.news();
        Ok(Observation::new(judgement.state)
            .with_age(self.asked.map_or(Duration::ZERO, |asked| asked.age))
            .with_cursor(Cursor::new(&self.memory))
            .with_news(news)
            .with_progress(judgement.progress)
            .with_causes(causes))
    }

    /// Looks for causes in tasks, events, load balancers and logs, if there is a new reason to.
    async fn find_causes(&mut self, judgement: &Judgement) -> Result<()> {
        let ended = matches!(judgement.state, State::Ended(_));
        let over = matches!(judgement.state, State::Ready(_) | State::Proceed);
        // What a paused deployment waits for is known.
        let paused = matches!(judgement.state, State::Pending { person: true, .. });
        let trouble = self.trouble();
        // Doubling keeps a crash loop from costing calls at every look.
        let more = self.watch.purpose != Purpose::RollBack
            && trouble > 0
            && (self.memory.diagnosed_at == 0 || trouble >= self.memory.diagnosed_at.saturating_mul(2));
        let wanted = more || ended || (self.last && !paused);
        if over || self.watch.purpose == Purpose::Busy {
            return Ok(());
        }
        if !wanted {
            return self.look_at_targets().await;
        }
        let pending = self.last && !ended;
        let service = self.facts.service.as_ref();
        match diagnose::diagnose(self.target, self.cx, self.watch, service, pending).await {
            Ok(mut found) => {
                diagnose::remember(&self.memory.causes, &mut found.causes);
                self.memory.causes = found.causes;
                self.memory.repeated = found.repeated;
                self.memory.diagnosed_at = trouble.max(self.memory.diagnosed_at);
            }
            // Not to know why is no reason not to say what.
            Err(error) if error.kind() != ErrorKind::Auth => self.tell(
                Level::Warning,
                "causes-not-found",
                &format!("the causes of the failure could not be looked for: {error}"),
            ),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What load balancers say of tasks whose health is in question; not to know it hides nothing else.
    async fn look_at_targets(&mut self) -> Result<()> {
        let Some(service) = &self.facts.service else { return Ok(()) };
        let causes = &mut self.memory.causes;
        let looked = diagnose::look_at_targets(self.target, self.cx, self.watch, service, causes).await;
        looked.or_else(|error| if error.kind() == ErrorKind::Auth { Err(error) } else { Ok(()) })
    }

    /// Causes found in tasks and events first, then why the deployment ended or waits.
    fn causes(&self, judgement: &Judgement) -> Vec<Cause> {
        if matches!(judgement.state, State::Ready(_) | State::Proceed) {
            return Vec::new();
        }
        let mut causes = self.memory.causes.clone();
        causes.extend(judgement.causes.iter().cloned());
        causes
    }

    /// How much trouble there is: failed tasks, or what events tell of where ECS counts none.
    fn trouble(&self) -> u64 {
        let events = self.facts.service.as_ref().map_or(0, |service| diagnose::trouble(service, self.watch));
        self.failed_tasks().max(events)
    }

    fn failed_tasks(&self) -> u64 {
        let by_breaker = self.facts.service_deployment.as_ref().map_or(0, ServiceDeployment::failures);
        let service = self.facts.service.as_ref();
        let by_service = service.and_then(|service| service.deployment(&self.watch.deployment.id));
        by_breaker.max(by_service.map_or(0, |ours| ours.failed_tasks))
    }

    /// Events of the service since our deployment began, with AWS's ids, by which they are told once.
    ///
    /// Some repeat every few seconds as long as the service is in trouble: of those the first, second, fourth and so
    /// on is told. Each piece of news makes the next look come soon.
    fn news(&self) -> Vec<News> {
        let Some(service) = self.facts.service.as_ref().filter(|_| self.watch.purpose != Purpose::Unchanged)
        else {
            return Vec::new();
        };
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut news = Vec::new();
        for event in service.events_since(self.watch.deployment.created_at) {
            let times = seen.entry(diagnose::normalised(&event.message)).or_default();
            *times += 1;
            if times.is_power_of_two() {
                news.push(told(event));
            }
        }
        news
    }
}

fn told(event: &ServiceEvent) -> News {
    let lower = event.message.to_lowercase();
    let level = if ALARMING.iter().any(|word| lower.contains(word)) { Level::Warning } else { Level::Info };
    let news = News::new(event.id.clone(), level, &event.message);
    match event.created_at {
        Some(at) => news.at(at),
        None => news,
    }
}
