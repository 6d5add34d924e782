//! What agents make of the object in S3 that a revision names.

use aws_sdk_codedeploy::types::{BundleType, S3Location};
use landfall_simulator::{
    Bucket, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Denial, SECOND_ACCOUNT, StoredObject, World,
};

use super::{Stage, in_s3, revision, seconds, staged};

/// The event that failed first, with the agent's message; none when all went well.
async fn outcome(stage: &Stage, location: S3Location) -> Option<(String, String)> {
    let create = stage.create().revision(revision(location));
    let id = create.send().await.unwrap().deployment_id.unwrap();
    seconds(60).await;
    let targets = stage.targets(&id).await;
    let failed = targets[0]
        .lifecycle_events()
        .iter()
        .find(|event| event.status.as_ref().unwrap().as_str() == "Failed");
    assert_eq!(stage.status(&id).await, if failed.is_some() { "Failed" } else { "Succeeded" });
    failed.map(|event| {
        let diagnostics = event.diagnostics.clone().unwrap();
        assert_eq!(diagnostics.error_code.unwrap().as_str(), "UnknownError");
        (event.lifecycle_event_name.clone().unwrap(), diagnostics.message.unwrap())
    })
}

fn files(names: &[&str]) -> StoredObject {
    let files = names.iter().map(|name| ((*name).to_owned(), "version: 0.0\nos: linux\n".to_owned()));
    StoredObject { files: files.collect(), ..StoredObject::default() }
}

fn bucket(world: &mut World) -> &mut Bucket {
    world.account(DEMO_ACCOUNT).region(DEMO_REGION).buckets.get_mut(DEMO_BUCKET).unwrap()
}

fn of_type(key: &str, bundle_type: BundleType) -> S3Location {
    S3Location::builder().bucket(DEMO_BUCKET).key(key).bundle_type(bundle_type).build()
}

#[tokio::test(start_paused = true)]
async fn a_bundle_must_be_there_and_in_this_region() {
    let stage = staged(|world| {
        world.account(DEMO_ACCOUNT).region("us-east-1").buckets.insert("far".to_owned(), Bucket::default());
    });
    let in_bucket = |bucket: &str, key: &str| {
        S3Location::builder().bucket(bucket).key(key).bundle_type(BundleType::Zip).build()
    };
    let download = |message: &str| Some(("DownloadBundle".to_owned(), message.to_owned()));
    let missing = outcome(&stage, in_s3("demo/none.zip")).await;
    assert_eq!(missing, download("The specified key does not exist."));
    let missing = outcome(&stage, in_bucket("none", "k")).await;
    assert_eq!(missing, download("The specified bucket does not exist"));
    let far = outcome(&stage, in_bucket("far", "k")).await;
    assert_eq!(far, download("not opened for reading"));
    assert_eq!(stage.live(), "demo/1.zip", "and the revision before is deployed again");
}

