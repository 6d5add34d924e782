use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall_aws::failure::Failure;
use landfall_core::context::CancellationToken;
use landfall_core::{Context, Error, ErrorKind};
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::{Batch, Found, Freshness, Told};

/// How long a call takes.
const CALL: Duration = Duration::from_millis(100);

/// An AWS whose answers are the names and the number of the call, and who refuses some.
#[derive(Default)]
struct Server {
    calls: Mutex<Vec<Vec<String>>>,
    refused: Mutex<Vec<(String, ErrorKind)>>,
}

impl Server {
    async fn call(&self, names: Vec<String>) -> Result<Found, Failure> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(names.clone());
            calls.len()
        };
        sleep(CALL).await;
        for (name, kind) in self.refused.lock().unwrap().iter() {
            if names.contains(name) {
                return Err(Error::new(*kind, format!("refused because of {name}")).into());
            }
        }
        Ok(Found::of_services(names.iter().map(|name| (name.as_str(), format!("{name} {number}")))))
    }

    /// How many names were in each call.
    fn sizes(&self) -> Vec<usize> {
        self.calls.lock().unwrap().iter().map(Vec::len).collect()
    }
}

struct Stage {
    batch: Arc<Batch>,
    server: Arc<Server>,
    cx: Context,
}

impl Stage {
    fn new(most: usize) -> Self {
        let batch = Arc::new(Batch::new(most, &Arc::new(AtomicU64::new(0))));
        Self { batch, server: Arc::default(), cx: Context::builder("run").build() }
    }

    fn begin(&self, name: &str, freshness: Freshness) -> JoinHandle<Result<Told, Failure>> {
        self.begin_in(self.cx.clone(), name, freshness)
    }

    fn begin_in(&self, cx: Context, name: &str, freshness: Freshness) -> JoinHandle<Result<Told, Failure>> {
        let (batch, server, name) = (Arc::clone(&self.batch), Arc::clone(&self.server), name.to_owned());
        tokio::spawn(async move { batch.ask(&cx, &name, freshness, |names| server.call(names)).await })
    }

    async fn look(&self, name: &str) -> Result<Told, Failure> {
        self.begin(name, Freshness::Lately).await.unwrap()
    }

    /// Looks of so many names at once, which all succeed; which answer each was given.
    async fn round(&self, names: usize) -> Vec<String> {
        let looks: Vec<_> = (0..names).map(|n| self.begin(&format!("s{n}"), Freshness::Lately)).collect();
        let mut told = Vec::new();
        for look in looks {
            told.push(text(&look.await.unwrap().unwrap()));
        }
        told
    }
}

