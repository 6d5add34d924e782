use landfall_core::ErrorKind;
use serde_json::json;

use super::{Holder, Lock, Since, give_back, holder, renew, take};
use crate::api::Live;
use crate::inventory::Release;
use crate::scripted::{Scripted, hearing};

fn release() -> Release {
    Release { namespace: "shop".to_owned(), name: "web".to_owned() }
}

#[test]
fn a_lock_is_held_until_its_time_is_over() {
    let lease = |who: &str, seconds: i64| {
        Live::new(
            json!({"spec": {"holderIdentity": who, "leaseDurationSeconds": seconds, "renewTime": "2026-01-01T00:00:00.000000Z"}}),
        )
    };
    let now = "2026-01-01T00:01:00Z".parse().unwrap();
    let other = Holder::Other { holder: "other".to_owned(), until: "2026-01-01T00:01:01Z".parse().unwrap() };
    for (lease, expected) in [
        (None, Holder::Nobody),
        (Some(lease("", 3600)), Holder::Nobody),
        (Some(lease("us", 1)), Holder::Us),
        (Some(lease("other", 61)), other),
        (Some(lease("other", 60)), Holder::Expired { holder: "other".to_owned() }),
        (
            Some(Live::new(json!({"spec": {"holderIdentity": "other"}}))),
            Holder::Expired { holder: "other".to_owned() },
        ),
    ] {
        assert_eq!(holder(lease.as_ref(), "us", now), expected);
    }
}

#[tokio::test]
async fn one_run_gets_the_lock_keeps_it_and_gives_it_back() {
    let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
    let ours = take(&cx, &server.api, &release(), "us").await.unwrap();
    let lease = server.object(PATH).unwrap();
    let time = lease["spec"]["renewTime"].as_str().unwrap();
    assert_eq!(time.len(), "2026-01-01T00:00:00.000000Z".len(), "{time}");
    let error = take(&cx, &server.api, &release(), "them").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.message(), "release shop/web is being deployed by us");
    let ours = renew(&cx, &server.api, &release(), &ours).await.unwrap();
    let again = take(&cx, &server.api, &release(), "us").await.unwrap();
    assert_ne!(again, ours, "the same run gets it again");
    give_back(&cx, &server.api, &again).await.unwrap();
    take(&cx, &server.api, &release(), "them").await.unwrap();
}

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/landfall-web";

#[tokio::test]
async fn a_lock_that_was_free_is_taken_by_one_request() {
    for lease in [None, Some("")] {
        let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
        if let Some(holder) = lease {
            let held = take(&cx, &server.api, &release(), "them").await.unwrap();
            super::write(
                &cx,
                &server.api,
                &held.at,
                holder,
                super::now(&cx, &server.api),
                &held.resource_version,
            )
            .await
            .unwrap();
        }
        let lock = Lock::default();
        assert_eq!(lock.look(&cx, &server.api, &release(), "us").await.unwrap(), Holder::Nobody);
        let before = server.lines().len();
        assert_eq!(lock.take(&cx, &server.api, &release(), "us").await.unwrap(), Since::Before);
        assert_eq!(server.lines().len() - before, 1, "{:?}", server.lines());
        assert_eq!(server.object(PATH).unwrap()["spec"]["holderIdentity"], "us");
        assert_eq!(lock.take(&cx, &server.api, &release(), "us").await.unwrap(), Since::Before);
        assert_eq!(server.lines().len() - before, 1, "it is held");
        lock.give_back(&cx, &server.api).await.unwrap();
        assert_eq!(server.object(PATH).unwrap()["spec"]["holderIdentity"], "");
    }
}

#[tokio::test]
async fn a_lock_that_another_has_held_since_it_was_looked_at_says_so() {
    let (server, (cx, _)) = (Scripted::with(&[]).await, hearing());
    let lock = Lock::default();
    lock.look(&cx, &server.api, &release(), "us").await.unwrap();
    let theirs = take(&cx, &server.api, &release(), "them").await.unwrap();
    let error = lock.take(&cx, &server.api, &release(), "us").await.unwrap_err();
    assert_eq!(error.message(), "release shop/web is being deployed by them");
    give_back(&cx, &server.api, &theirs).await.unwrap();
    assert_eq!(lock.take(&cx, &server.api, &release(), "us").await.unwrap(), Since::Now);
    assert_eq!(server.object(PATH).unwrap()["spec"]["holderIdentity"], "us");
    // A process of the same run, which has looked at nothing.
    let again = Lock::default();
    assert_eq!(again.take(&cx, &server.api, &release(), "us").await.unwrap(), Since::Now);
}

#[tokio::test]
async fn a_lock_of_a_run_that_was_killed_is_taken_over_and_lost_to_that_run() {
    let (server, (cx, told)) = (Scripted::with(&[]).await, hearing());
    let theirs = take(&cx, &server.api, &release(), "them").await.unwrap();
    let mut lease = server.object(PATH).unwrap();
    lease["spec"]["renewTime"] = json!("2020-01-01T00:00:00.000000Z");
    server.put(&lease);
    take(&cx, &server.api, &release(), "us").await.unwrap();
    assert!(
        told.lock().unwrap()[0].starts_with("lock-taken-over: the lock of release shop/web was them's"),
        "{told:?}"
    );
    let error = renew(&cx, &server.api, &release(), &theirs).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    give_back(&cx, &server.api, &theirs).await.unwrap();
    let lease = server.object(PATH).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "us", "it is not given back by who has lost it");
}
