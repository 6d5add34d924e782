use std::time::Duration;

use tokio::time::Instant;

use super::{Limiter, Rate};

#[tokio::test(start_paused = true)]
async fn a_burst_is_free_and_then_calls_come_at_the_rate() {
    let limiter = Limiter::default();
    let rate = Rate::new(20.0, 1.0);
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(limiter.acquire("register", rate).await, Duration::ZERO);
    }
    for _ in 0..10 {
        limiter.acquire("register", rate).await;
    }
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(limiter.acquire("describe", rate).await, Duration::ZERO, "another key is another bucket");
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_at_once_are_served_one_after_the_other() {
    let limiter = std::sync::Arc::new(Limiter::default());
    let rate = Rate::new(1.0, 2.0);
    let began = Instant::now();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let limiter = std::sync::Arc::clone(&limiter);
            tokio::spawn(async move { limiter.acquire("k", rate).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_drained_bucket_makes_the_next_call_wait() {
    let limiter = Limiter::default();
    let rate = Rate::new(10.0, 1.0);
    limiter.acquire("k", rate).await;
    limiter.drain("k");
    assert_eq!(limiter.acquire("k", rate).await, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn callers_that_gave_up_do_not_make_later_ones_wait() {
    let limiter = Limiter::default();
    let rate = Rate::new(1.0, 1.0);
    limiter.acquire("k", rate).await;
    for _ in 0..50 {
        let given_up = tokio::time::timeout(Duration::from_millis(10), limiter.acquire("k", rate));
        assert!(given_up.await.is_err());
    }
    assert!(limiter.acquire("k", rate).await <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_rate_out_of_range_is_moved_into_it() {
    let limiter = Limiter::default();
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE] {
        let rate = Rate { burst: number, per_second: number };
        let key = number.to_string();
        for _ in 0..3 {
            let call = limiter.acquire(&key, rate);
            let _ = tokio::time::timeout(Duration::from_secs(5000), call).await;
        }
    }
}