fn text(told: &Told) -> String {
    let value: serde_json::Value = serde_json::from_str(told.json.as_deref().unwrap()).unwrap();
    value["said"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn looks_of_one_round_share_a_call_and_each_is_told_of_its_own_name() {
    let stage = Stage::new(20);
    stage.round(20).await;
    assert_eq!(stage.server.sizes(), [1, 20], "nobody knew of the others when the first one called");
    for round in 3..6 {
        advance(Duration::from_secs(10)).await;
        let told = stage.round(20).await;
        let wanted: Vec<String> = (0..20).map(|n| format!("s{n} {round}")).collect();
        assert_eq!(told, wanted);
    }
    assert_eq!(stage.server.sizes(), [1, 20, 20, 20, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_round_of_many_takes_as_few_calls_as_their_size_allows() {
    let stage = Stage::new(20);
    stage.round(200).await;
    let before = stage.server.sizes().len();
    advance(Duration::from_secs(10)).await;
    stage.round(200).await;
    assert_eq!(stage.server.sizes()[before..], [20; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_call_asks_for_nobody_whose_new_answer_waits_for_its_look() {
    let stage = Stage::new(2);
    stage.round(4).await;
    advance(Duration::from_secs(10)).await;
    let before = stage.server.sizes().len();
    for n in 0..4 {
        stage.look(&format!("s{n}")).await.unwrap();
        advance(Duration::from_millis(200)).await;
    }
    let calls = stage.server.calls.lock().unwrap()[before..].to_vec();
    let mut asked: Vec<&str> = calls.iter().flatten().map(String::as_str).collect();
    asked.sort_unstable();
    assert_eq!((calls.len(), asked), (2, vec!["s0", "s1", "s2", "s3"]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_told_once_and_with_its_age() {
    let stage = Stage::new(20);
    stage.round(2).await;
    advance(Duration::from_secs(10)).await;
    stage.look("s0").await.unwrap();
    let calls = stage.server.sizes().len();
    advance(Duration::from_millis(1_500)).await;
    let told = stage.look("s1").await.unwrap();
    assert_eq!(stage.server.sizes().len(), calls, "asked for together with s0");
    assert_eq!(told.asked.age, Duration::from_millis(1_500) + CALL);
    let told = stage.look("s1").await.unwrap();
    assert_eq!((stage.server.sizes().len(), told.asked.age), (calls + 1, Duration::ZERO));
    advance(Duration::from_secs(6)).await;
    stage.look("s0").await.unwrap();
    advance(Duration::from_secs(7)).await;
    assert_eq!(stage.look("s1").await.unwrap().asked.age, Duration::ZERO, "s0's answer is of the first half");
    assert_eq!(stage.server.sizes().len(), calls + 3);
}

#[tokio::test(start_paused = true)]
async fn the_next_in_line_makes_the_call_of_a_look_that_is_dropped() {
    let stage = Stage::new(20);
    stage.round(3).await;
    advance(Duration::from_secs(10)).await;
    let first = stage.begin("s0", Freshness::Lately);
    sleep(CALL / 2).await;
    let others = [stage.begin("s1", Freshness::Lately), stage.begin("s2", Freshness::Lately)];
    sleep(CALL / 4).await;
    first.abort();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(stage.server.sizes(), [1, 3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_stop_of_one_run_fails_its_own_look_only() {
    let stage = Stage::new(20);
    stage.round(2).await;
    advance(Duration::from_secs(10)).await;
    stage.server.refused.lock().unwrap().push(("s0".to_owned(), ErrorKind::Transient));
    let token = CancellationToken::new();
    let stopped = Context::builder("run").cancel(token.clone()).build();
    let first = stage.begin_in(stopped, "s0", Freshness::Lately);
    sleep(CALL / 2).await;
    let other = stage.begin("s1", Freshness::Lately);
    sleep(CALL / 4).await;
    token.cancel();
    assert!(first.await.unwrap().is_err());
    stage.server.refused.lock().unwrap().clear();
    other.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_name_that_is_refused_spoils_the_others_once_and_is_asked_for_alone_from_then_on() {
    let stage = Stage::new(20);
    stage.round(5).await;
    advance(Duration::from_secs(10)).await;
    stage.server.refused.lock().unwrap().push(("s3".to_owned(), ErrorKind::Denied));
    let before = stage.server.sizes().len();
    for round in 0..3 {
        let looks: Vec<_> = (0..5).map(|n| stage.begin(&format!("s{n}"), Freshness::Lately)).collect();
        for (n, look) in looks.into_iter().enumerate() {
            assert_eq!(look.await.unwrap().is_err(), n == 3, "s{n} in round {round}");
        }
        advance(Duration::from_secs(10)).await;
    }
    let mut sizes = stage.server.sizes()[before..].to_vec();
    assert_eq!(sizes[..6], [5, 1, 1, 1, 1, 1], "all at once, then each alone");
    sizes.drain(..6);
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 4, 4], "two rounds of the four, and of the one");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_two_names_is_asked_for_one_after_the_other() {
    let stage = Stage::new(20);
    stage.round(1).await;
    for _ in 0..6 {
        advance(Duration::from_secs(10)).await;
        *stage.server.refused.lock().unwrap() = Vec::new();
        let looks = ["s0", "s1"].map(|name| stage.begin(name, Freshness::Lately));
        // Whoever asks for both at once is refused.
        while stage.server.sizes().last() == Some(&2) || looks.iter().any(|look| !look.is_finished()) {
            let two = stage.server.sizes().last() == Some(&2);
            let kind = ErrorKind::Rejected;
            *stage.server.refused.lock().unwrap() =
                if two { vec![("s0".to_owned(), kind)] } else { Vec::new() };
            sleep(CALL / 4).await;
            if looks.iter().all(JoinHandle::is_finished) {
                break;
            }
        }
        for look in looks {
            look.await.unwrap().unwrap();
        }
    }
    let twos = stage.server.sizes().into_iter().filter(|size| *size == 2).count();
    assert_eq!(twos, 3, "{:?}", stage.server.sizes());
}

#[tokio::test(start_paused = true)]
async fn a_fault_on_the_way_is_told_to_all_who_waited_and_to_nobody_later() {
    let stage = Stage::new(20);
    stage.round(4).await;
    advance(Duration::from_secs(10)).await;
    stage.server.refused.lock().unwrap().push(("s0".to_owned(), ErrorKind::Transient));
    let looks: Vec<_> = (0..4).map(|n| stage.begin(&format!("s{n}"), Freshness::Lately)).collect();
    for look in looks {
        assert_eq!(look.await.unwrap().unwrap_err().kind(), ErrorKind::Transient);
    }
    assert_eq!(stage.server.sizes(), [1, 4, 4], "not repeated for each of them");
    stage.server.refused.lock().unwrap().clear();
    stage.round(4).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_write_is_never_told_after_it() {
    let stage = Stage::new(20);
    stage.round(2).await;
    advance(Duration::from_secs(10)).await;
    let other = stage.begin("s0", Freshness::Lately);
    sleep(CALL / 2).await;
    stage.batch.forget("s1");
    let told = stage.look("s1").await.unwrap();
    assert_eq!(text(&told), "s1 4", "the call under way had begun before the write");
    assert_eq!(text(&other.await.unwrap().unwrap()), "s0 3");
}

#[tokio::test(start_paused = true)]
async fn now_is_a_call_that_begins_after_the_question_and_after_is_any_later_call() {
    let stage = Stage::new(20);
    let first = stage.look("s0").await.unwrap();
    let calls = stage.batch.calls.load(Ordering::Relaxed);
    assert_eq!(first.asked.number, calls);
    let told = stage.begin("s0", Freshness::After(first.asked.number - 1)).await.unwrap().unwrap();
    assert_eq!(told.asked.number, first.asked.number);
    let told = stage.begin("s0", Freshness::After(first.asked.number)).await.unwrap().unwrap();
    assert_eq!(told.asked.number, calls + 1);
    let under_way = stage.begin("s0", Freshness::Now);
    sleep(CALL / 2).await;
    let told = stage.begin("s0", Freshness::Now).await.unwrap().unwrap();
    assert_eq!(told.asked.number, calls + 3, "not the one that was under way");
    assert_eq!(under_way.await.unwrap().unwrap().asked.number, calls + 2);
}

#[tokio::test(start_paused = true)]
async fn names_that_nobody_asks_for_any_more_leave_the_calls() {
    let stage = Stage::new(20);
    stage.round(3).await;
    stage.batch.leave("s1");
    advance(Duration::from_secs(10)).await;
    stage.look("s0").await.unwrap();
    assert_eq!(stage.server.sizes().last(), Some(&2), "s1 has left");
    advance(Duration::from_secs(70)).await;
    stage.look("s0").await.unwrap();
    assert_eq!(stage.server.sizes().last(), Some(&1), "s2 has not been asked for in a minute");
}
