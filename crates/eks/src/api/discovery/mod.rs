//! Which kinds the cluster knows.
//!
//! Two requests tell all of them, where the server speaks the aggregated form (by default since Kubernetes 1.27); the
//! old form takes one for each group and version. What is known is kept, and asked for again when a kind is not in it:
//! a CustomResourceDefinition that was applied a moment ago takes a while until its kind is served.

mod aggregated;
mod legacy;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use landfall_aws::near;
use landfall_core::wait::{Delays, Pace};
use landfall_core::{Context, Error, ErrorKind};
use tokio::time::Instant;

use super::Api;
use super::call::{Asked, accepting};
use super::explain::{Answered, Fault};
use super::object::ApiResource;
#[cfg(any(test, fuzzing))]
pub(super) use aggregated::read;

/// Pauses until it is looked again whether a new kind is served, or an object gone. Most are a moment later.
pub(crate) const LOOK_AGAIN: Pace = Pace::growing(Duration::from_millis(25), Duration::from_millis(500));

/// The kinds of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// By group and kind, all versions of it, the preferred one first.
    kinds: BTreeMap<(String, String), Vec<Arc<ApiResource>>>,
    /// Groups and versions whose own server did not answer.
    silent: Vec<String>,
}

impl Discovery {
    /// The kind in this version: `apps/v1`, `Deployment`.
    #[must_use]
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&Arc<ApiResource>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.versions(group, kind).iter().find(|resource| resource.version == version)
    }

    /// The kind in the version that the server prefers.
    #[must_use]
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Arc<ApiResource>> {
        self.versions(group, kind).first()
    }

    fn versions(&self, group: &str, kind: &str) -> &[Arc<ApiResource>] {
        self.kinds.get(&(group.to_owned(), kind.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Adds a kind; later ones of a kind are less preferred. What has no kind or is a part of an object is left out.
    fn add(&mut self, resource: ApiResource) {
        if resource.kind.is_empty() || resource.plural.is_empty() || resource.plural.contains('/') {
            return;
        }
        let versions = self.kinds.entry((resource.group.clone(), resource.kind.clone())).or_default();
        if !versions.iter().any(|known| known.version == resource.version) {
            versions.push(Arc::new(resource));
        }
    }

    /// The error for a kind that is not there.
    fn missing(&self, api_version: &str, kind: &str) -> Error {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let message = format!("the cluster knows no kind {kind} of {api_version}");
        let error = Error::new(ErrorKind::NotFound, message);
        let served: Vec<String> =
            self.versions(group, kind).iter().map(|resource| resource.api_version()).collect();
        if !served.is_empty() {
            return error.with_hint(format!(
                "the cluster serves {kind} as {}: use that apiVersion",
                served.join(", ")
            ));
        }
        if let Some(silent) =
            self.silent.iter().find(|name| name.rsplit_once('/').map_or("", |(g, _)| g) == group)
        {
            return error.with_hint(format!(
                "the server behind {silent} does not answer: kubectl get apiservices says why (a controller that is down)"
            ));
        }
        let others = self.kinds.keys().filter(|(_, other)| other == kind).map(|(group, _)| group.as_str());
        let others: Vec<&str> = others.map(|group| if group.is_empty() { "v1" } else { group }).collect();
        if !others.is_empty() {
            return error
                .with_hint(format!("a kind {kind} is known of {}: check the apiVersion", others.join(", ")));
        }
        let kinds = self.kinds.keys().filter(|(known, _)| known == group).map(|(_, kind)| kind.as_str());
        match near::nearest(kind, kinds) {
            Some(other) => error.with_hint(format!("did you mean {other}?")),
            None => error.with_hint(
                "install what brings this kind (its CustomResourceDefinition), or add it to the manifests",
            ),
        }
    }
}

/// What is known of a cluster's kinds.
#[derive(Default)]
pub(super) struct Known {
    /// Never locked for as long as a request takes: who knows a kind does not wait for who looks for another.
    kinds: Mutex<Option<Arc<Discovery>>>,
    /// The last answer, or why there was none, and when; locked while the next one is waited for.
    last: tokio::sync::Mutex<Option<(Instant, Answered<Arc<Discovery>>)>>,
}

impl Known {
    fn kinds(&self) -> Option<Arc<Discovery>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for the kinds, for somebody who has waited since then. One answer is for all who have: a hundred objects do not
    /// ask a server that is overloaded one after the other.
    async fn ask(&self, api: &Api, cx: &Context, asked: Instant) -> Answered<Arc<Discovery>> {
        let mut last = self.last.lock().await;
        if let Some((_, last)) = last.as_ref().filter(|(at, _)| *at > asked) {
            return last.clone();
        }
        let answer = api.discover(cx).await.map(Arc::new);
        if let Ok(kinds) = &answer {
            *self.kinds.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(kinds));
        }
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

impl Api {
    /// A kind by version and name. One that is not known is asked for anew, at once and then again for as
    /// long as `patience`: nothing for kinds that nobody is about to bring.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with what the cluster knows instead; the failure of a request.
    ///
    /// # Cancellation
    /// Read-only; may be dropped at any time, and gives up when a stop is asked for.
    pub async fn resource(
        &self,
        cx: &Context,
        api_version: &str,
        kind: &str,
        patience: Duration,
    ) -> Answered<Arc<ApiResource>> {
        let until = Instant::now() + patience;
        let mut pauses = Delays::new(LOOK_AGAIN, kind);
        loop {
            match self.resource_as_of(cx, api_version, kind, Instant::now()).await {
                Err(Fault::Failed(error))
                    if error.kind() == ErrorKind::NotFound
                        && Instant::now() < until
                        && !cx.is_cancelled() =>
                {
                    tokio::time::sleep(pauses.next(false, false)).await;
                }
                found => return found,
            }
        }
    }

    /// A kind as [`Api::resource`] finds it, once, where an answer since then is new enough.
    pub(crate) async fn resource_as_of(
        &self,
        cx: &Context,
        api_version: &str,
        kind: &str,
        since: Instant,
    ) -> Answered<Arc<ApiResource>> {
        if let Some(found) = self.0.known.kinds().as_ref().and_then(|kinds| kinds.find(api_version, kind)) {
            return Ok(Arc::clone(found));
        }
        let kinds = self.0.known.ask(self, cx, since).await?;
        kinds.find(api_version, kind).map(Arc::clone).ok_or_else(|| kinds.missing(api_version, kind).into())
    }

    /// All kinds, as they were when they were last asked for.
    ///
    /// # Errors
    /// The failure of a request.
    pub async fn kinds(&self, cx: &Context) -> Answered<Arc<Discovery>> {
        match self.0.known.kinds() {
            Some(kinds) => Ok(kinds),
            None => self.0.known.ask(self, cx, Instant::now()).await,
        }
    }

    async fn discover(&self, cx: &Context) -> Answered<Discovery> {
        let mut found = Discovery::default();
        // At once, over one connection: the second request takes the one that the first opens.
        let (core, groups) = tokio::join!(self.root(cx, "/api"), self.root(cx, "/apis"));
        for (root, answer) in [("/api", core?), ("/apis", groups?)] {
            match answer["kind"].as_str() {
                Some("APIGroupDiscoveryList") => aggregated::read(&answer, &mut found),
                _ => self.discover_each(cx, root, &answer, &mut found).await?,
            }
        }
        Ok(found)
    }

    /// What is served below a root.
    async fn root(&self, cx: &Context, root: &str) -> Answered<serde_json::Value> {
        let asked = Asked::of("cannot be read", format!("what {root} serves"), None);
        let answer = self.call(cx, &asked, accepting(aggregated::ACCEPT, Method::GET, root, None)?).await?;
        answer.json(&asked)
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiResource, Discovery};

    fn kind(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
            verbs: vec!["get".to_owned()],
            has_status: false,
        }
    }

    #[test]
    fn the_first_version_of_a_kind_is_preferred_and_each_is_found() {
        let mut known = Discovery::default();
        known.add(kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"));
        known.add(kind("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"));
        known.add(kind("apps", "v1", "Scale", "deployments/scale"));
        let preferred = known.preferred("autoscaling", "HorizontalPodAutoscaler").unwrap();
        assert_eq!(preferred.version, "v2");
        let found = known.find("autoscaling/v1", "HorizontalPodAutoscaler").unwrap();
        assert_eq!(
            found.collection(Some("shop")),
            "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers"
        );
        assert_eq!(known.find("apps/v1", "Scale"), None, "a part of an object is no kind");
    }

    #[test]
    fn a_kind_that_is_not_there_is_told_with_what_there_is() {
        let mut known =
            Discovery { silent: vec!["metrics.k8s.io/v1beta1".to_owned()], ..Discovery::default() };
        known.add(kind("batch", "v1", "CronJob", "cronjobs"));
        known.add(kind("networking.k8s.io", "v1", "Ingress", "ingresses"));
        known.add(kind("", "v1", "Service", "services"));
        for (version, wanted, hint) in [
            ("batch/v1beta1", "CronJob", "the cluster serves CronJob as batch/v1: use that apiVersion"),
            (
                "extensions/v1beta1",
                "Ingress",
                "a kind Ingress is known of networking.k8s.io: check the apiVersion",
            ),
            ("batch/v1", "CronJbo", "did you mean CronJob?"),
            (
                "metrics.k8s.io/v1beta1",
                "PodMetrics",
                "the server behind metrics.k8s.io/v1beta1 does not answer",
            ),
            ("example.com/v1", "Widget", "install what brings this kind"),
        ] {
            let error = known.missing(version, wanted);
            assert_eq!(error.message(), format!("the cluster knows no kind {wanted} of {version}"));
            assert!(error.hint().unwrap().starts_with(hint), "{:?}", error.hint());
        }
    }
}
