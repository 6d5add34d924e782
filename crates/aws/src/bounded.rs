//! Reading no more than makes sense of what others wrote: answers of servers, files.
//!
//! Everything that is read is held in memory, an answer several times over as text and tree. Without limits, a server
//! or a wrong file name (`/dev/zero`) would take the process down, in the middle of a deployment.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Bytes that an answer may have. The largest that landfall asks for are pages of a hundred tasks (some kilobytes
/// each) and log lines (a megabyte at most, GetLogEvents).
pub const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Reads a text file of at most `most` bytes.
///
/// # Errors
/// Those of reading; [`io::ErrorKind::FileTooLarge`] when there is more, [`io::ErrorKind::InvalidData`] when it is not
/// UTF-8.
pub fn read_text(path: &Path, most: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let kilobytes = most / 1024;
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {kilobytes} KiB, and no more is read"),
        ));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Refuses answers of more than [`LARGEST_ANSWER`] bytes, for calls that are not made by
/// [`Exchange`](crate::raw::Exchange), which does the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswerLimit;

#[dyn_dispatch_hint]
impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "landfall::bounded::AnswerLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bound(context.response_mut());
        Ok(())
    }
}

/// Puts the limit of [`LARGEST_ANSWER`] around the body of an answer that has not been read yet: reading more than that
/// fails.
pub fn bound(response: &mut HttpResponse) {
    let inner = std::mem::replace(response.body_mut(), SdkBody::taken());
    *response.body_mut() = SdkBody::from_body_1_x(Bounded { inner, left: LARGEST_ANSWER });
}

/// What the answer's body fails with when it is larger.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer has more than {} MiB", LARGEST_ANSWER / 1024 / 1024)
    }
}

impl std::error::Error for TooLarge {}

struct Bounded {
    inner: SdkBody,
    left: usize,
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        let Some(left) = self.left.checked_sub(length) else {
            return Poll::Ready(Some(Err(TooLarge.into())));
        };
        self.left = left;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::ErrorKind;
    use std::path::Path;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use bytes::Bytes;
    use http_body::{Body, Frame};

    use super::{LARGEST_ANSWER, TooLarge, bound, read_text};

    const CHUNK: usize = 64 * 1024;

    /// A server that never stops sending.
    struct Endless;

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; CHUNK])))))
        }
    }

    #[test]
    fn an_answer_without_an_end_is_read_up_to_the_limit() {
        let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from_body_1_x(Endless));
        bound(&mut response);
        let mut bytes = 0;
        let error = loop {
            let polled = Pin::new(response.body_mut()).poll_frame(&mut Context::from_waker(Waker::noop()));
            match polled {
                Poll::Ready(Some(Ok(frame))) => bytes += frame.data_ref().map_or(0, Bytes::len),
                Poll::Ready(Some(Err(error))) => break error,
                _ => panic!("it ended"),
            }
        };
        assert_eq!(bytes, LARGEST_ANSWER);
        assert!(error.is::<TooLarge>(), "{error}");
    }

    #[test]
    fn a_file_is_read_to_its_end_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "é".repeat(512)).unwrap();
        assert_eq!(read_text(&path, 1024).unwrap().len(), 1024);
        let error = read_text(&path, 1023).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge, "{error}");
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 1024).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_refused() {
        assert_eq!(read_text(Path::new("/dev/zero"), 1024).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
