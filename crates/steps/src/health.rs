//! Asks a URL until it answers as it should.

use std::time::Duration;

use async_trait::async_trait;
use landfall_aws::environment::Environment;
use landfall_aws::http::{Fetched, Fetcher, bare_url};
use landfall_core::{
    Cause, Context, Cursor, DeployTarget, Error, ErrorKind, Look, Observation, Outputs, Plan, Progress,
    Receipt, Resource, Result, Revert, State,
};

use crate::{digest, local};

const KIND: &str = "health-check";

/// How long one answer may take, as long as that of a target group of a load balancer may by default twice over
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>).
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How much of a body is read to find a text in it.
const BODY_READ: usize = 256 * 1024;

/// How many characters of a wrong answer are shown.
const BODY_SHOWN: usize = 200;

/// How many characters of a digest tell two queries apart; a shorter query is no secret.
const TOLD_APART_BY: usize = 8;

/// A step that succeeds when a URL answers as it should several times in a row. It changes nothing, and is never undone.
/// When it does not until the deadline of its policy, it times out and says what was answered last.
///
/// The query of the URL is sent and never shown or recorded, since it may be a signature or a token; its digest tells two
/// checks apart.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    url: Url,
    status: u16,
    contains: Option<String>,
    times: u32,
    fetcher: Fetcher,
}

/// Describes a [`HealthCheck`].
#[derive(Debug, Clone)]
#[must_use]
pub struct HealthCheckBuilder {
    url: Url,
    status: u16,
    contains: Option<String>,
    times: u32,
}

/// A URL, of which only a part is shown.
#[derive(Clone)]
struct Url {
    whole: String,
    /// Without user, query and fragment.
    shown: String,
}

impl Url {
    fn new(whole: String) -> Self {
        Self { shown: bare_url(&whole), whole }
    }

    fn query(&self) -> Option<&str> {
        let query = self.whole.split('#').next().unwrap_or_default().split_once('?')?.1;
        Some(query).filter(|query| !query.is_empty())
    }

    /// Tells it apart from one with another query.
    fn name(&self) -> String {
        match self.query() {
            Some(query) => format!("{} with query {}", self.shown, &digest([query])[..TOLD_APART_BY]),
            None => self.shown.clone(),
        }
    }

    /// A page of an error likes to repeat what was asked for.
    fn hidden_in(&self, body: String) -> String {
        match self.query().filter(|query| query.len() >= TOLD_APART_BY) {
            Some(query) => body.replace(query, "***"),
            None => body,
        }
    }

    fn problems(&self) -> Vec<Cause> {
        let mut problems = Vec::new();
        let (scheme, rest) = self.whole.split_once("://").unwrap_or(("", &self.whole));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !["http", "https"].contains(&scheme) || authority.is_empty() {
            let message = format!("{:?} is no URL of http or https", self.shown);
            problems
                .push(Cause::invalid("url", message).with_hint("write it like https://example.com/health"));
        }
        if authority.contains('@') {
            let message = format!("the URL of {} holds a user or password, which is not sent", self.shown);
            problems.push(Cause::invalid("url", message).with_hint("check a page that needs none"));
        }
        problems
    }
}

/// Shows what may be shown.
impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl HealthCheck {
    /// Begins to describe a check of this URL, `http` or `https`.
    pub fn builder(url: impl Into<String>) -> HealthCheckBuilder {
        HealthCheckBuilder { url: Url::new(url.into()), status: 200, contains: None, times: 3 }
    }
}

impl HealthCheckBuilder {
    /// The status that is wanted, 100 to 599; 200 when this is not called.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A text that the body must contain, within its first 256 KiB.
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.contains = Some(text.into());
        self
    }

    /// How many times in a row it must answer so, 1 or more; 3 when this is not called.
    pub fn times_in_a_row(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The check. Proxies and certificates come from the environment, as for AWS.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with every problem as a cause.
    pub fn build(self, environment: &Environment) -> Result<HealthCheck> {
        let mut problems = self.url.problems();
        if !(100..600).contains(&self.status) {
            problems.push(Cause::invalid("status", format!("{} is no HTTP status", self.status)));
        }
        if self.times == 0 {
            problems.push(Cause::invalid("times_in_a_row", "0 answers would prove nothing"));
        }
        Error::all("the health check cannot be used", problems)?;
        let Self { url, status, contains, times } = self;
        Ok(HealthCheck { url, status, contains, times, fetcher: Fetcher::new(environment)? })
    }
}

impl HealthCheck {
    /// What is wrong with an answer; nothing when it is as it should be.
    fn wrong(&self, fetched: &Fetched) -> Option<String> {
        if fetched.status != self.status {
            return Some(format!("{} answered {}, not {}", self.url.shown, fetched.status, self.status));
        }
        let contains = self.contains.as_ref().filter(|text| !fetched.body.contains(text.as_str()))?;
        Some(format!("{} answered {} without {contains:?} in its body", self.url.shown, fetched.status))
    }

    fn unhealthy(&self, what: String, evidence: Option<String>, look: Look<'_>) -> Observation {
        let observation = Observation::new(State::pending(what.clone())).with_cursor(Cursor::new(&0_u32));
        if !look.last {
            return observation;
        }
        let cause = Cause::new("unhealthy", what)
            .with_evidence(evidence)
            .with_hint(format!("open {} and see what the service logs for it", self.url.shown));
        observation.with_causes([cause])
    }
}

#[async_trait]
impl DeployTarget for HealthCheck {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn resource(&self) -> Resource {
        local(KIND, &self.url.name()).read_only()
    }

    fn specification(&self) -> String {
        let (status, times) = (self.status.to_string(), self.times.to_string());
        digest([self.url.whole.as_str(), &status, self.contains.as_deref().unwrap_or_default(), &times])
    }

    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        Plan::new(KIND, 1, Vec::new(), &self.url.name())
    }

    async fn apply(&self, _cx: &Context, _plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        let summary = format!(
            "{} is asked until it answers {} {} times in a row",
            self.url.shown, self.status, self.times
        );
        Receipt::new(KIND, 1, summary, &self.url.name())
    }

    async fn observe(&self, _cx: &Context, _receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        let fetched = match self.fetcher.get(&self.url.whole, BODY_READ, ANSWER_LIMIT).await {
            Ok(fetched) => fetched,
            // Not up yet, or gone again: that is what is being asked.
            Err(error) if error.kind() == ErrorKind::Transient => {
                let evidence = error.source_text().map(str::to_owned);
                return Ok(self.unhealthy(error.message().to_owned(), evidence, look));
            }
            Err(error) => return Err(error),
        };
        if let Some(wrong) = self.wrong(&fetched) {
            let shown: String = self.url.hidden_in(fetched.body).chars().take(BODY_SHOWN).collect();
            return Ok(self.unhealthy(wrong, Some(shown).filter(|shown| !shown.is_empty()), look));
        }
        let times = look.cursor.read::<u32>().unwrap_or(0).saturating_add(1);
        if times >= self.times {
            return Ok(Observation::new(State::Ready(Outputs::new().with("url", &self.url.shown))));
        }
        let done = Progress::new("good answers in a row", times.into(), Some(self.times.into()), "answers");
        let waiting_for =
            format!("{} to answer {} {} times in a row", self.url.shown, self.status, self.times);
        let observation = Observation::new(State::pending(waiting_for));
        Ok(observation.with_cursor(Cursor::new(&times)).with_progress([done]))
    }

    async fn revert(&self, _cx: &Context, _plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        Ok(Revert::NothingToDo)
    }
}
