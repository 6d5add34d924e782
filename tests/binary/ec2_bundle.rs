//! `ec2 bundle`: a folder to S3.

use landfall_simulator::{Fault, FaultKind};

use crate::support::{Cloud, run};

const MIB: usize = 1024 * 1024;

/// A folder with so many mebibytes that cannot be compressed.
fn folder(mebibytes: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    let noise: Vec<u8> = (0..mebibytes * MIB).map(|_| next()).collect();
    std::fs::write(folder.path().join("noise.bin"), noise).unwrap();
    std::fs::write(folder.path().join("index.html"), "hello").unwrap();
    folder
}

#[tokio::test]
async fn an_upload_tells_how_fast_it_goes_and_what_is_left() {
    let (cloud, folder) = (Cloud::new("good").await, folder(20));
    cloud.simulator.add_fault(Fault::new("s3", "UploadPart", FaultKind::Delay { ms: 1_500 }));
    let source = folder.path().to_str().unwrap();
    let bundle = ["ec2", "bundle", "--no-appspec", "--source", source, "--s3-location"];
    let ran = run(cloud.command(&[&bundle[..], &["s3://demo-bucket/human.zip"]].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let line = ran.stdout.lines().find(|line| line.contains("the archive to be sent")).unwrap_or_default();
    for words in ["MB there", " MB/s, about 0:0", " left"] {
        assert!(line.contains(words), "{words:?} is not in {line:?} of\n{}", ran.stdout);
    }
    let json = ["s3://demo-bucket/json.zip", "--output", "json"];
    let ran = run(cloud.command(&[&bundle[..], &json].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let line = ran.stdout.lines().find(|line| line.contains("the archive to be sent")).unwrap_or_default();
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    let progress = &event["progress"][0];
    assert!(event["event"] == "progress" && progress["unit"] == "bytes", "{line}");
    assert!(progress["per_second"].as_u64() > Some(0) && progress["left_ms"].as_u64() > Some(0), "{line}");
}

#[tokio::test]
async fn a_bucket_is_made_when_that_is_asked_for_and_the_plan_says_so() {
    let (cloud, folder) = (Cloud::new("good").await, folder(0));
    let source = folder.path().to_str().unwrap();
    let bundle =
        ["ec2", "bundle", "--no-appspec", "--source", source, "--s3-location", "s3://new-bundles/web/"];
    let ran = run(cloud.command(&bundle)).await;
    assert_eq!((ran.code, cloud.written()), (1, Vec::new()), "{}", ran.told());
    assert!(ran.told().contains("--create-bucket"), "{}", ran.told());
    let ran = run(cloud.command(&[&bundle[..], &["--create-bucket", "--plan"]].concat())).await;
    assert_eq!((ran.code, cloud.written()), (0, Vec::new()), "{}", ran.told());
    for words in ["+ bucket new-bundles in 111122223333 eu-central-1", "+ object s3://new-bundles/web/"] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    let ran = run(cloud.command(&[&bundle[..], &["--create-bucket"]].concat())).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert_eq!(cloud.simulator.s3().bucket("new-bundles").unwrap().unfinished_days, Some(1));
}

#[tokio::test]
async fn an_object_says_who_made_it_of_what_and_source_date_epoch_makes_another_archive() {
    let (cloud, folder) = (Cloud::new("good").await, folder(0));
    let source = folder.path().to_str().unwrap();
    let bundle = |location: &str, more: &[&str]| {
        let all = [
            "ec2",
            "bundle",
            "--no-appspec",
            "--run-id",
            "shop/81",
            "--source",
            source,
            "--s3-location",
            location,
        ];
        cloud.command(&[&all[..], more].concat())
    };
    let mut command = bundle("s3://demo-bucket/one.zip", &["--object-metadata", "stage=production"]);
    command.env("CI_COMMIT_SHA", "0a1b2c3d");
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{}", ran.told());
    let of = |key: &str| cloud.simulator.s3().object("demo-bucket", key).unwrap();
    let metadata = of("one.zip").metadata;
    for (name, value) in [("run", "shop/81"), ("commit", "0a1b2c3d"), ("stage", "production")] {
        assert_eq!(metadata.get(name).map(String::as_str), Some(value), "{metadata:?}");
    }
    for (key, epoch) in [("same.zip", None), ("dated.zip", Some("1795988158"))] {
        let location = format!("s3://demo-bucket/{key}");
        let mut command = bundle(&location, &[]);
        command.envs(epoch.map(|epoch| ("SOURCE_DATE_EPOCH", epoch)));
        let ran = run(command).await;
        assert_eq!(ran.code, 0, "{}", ran.told());
        assert_eq!(of(key).etag == of("one.zip").etag, epoch.is_none(), "{key}");
    }
    for wrong in ["yesterday", "12"] {
        let mut command = bundle("s3://demo-bucket/wrong.zip", &[]);
        command.env("SOURCE_DATE_EPOCH", wrong);
        let ran = run(command).await;
        assert_eq!(ran.code, 2, "{}", ran.told());
        assert!(
            ran.told().contains("SOURCE_DATE_EPOCH is") && ran.told().contains("1980 to 2107"),
            "{}",
            ran.told()
        );
    }
}
