//! Shows events to people. One observer: a line of progress that moves on a terminal, with a tree of objects where they are
//! counted one by one, and steady plain lines elsewhere.

mod pipeline;
mod tree;
pub(crate) mod verdict;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use landfall::event::{Event, EventKind, Level};
use landfall::target::Effect;
use landfall::{Change, Observer, Progress, Undone};

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
    began: Option<Timestamp>,
    steps: BTreeMap<String, Step>,
    pipeline: Option<pipeline::Pipeline>,
}

/// What is known of one step.
#[derive(Default)]
struct Step {
    /// The plan has no changes: what `apply` answers is what was found, not what was started.
    empty: bool,
    started: Option<String>,
    in_cluster: bool,
}

impl Human {
    pub(crate) fn new(verbose: bool) -> Self {
        let live = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let shown = Shown { bar: None, live, began: None, steps: BTreeMap::new(), pipeline: None };
        Self { verbose, shown: Mutex::new(shown) }
    }
}

impl Observer for Human {
    fn observe(&self, event: &Event) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.began.get_or_insert(event.at);
        let clock = clock(shown.began, event.at);
        let lines = self.lines(&mut shown, event, &clock);
        let named =
            shown.pipeline.as_ref().and_then(|pipeline| Some((pipeline, pipeline.name(&event.step)?)));
        let lines = match named {
            Some((pipeline, name)) => pipeline.named(name, lines),
            None => lines,
        };
        for line in lines {
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
            EventKind::Started { resource } => {
                shown.step(event).in_cluster = resource.kind == "eks-release";
                vec![
                    format!("deploying  {} {}", resource.kind, resource.names.join("/")),
                    format!("run        {}", event.run),
                ]
            }
            EventKind::Planned { changes } => {
                shown.step(event).empty = changes.is_empty();
                planned("plan", changes)
            }
            EventKind::Undoing { changes } => planned("undo", changes),
            EventKind::Applied { summary, .. } if shown.step(event).empty => {
                vec![format!("{FAINT}{clock}{FAINT:#}  {summary}")]
            }
            EventKind::Applied { summary, .. } => {
                shown.step(event).started = Some(summary.clone());
                vec![format!("{FAINT}{clock}{FAINT:#}  started: {summary}")]
            }
            EventKind::News { news } => {
                vec![format!("{FAINT}{clock}{FAINT:#}  {}", coloured(news.level, &news.text))]
            }
            EventKind::Progress { waiting_for, progress, .. } => {
                shown.progress(event, waiting_for, progress, clock)
            }
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
                if let Some((pipeline, name)) = shown.in_pipeline(event) {
                    pipeline.settled(name, verdict, undone);
                }
                let step = shown.step(event);
                let run = verdict::Run {
                    id: &event.run,
                    started: step.started.as_deref(),
                    place: if step.in_cluster { "the cluster" } else { "AWS" },
                    took: Duration::from_millis(*took_ms),
                };
                verdict::finished(verdict, undone, *exit_code, &run)
            }
            EventKind::Undone { undone, .. } => {
                let told = shown.in_pipeline(event).map(|(pipeline, name)| pipeline.put_back(name, undone));
                let mut lines: Vec<String> = told.into_iter().filter(|told| !told.is_empty()).collect();
                if let Undone::Failed { verdict } = undone {
                    lines.extend(verdict::before_undo(verdict));
                }
                lines
            }
            EventKind::PipelineStarted { steps } => {
                let pipeline = pipeline::Pipeline::new(&event.step, steps);
                let lines = pipeline.outline();
                shown.pipeline = Some(pipeline);
                lines
            }
            EventKind::PipelineFinished { exit_code, took_ms } => {
                shown.hide();
                let took = Duration::from_millis(*took_ms);
                shown.pipeline.as_ref().map(|one| one.finished(*exit_code, took)).unwrap_or_default()
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

    fn step(&mut self, event: &Event) -> &mut Step {
        self.steps.entry(event.step.clone()).or_default()
    }

    /// The pipeline that the event is of, and the step's name in it.
    fn in_pipeline<'a>(&mut self, event: &'a Event) -> Option<(&mut pipeline::Pipeline, &'a str)> {
        let pipeline = self.pipeline.as_mut()?;
        let name = pipeline.name(&event.step)?;
        Some((pipeline, name))
    }

    fn hide(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn progress(
        &mut self,
        event: &Event,
        waiting_for: &str,
        progress: &[Progress],
        clock: &str,
    ) -> Vec<String> {
        let counts: Vec<String> = progress.iter().map(count).collect();
        let text = if waiting_for.is_empty() { counts.join(", ") } else { waiting_for.to_owned() };
        let text = progress.iter().fold(text, |text, one| text + &pace(one));
        if !self.live {
            return vec![format!("{FAINT}{clock}{FAINT:#}  {text}")];
        }
        let of = self.in_pipeline(event).map(|(_, name)| format!("{name}: ")).unwrap_or_default();
        let bar = self.bar.get_or_insert_with(spinner);
        bar.set_message(format!("{of}{text}"));
        bar.set_prefix(tree::tree(progress));
        Vec::new()
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}{prefix}") {
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
    let amount = |count| amount(count, &progress.unit);
    match progress.total {
        Some(total) => format!("{}/{} {}", amount(progress.done), amount(total), progress.of),
        None => format!("{} {}", amount(progress.done), progress.of),
    }
}

/// `12`, or `12.30 MB` of bytes.
fn amount(count: u64, unit: &str) -> String {
    if unit == "bytes" { DecimalBytes(count).to_string() } else { count.to_string() }
}

/// `, 12.30 MB/s, about 1:05 left`, as far as it is known.
fn pace(progress: &Progress) -> String {
    let rate = progress.per_second.map(|rate| format!(", {}/s", amount(rate, &progress.unit)));
    let seconds = progress.left_ms.filter(|left| *left > 0).map(|left| left.div_ceil(1_000));
    let left = seconds.map(|seconds| format!(", about {}:{:02} left", seconds / 60, seconds % 60));
    rate.unwrap_or_default() + &left.unwrap_or_default()
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
