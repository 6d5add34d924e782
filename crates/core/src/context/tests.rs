use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Context};

#[tokio::test(start_paused = true)]
async fn the_clock_moves_with_tokios_time_and_with_nothing_else() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let clock = Clock::starting_at(start);
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(clock.now(), start + SignedDuration::from_secs(90));
}

#[tokio::test]
async fn cleaning_up_is_not_cancelled_by_what_is_cleaned_up_after() {
    let token = super::CancellationToken::new();
    let cx = Context::builder("run").step("web").cancel(token.clone()).build();
    token.cancel();
    assert!(cx.is_cancelled());
    assert!(!cx.cleanup().is_cancelled());
    assert_eq!(cx.cleanup().id(), "run/web/1");
    assert_eq!(cx.at_step("migrate").id(), "run/web/migrate/1");
}

#[derive(Default)]
struct Calls(std::sync::atomic::AtomicU32);

#[tokio::test]
async fn steps_of_a_run_share_one_thing_of_a_type_and_other_runs_have_their_own() {
    use std::sync::Arc;

    let cx = Context::builder("run").build();
    cx.shared::<Calls>().0.store(7, std::sync::atomic::Ordering::Relaxed);
    for other in [cx.at_step("web"), cx.at_record("0.look"), cx.cleanup(), cx.in_pass(2)] {
        assert!(Arc::ptr_eq(&cx.shared::<Calls>(), &other.shared::<Calls>()));
    }
    assert!(!Arc::ptr_eq(&cx.shared::<Calls>(), &Context::builder("run").build().shared()));
    let common = Arc::new(super::Shared::default());
    let [one, other] = ["a", "b"].map(|run| Context::builder(run).shared(Arc::clone(&common)).build());
    assert!(Arc::ptr_eq(&one.shared::<Calls>(), &other.shared::<Calls>()));
}
