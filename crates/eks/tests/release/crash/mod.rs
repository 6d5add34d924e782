//! The crash matrix within this process: the deployment and all of its target are dropped before or after any request and
//! any write of the journal, its undo included, and a fresh target goes on with the same run. In the end there is one
//! deployment: objects, inventory, records and lock are what an undisturbed run leaves, and so is the outcome.
//!
//! The points are counted by an undisturbed run, so that a request that is added later is covered without being listed.
//! `cargo test` tries a sample of them, and `just crash-matrix` all.

mod cluster;
mod journal;

use std::sync::Arc;
use std::time::Duration;

use landfall_core::{DeployTargetExt, End, Outcome, Policy, StepReport, Undone};
use landfall_eks::Prune;
use landfall_simulator::{Phase, PodBehaviour, PodRule};
use serde_json::{Value, json};

use crate::EVERY;
use crate::support::{World, web};
use journal::Disk;

const RUN: &str = "killed";

/// One way that a deployment goes.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    /// Whether a release is there before.
    update: bool,
    /// Whether its image exists.
    good: bool,
}

const CASES: [Case; 4] = [
    Case { name: "first", update: false, good: true },
    Case { name: "first that fails", update: false, good: false },
    Case { name: "update", update: true, good: true },
    Case { name: "update that fails", update: true, good: false },
];

/// Where a process is killed: at a call or at a write of its journal, from 1, before its effect or after.
#[derive(Debug, Clone, Copy)]
enum Point {
    Call(u64, Phase),
    Write(u64, Phase),
}

impl Case {
    /// A cluster in which somebody else's ConfigMap is taken in, and of an update one is left out and a Secret changed.
    async fn world(self) -> World {
        let world = World::new();
        let strange = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "strange" }, "data": { "by": "kubectl" }
        });
        world.apply_as("kubectl", "/api/v1/namespaces/default/configmaps/strange", &strange).await;
        if self.update {
            let before = [web("example.com/web:1", "a"), secret("a"), config_map("old")].join("---\n");
            let report = world.deploy("before", &before).await;
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:#?}");
        }
        if !self.good {
            world.cluster.behave(PodRule::of("Deployment", "web", PodBehaviour::ImageNotFound).image("*:2"));
        }
        world
    }

    fn text(self) -> String {
        let documents =
            [web("example.com/web:2", "b"), secret("b"), config_map("strange"), config_map("new")];
        documents.join("---\n")
    }

    /// Goes on with the run, in a process that is killed at a point if it comes to that; how it came out otherwise.
    async fn process(self, world: &World, journal: &Disk, kill: Option<Point>) -> Option<StepReport> {
        let release = world.release_with(&self.text(), |builder| builder.prune(Prune::Safe));
        let cx = world.cx_with(RUN, Arc::new(journal.clone())).build();
        let policy = Policy::default();
        let mut held = None;
        match kill {
            Some(Point::Call(number, phase)) => held = Some(world.simulator.hold_call(number, phase)),
            Some(Point::Write(number, phase)) => journal.hold(number, phase),
            None => {}
        }
        let reached = async {
            match &held {
                Some(held) => held.reached().await,
                None => journal.reached().await,
            }
        };
        let report = tokio::select! {
            biased;
            () = reached => None,
            report = release.deploy(&cx, &policy) => Some(report),
        };
        drop((release, held));
        journal.let_go();
        // What it had begun in other tasks is dropped too, and somebody has to begin the next one.
        tokio::time::sleep(Duration::from_millis(500)).await;
        report
    }

    /// What is not as it should be after these kills.
    async fn tried(self, kills: &[Point], journal_lost: bool, whole: &Value) -> Option<String> {
        let world = self.world().await;
        let mut journal = Disk::default();
        let mut report = None;
        for kill in kills {
            report = self.process(&world, &journal, Some(*kill)).await;
            if report.is_some() {
                break;
            }
            if journal_lost {
                journal = Disk::default();
            }
        }
        let report = match report {
            Some(report) => report,
            None => self.process(&world, &journal, None).await?,
        };
        let mut wrong = self.wrong(&world, &report, journal_lost, whole).await;
        if wrong.is_none() && report.verdict.outcome == Outcome::Unchanged {
            // That run changed nothing. What the killed one has left is over by itself, or goes with the next release.
            tokio::time::sleep(Duration::from_secs(180)).await;
            let next = world.deploy("next", &self.text().replace("\"b\"", "\"c\"")).await;
            assert_eq!(next.verdict.outcome, Outcome::Succeeded, "{next:#?}");
        }
        if wrong.is_none() {
            wrong = cluster::wrong(&world).await;
        }
        wrong.map(|wrong| format!("{}, {kills:?}: {wrong}", self.name))
    }

    async fn wrong(
        self,
        world: &World,
        report: &StepReport,
        journal_lost: bool,
        whole: &Value,
    ) -> Option<String> {
        let came_out = (&report.verdict.outcome, &report.undone);
        let right = match came_out {
            (Outcome::Succeeded, Undone::NotNeeded) => self.good,
            // It was whole before its journal was lost.
            (Outcome::Unchanged, Undone::NotNeeded) => self.good && journal_lost,
            (Outcome::Ended(End::Failed), Undone::Reverted) => !self.good,
            _ => false,
        };
        if !right {
            return Some(format!("it came out as {came_out:?}: {:?}", report.verdict.causes));
        }
        let state = cluster::state(world, !journal_lost).await;
        if state != *whole {
            return Some(cluster::difference(&state, whole));
        }
        None
    }

    /// The points of an undisturbed run. A run that is killed after its last write is over: to begin it again is to try again.
    async fn points(self) -> (Vec<Point>, Vec<Point>) {
        let (world, journal) = (self.world().await, Disk::default());
        let before = world.simulator.calls().len();
        let report = self.process(&world, &journal, None).await.unwrap();
        let whole = cluster::state(&world, true).await;
        assert_eq!(self.wrong(&world, &report, false, &whole).await, None, "undisturbed {}", self.name);
        assert_eq!(cluster::wrong(&world).await, None, "undisturbed {}", self.name);
        let calls = u64::try_from(world.simulator.calls().len() - before).unwrap();
        let phases = |point: fn(u64, Phase) -> Point, most| {
            (1..=most).flat_map(move |number| [point(number, Phase::Before), point(number, Phase::After)])
        };
        let mut writes: Vec<Point> = phases(Point::Write, journal.writes()).collect();
        writes.pop();
        (phases(Point::Call, calls).collect(), writes)
    }

    /// What an undisturbed run leaves.
    async fn whole(self, counted: bool) -> Value {
        let (world, journal) = (self.world().await, Disk::default());
        self.process(&world, &journal, None).await.unwrap();
        cluster::state(&world, counted).await
    }
}

