//! What goes back over the connection: a whole answer, a part of one, or nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use jiff::Timestamp;

/// What the caller gets.
#[derive(Debug)]
pub(crate) enum Reply {
    Whole(Response<Bytes>),
    /// The head announces the whole body, but only half of it arrives.
    Truncated(Response<Bytes>),
    /// The connection breaks before an answer.
    Reset,
}

impl Reply {
    /// As a response for callers that cannot see a connection break: status 502 stands for a reset.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Whole(response) => response,
            Self::Truncated(response) => response.map(|body| half(&body)),
            Self::Reset => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    /// As a response whose body breaks off where the connection does.
    pub(crate) fn into_streamed(self) -> Response<CutBody> {
        match self {
            Self::Whole(response) => {
                response.map(|body| CutBody { rest: Some(body), cut: false, announced: None })
            }
            Self::Truncated(response) => response.map(|body| {
                let announced = Some(body.len() as u64);
                CutBody { rest: Some(half(&body)), cut: true, announced }
            }),
            Self::Reset => Response::new(CutBody { rest: None, cut: true, announced: Some(1) }),
        }
    }
}

fn half(body: &Bytes) -> Bytes {
    body.slice(..body.len() / 2)
}

/// Adds the headers that every answer of AWS has.
pub(crate) fn stamp(response: &mut Response<Bytes>, request_id: &str, now: Timestamp) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&date) {
        headers.insert(header::DATE, value);
    }
}

/// A body that may break off.
#[derive(Debug)]
pub(crate) struct CutBody {
    rest: Option<Bytes>,
    cut: bool,
    announced: Option<u64>,
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(rest) = self.rest.take().filter(|rest| !rest.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        if std::mem::take(&mut self.cut) {
            return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.rest.as_ref().map_or(0, |rest| rest.len() as u64);
        SizeHint::with_exact(self.announced.unwrap_or(left))
    }
}

impl CutBody {
    /// The bytes, when all of them will arrive; itself otherwise.
    pub(crate) fn whole(self) -> Result<Bytes, Self> {
        if self.cut { Err(self) } else { Ok(self.rest.unwrap_or_default()) }
    }
}
