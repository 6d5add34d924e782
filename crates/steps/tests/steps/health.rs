use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use landfall_aws::environment::Environment;
use landfall_core::wait::Pace;
use landfall_core::{
    Context, DeployTarget, DeployTargetExt, MemoryJournal, Outcome, Pipeline, Policy, StepReport,
};
use landfall_steps::{HealthCheck, HealthCheckBuilder};
use landfall_testkit::Recorder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on this machine that gives these answers, the last one for ever. Gives its address and counts requests.
async fn server(answers: &'static [(u16, &'static str)]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/health", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let (status, body) = answers[count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)];
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    (address, asked)
}

async fn check(builder: HealthCheckBuilder, limit: Duration) -> StepReport {
    let short = Duration::from_millis(20);
    let pace = Pace { first: short, longest: short, nearly: short, nearly_looks: 0 };
    let target = builder.build(&Environment::default()).unwrap();
    target.deploy(&Context::builder("run").build(), &Policy::default().timeout(limit).pace(pace)).await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn it_is_healthy_after_enough_good_answers_in_a_row_and_a_bad_one_between_begins_anew() {
    let (url, asked) = server(&[(503, ""), (200, "up"), (200, "up"), (200, "down"), (200, "up")]).await;
    let report = check(HealthCheck::builder(&url).body_contains("up").times_in_a_row(3), LONG).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged);
    assert_eq!(asked.load(Ordering::Relaxed), 7, "503, 2 good, 1 bad, 3 good");
    assert_eq!(report.verdict.outputs.find("url"), Some(url.as_str()));
}

#[tokio::test]
async fn at_the_deadline_it_says_what_was_answered_last() {
    let (url, _) = server(&[(502, "bad gateway, password=c2VjcmV0LWNhbmFyeS12YWx1ZQ")]).await;
    let report = check(HealthCheck::builder(&url), Duration::from_millis(300)).await;
    assert_eq!(report.exit_code(), 6);
    let text = report.verdict.causes[0].report();
    assert!(text.contains("answered 502, not 200") && text.contains("bad gateway"), "{text}");
    assert!(!text.contains("c2VjcmV0"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let report = check(HealthCheck::builder(&url), Duration::from_millis(300)).await;
    assert_eq!(report.exit_code(), 6);
    assert!(report.verdict.causes[0].message.contains("cannot be reached"), "{report:?}");
}

#[test]
fn every_problem_of_a_check_is_named_at_once() {
    let bad = HealthCheck::builder("ftp://user:pass@x").status(99).times_in_a_row(0);
    let error = bad.build(&Environment::default()).unwrap_err();
    assert_eq!(error.causes().len(), 4, "{}", error.report());
}

/// No form of a credential by which the redaction of texts would know it.
const SIGNED: &str = "until=1767225600&key=c2VjcmV0LWNhbmFyeQ";

#[tokio::test]
async fn the_query_of_a_url_is_sent_and_never_told_or_recorded() {
    let (url, _) = server(&[(403, "no page at /health?until=1767225600&key=c2VjcmV0LWNhbmFyeQ")]).await;
    let target = HealthCheck::builder(format!("{url}?{SIGNED}")).build(&Environment::default()).unwrap();
    let (journal, recorder) = (MemoryJournal::new(), Recorder::new());
    let cx = crate::process(&journal, &recorder);
    let report = target.deploy(&cx, &Policy::default().timeout(Duration::from_millis(300))).await;
    let entries = cx.open_run().await.unwrap();
    let told = format!("{} {report:?} {target:?} {entries:?}", recorder.json_lines());
    assert!(told.contains("no page at"), "{told}");
    for secret in ["c2VjcmV0", "1767225600"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn checks_with_other_queries_are_told_apart() {
    let check = |query: &str| {
        let url = format!("https://example.com/health{query}");
        HealthCheck::builder(url).build(&Environment::default()).unwrap()
    };
    let (one, other, none) = (check("?key=one"), check("?key=other"), check(""));
    assert_ne!(one.resource(), other.resource());
    assert_ne!(one.specification(), other.specification());
    assert_eq!(one.resource(), check("?key=one").resource());
    assert_eq!(none.resource().names, ["https://example.com/health"]);
    assert!(!one.resource().to_string().contains("one"), "{}", one.resource());
}

#[test]
fn an_at_sign_in_the_path_is_no_user() {
    let check = HealthCheck::builder("https://example.com/@scope/health?to=a@b");
    assert!(check.build(&Environment::default()).is_ok());
    let user = HealthCheck::builder("https://ann:secret@example.com/").build(&Environment::default());
    let error = user.unwrap_err().report();
    assert!(error.contains("user or password") && !error.contains("ann:secret"), "{error}");
}

#[tokio::test]
async fn two_checks_of_one_url_need_no_order_between_them() {
    let (url, _) = server(&[(200, "up")]).await;
    let check = || HealthCheck::builder(&url).times_in_a_row(2).build(&Environment::default()).unwrap();
    let both = Pipeline::builder().step("one", check()).step("other", check()).build().unwrap();
    let report = both.run(&Context::builder("run").build()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
}