fn secret(password: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{password: {password:?}}}\n")
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{by: landfall}}\n")
}

/// Tries these, and tells of all that went wrong.
async fn tried(case: Case, kills: impl IntoIterator<Item = Vec<Point>>, journal_lost: bool) {
    let whole = case.whole(!journal_lost).await;
    let (mut number, mut failures) = (0, Vec::new());
    for kills in kills {
        number += 1;
        failures.extend(case.tried(&kills, journal_lost, &whole).await);
    }
    println!("{}: {number} kills, {} failures", case.name, failures.len());
    let told: Vec<&str> = failures.iter().take(5).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {number}:\n{}", failures.len(), told.join("\n\n"));
}

async fn killed_once(case: Case) {
    let (calls, writes) = case.points().await;
    let points = calls.into_iter().chain(writes).skip(EVERY / 2).step_by(EVERY);
    tried(case, points.map(|point| vec![point]), false).await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_a_first_release_goes_on_to_one_whole_one() {
    killed_once(CASES[0]).await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_a_first_release_that_fails_is_taken_away_whole() {
    killed_once(CASES[1]).await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_an_update_goes_on_to_one_whole_one() {
    killed_once(CASES[2]).await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_an_update_that_fails_is_put_back_whole() {
    killed_once(CASES[3]).await;
}

#[tokio::test(start_paused = true)]
async fn killed_and_without_its_journal_a_release_goes_on_by_what_the_cluster_shows() {
    for case in CASES {
        let (calls, _) = case.points().await;
        tried(case, calls.into_iter().skip(EVERY / 3).step_by(EVERY).map(|point| vec![point]), true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_twice_a_release_goes_on_all_the_same() {
    for case in CASES {
        let (calls, writes) = case.points().await;
        let all = [calls, writes].concat();
        let pairs = all.iter().enumerate().step_by(EVERY * 4).flat_map(|(at, first)| {
            let seconds = [all[at * 5 % all.len()], all[at * 11 % all.len()]];
            seconds.map(|second| vec![*first, second])
        });
        tried(case, pairs, false).await;
    }
}
