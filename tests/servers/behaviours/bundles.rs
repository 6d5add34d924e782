//! Bundles in S3, packed and sent by the library, whichever server it talks to.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use landfall::ec2_cfn::bundle::{Bundle, BundleBuilder, Checksums};
use landfall::{Context, DeployTargetExt, Outcome, Place, Policy, StepReport};
use landfall_simulator::Simulator;
use tempfile::TempDir;

use super::{Behaviour, behaviour};
use crate::cloud::Cloud;
use crate::http::REGION;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    behaviour!("a bundle", "succeeded, in S3 as it was packed", small),
    behaviour!("a bundle that is there already", "unchanged, nothing written", again),
    behaviour!("a bundle of which a file was changed", "succeeded, 2 objects", changed),
    behaviour!("a bundle in parts", "succeeded, in S3 as it was packed", parts),
    behaviour!("a bundle in parts, without checksums", "succeeded, in S3 as it was packed", old_store),
    behaviour!(
        "a bundle in a bucket that keeps versions",
        "succeeded, of the version that is there",
        version
    ),
    behaviour!("a bundle for a bucket that is not there", "exit 1, bucket-missing", no_bucket),
    behaviour!("a bundle for somebody else's bucket", "exit 1, bucket-of-another-account", other_owner),
    behaviour!("a bundle whose key was written meanwhile", "exit 1, key-written-meanwhile", written),
    behaviour!("an undone bundle", "reverted, 0 objects", undone),
];

/// A folder, a bucket of its own, and a client to look into it.
struct Stage<'a> {
    cloud: &'a Cloud,
    folder: TempDir,
    bucket: String,
    s3: aws_sdk_s3::Client,
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    std::fs::write(folder.join(name), content).unwrap();
}

impl<'a> Stage<'a> {
    async fn new(cloud: &'a Cloud) -> Self {
        let config = aws_sdk_s3::config::Builder::from(&cloud.sdk(&cloud.home.admin)).force_path_style(true);
        let s3 = aws_sdk_s3::Client::from_conf(config.build());
        let folder = tempfile::tempdir().unwrap();
        let appspec = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\n";
        write(folder.path(), "appspec.yml", appspec.as_bytes());
        write(folder.path(), "index.html", &b"<h1>hello</h1>\n".repeat(100));
        let bucket = format!("suite-{}", cloud.home.id);
        s3.create_bucket().bucket(&bucket).create_bucket_configuration(here()).send().await.unwrap();
        Self { cloud, folder, bucket, s3 }
    }

    fn builder(&self) -> BundleBuilder {
        Bundle::builder().source(self.folder.path()).bucket(&self.bucket).prefix("web/")
    }

    fn made(&self, builder: BundleBuilder) -> Bundle {
        let place = Place::new("aws", &self.cloud.home.id, REGION);
        builder.build().unwrap().target(&self.cloud.sdk(&self.cloud.home.admin), place).unwrap()
    }

    async fn push(&self, builder: BundleBuilder, run: &str) -> StepReport {
        let policy = Policy::default().timeout(Duration::from_secs(60));
        self.made(builder).deploy(&Context::builder(run).build(), &policy).await
    }

    /// The bytes that S3 has, packed once more here: they must be the same.
    async fn as_packed(&self, key: &str) -> &'static str {
        let got = self.s3.get_object().bucket(&self.bucket).key(key).send().await.unwrap();
        let stored = got.body.collect().await.unwrap().to_vec();
        let twin = twin(self.folder.path()).await;
        if stored == twin { "as it was packed" } else { "not as it was packed" }
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.s3.list_objects_v2().bucket(&self.bucket).send().await.unwrap();
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

fn here() -> aws_sdk_s3::types::CreateBucketConfiguration {
    aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into()).build()
}

