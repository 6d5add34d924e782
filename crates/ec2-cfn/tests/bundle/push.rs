//! Bundles that come to be in the bucket.

use std::io::Read;

use landfall_core::{DeployTarget, DeployTargetExt, Outcome, Policy};
use landfall_ec2_cfn::bundle::Format;
use landfall_simulator::{DEMO_BUCKET, Fault, FaultKind, Phase};

use crate::stage::{Stage, told, write};

#[tokio::test(start_paused = true)]
async fn a_small_folder_is_one_put_and_its_address_goes_to_the_next_step() {
    let stage = Stage::new();
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(stage.calls(), ["HeadObject", "HeadBucket", "HeadObject", "PutObject", "HeadObject"]);
    let outputs = &report.verdict.outputs;
    let object = stage.simulator.s3().object(DEMO_BUCKET, outputs.find("key").unwrap()).unwrap();
    assert_eq!(outputs.find("bucket"), Some(DEMO_BUCKET));
    assert_eq!(outputs.find("version_id"), Some(object.version_id.as_str()));
    assert_eq!(outputs.find("e_tag"), Some(object.etag.as_str()));
    assert_eq!(outputs.find("bundle_type"), Some("zip"));
    assert_eq!(outputs.find("size"), Some(object.size.to_string().as_str()));
    assert!(object.key.starts_with("web/") && object.key.ends_with(".zip"), "{}", object.key);
    let bytes = stage.simulator.s3().read(DEMO_BUCKET, &object.key).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["appspec.yml", "scripts/install.sh", "web/index.html"]);
    let mut text = String::new();
    archive.by_name("web/index.html").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "<h1>hello</h1>\n".repeat(100));
    assert_eq!(stage.notes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_folder_is_found_by_one_head_and_sends_nothing() {
    let stage = Stage::new();
    let first = stage.push().await;
    stage.simulator.reset_calls();
    let before = stage.simulator.s3().bytes_received();
    let report = stage.run(&stage.target(), "demo/2/push/production").await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged, "{}", told(&report));
    assert_eq!(stage.calls(), ["HeadObject"]);
    assert_eq!(stage.simulator.s3().bytes_received(), before);
    assert_eq!(report.verdict.outputs, first.verdict.outputs, "the next step gets the same");
}

#[tokio::test(start_paused = true)]
async fn a_large_folder_is_packed_while_it_is_sent_and_has_the_checksum_of_what_was_packed() {
    let stage = Stage::large(21);
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let object =
        stage.simulator.s3().object(DEMO_BUCKET, report.verdict.outputs.find("key").unwrap()).unwrap();
    assert_eq!(object.parts, Some(3));
    let bytes = stage.simulator.s3().read(DEMO_BUCKET, &object.key).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    for number in 0..6 {
        let name = format!("data/{number}.bin");
        let mut content = Vec::new();
        archive.by_name(&name).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, std::fs::read(stage.folder.path().join(&name)).unwrap(), "{name}");
    }
    assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET), []);
    let last = stage.uploaded().pop().unwrap();
    assert_eq!((last.unit.as_str(), last.done, last.total), ("bytes", object.size, Some(object.size)));
}

