//! Each failure mode of a push names its cause and the next step.

use landfall_core::event::EventKind;
use landfall_core::target::Undo;
use landfall_core::{DeployTargetExt, Error, ErrorKind, Outcome, Policy, StepReport};
use landfall_ec2_cfn::bundle::{Bundle, Checksums, Format, Platform};
use landfall_simulator::{
    Bucket, DEMO_ACCOUNT, DEMO_BUCKET, Denial, DeniedBy, Fault, FaultKind, SECOND_ACCOUNT, World,
};

use crate::stage::{Stage, told, write};

/// The error of a refused step: it has a cause of this code, and says what to do.
fn refused(report: &StepReport, code: &str) -> Error {
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{code}: {}", told(report)) };
    let codes: Vec<&str> = error.causes().iter().map(|cause| cause.code.as_str()).collect();
    assert!(codes.contains(&code), "{code} is not among {codes:?}: {}", error.report());
    assert!(error.causes().iter().any(|cause| cause.hint.is_some()), "{}", error.report());
    error.clone()
}

fn denying(denial: Denial) -> World {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap().denied = vec![denial];
    world
}

#[tokio::test(start_paused = true)]
async fn p1_a_bad_hook_is_refused_before_any_call_with_file_and_line() {
    let stage = Stage::new();
    write(stage.folder.path(), "scripts/install.sh", "#!/bin/sh\r\nexit 0\r\n");
    let report = stage.push().await;
    let error = refused(&report, "hook-line-ends");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.report().contains("appspec.yml:8:"), "{}", error.report());
    assert_eq!(stage.calls(), Vec::<String>::new());
    assert_eq!(report.exit_code(), 2);
}