#[tokio::test(start_paused = true)]
async fn a_version_and_an_etag_are_those_of_the_object_or_the_download_fails() {
    let stage = staged(|_| {});
    let s3 = stage.simulator.s3();
    let first = s3.object(DEMO_BUCKET, "demo/2.zip").unwrap();
    let bytes = s3.read(DEMO_BUCKET, "demo/2.zip").unwrap();
    let pinned = |version: &str, etag: &str| {
        let location = S3Location::builder().bucket(DEMO_BUCKET).key("demo/2.zip").version(version);
        location.e_tag(etag).bundle_type(BundleType::Zip).build()
    };
    assert_eq!(outcome(&stage, pinned(&first.version_id, &format!("\"{}\"", first.etag))).await, None);
    let (_, message) = outcome(&stage, pinned("none", &first.etag)).await.unwrap();
    assert_eq!(message, "The specified version does not exist.");
    s3.put_as_other(DEMO_BUCKET, "demo/2.zip", "somebody else's");
    let open = S3Location::builder().bucket(DEMO_BUCKET).key("demo/2.zip").e_tag(&first.etag);
    let (event, message) = outcome(&stage, open.bundle_type(BundleType::Zip).build()).await.unwrap();
    assert!(
        event == "DownloadBundle" && message.starts_with("Expected deployment artifact bundle etag "),
        "{event} {message}"
    );
    assert_eq!(outcome(&stage, pinned(&first.version_id, &first.etag)).await, None, "the old version stays");
    assert_eq!(s3.read(DEMO_BUCKET, "demo/1.zip").is_some(), !bytes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_instance_profile_must_be_allowed_to_read_the_bundle() {
    let of = |denial: Denial| {
        staged(|world| {
            let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
            let group = region.applications.get_mut("demo").unwrap().groups.get_mut("demo").unwrap();
            group.instances_denied = vec![denial];
            let encrypted = StoredObject { kms_key: "arn:aws:kms:key".to_owned(), ..files(&["appspec.yml"]) };
            bucket(world).objects.insert("demo/kms.zip".to_owned(), encrypted);
        })
    };
    let denied = Some(("DownloadBundle".to_owned(), "Access Denied".to_owned()));
    let object = "arn:aws:s3:::demo-bucket/demo/2.zip";
    assert_eq!(outcome(&of(Denial::of("s3:GetObject").on(object)), in_s3("demo/2.zip")).await, denied);
    assert_eq!(
        outcome(&of(Denial::of("s3:Get*").on("arn:aws:s3:::other/*")), in_s3("demo/2.zip")).await,
        None
    );
    assert_eq!(outcome(&of(Denial::of("s3:ListBucket")), in_s3("demo/none.zip")).await, denied);
    let (_, message) = outcome(&of(Denial::of("kms:Decrypt")), in_s3("demo/kms.zip")).await.unwrap();
    assert!(message.contains("not authorized to perform: kms:Decrypt on resource: arn:aws:kms:key"));
    assert_eq!(outcome(&of(Denial::of("kms:Encrypt")), in_s3("demo/kms.zip")).await, None);
    let foreign = staged(|world| {
        let theirs = world.account(SECOND_ACCOUNT).region(DEMO_REGION);
        theirs.buckets.insert("theirs".to_owned(), Bucket::default());
    });
    let theirs = S3Location::builder().bucket("theirs").key("k").bundle_type(BundleType::Zip).build();
    assert_eq!(outcome(&foreign, theirs).await, denied);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_must_be_an_archive_of_its_type_with_an_application_specification() {
    let good = ["appspec.yml", "web/index.html"];
    let stage = staged(|world| {
        let objects = &mut bucket(world).objects;
        for key in ["good.zip", "good.tar", "good.tgz"] {
            objects.insert(key.to_owned(), files(&good));
        }
        objects.insert("folder.zip".to_owned(), files(&["v1/appspec.yml", "v1/a"]));
        objects.insert("deep.zip".to_owned(), files(&["v1/appspec.yml", "other"]));
        objects.insert("none.tgz".to_owned(), files(&["index.html"]));
        objects.insert("text".to_owned(), StoredObject { text: "no archive".repeat(200), ..files(&[]) });
    });
    let zip = Some("Zip end of central directory signature not found");
    let tar = Some("Error extracting tar archive: 2");
    let appspec = Some("The CodeDeploy agent did not find an AppSpec file");
    for (key, bundle_type, expected) in [
        ("good.zip", BundleType::Zip, None),
        ("good.tar", BundleType::Tar, None),
        ("good.tgz", BundleType::TarGZip, None),
        ("good.tgz", BundleType::Tar, None),
        ("good.tar", BundleType::TarGZip, tar),
        ("good.tgz", BundleType::Zip, zip),
        ("good.zip", BundleType::Tar, tar),
        ("text", BundleType::Zip, zip),
        ("text", BundleType::Tar, tar),
        ("text", BundleType::TarGZip, tar),
        ("folder.zip", BundleType::Zip, None),
        ("deep.zip", BundleType::Zip, appspec),
        ("none.tgz", BundleType::TarGZip, appspec),
    ] {
        let found = outcome(&stage, of_type(key, bundle_type.clone())).await;
        match (&found, expected) {
            (None, None) => {}
            (Some((event, message)), Some(words)) => {
                let where_it_fails = if expected == appspec { "BeforeInstall" } else { "DownloadBundle" };
                assert!(message.starts_with(words) && event == where_it_fails, "{key}: {event} {message}");
            }
            _ => panic!("{key} as {bundle_type:?}: {found:?}, not {expected:?}"),
        }
    }
}