#[tokio::test(start_paused = true)]
async fn an_upload_tells_its_pace_and_what_is_left_by_the_clock_of_the_context() {
    let stage = Stage::large(60);
    // Two seconds for each part, four parts at once: 16 MiB a second, as one by one of them is told.
    stage.simulator.add_fault(Fault::new("s3", "UploadPart", FaultKind::Delay { ms: 2_000 }));
    let report = stage.push().await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let told = stage.uploaded();
    assert!(told.len() > 2, "{told:?}");
    let first = &told[0];
    let rate = first.per_second.unwrap();
    // The first of four that arrive together is told before the others are counted.
    assert!((4_000_000..=16_800_000).contains(&rate), "{first:?}");
    assert_eq!(first.total, None, "what is being packed has no size yet: {first:?}");
    let size: u64 = report.verdict.outputs.find("size").unwrap().parse().unwrap();
    // Noise does not compress, so that the size is known in advance to within a hundredth.
    let left = u128::from(first.left_ms.unwrap()) * u128::from(rate) / 1_000;
    let off = left.abs_diff(u128::from(size - first.done));
    assert!(off < u128::from(size) / 100, "{first:?} of {size}");
    let last = told.last().unwrap();
    assert_eq!((last.done, last.total, last.left_ms), (size, Some(size), Some(0)));
    assert!(told.windows(2).all(|two| two[0].done <= two[1].done), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn every_format_goes_by_one_put_and_by_parts() {
    for format in [Format::Zip, Format::Tar, Format::Tgz] {
        for mebibytes in [0, 17] {
            let stage = Stage::large(mebibytes);
            let report = stage.run(&stage.made(stage.builder().format(format)), "demo/1").await;
            assert_eq!(
                report.verdict.outcome,
                Outcome::Succeeded,
                "{format:?} {mebibytes}: {}",
                told(&report)
            );
            assert_eq!(report.verdict.outputs.find("bundle_type"), Some(format.name()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fixed_key_is_replaced_when_the_folder_changes_and_put_back_by_an_undo() {
    let stage = Stage::new();
    let keyed = || stage.made(stage.builder().prefix("").key("web.zip"));
    let first = stage.run(&keyed(), "demo/1").await;
    write(stage.folder.path(), "web/index.html", "<h1>changed</h1>\n");
    let cx = stage.context("demo/2").build();
    let target = keyed();
    let second = target.deploy(&cx, &Policy::default()).await;
    assert_eq!(second.verdict.outcome, Outcome::Succeeded, "{}", told(&second));
    let version =
        |report: &landfall_core::StepReport| report.verdict.outputs.find("version_id").unwrap().to_owned();
    assert_ne!(version(&first), version(&second));
    let details = &second.plan.as_ref().unwrap().changes[0].details;
    assert!(details.iter().any(|line| line.starts_with("manifest: ")), "{details:?}");
    let back = target.revert(&cx, second.plan.as_ref().unwrap(), second.receipt.as_ref()).await.unwrap();
    let landfall_core::Revert::Plan(back) = back else { panic!("{back:?}") };
    target.apply(&cx, &back, None).await.unwrap();
    let current = stage.simulator.s3().object(DEMO_BUCKET, "web.zip").unwrap();
    assert_eq!(current.version_id, version(&first));
}

#[tokio::test(start_paused = true)]
async fn labels_encryption_and_tags_are_those_that_were_asked_for() {
    let stage = Stage::new();
    let builder = stage.builder().metadata("commit", "4f2a").tag("team", "web & co").kms_key("alias/demo");
    let report = stage.run(&stage.made(builder), "demo/1").await;
    let object =
        stage.simulator.s3().object(DEMO_BUCKET, report.verdict.outputs.find("key").unwrap()).unwrap();
    assert_eq!(object.metadata["commit"], "4f2a");
    assert_eq!(Some(object.metadata["landfall-manifest"].as_str()), report.verdict.outputs.find("manifest"));
    assert_eq!(object.tagging.as_deref(), Some("team=web%20%26%20co"));
    assert_eq!(object.kms_key.as_deref(), Some("alias/demo"));
}

#[tokio::test(start_paused = true)]
async fn throttled_and_lost_answers_are_got_over_and_nothing_is_stored_twice() {
    for phase in [Phase::Before, Phase::After] {
        for (operation, mebibytes) in [
            ("PutObject", 0),
            ("CreateMultipartUpload", 17),
            ("UploadPart", 17),
            ("CompleteMultipartUpload", 17),
        ] {
            let stage = Stage::large(mebibytes);
            let first = landfall_simulator::CallNumbers::First(1);
            stage.simulator.add_fault(Fault::new("s3", operation, FaultKind::Reset).on(first).phase(phase));
            let slow = FaultKind::Throttle { code: "SlowDown".to_owned() };
            let second = landfall_simulator::CallNumbers::Nth(2);
            stage.simulator.add_fault(Fault::new("s3", operation, slow).on(second));
            let report = stage.push().await;
            let what = format!("{operation} {phase:?}: {}", told(&report));
            assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{what}");
            assert_eq!(stage.objects().len(), 1, "{what}");
            assert_eq!(stage.simulator.s3().uploads(DEMO_BUCKET), [], "{what}");
        }
    }
}
