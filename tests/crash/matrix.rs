//! Every point, killed and run again.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::case::{Case, Expected, Weather};
use crate::process::{Point, Stage};
use crate::support::Ran;

/// Processes mostly wait for simulated rollouts, so more of them than cores at once cost little.
const AT_ONCE: usize = 20;

/// For a kill and what follows.
const PATIENCE: Duration = Duration::from_secs(180);

/// With two kills: how many second points are tried for each first one.
const SECOND_POINTS: usize = 3;

/// How often, and what is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kills {
    Once,
    /// The second process is killed too.
    Twice,
    /// The journal is gone with the first process.
    OnceAndJournalLost,
}

/// Which of the points are tried.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    All,
    /// So many of each scenario.
    Some {
        each: usize,
        seed: u64,
    },
}

pub(crate) struct Matrix {
    name: &'static str,
    kills: Kills,
    weather: Weather,
    sample: Sample,
}

/// How one kill, or two, came out.
#[derive(Debug)]
struct Tried {
    case: &'static str,
    processes: usize,
    /// Whether every point came: a run may make a call less than the one that was counted.
    reached: bool,
    failure: Option<String>,
}

impl Matrix {
    pub(crate) fn new(name: &'static str, kills: Kills, weather: Weather, sample: Sample) -> Self {
        Self { name, kills, weather, sample }
    }

    /// Tries all points of all scenarios, prints how many there were, and fails with every failure.
    pub(crate) async fn run(&self, cases: &[Case]) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        let mut points = 0;
        for case in cases {
            for kills in self.kills_of(*case).await {
                points += 1;
                running.spawn(self.attempt(*case, kills, Arc::clone(&room)));
            }
        }
        let tried = running.join_all().await;
        for case in cases {
            let of: Vec<&Tried> = tried.iter().filter(|tried| tried.case == case.name).collect();
            println!(
                "{}, {}: {} kills, {} processes, {} points not reached, {} failures",
                self.name,
                case.name,
                of.len(),
                of.iter().map(|tried| tried.processes).sum::<usize>(),
                of.iter().filter(|tried| !tried.reached).count(),
                of.iter().filter(|tried| tried.failure.is_some()).count(),
            );
        }
        let missed = tried.iter().filter(|tried| !tried.reached).count();
        let failures: Vec<String> = tried.into_iter().filter_map(|tried| tried.failure).collect();
        assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
        assert!(missed * 4 <= points, "{missed} of {points} points were not reached");
    }

    /// The points of an undisturbed run, in the order in which they are tried.
    async fn kills_of(&self, case: Case) -> Vec<Vec<Point>> {
        let stage = Stage::new(case, self.weather).await;
        let ran = stage.run().await;
        let undisturbed = Expected { journal_lost: false, over_before: false };
        if let Some(problem) = wrong(&stage, &ran, undisturbed) {
            panic!("undisturbed {}: {problem}\n{}", case.name, ran.told());
        }
        let (calls, writes) = stage.points();
        println!("{}, {}: {} points at calls, {} in writes", self.name, case.name, calls.len(), writes.len());
        let all = match self.kills {
            Kills::OnceAndJournalLost => calls,
            _ => [calls, writes].concat(),
        };
        let seed = if let Sample::Some { seed, .. } = self.sample { seed } else { 0 };
        let mut random = StdRng::seed_from_u64(seed);
        let mut kills: Vec<Vec<Point>> = match self.kills {
            Kills::Twice => {
                let made = u64::try_from(stage.cloud.simulator.calls().len()).unwrap();
                let bytes = all
                    .iter()
                    .filter_map(|point| if let Point::Write(at) = point { Some(*at) } else { None });
                let bytes = bytes.max().unwrap_or(0);
                let mut pairs = Vec::new();
                for first in &all {
                    let after: Vec<Point> =
                        all.iter().copied().filter(|second| second.may_follow(*first, made, bytes)).collect();
                    let seconds = after.choose_multiple(&mut random, SECOND_POINTS);
                    pairs.extend(seconds.map(|second| vec![*first, *second]));
                }
                pairs
            }
            _ => all.into_iter().map(|point| vec![point]).collect(),
        };
        if let Sample::Some { each, .. } = self.sample {
            kills.shuffle(&mut random);
            kills.truncate(each);
        }
        kills
    }

    /// One kill, or two, when there is room for it.
    fn attempt(
        &self,
        case: Case,
        points: Vec<Point>,
        room: Arc<Semaphore>,
    ) -> impl Future<Output = Tried> + use<> {
        let (weather, how) = (self.weather, self.kills);
        async move {
            let _turn = room.acquire().await.unwrap();
            let ended = tokio::time::timeout(PATIENCE, tried(case, weather, how, &points)).await;
            ended.unwrap_or_else(|_| {
                let failure = format!("{}, {points:?}: it did not end within {PATIENCE:?}", case.name);
                Tried { case: case.name, processes: points.len(), reached: true, failure: Some(failure) }
            })
        }
    }
}

async fn tried(case: Case, weather: Weather, how: Kills, points: &[Point]) -> Tried {
    let stage = Stage::new(case, weather).await;
    let mut processes = 0;
    let mut last = None;
    let mut reached = true;
    for point in points {
        processes += 1;
        last = stage.killed_at(*point).await;
        if last.is_some() {
            reached = false;
            break;
        }
    }
    let journal_lost = how == Kills::OnceAndJournalLost;
    let mut expected = Expected { journal_lost, over_before: false };
    if last.is_none() && journal_lost {
        stage.lose_journal();
        expected.over_before = case.product.is_over(&stage.cloud.simulator);
    }
    let ran = match last {
        Some(ran) => ran,
        None => {
            processes += 1;
            stage.run().await
        }
    };
    let failure = wrong(&stage, &ran, expected);
    let failure =
        failure.map(|failure| format!("{}, {weather:?}, {points:?}: {failure}\n{}", case.name, ran.told()));
    Tried { case: case.name, processes, reached, failure }
}

/// What is not as it should be in the end.
fn wrong(stage: &Stage, ran: &Ran, expected: Expected) -> Option<String> {
    let (case, simulator) = (&stage.case, &stage.cloud.simulator);
    let mut codes = case.product.codes(expected);
    codes.push(case.code);
    if !codes.contains(&ran.code) {
        return Some(format!("exit code {} instead of {codes:?}", ran.code));
    }
    case.product.wrong(simulator, case.code, expected)
}
