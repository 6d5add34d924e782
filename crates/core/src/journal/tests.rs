use std::sync::Arc;

use serde_json::json;

use super::{Journal, MemoryJournal, Run};
use crate::context::Context;
use crate::error::{ErrorKind, Result};
use crate::runtime::Runtime;
use crate::target::{Place, Resource};

fn context(journal: &MemoryJournal) -> Context {
    Context::builder("shop/1").step("web").journal(Arc::new(journal.clone())).build()
}

async fn record(run: &Run, cx: &Context, name: &str) -> Result<serde_json::Value> {
    let (_, runtime) = run.resume(cx);
    runtime.step(name, Box::pin(async { Ok(json!("done")) })).await.unwrap().value
}

#[tokio::test]
async fn an_attempt_goes_on_until_it_is_closed_and_then_comes_the_next() {
    let journal = MemoryJournal::new();
    let cx = context(&journal);
    let run = cx.open_run().await.unwrap();
    assert_eq!(run.attempt("web"), 1);
    record(&run, &cx, "plan").await.unwrap();
    assert_eq!((run.attempt("web"), run.attempt("api")), (1, 1));
    record(&run, &cx, "closed").await.unwrap();
    assert_eq!((run.attempt("web"), run.attempt("api")), (2, 1));
    record(&run, &cx, "plan").await.unwrap();
    assert_eq!(run.resume(&cx).0.id(), "shop/1/web/2");
    let names: Vec<String> = run.records("web", 1).into_keys().collect();
    assert_eq!(names, ["closed", "plan"]);
}

#[tokio::test]
async fn a_run_is_open_once_at_a_time_and_a_second_is_told_by_whom() {
    let journal = MemoryJournal::new();
    let first = context(&journal);
    let run = first.open_run().await.unwrap();
    record(&run, &first, "plan").await.unwrap();
    assert!(first.at_step("below").open_run().await.is_ok(), "the same process has it open already");
    let error = context(&journal).open_run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains(&format!("process {}", std::process::id())), "{error}");
    drop((first, run));
    let second = context(&journal);
    let run = second.open_run().await.unwrap();
    assert!(run.records("web", 1).contains_key("plan"));
}

#[tokio::test]
async fn a_resource_is_held_once_at_a_time_and_a_second_is_told_by_whom() {
    let journal = MemoryJournal::new();
    let place = Place::new("aws", "111122223333", "eu-central-1");
    let (web, api) = (Resource::new(place.clone(), "thing", ["web"]), Resource::new(place, "thing", ["api"]));
    let held = journal.hold(&web, "shop/1").await.unwrap();
    assert!(journal.hold(&api, "shop/2").await.is_ok());
    let error = journal.hold(&web, "shop/2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("run shop/1") && error.message().contains("thing web"), "{error}");
    drop(held);
    assert!(journal.hold(&web, "shop/2").await.is_ok());
}
