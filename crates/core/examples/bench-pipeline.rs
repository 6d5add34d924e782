//! Measures what it costs that thousands of steps wait at once: `bench-pipeline [STEPS] [SECONDS] [DIR]`, 10,000 steps that
//! are ready after 180 seconds when nothing else is said. With DIR the run has a file journal there, and needs a file
//! descriptor for each step (`ulimit -n`). Real time, Linux only (it reads `/proc/self`).
//!
//! Prints memory per step (all of it: graph, targets, futures, records, report), use of one core while all wait, and the
//! time from the last look that saw a step ready until the report is there.

use std::io::Write;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use landfall_core::target::Effect;
use landfall_core::{
    Change, Context, DeployTarget, Error, FileJournal, Look, Observation, Outputs, Pipeline, Place, Plan,
    Receipt, Resource, Result, Revert, State,
};
use tokio::time::Instant;

/// 20 KiB a step, 2 % of one core, a second until the report.
const BOUNDS: (u64, f64, Duration) = (20 * 1024, 2.0, Duration::from_secs(1));

static LOOKS: AtomicU64 = AtomicU64::new(0);
static LAST_READY: Mutex<Option<Instant>> = Mutex::new(None);

/// Changes nothing in the world and is ready at a given time.
#[derive(Debug)]
struct Waiting {
    name: String,
    ready: Instant,
}

#[async_trait]
impl DeployTarget for Waiting {
    fn kind(&self) -> &'static str {
        "waiting"
    }
    fn resource(&self) -> Resource {
        Resource::new(
            Place::new("aws", "111122223333", "eu-central-1"),
            "waiting",
            ["demo", self.name.as_str()],
        )
    }
    fn specification(&self) -> String {
        self.name.clone()
    }
    async fn plan(&self, _cx: &Context) -> Result<Plan> {
        let change = Change::new(Effect::Update, format!("service {}", self.name))
            .with_details([format!("containerDefinitions[{}].image: web:1 -> web:2", self.name)]);
        Plan::new("waiting", 1, vec![change], &self.name)
    }
    async fn apply(&self, _cx: &Context, _plan: &Plan, _so_far: Option<&Receipt>) -> Result<Receipt> {
        Receipt::new("waiting", 1, format!("deployment of {}", self.name), &self.name)
    }
    async fn observe(&self, _cx: &Context, _receipt: &Receipt, _look: Look<'_>) -> Result<Observation> {
        LOOKS.fetch_add(1, Ordering::Relaxed);
        if Instant::now() < self.ready {
            return Ok(Observation::new(State::pending("2 of 3 tasks to run")));
        }
        *LAST_READY.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        Ok(Observation::new(State::Ready(Outputs::new().with("arn", &self.name))))
    }
    async fn revert(&self, _cx: &Context, _plan: &Plan, _receipt: Option<&Receipt>) -> Result<Revert> {
        Ok(Revert::NothingToDo)
    }
}

/// A value of `/proc/self/status` in bytes.
fn memory(name: &str) -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").map_err(unreadable)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    Ok(number.parse::<u64>().map_err(unreadable)? * 1024)
}

/// Processor time so far of all threads that there are, from their `schedstat`, in nanoseconds and not in ticks.
fn processor() -> Result<Duration> {
    let mut spent = 0;
    for thread in std::fs::read_dir("/proc/self/task").map_err(unreadable)? {
        let path = thread.map_err(unreadable)?.path().join("schedstat");
        // A thread may have come to its end just now.
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        spent += text.split(' ').next().unwrap_or_default().parse::<u64>().map_err(unreadable)?;
    }
    Ok(Duration::from_nanos(spent))
}

fn unreadable<E: std::error::Error>(error: E) -> Error {
    Error::internal("/proc/self cannot be read").with_source(&error)
}

/// Use of one core in percent, between two moments of a wait.
async fn share(from: Duration, until: Duration) -> Result<(f64, u64)> {
    tokio::time::sleep(from).await;
    let (began, spent, looks) = (Instant::now(), processor()?, LOOKS.load(Ordering::Relaxed));
    tokio::time::sleep(until.saturating_sub(from)).await;
    let share = 100.0 * (processor()? - spent).as_secs_f64() / began.elapsed().as_secs_f64();
    Ok((share, LOOKS.load(Ordering::Relaxed) - looks))
}

fn pipeline(steps: usize, ready: Instant) -> Result<Pipeline> {
    let names = (0..steps).map(|step| format!("web-{step}"));
    let add = |builder: landfall_core::pipeline::PipelineBuilder, name: String| {
        builder.step(name.clone(), Waiting { name, ready })
    };
    names.fold(Pipeline::builder(), add).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
    let (steps, seconds) = (usize::try_from(number(10_000)?)?, number(180)?);
    let folder = arguments.next();
    let wait = Duration::from_secs(seconds);
    let before = memory("VmRSS")?;
    let began = Instant::now();
    let release = pipeline(steps, began + wait)?;
    let cx = Context::builder("shop/81/deploy/production");
    let cx = match &folder {
        Some(folder) => cx.journal(Arc::new(FileJournal::new(folder))).build(),
        None => cx.build(),
    };
    let (report, whole, steady) = tokio::join!(
        release.run(&cx),
        share(Duration::ZERO, wait),
        share(wait / 2, wait.saturating_sub(Duration::from_secs(1)))
    );
    let reported = Instant::now();
    let settled = LAST_READY.lock().map_err(|_| "poisoned")?.ok_or("no step was ready")?;
    let late = reported.duration_since(settled);
    let per_step = (memory("VmHWM")? - before) / steps as u64;
    let ((whole, _), (steady, looks)) = (whole?, steady?);
    let mut out = std::io::stdout();
    let journal = folder.map_or_else(String::new, |folder| format!(", journal in {folder}"));
    writeln!(out, "{steps} steps waited {seconds} s at once{journal}; exit code {}", report.exit_code)?;
    writeln!(out, "memory at most     {:8.1} KiB a step", per_step as f64 / 1024.0)?;
    writeln!(out, "one core, in all   {whole:8.2} %")?;
    writeln!(out, "one core, second half {steady:5.2} %, {looks} looks")?;
    writeln!(out, "settled to report  {:8.3} s", late.as_secs_f64())?;
    let held = per_step <= BOUNDS.0 && steady <= BOUNDS.1 && late <= BOUNDS.2 && report.exit_code == 0;
    if held { Ok(()) } else { Err("a bound is passed: 20 KiB a step, 2 % of one core, 1 s".into()) }
}
