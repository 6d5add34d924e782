//! Bounds a whole step.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use landfall_core::{
    Cause, Context, DeployTarget, End, Look, Observation, Plan, Receipt, Resource, Result, Revert, State,
};
use serde::{Deserialize, Serialize};

const KIND: &str = "timeout";

/// A target that has failed when it is not ready within a time. An undo is not bounded by it.
///
/// The deadline of a [`Policy`](landfall_core::Policy) leaves the deployment open for the next call, and begins anew there;
/// this one ends it for good, is counted from the first `apply` over all processes, and so can be
/// [retried](crate::Retry).
#[derive(Debug, Clone)]
pub struct Timeout<T> {
    inner: T,
    limit: Duration,
}

impl<T: DeployTarget> Timeout<T> {
    /// The target, to be ready within `limit` of its first `apply`.
    #[must_use]
    pub fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

#[derive(Serialize, Deserialize)]
struct Bounded {
    until: Timestamp,
    inner: Receipt,
}

#[async_trait]
impl<T: DeployTarget> DeployTarget for Timeout<T> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn resource(&self) -> Resource {
        self.inner.resource()
    }

    fn specification(&self) -> String {
        self.inner.specification()
    }

    async fn plan(&self, cx: &Context) -> Result<Plan> {
        self.inner.plan(cx).await
    }

    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        if plan.token.is_undo() {
            return self.inner.apply(cx, plan, so_far).await;
        }
        let so_far = so_far.map(|receipt| receipt.read::<Bounded>(KIND, 1)).transpose()?;
        let limit = SignedDuration::try_from(self.limit).unwrap_or(SignedDuration::MAX);
        let fresh = || cx.clock().now().checked_add(limit).unwrap_or(Timestamp::MAX);
        let until = so_far.as_ref().map_or_else(fresh, |so_far| so_far.until);
        let inner = self.inner.apply(cx, plan, so_far.as_ref().map(|so_far| &so_far.inner)).await?;
        Receipt::new(KIND, 1, inner.summary.clone(), &Bounded { until, inner })
    }

    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        if receipt.kind != KIND {
            return self.inner.observe(cx, receipt, look).await;
        }
        let Bounded { until, inner } = receipt.read(KIND, 1)?;
        let left = Duration::try_from(until.duration_since(cx.clock().now())).unwrap_or_default();
        let late = left.is_zero();
        let look = Look::new(look.cursor, look.patience.min(left), look.last || late);
        let mut seen = self.inner.observe(cx, &inner, look).await?;
        if let State::Pending { waiting_for, .. } = &seen.state
            && late
        {
            let message =
                format!("not ready within {} s, while waiting for {waiting_for}", self.limit.as_secs());
            seen.causes.push(Cause::new("timeout", message));
            seen.state = State::Ended(End::Failed);
        }
        Ok(seen)
    }

    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        let bounded = receipt.map(|receipt| receipt.read::<Bounded>(KIND, 1)).transpose()?;
        self.inner.revert(cx, plan, bounded.as_ref().map(|bounded| &bounded.inner)).await
    }
}
