//! Shows events to people. One observer: a line of progress that moves on a terminal, steady plain lines elsewhere.

pub(crate) mod verdict;

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use landfall::event::{Event, EventKind, Level};
use landfall::target::Effect;
use landfall::{Change, Observer, Progress};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The observer behind `--output human`.
pub(crate) struct Human {
    verbose: bool,
    shown: Mutex<Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    live: bool,
    /// The plan has no changes: what `apply` answers is what was found, not what was started.
    empty: bool,
    began: Option<Timestamp>,
    started: Option<String>,
    waiting_for: String,
}

impl Human {
    pub(crate) fn new(verbose: bool) -> Self {
        let live = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let shown =
            Shown { bar: None, live, empty: false, began: None, started: None, waiting_for: String::new() };
        Self { verbose, shown: Mutex::new(shown) }
    }
}

impl Observer for Human {
    fn observe(&self, event: &Event) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.began.get_or_insert(event.at);
        let clock = clock(shown.began, event.at);
        for line in self.lines(&mut shown, event, &clock) {
            shown.print(&line);
        }
    }
}

impl Human {
    fn lines(&self, shown: &mut Shown, event: &Event, clock: &str) -> Vec<String> {
        match &event.kind {
            EventKind::SignedIn { source, account, identity, region } => {
                vec![
                    format!("signed in  {identity}"),
                    format!("           account {account}, {region}, {source}"),
                ]
            }
            EventKind::Started { resource } => vec![
                format!("deploying  {} {}", resource.kind, resource.names.join("/")),
                format!("run        {}", event.run),
            ],
            EventKind::Planned { changes } => {
                shown.empty = changes.is_empty();
                planned("plan", changes)
            }
            EventKind::Undoing { changes } => planned("undo", changes),
            EventKind::Applied { summary, .. } if shown.empty => {
                vec![format!("{FAINT}{clock}{FAINT:#}  {summary}")]
            }
            EventKind::Applied { summary, .. } => {
                shown.started = Some(summary.clone());
                vec![format!("{FAINT}{clock}{FAINT:#}  started: {summary}")]
            }
            EventKind::News { news } => {
                vec![format!("{FAINT}{clock}{FAINT:#}  {}", coloured(news.level, &news.text))]
            }
            EventKind::Progress { waiting_for, progress, .. } => shown.progress(waiting_for, progress, clock),
            EventKind::Retrying { error, delay_ms } if self.verbose => {
                vec![format!("{FAINT}{clock}  again in {} ms: {error}{FAINT:#}", delay_ms)]
            }
            EventKind::Note { level, code, text } if self.verbose || *level > Level::Debug => {
                let code = if self.verbose { format!(" {FAINT}[{code}]{FAINT:#}") } else { String::new() };
                vec![format!("{FAINT}{clock}{FAINT:#}  {}{code}", coloured(*level, text))]
            }
            EventKind::Verdict { verdict } => {
                shown.hide();
                verdict::before_undo(verdict)
            }
            EventKind::Finished { verdict, undone, exit_code, took_ms } => {
                shown.hide();
                let run = verdict::Run {
                    id: &event.run,
                    started: shown.started.as_deref(),
                    took: Duration::from_millis(*took_ms),
                };
                verdict::finished(verdict, undone, *exit_code, &run)
            }
            EventKind::Aborted { error, exit_code } => {
                shown.hide();
                vec![format!("{BAD}REFUSED{BAD:#} (exit code {exit_code}): {}", error.report())]
            }
            _ => Vec::new(),
        }
    }
}

impl Shown {
    /// Prints a line above the moving one. A closed pipe is not a reason to fail a deployment.
    fn print(&self, line: &str) {
        let write = || {
            let mut out = anstream::stdout().lock();
            let _ = writeln!(out, "{line}");
            let _ = out.flush();
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn hide(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn progress(&mut self, waiting_for: &str, progress: &[Progress], clock: &str) -> Vec<String> {
        self.waiting_for = waiting_for.to_owned();
        let counts: Vec<String> = progress.iter().map(count).collect();
        let text = if waiting_for.is_empty() { counts.join(", ") } else { waiting_for.to_owned() };
        if !self.live {
            return vec![format!("{FAINT}{clock}{FAINT:#}  {text}")];
        }
        let bar = self.bar.get_or_insert_with(spinner);
        bar.set_message(text);
        Vec::new()
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn planned(title: &str, changes: &[Change]) -> Vec<String> {
    if changes.is_empty() {
        return vec![format!("{title:<9}  nothing to change")];
    }
    let mut lines = vec![format!("{title}")];
    for change in changes {
        let mark = match change.effect {
            Effect::Create => "+",
            Effect::Delete => "-",
            Effect::Replace => "!",
            _ => "~",
        };
        lines.push(format!("  {mark} {}", change.subject));
        lines.extend(change.details.iter().map(|detail| format!("      {detail}")));
    }
    lines
}

fn count(progress: &Progress) -> String {
    match progress.total {
        Some(total) => format!("{}/{total} {}", progress.done, progress.of),
        None => format!("{} {}", progress.done, progress.of),
    }
}

fn coloured(level: Level, text: &str) -> String {
    match level {
        Level::Error => format!("{BAD}{text}{BAD:#}"),
        Level::Warning => format!("{CARE}{text}{CARE:#}"),
        Level::Info => text.to_owned(),
        Level::Debug => format!("{FAINT}{text}{FAINT:#}"),
    }
}

fn clock(began: Option<Timestamp>, now: Timestamp) -> String {
    let seconds = began.map_or(0, |began| now.duration_since(began).as_secs().max(0));
    format!("{:>3}:{:02}", seconds / 60, seconds % 60)
}
