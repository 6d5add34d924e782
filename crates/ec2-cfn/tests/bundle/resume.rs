//! Uploads that are cut off, stopped, removed by others, and gone on with.

use landfall_core::context::CancellationToken;
use landfall_core::journal::MemoryJournal;
use landfall_core::target::Undo;
use landfall_core::{DeployTarget, DeployTargetExt, Outcome, Place, Policy, Revert, Undone};
use landfall_ec2_cfn::bundle::Bundle;
use landfall_simulator::{CallNumbers, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Fault, FaultKind, Phase};
use std::sync::Arc;

use crate::stage::{Stage, told};

const MIB: u64 = 1024 * 1024;

/// A folder of 25 MiB, of which a first process has sent two parts before it was cut off.
async fn cut_off() -> (Stage, Arc<MemoryJournal>) {
    let mut stage = Stage::large(25);
    let journal = Arc::new(MemoryJournal::new());
    stage.journal = Arc::clone(&journal) as Arc<dyn landfall_core::journal::Journal>;
    // From the third part on nothing is answered any more.
    stage.simulator.add_fault(
        Fault::new("s3", "UploadPart", FaultKind::Delay { ms: u64::from(u32::MAX) }).on(CallNumbers::From(3)),
    );
    {
        let (target, cx) = (stage.target(), stage.context("demo/1").build());
        let policy = Policy::default();
        let step = target.deploy(&cx, &policy);
        let two = async {
            while stage
                .simulator
                .s3()
                .uploads(DEMO_BUCKET)
                .first()
                .is_none_or(|upload| upload.parts.len() < 2)
            {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            report = step => panic!("it ended: {}", told(&report)),
            () = two => {}
        }
    }
    stage.simulator.clear_faults();
    (stage, journal)
}

#[tokio::test]
async fn a_process_that_goes_on_sends_only_what_is_missing() {
    let (stage, _) = cut_off().await;
    let before = stage.simulator.s3().bytes_received();
    let report = stage.run(&stage.target(), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let size: u64 = report.verdict.outputs.find("size").unwrap().parse().unwrap();
    let sent_again = stage.simulator.s3().bytes_received() - before;
    assert_eq!(sent_again, size - 16 * MIB, "two parts of 8 MiB were there");
    assert_eq!(stage.simulator.count("s3", "CreateMultipartUpload"), 1);
    assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET), []);
}

#[tokio::test]
async fn a_process_that_has_lost_its_journal_finds_the_upload_by_its_key() {
    let (mut stage, _) = cut_off().await;
    stage.journal = Arc::new(MemoryJournal::new());
    let before = stage.simulator.s3().bytes_received();
    let report = stage.run(&stage.target(), "demo/9").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let size: u64 = report.verdict.outputs.find("size").unwrap().parse().unwrap();
    assert_eq!(stage.simulator.s3().bytes_received() - before, size - 16 * MIB);
    assert_eq!(stage.simulator.count("s3", "CreateMultipartUpload"), 1);
}

#[tokio::test]
async fn an_upload_that_somebody_removed_meanwhile_is_begun_anew() {
    let (stage, _) = cut_off().await;
    let id = stage.simulator.s3().uploads(DEMO_BUCKET)[0].upload_id.clone();
    assert!(stage.simulator.s3().abort_as_other(DEMO_BUCKET, &id));
    let report = stage.run(&stage.target(), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"upload-gone".to_owned()));
    assert_eq!(stage.simulator.count("s3", "CreateMultipartUpload"), 2);
}

/// A step that is stopped as soon as its upload is begun.
async fn stopped(stage: &Stage, policy: &Policy) -> landfall_core::StepReport {
    let token = CancellationToken::new();
    // Long enough for the stop to come while parts are on their way.
    stage.simulator.add_fault(Fault::new("s3", "UploadPart", FaultKind::Delay { ms: 300 }));
    let hold = stage.simulator.clone();
    let stop = token.clone();
    let (target, cx) = (stage.target(), stage.context("demo/1").cancel(token).build());
    let watch = async move {
        while hold.count("s3", "UploadPart") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        report = target.deploy(&cx, policy) => report,
        () = watch => panic!("it never ends"),
    }
}

