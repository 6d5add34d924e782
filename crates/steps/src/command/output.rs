//! Lines of a program, as they may be told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_core::Context;
use landfall_core::event::Level;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::masks::Masks;

/// How many of the last lines are kept as evidence.
const LAST_LINES: usize = 20;

/// How long a line may be, in bytes. A longer one is cut into several.
const LINE_LIMIT: usize = 4096;

/// Tells lines and keeps the last ones.
#[derive(Clone)]
pub(super) struct Output {
    cx: Context,
    masks: Arc<Masks>,
    last: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    pub(super) fn new(cx: &Context, masks: Masks) -> Self {
        Self { cx: cx.clone(), masks: masks.into(), last: Arc::default() }
    }

    /// Tells every line of a stream until its end.
    pub(super) async fn tell(self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(stream) = stream else { return };
        let mut reader = BufReader::new(stream);
        let most = LINE_LIMIT + self.masks.longest();
        let mut line = Vec::new();
        loop {
            let room = u64::try_from(most - line.len()).unwrap_or(u64::MAX);
            let read = (&mut reader).take(room).read_until(b'\n', &mut line).await;
            if line.last() == Some(&b'\n') {
                self.line(&line);
                line.clear();
            } else if line.len() == most {
                // What is behind the cut is the start of the next line: a secret that lies there is seen whole.
                let at = self.masks.cut(&line, LINE_LIMIT);
                self.line(&line[..at]);
                line.drain(..at);
            } else {
                if !line.is_empty() {
                    self.line(&line);
                }
                line.clear();
            }
            if !matches!(read, Ok(1..)) {
                return;
            }
        }
    }

    fn line(&self, line: &[u8]) {
        let line = self.masks.hide(line);
        let line = line.trim_end();
        self.cx.note(Level::Info, "command-output", line);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line.to_owned());
    }

    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
