//! Landfall's own connection as one that asks.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use landfall_core::Context;
use landfall_eks::access::ApiServer;

use crate::answers::{Answer, Sender};

/// Landfall's own connection, signed in by a token as EKS takes it.
#[derive(Debug)]
pub(crate) struct SignedIn(pub(crate) ApiServer);

#[async_trait]
impl Sender for SignedIn {
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, String> {
        let cx = Context::builder("run").build();
        let answer = self.0.send(&cx, request).await.map_err(|error| error.report())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status, body })
    }
}
