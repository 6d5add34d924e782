//! Lines of a program, as they may be told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_core::Context;
use landfall_core::event::Level;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// How many of the last lines are kept as evidence.
const LAST_LINES: usize = 20;

/// How long a line may be, in bytes. A longer one is cut into several.
const LINE_LIMIT: u64 = 4096;

/// What is put in place of a secret.
const HIDDEN: &str = "***";

/// Tells lines and keeps the last ones.
#[derive(Debug, Clone)]
pub(super) struct Output {
    cx: Context,
    secrets: Arc<[String]>,
    last: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    pub(super) fn new(cx: &Context, secrets: &[String]) -> Self {
        Self { cx: cx.clone(), secrets: secrets.into(), last: Arc::default() }
    }

    /// Tells every line of a stream until its end.
    pub(super) async fn tell(self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(stream) = stream else { return };
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.line(String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }

    fn line(&self, line: &str) {
        let mut line = line.to_owned();
        for secret in self.secrets.iter() {
            line = line.replace(secret.as_str(), HIDDEN);
        }
        self.cx.note(Level::Info, "command-output", &line);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }

    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
