//! What waiting costs and how soon it ends: looks and lateness over rollouts of realistic shapes.
//!
//! The shapes follow what ECS does: nothing for a while (placement, image pull), tasks come up one by one, then old
//! ones drain and their count falls, then the rollout is called complete. A look at a service makes up to 1.33 calls,
//! and a wait of ten minutes may make 120.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests; the figures are for the architecture page"
)]

use std::time::Duration;

use async_trait::async_trait;
use landfall_core::runtime::Local;
use landfall_core::target::{Change, Effect, Place, run_step};
use landfall_core::{
    Context, Cursor, DeployTarget, Look, Observation, Outputs, Plan, Policy, Progress, Receipt, Resource,
    Result, Revert, State,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

const RUNS: u64 = 250;

/// How long one look takes: two calls to a service in the same region.
const LOOK: Duration = Duration::from_millis(150);

/// A rollout: its counts from some second on, and when it ends.
#[derive(Debug, Clone)]
struct Rollout {
    /// Second, new tasks running, old tasks stopped.
    counts: Vec<(f64, u64, u64)>,
    tasks: u64,
    end: f64,
}

impl Rollout {
    /// `tasks` come up `gap` seconds after one another from `first` on, as many drain in `drain` seconds, and
    /// `settle` seconds later it is over. Each time is off by up to a half.
    fn new(random: &mut StdRng, tasks: u64, first: f64, gap: f64, drain: f64, settle: f64) -> Self {
        let mut counts = vec![(0.0, 0, 0)];
        let mut at = first * random.random_range(0.5..1.5);
        for up in 1..=tasks {
            counts.push((at, up, 0));
            at += if up < tasks { gap * random.random_range(0.5..1.5) } else { 0.0 };
        }
        for gone in 1..=tasks {
            at += drain / tasks as f64;
            counts.push((at, tasks, gone));
        }
        Self { counts, tasks, end: at + settle * random.random_range(0.0..1.5) }
    }
}

#[derive(Debug)]
struct Service {
    rollout: Rollout,
    began: Instant,
    looks: std::sync::atomic::AtomicU32,
}

#[async_trait]
impl DeployTarget for Service {
    fn kind(&self) -> &'static str {
        "service"
    }
    fn resource(&self) -> Resource {
        Resource::new(Place::new("aws", "111122223333", "eu-central-1"), "service", ["web"])
    }
    fn specification(&self) -> String {
        "web".to_owned()
    }
    async fn plan(&self, _: &Context) -> Result<Plan> {
        Plan::new("service", 1, vec![Change::new(Effect::Update, "service web")], &())
    }
    async fn apply(&self, _: &Context, _: &Plan, _: Option<&Receipt>) -> Result<Receipt> {
        Receipt::new("service", 1, "started", &())
    }
    async fn observe(&self, _: &Context, _: &Receipt, _: Look<'_>) -> Result<Observation> {
        self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(LOOK).await;
        let now = self.began.elapsed().as_secs_f64();
        if now >= self.rollout.end {
            return Ok(Observation::new(State::Ready(Outputs::new())));
        }
        let (_, up, gone) = *self.rollout.counts.iter().rfind(|(at, ..)| *at <= now).unwrap();
        let total = Some(self.rollout.tasks);
        Ok(Observation::new(State::pending("tasks"))
            .with_cursor(Cursor::new(&(up, gone)))
            .with_progress([Progress::new("new tasks running", up, total, "tasks")])
            .with_progress([Progress::new("old tasks stopped", gone, total, "tasks")]))
    }
    async fn revert(&self, _: &Context, _: &Plan, _: Option<&Receipt>) -> Result<Revert> {
        Ok(Revert::NothingToDo)
    }
}

/// Looks, in ten minutes if it took longer, and seconds of lateness, of many rollouts of one shape; each sorted.
struct Measured {
    looks: Vec<f64>,
    late: Vec<f64>,
}

impl Measured {
    fn most(&self) -> f64 {
        *self.looks.last().unwrap()
    }
    fn median(&self) -> f64 {
        self.late[self.late.len() / 2]
    }
    fn ninth_decile(&self) -> f64 {
        self.late[self.late.len() * 9 / 10]
    }
}

async fn measure(shape: &str, make: impl Fn(&mut StdRng) -> Rollout) -> Measured {
    let (mut looks, mut late) = (Vec::new(), Vec::new());
    for seed in 0..RUNS {
        let rollout = make(&mut StdRng::seed_from_u64(seed));
        let service = Service { rollout, began: Instant::now(), looks: Default::default() };
        let cx = Context::builder(format!("run-{seed}")).build();
        let report = run_step(&Local::new(cx.clone()), &service, &cx, &Policy::default()).await;
        assert_eq!(report.exit_code(), 0);
        let took = service.began.elapsed().as_secs_f64();
        looks.push(f64::from(service.looks.into_inner()) * (600.0 / took).min(1.0));
        late.push(took - service.rollout.end);
    }
    looks.sort_by(f64::total_cmp);
    late.sort_by(f64::total_cmp);
    let measured = Measured { looks, late };
    let (most, late) = (measured.most(), measured.late.last().unwrap());
    let (median, decile) = (measured.median(), measured.ninth_decile());
    println!(
        "{shape:32} looks {most:5.1}; late: median {median:4.2} s, 90 % {decile:5.2} s, all {late:5.2} s"
    );
    measured
}

#[tokio::test(start_paused = true)]
async fn a_rollout_of_half_a_minute_costs_few_looks_and_its_end_is_seen_at_once() {
    let measured = measure("half a minute", |r| Rollout::new(r, 2, 10.0, 3.0, 6.0, 6.0)).await;
    assert!(measured.most() <= 25.0);
    assert!(measured.median() <= 1.0);
    assert!(measured.ninth_decile() <= 2.0);
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_cost_at_most_ninety_looks_and_the_end_is_seen_within_a_second() {
    for (shape, tasks, first, gap) in [
        ("one task after a long pull", 1, 480.0, 1.0),
        ("four tasks, late", 4, 240.0, 45.0),
        ("eight tasks, evenly", 8, 120.0, 50.0),
        ("sixty tasks, all the time", 60, 30.0, 8.0),
    ] {
        let drained = |r: &mut StdRng| {
            let drain = r.random_range(5.0..60.0);
            Rollout::new(r, tasks, first, gap, drain, 4.0)
        };
        let measured = measure(shape, drained).await;
        assert!(measured.most() <= 90.0, "{shape}");
        assert!(measured.median() <= 1.0, "{shape}");
        assert!(measured.ninth_decile() <= 2.5, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn minutes_of_silence_before_the_end_cost_lateness_and_not_looks() {
    let baked = |r: &mut StdRng| Rollout::new(r, 4, 60.0, 45.0, 30.0, 300.0);
    let measured = measure("five minutes of bake time", baked).await;
    assert!(measured.most() <= 90.0);
    assert!(measured.late.last().unwrap() <= &15.2, "never later than the longest pause");
}
