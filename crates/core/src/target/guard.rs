//! Targets behind pointers, and a target whose panics are errors.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::{DeployTarget, Look, Observation, Plan, Receipt, Resource, Revert};
use crate::context::Context;
use crate::error::{Error, Result};

macro_rules! through_a_pointer {
    ($pointer:ident) => {
        #[async_trait]
        impl<T: DeployTarget + ?Sized> DeployTarget for $pointer<T> {
            fn kind(&self) -> &'static str {
                (**self).kind()
            }
            fn resource(&self) -> Resource {
                (**self).resource()
            }
            fn specification(&self) -> String {
                (**self).specification()
            }
            async fn plan(&self, cx: &Context) -> Result<Plan> {
                (**self).plan(cx).await
            }
            async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
                (**self).apply(cx, plan, so_far).await
            }
            async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
                (**self).observe(cx, receipt, look).await
            }
            async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
                (**self).revert(cx, plan, receipt).await
            }
        }
    };
}

through_a_pointer!(Arc);
through_a_pointer!(Box);

/// A target of which a panic is an error of the call it happened in, so that it takes the way of every other error: a
/// plan that panics changes nothing, an `apply` that panics is undone, a look that panics leaves the outcome unknown.
///
/// Needs unwinding: where a program is built with `panic = "abort"` there is nothing to catch.
#[derive(Debug)]
pub(crate) struct Guarded {
    inner: Arc<dyn DeployTarget>,
    kind: &'static str,
    resource: Resource,
    specification: String,
}

impl Guarded {
    /// Asks for the names of the target, once; a panic of that goes to the caller.
    pub(crate) fn new(inner: Arc<dyn DeployTarget>) -> Self {
        let specification = inner.specification();
        Self { kind: inner.kind(), resource: inner.resource(), specification, inner }
    }

    async fn guard<V>(&self, call: &str, work: impl Future<Output = Result<V>>) -> Result<V> {
        let caught = AssertUnwindSafe(work).catch_unwind().await;
        caught.unwrap_or_else(|panic| Err(panicked(&format!("{call} of {}", self.resource), &*panic)))
    }
}

#[async_trait]
impl DeployTarget for Guarded {
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn resource(&self) -> Resource {
        self.resource.clone()
    }
    fn specification(&self) -> String {
        self.specification.clone()
    }
    async fn plan(&self, cx: &Context) -> Result<Plan> {
        self.guard("plan", async { self.inner.plan(cx).await }).await
    }
    async fn apply(&self, cx: &Context, plan: &Plan, so_far: Option<&Receipt>) -> Result<Receipt> {
        self.guard("apply", async { self.inner.apply(cx, plan, so_far).await }).await
    }
    async fn observe(&self, cx: &Context, receipt: &Receipt, look: Look<'_>) -> Result<Observation> {
        self.guard("observe", async { self.inner.observe(cx, receipt, look).await }).await
    }
    async fn revert(&self, cx: &Context, plan: &Plan, receipt: Option<&Receipt>) -> Result<Revert> {
        self.guard("revert", async { self.inner.revert(cx, plan, receipt).await }).await
    }
}

/// The error of a panic.
pub(crate) fn panicked(what: &str, panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("{what} panicked: {}", message.unwrap_or("without a message")))
        .with_hint("this is a defect of the target, or of what it calls: tell its author")
}
