//! Whether a request is sent again: a pure table.

use std::error::Error as StdError;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, Response};

/// How often a request is sent to a server that is overloaded or not ready, the first time included. With pauses of 50 ms
/// that grow by half, that is two seconds and a half, and what `Retry-After` asks for beside.
const TRIES: u32 = 8;

/// The longest that a server may make us wait; Kubernetes asks for a second.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Status {
        code: u16,
        wait: Option<Duration>,
    },
    NoConnection(String),
    /// It may have arrived.
    Broken(String),
    /// Nothing came in time; it may have arrived.
    Silence,
}

impl Seen {
    pub(super) fn of_answer<T>(answer: &Response<T>) -> Self {
        let wait =
            answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
        Self::Status { code: answer.status().as_u16(), wait }
    }

    pub(super) fn of_failure(error: &hyper_util::client::legacy::Error) -> Self {
        let chain = std::iter::successors(error.source(), |inner| (**inner).source());
        let why = chain.map(ToString::to_string).fold(String::new(), |told, part| {
            if told.contains(&part) {
                told
            } else if told.is_empty() {
                part
            } else {
                format!("{told}: {part}")
            }
        });
        let why = if why.is_empty() { error.to_string() } else { why };
        if error.is_connect() { Self::NoConnection(why) } else { Self::Broken(why) }
    }
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Hand the answer on.
    Answer,
    /// Once more, with a token that is signed anew.
    SignAnew,
    /// Once more, after a pause.
    Again {
        at_least: Duration,
    },
    Fail,
}

/// What has been tried so far.
#[derive(Debug)]
pub(super) struct Tried {
    /// Doing it twice is as good as once: not so for a POST, which creates. PATCH is server-side apply, DELETE is by UID.
    repeatable: bool,
    tries: u32,
    signed_anew: bool,
    connected_anew: bool,
}

impl Tried {
    pub(super) fn new(method: &Method) -> Self {
        Self { repeatable: method != Method::POST, tries: 0, signed_anew: false, connected_anew: false }
    }

    /// What to do when nothing is to be repeated any more.
    pub(super) fn last(&self, seen: &Seen) -> Next {
        match seen {
            Seen::Status { code: 401, .. } => Next::Fail,
            Seen::Status { .. } => Next::Answer,
            _ => Next::Fail,
        }
    }

    pub(super) fn next(&mut self, seen: &Seen) -> Next {
        self.tries += 1;
        let again = |wait: Option<Duration>| Next::Again { at_least: wait.unwrap_or_default() };
        match seen {
            Seen::Status { code: 401, .. } if !std::mem::replace(&mut self.signed_anew, true) => {
                Next::SignAnew
            }
            Seen::Status { code: 401, .. } => Next::Fail,
            Seen::Status { code: 429, wait } => {
                if self.tries < TRIES {
                    again(*wait)
                } else {
                    Next::Fail
                }
            }
            Seen::Status { code: 503 | 504, wait } if self.repeatable => {
                if self.tries < TRIES {
                    again(*wait)
                } else {
                    Next::Fail
                }
            }
            Seen::Status { .. } => Next::Answer,
            Seen::Broken(_) if !self.repeatable => Next::Fail,
            Seen::NoConnection(_) | Seen::Broken(_) if !std::mem::replace(&mut self.connected_anew, true) => {
                again(None)
            }
            _ => Next::Fail,
        }
    }
}

/// What servers say in TLS when they do not take a client's certificate, or miss one (RFC 8446, section 6.2).
const ALERTS: [&str; 8] = [
    "BadCertificate",
    "UnsupportedCertificate",
    "CertificateRevoked",
    "CertificateExpired",
    "CertificateUnknown",
    "UnknownCA",
    "CertificateRequired",
    // Signed by another authority of the same name: that of the cluster that was here before.
    "DecryptError",
];

/// Whether a connection ended because the server wants another certificate of ours.
pub(super) fn is_about_our_certificate(why: &str) -> bool {
    why.split_once("received fatal alert: ")
        .is_some_and(|(_, alert)| ALERTS.iter().any(|known| alert.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use super::{Next, Seen, TRIES, Tried};
    use http::{Method, Response};
    use std::time::Duration;

    const AT_ONCE: Next = Next::Again { at_least: Duration::ZERO };

    fn status(code: u16) -> Seen {
        Seen::Status { code, wait: None }
    }

    fn all(method: &Method, seen: &[Seen]) -> Vec<Next> {
        let mut tried = Tried::new(method);
        seen.iter().map(|seen| tried.next(seen)).collect()
    }

    #[test]
    fn what_helps_is_repeated_and_what_does_not_is_not() {
        let broken = || Seen::Broken(String::new());
        let unconnected = || Seen::NoConnection(String::new());
        for (method, seen, next) in [
            (Method::GET, vec![status(200)], vec![Next::Answer]),
            (Method::PATCH, vec![status(409)], vec![Next::Answer]),
            (Method::GET, vec![status(403)], vec![Next::Answer]),
            (Method::GET, vec![status(500)], vec![Next::Answer]),
            (Method::GET, vec![status(401), status(200)], vec![Next::SignAnew, Next::Answer]),
            (Method::GET, vec![status(401), status(401)], vec![Next::SignAnew, Next::Fail]),
            (Method::POST, vec![status(401), status(201)], vec![Next::SignAnew, Next::Answer]),
            (Method::GET, vec![status(503), status(504)], vec![AT_ONCE, AT_ONCE]),
            (Method::POST, vec![status(503)], vec![Next::Answer]),
            (Method::POST, vec![status(429)], vec![AT_ONCE]),
            (Method::PATCH, vec![broken(), broken()], vec![AT_ONCE, Next::Fail]),
            (Method::POST, vec![broken()], vec![Next::Fail]),
            (Method::POST, vec![unconnected(), unconnected()], vec![AT_ONCE, Next::Fail]),
            (Method::GET, vec![unconnected(), status(429), broken()], vec![AT_ONCE, AT_ONCE, Next::Fail]),
            (Method::GET, vec![Seen::Silence], vec![Next::Fail]),
        ] {
            assert_eq!(all(&method, &seen), next, "{method} {seen:?}");
        }
    }

    #[test]
    fn an_overloaded_server_is_asked_only_so_often() {
        let next = all(&Method::GET, &vec![status(429); TRIES as usize]);
        assert_eq!(next.iter().filter(|next| **next == AT_ONCE).count(), TRIES as usize - 1);
        assert_eq!(next.last(), Some(&Next::Fail));
    }

    #[test]
    fn the_server_says_how_long_to_wait_within_limits() {
        for (text, wait) in [("1", Some(1)), ("3600", Some(20)), ("soon", None)] {
            let answer = Response::builder().status(429).header("retry-after", text).body(()).unwrap();
            let wait = wait.map(Duration::from_secs);
            assert_eq!(Seen::of_answer(&answer), Seen::Status { code: 429, wait });
            let next = Tried::new(&Method::GET).next(&Seen::of_answer(&answer));
            assert_eq!(next, Next::Again { at_least: wait.unwrap_or_default() });
        }
    }
}