/// What the same folder is packed to, taken from a simulator of its own.
async fn twin(folder: &Path) -> Vec<u8> {
    let simulator = Simulator::builder().build();
    let place = Place::new("aws", landfall_simulator::DEMO_ACCOUNT, REGION);
    let spec =
        Bundle::builder().source(folder).bucket(landfall_simulator::DEMO_BUCKET).key("twin.zip").build();
    let bundle = spec.unwrap().target(&simulator.sdk_config(), place).unwrap();
    let report = bundle.deploy(&Context::builder("twin/1").build(), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{:?}", report.verdict);
    simulator.s3().read(landfall_simulator::DEMO_BUCKET, "twin.zip").unwrap().to_vec()
}

/// How it ended, or the codes of what went wrong.
fn told(report: &StepReport) -> String {
    let codes = |error: &landfall::Error| {
        let codes: Vec<&str> = error.causes().iter().map(|cause| cause.code.as_str()).collect();
        if codes.is_empty() { error.report() } else { codes.join(" ") }
    };
    match &report.verdict.outcome {
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Refused { error } => format!("exit {}, {}", report.exit_code(), codes(error)),
        other => format!("{other:?} {:?}", report.verdict.causes),
    }
}

fn key(report: &StepReport) -> String {
    report.verdict.outputs.find("key").unwrap_or("none").to_owned()
}

async fn stored(stage: &Stage<'_>, builder: BundleBuilder) -> String {
    let report = stage.push(builder, "suite/1").await;
    match report.verdict.outcome {
        Outcome::Succeeded => format!("succeeded, in S3 {}", stage.as_packed(&key(&report)).await),
        _ => told(&report),
    }
}

async fn small(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    stored(&stage, stage.builder()).await
}

async fn parts(cloud: &Cloud) -> String {
    let stage = large(cloud).await;
    stored(&stage, stage.builder()).await
}

async fn old_store(cloud: &Cloud) -> String {
    let stage = large(cloud).await;
    stored(&stage, stage.builder().checksums(Checksums::WhenRequired)).await
}

async fn large(cloud: &Cloud) -> Stage<'_> {
    let stage = Stage::new(cloud).await;
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    // Bytes that cannot be compressed: three parts.
    let noise: Vec<u8> = (0..20 * 1024 * 1024).map(|_| next()).collect();
    write(stage.folder.path(), "data.bin", &noise);
    stage
}

async fn again(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    let first = stage.push(stage.builder(), "suite/1").await;
    let modified = async || {
        let head = stage.s3.head_object().bucket(&stage.bucket).key(key(&first)).send().await.unwrap();
        (head.last_modified, head.e_tag)
    };
    let before = modified().await;
    let second = stage.push(stage.builder(), "suite/2").await;
    let same = before == modified().await && stage.keys().await.len() == 1;
    format!("{}, {}", told(&second), if same { "nothing written" } else { "written anew" })
}

async fn changed(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    stage.push(stage.builder(), "suite/1").await;
    write(stage.folder.path(), "index.html", b"other");
    let report = stage.push(stage.builder(), "suite/2").await;
    format!("{}, {} objects", told(&report), stage.keys().await.len())
}

async fn version(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let put = stage.s3.put_bucket_versioning().bucket(&stage.bucket).versioning_configuration(on);
    put.send().await.unwrap();
    let report = stage.push(stage.builder(), "suite/1").await;
    let head = stage.s3.head_object().bucket(&stage.bucket).key(key(&report)).send().await.unwrap();
    let same = head.version_id().is_some() && head.version_id() == report.verdict.outputs.find("version_id");
    format!("{}, of {}", told(&report), if same { "the version that is there" } else { "another version" })
}

async fn no_bucket(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    told(&stage.push(stage.builder().bucket("none-such"), "suite/1").await)
}

async fn other_owner(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    told(&stage.push(stage.builder().expected_bucket_owner("999999999999"), "suite/1").await)
}

async fn written(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    let target = stage.made(stage.builder().prefix("").key("web.zip"));
    let cx = Context::builder("suite/1").build();
    let plan = target.preview(&cx).await.unwrap();
    let other = aws_sdk_s3::primitives::ByteStream::from_static(b"somebody else's");
    stage.s3.put_object().bucket(&stage.bucket).key("web.zip").body(other).send().await.unwrap();
    match landfall::DeployTarget::apply(&target, &cx, &plan, None).await {
        Ok(receipt) => receipt.summary,
        Err(error) => format!("exit {}, {}", error.exit_code(), error.causes()[0].code),
    }
}

async fn undone(cloud: &Cloud) -> String {
    let stage = Stage::new(cloud).await;
    let target = stage.made(stage.builder());
    let (cx, policy) = (Context::builder("suite/1").build(), Policy::default());
    let report = target.deploy(&cx, &policy).await;
    let runtime = landfall::runtime::Local::new(cx.clone());
    let Some(plan) = &report.plan else { return told(&report) };
    let undone =
        landfall::target::undo_step(&runtime, &target, &cx, &policy, plan, report.receipt.as_ref()).await;
    format!("{undone:?}, {} objects", stage.keys().await.len()).to_lowercase()
}