#[tokio::test(start_paused = true)]
async fn p2_a_missing_bucket_is_told_by_the_plan() {
    let stage = Stage::new();
    let report = stage.run(&stage.made(stage.builder().bucket("none-such")), "demo/1").await;
    let error = refused(&report, "bucket-missing");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(stage.simulator.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p2_a_bucket_of_another_region_is_told_with_its_region() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).region("us-east-1").buckets.insert("far-away".to_owned(), Bucket::default());
    let stage = Stage::of(world);
    let report = stage.run(&stage.made(stage.builder().bucket("far-away")), "demo/1").await;
    let error = refused(&report, "bucket-in-other-region");
    assert!(error.message().contains("us-east-1"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn p2_a_bucket_of_another_account_is_told_apart_from_a_missing_permission() {
    let mut world = World::demo();
    let shared = Bucket { shared_with: vec![DEMO_ACCOUNT.to_owned()], ..Bucket::default() };
    let region = world.account(SECOND_ACCOUNT).region("eu-central-1");
    region.buckets.insert("theirs".to_owned(), shared);
    let stage = Stage::of(world);
    let report = stage.run(&stage.made(stage.builder().bucket("theirs")), "demo/1").await;
    let error = refused(&report, "bucket-of-another-account");
    assert!(error.message().contains(DEMO_ACCOUNT), "{}", error.report());
    assert_eq!(stage.simulator.writes().len(), 0);
    let meant = stage.builder().bucket("theirs").expected_bucket_owner(SECOND_ACCOUNT);
    let report = stage.run(&stage.made(meant), "demo/2").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
}

#[tokio::test(start_paused = true)]
async fn p2_a_refused_key_of_kms_is_named_with_the_action() {
    let stage = Stage::of(denying(Denial::of("kms:GenerateDataKey")));
    let key = "arn:aws:kms:eu-central-1:111122223333:key/demo";
    let report = stage.run(&stage.made(stage.builder().kms_key(key)), "demo/1").await;
    let error = refused(&report, "kms-denied");
    assert!(
        error.report().contains("kms:GenerateDataKey") && error.report().contains(key),
        "{}",
        error.report()
    );
}

#[tokio::test(start_paused = true)]
async fn p2_a_refused_write_names_the_action_and_the_object() {
    let mut denial = Denial::of("s3:PutObject");
    denial.by = DeniedBy::ServiceControlPolicy;
    let stage = Stage::of(denying(denial));
    let report = stage.push().await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.report().contains("s3:PutObject"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_list_the_bucket_the_write_is_made_on_condition() {
    let stage = Stage::of(denying(Denial::of("s3:ListBucket")));
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"permission-missing".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn p3_a_folder_that_changes_between_plan_and_apply_is_refused() {
    let stage = Stage::new();
    let first = stage.target();
    let cx = stage.context("demo/1").build();
    let plan = first.preview(&cx).await.unwrap();
    write(stage.folder.path(), "web/index.html", "other");
    let error = landfall_core::DeployTarget::apply(&stage.target(), &cx, &plan, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.causes()[0].code, "folder-changed", "{}", error.report());
    assert_eq!(stage.simulator.writes().len(), 0);
}

/// An error of S3 in its own words.
fn answers(operation: &str, status: u16, code: &str, message: &str) -> Fault {
    let kind = FaultKind::Error { code: code.to_owned(), message: message.to_owned(), status };
    Fault::new("s3", operation, kind)
}

#[tokio::test(start_paused = true)]
async fn p4_the_same_content_written_meanwhile_is_used_and_other_content_is_a_conflict() {
    for same in [true, false] {
        let stage = Stage::new();
        let other = stage.made(stage.builder().prefix("").key("web.zip"));
        let cx = stage.context("demo/1").build();
        let plan = other.preview(&cx).await.unwrap();
        let now = stage.made(stage.builder().prefix("").key("web.zip"));
        if same {
            stage.run(&now, "demo/2").await;
        } else {
            stage.simulator.s3().put_as_other(DEMO_BUCKET, "web.zip", "somebody else's");
        }
        let applied = landfall_core::DeployTarget::apply(&other, &cx, &plan, None).await;
        match (same, applied) {
            (true, Ok(receipt)) => assert!(receipt.summary.contains("web.zip"), "{receipt:?}"),
            (false, Err(error)) => {
                assert_eq!(error.causes()[0].code, "key-written-meanwhile", "{}", error.report());
            }
            (same, other) => panic!("{same}: {other:?}"),
        }
        assert_eq!(stage.objects().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn p4_a_conflict_of_writers_passes_and_is_named_when_it_does_not() {
    let message =
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    let stage = Stage::new();
    let once = answers("PutObject", 409, "ConditionalRequestConflict", message);
    stage.simulator.add_fault(once.clone().on(landfall_simulator::CallNumbers::Nth(1)));
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let stage = Stage::new();
    stage.simulator.add_fault(once);
    refused(&stage.push().await, "concurrent-write");
}

#[tokio::test(start_paused = true)]
async fn p4_bytes_that_are_changed_on_their_way_are_never_called_stored() {
    let stage = Stage::new();
    let message = "The CRC64NVME you specified did not match the calculated checksum.";
    stage.simulator.add_fault(answers("PutObject", 400, "BadDigest", message));
    refused(&stage.push().await, "checksum-mismatch");
    // S3 says success and tells another checksum than that of what was packed.
    let stage = Stage::large(17);
    let config = stage.simulator.sdk_config().into_builder();
    let http = stage.simulator.http_client_altering(|answered| {
        if answered.operation == "CompleteMultipartUpload" {
            let text = String::from_utf8_lossy(&answered.body).into_owned();
            let (before, rest) = text.split_once("<ChecksumCRC64NVME>").unwrap();
            let (_, after) = rest.split_once("</ChecksumCRC64NVME>").unwrap();
            let body = format!("{before}<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>{after}");
            answered.headers.remove("content-length");
            answered.body = body.into();
        }
    });
    let place = landfall_core::Place::new("aws", DEMO_ACCOUNT, "eu-central-1");
    let target = stage.builder().build().unwrap().target(&config.http_client(http).build(), place).unwrap();
    let report = stage.run(&target, "demo/1").await;
    let error = refused(&report, "checksum-mismatch");
    assert!(error.message().contains("AAAAAAAAAAA="), "{}", error.report());
    assert_eq!(stage.simulator.s3().object(DEMO_BUCKET, &stage.objects()[0].key), None, "it is undone");
}

#[tokio::test(start_paused = true)]
async fn p5_an_upload_that_is_gone_is_begun_anew() {
    let stage = Stage::large(17);
    let gone = answers("UploadPart", 404, "NoSuchUpload", "The specified upload does not exist.");
    stage.simulator.add_fault(gone.on(landfall_simulator::CallNumbers::Nth(2)));
    let simulator = stage.simulator.clone();
    let report = {
        let told = stage.run(&stage.target(), "demo/1").await;
        let _ = simulator;
        told
    };
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"upload-gone".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn p5_unfinished_uploads_of_long_ago_are_told_of() {
    let stage = Stage::large(17);
    let key = stage.target().preview(&stage.context("demo/0").build()).await.unwrap().payload["key"].clone();
    let s3 = aws_sdk_s3::Client::new(&stage.simulator.sdk_config());
    let create = s3.create_multipart_upload().bucket(DEMO_BUCKET).key(key.as_str().unwrap());
    create.checksum_algorithm("CRC64NVME".into()).send().await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(8 * 86_400)).await;
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.notes().contains(&"old-uploads".to_owned()), "{:?}", stage.notes());
}

#[tokio::test(start_paused = true)]
async fn p6_a_store_without_checksums_names_the_switch_and_works_with_it() {
    let message = "A header you provided implies functionality that is not implemented.";
    let stage = Stage::new();
    stage.simulator.add_fault(answers("PutObject", 501, "NotImplemented", message));
    let error = refused(&stage.push().await, "store-lacks-feature");
    assert!(error.report().contains("WhenRequired"), "{}", error.report());
    for mebibytes in [0, 17] {
        let stage = Stage::large(mebibytes);
        let target = stage.made(stage.builder().checksums(Checksums::WhenRequired));
        let report = stage.run(&target, "demo/1").await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_deleted_after_it_was_stored_is_no_success() {
    let stage = Stage::new();
    let gone = FaultKind::Error { code: "NoSuchKey".to_owned(), message: String::new(), status: 404 };
    // The third HeadObject is the look behind the write.
    stage
        .simulator
        .add_fault(Fault::new("s3", "HeadObject", gone).on(landfall_simulator::CallNumbers::Nth(3)));
    let policy = Policy::default().on_failure(Undo::Keep);
    let report = stage.target().deploy(&stage.context("demo/1").build(), &policy).await;
    assert!(matches!(report.verdict.outcome, Outcome::Ended(_)), "{}", told(&report));
    assert_eq!(report.verdict.causes[0].code, "object-gone");
}

#[test]
fn all_problems_of_the_input_are_told_at_once() {
    let builder = Bundle::builder()
        .bucket("s3://Bucket")
        .prefix("/web/")
        .key("whole")
        .level(10)
        .part_size(1)
        .expected_bucket_owner("me")
        .metadata("landfall-run", "x")
        .format(Format::Tgz)
        .platform(Platform::Windows);
    let error = builder.build().unwrap_err();
    let fields: Vec<&str> = error.causes().iter().filter_map(|cause| cause.field.as_deref()).collect();
    let expected =
        ["source", "bucket", "key", "level", "part_size", "expected_bucket_owner", "format", "metadata"];
    assert_eq!(fields, expected, "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn no_event_shows_a_secret_and_retries_are_told() {
    let stage = Stage::new();
    let slow = FaultKind::Throttle { code: "SlowDown".to_owned() };
    stage
        .simulator
        .add_fault(Fault::new("s3", "PutObject", slow).on(landfall_simulator::CallNumbers::First(2)));
    stage.push().await;
    let retries =
        stage.events().iter().filter(|event| matches!(event.kind, EventKind::Retrying { .. })).count();
    assert_eq!(retries, 2);
}
