//! One look: fetches facts, asks the judge, and has causes looked for when something has failed.
//!
//! The calls of a look: DescribeServiceDeployments; DescribeServices at every fourth look, and whenever something
//! moved, failed or ended. Until our service deployment is found it is ListServiceDeployments and DescribeServices.
//! Causes are gathered when the number of failed tasks has doubled, and at the last look.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use landfall_core::event::Level;
use landfall_core::{Cause, Context, Cursor, ErrorKind, Look, News, Observation, Result, State};

use crate::client::{Allowed, allowed};
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
    let mut looking = Looking { target, cx, watch, memory: before, last: look.last, facts: Facts::default() };
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
        let described = self.target.client.describe_service_deployment(self.cx, &arn).await;
        let described = match allowed(self.cx, "ecs:DescribeServiceDeployments", described)? {
            Allowed::Yes(described) => described,
            Allowed::No(action) => {
                self.watch_the_service_because(&format!("{action} is refused"));
                return Ok(());
            }
        };
        self.facts.now = described.at;
        let Some(found) = described.value else {
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
        self.facts.service_deployment = Some(found);
        if moved || failing || status.is_final() || self.last || turn.is_multiple_of(SERVICE_LOOKS) {
            self.fetch_service().await?;
        }
        if status == RolloutStatus::Stopped {
            self.fetch_newer().await?;
        }
        Ok(())
    }

    async fn fetch_service(&mut self) -> Result<()> {
        let described = self.target.client.describe_service(self.cx).await?;
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

    async fn conclude(mut self, judgement: Judgement) -> Result<Observation> {
        self.memory.steady = judgement.steady;
        for note in &judgement.notes {
            self.tell(note.level, note.code, &note.text);
        }
        let causes = self.causes(&judgement).await?;
        let news = self.news();
        Ok(Observation::new(judgement.state)
            .with_cursor(Cursor::new(&self.memory))
            .with_news(news)
            .with_progress(judgement.progress)
            .with_causes(causes))
    }

    /// Causes found in tasks and events first, then why AWS ended the deployment.
    async fn causes(&mut self, judgement: &Judgement) -> Result<Vec<Cause>> {
        if matches!(judgement.state, State::Ready(_) | State::Proceed) {
            return Ok(Vec::new());
        }
        let ended = matches!(judgement.state, State::Ended(_));
        let failed = self.failed_tasks();
        // Doubling keeps a crash loop from costing calls at every look.
        let more = failed > 0 && (self.memory.diagnosed_at == 0 || failed >= self.memory.diagnosed_at * 2);
        if (more || ended || self.last) && self.watch.purpose != Purpose::Busy {
            let pending = self.last && !ended;
            let found =
                diagnose::diagnose(self.target, self.cx, self.watch, self.facts.service.as_ref(), pending)
                    .await;
            match found {
                Ok(causes) => {
                    self.memory.causes = causes;
                    self.memory.diagnosed_at = failed;
                }
                // Not to know why is no reason not to say what.
                Err(error) if error.kind() != ErrorKind::Auth => self.tell(
                    Level::Warning,
                    "causes-not-found",
                    &format!("the causes of the failure could not be looked for: {error}"),
                ),
                Err(error) => return Err(error),
            }
        }
        let mut causes = self.memory.causes.clone();
        causes.extend(judgement.causes.iter().cloned());
        Ok(causes)
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