#[tokio::test]
async fn a_stop_leaves_the_upload_to_be_gone_on_with_or_removes_it_as_the_policy_says() {
    let stage = Stage::large(60);
    let report = stopped(&stage, &Policy::default()).await;
    assert!(matches!(report.verdict.outcome, Outcome::Cancelled { .. }), "{}", told(&report));
    assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET).len(), 1);
    let before = stage.simulator.s3().bytes_received();
    let report = stage.run(&stage.target(), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let size: u64 = report.verdict.outputs.find("size").unwrap().parse().unwrap();
    assert_eq!(
        stage.simulator.s3().bytes_received(),
        size,
        "nothing was sent twice, {before} before the stop"
    );

    let stage = Stage::large(60);
    let report = stopped(&stage, &Policy::default().on_cancel(Undo::Revert)).await;
    assert!(matches!(report.verdict.outcome, Outcome::Cancelled { .. }), "{}", told(&report));
    assert_eq!(report.undone, Undone::Reverted);
    assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET), []);
    assert_eq!(stage.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn a_failure_removes_the_upload() {
    let stage = Stage::large(25);
    let message = "Access Denied".to_owned();
    let denied = FaultKind::Error { code: "AccessDenied".to_owned(), message, status: 403 };
    stage.simulator.add_fault(Fault::new("s3", "UploadPart", denied).on(CallNumbers::From(2)));
    let report = stage.push().await;
    assert!(matches!(report.verdict.outcome, Outcome::Refused { .. }), "{}", told(&report));
    assert_eq!(report.undone, Undone::Reverted);
    assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET), []);
}

#[tokio::test(start_paused = true)]
async fn a_completion_whose_answer_was_lost_is_found_and_not_made_again() {
    let stage = Stage::large(17);
    let lost = Fault::new("s3", "CompleteMultipartUpload", FaultKind::Reset).phase(Phase::After);
    stage.simulator.add_fault(lost.on(CallNumbers::Nth(1)));
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.objects().len(), 1);
    assert_eq!(stage.simulator.count("s3", "CreateMultipartUpload"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_undo_hides_a_content_addressed_object_and_its_version_stays_for_others() {
    let stage = Stage::new();
    let (target, cx) = (stage.target(), stage.context("demo/1").build());
    let report = target.deploy(&cx, &Policy::default()).await;
    let (plan, receipt) = (report.plan.as_ref().unwrap(), report.receipt.as_ref());
    let Revert::Plan(back) = target.revert(&cx, plan, receipt).await.unwrap() else {
        panic!("nothing to undo")
    };
    target.apply(&cx, &back, None).await.unwrap();
    let objects = stage.objects();
    assert_eq!(objects.iter().map(|object| object.deleted).collect::<Vec<_>>(), [false, true]);
    let again = stage.run(&stage.target(), "demo/2").await;
    assert_eq!(again.verdict.outcome, Outcome::Succeeded, "{}", told(&again));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_has_only_the_records_takes_away_what_was_brought() {
    for (fixed, deleted) in [(None, [false, true].as_slice()), (Some("web.zip"), &[])] {
        let stage = Stage::new();
        let builder = fixed.map_or(stage.builder(), |key| stage.builder().prefix("").key(key));
        let cx = stage.context("demo/1").build();
        let report = stage.made(builder).deploy(&cx, &Policy::default()).await;
        let (plan, receipt) = (report.plan.as_ref().unwrap(), report.receipt.as_ref());
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        let recorded = Bundle::recorded(plan, &stage.simulator.sdk_config(), place).unwrap();
        assert_eq!(Some(&recorded.resource()), plan.made_for.as_ref().map(|made_for| &made_for.resource));
        let error = recorded.plan(&cx).await.unwrap_err();
        assert!(error.message().contains("can undo what was recorded, and not send anything"), "{error}");
        let back = match recorded.revert(&cx, plan, receipt).await.unwrap() {
            Revert::Plan(back) => back,
            other => panic!("{other:?}"),
        };
        recorded.apply(&cx, &back, None).await.unwrap();
        assert_eq!(stage.objects().iter().map(|object| object.deleted).collect::<Vec<_>>(), deleted);
    }
}
