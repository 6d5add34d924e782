//! Templates in the manner of AWS's public samples: read, allowed what they need, checked, and sent byte for byte.

use landfall_core::{Outcome, Policy};
use landfall_ec2_cfn::stack::{Capability, Stack, TemplateBucket, TemplateSource};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION};
use sha2::{Digest, Sha256};

use crate::stage::{NAME, Stage, told};

/// A template, the values that it cannot do without, and the capabilities that it needs.
struct Fixture {
    file: &'static str,
    text: &'static str,
    values: &'static [(&'static str, &'static str)],
    capabilities: &'static [&'static str],
}

macro_rules! fixture {
    ($file:literal, $values:expr, $capabilities:expr) => {
        Fixture {
            file: $file,
            text: include_str!(concat!("templates/", $file)),
            values: &$values,
            capabilities: &$capabilities,
        }
    };
}

const IAM: &str = "CAPABILITY_IAM";
const NAMED: &str = "CAPABILITY_NAMED_IAM";
const EXPAND: &str = "CAPABILITY_AUTO_EXPAND";

/// Twenty of them; the largest, of more than 51,200 bytes, is made in a test of its own.
const FIXTURES: [Fixture; 20] = [
    fixture!("vpc.yaml", [], []),
    fixture!("asg-alb.yaml", [("VpcId", "vpc-0a"), ("Subnets", "subnet-0a,subnet-0b")], [IAM]),
    fixture!("nested.yaml", [], [EXPAND]),
    fixture!("iam-named.json", [], [NAMED]),
    fixture!("tabs.json", [], []),
    fixture!("ssm-parameters.yaml", [], []),
    fixture!("serverless.yaml", [], [IAM, EXPAND]),
    fixture!("macros.yaml", [], [EXPAND]),
    fixture!("anchors.yaml", [], []),
    fixture!("short-forms.yaml", [], []),
    fixture!("codedeploy.yaml", [("GroupName", "web")], [IAM]),
    fixture!("bucket.yaml", [], []),
    fixture!("no-echo.json", [("Password", "correct-horse-battery")], []),
    fixture!("wait-condition.yaml", [], []),
    fixture!("custom-resource.yaml", [], [IAM]),
    fixture!("ecs-fargate.yaml", [("Image", "demo/web:1"), ("Subnets", "subnet-0a")], [IAM]),
    fixture!("dynamodb.json", [], []),
    fixture!("dashboard.yaml", [], [IAM, NAMED]),
    fixture!("crlf.yaml", [], []),
    fixture!("queue.yaml", [], []),
];

fn stage_for_nested() -> Stage {
    let stage = Stage::new();
    let base = "https://s3.eu-central-1.amazonaws.com/demo-bucket/templates";
    stage.aws().put_template(&format!("{base}/network.yaml"), FIXTURES[0].text);
    stage.aws().put_template(&format!("{base}/application.yaml"), FIXTURES[19].text);
    stage
}

#[tokio::test(start_paused = true)]
async fn every_template_is_deployed_with_what_it_needs_and_arrives_as_it_is() {
    for fixture in &FIXTURES {
        let stage = stage_for_nested();
        let source = TemplateSource::text(fixture.file, fixture.text);
        let mut builder = Stack::builder().name(NAME).template(source);
        for (name, value) in fixture.values {
            builder = builder.parameter(name, value);
        }
        let report = stage.run(&stage.made(builder), &Policy::default()).await;
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}: {}", fixture.file, told(&report));
        let stack = stage.stack();
        assert!(stack.template == fixture.text, "{} was changed on its way", fixture.file);
        assert_eq!(stack.capabilities, fixture.capabilities, "{}", fixture.file);
        for (name, value) in fixture.values {
            assert_eq!(stack.parameters.get(*name).map(String::as_str), Some(*value), "{}", fixture.file);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_template_cannot_do_without_is_named_with_its_line() {
    for fixture in FIXTURES.iter().filter(|fixture| !fixture.values.is_empty()) {
        let stage = Stage::new();
        let builder = Stack::builder().name(NAME).template(TemplateSource::text(fixture.file, fixture.text));
        let report = stage.run(&stage.made(builder), &Policy::default()).await;
        assert_eq!(report.exit_code(), 2, "{}: {}", fixture.file, told(&report));
        let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
        for (name, _) in fixture.values {
            let cause = error.causes().iter().find(|cause| cause.message.contains(name)).unwrap();
            let at = cause.at.as_ref().unwrap();
            let line = fixture.text.lines().nth(at.line as usize - 1).unwrap();
            assert!(at.file == fixture.file && line.contains(name), "{}: {at}: {line}", fixture.file);
        }
        assert!(stage.writes().is_empty());
    }
}

#[test]
fn every_template_is_read_and_refuses_a_parameter_that_it_does_not_declare_without_a_call() {
    let large = large();
    let bucket = || TemplateBucket::new(DEMO_BUCKET);
    let all =
        FIXTURES.iter().map(|fixture| (fixture.file, fixture.text)).chain([("large.yaml", large.as_str())]);
    for (file, text) in all {
        let builder = || {
            Stack::builder().name(NAME).template(TemplateSource::text(file, text)).template_bucket(bucket())
        };
        assert!(builder().build().is_ok(), "{file}: {}", builder().build().unwrap_err().report());
        let error = builder().parameter("Colour", "red").build().unwrap_err();
        assert!(error.report().contains("declares no parameter Colour"), "{file}: {}", error.report());
    }
}

#[test]
fn a_cap_on_capabilities_is_kept_and_names_what_needs_more() {
    for fixture in FIXTURES.iter().filter(|fixture| !fixture.capabilities.is_empty()) {
        let source = TemplateSource::text(fixture.file, fixture.text);
        let error =
            Stack::builder().name(NAME).template(source.clone()).capabilities([]).build().unwrap_err();
        for capability in fixture.capabilities {
            assert!(error.report().contains(capability), "{}: {}", fixture.file, error.report());
        }
        let all = [Capability::NamedIam, Capability::AutoExpand];
        assert!(
            Stack::builder().name(NAME).template(source).capabilities(all).build().is_ok(),
            "{}",
            fixture.file
        );
    }
    let error = Stack::builder()
        .name(NAME)
        .template(TemplateSource::text("iam-named.json", FIXTURES[3].text))
        .capabilities([Capability::Iam])
        .build()
        .unwrap_err();
    assert!(error.report().contains("Resources.DeployRole (AWS::IAM::Role)"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_fit_is_refused_before_any_call() {
    let stage = Stage::new();
    for (fixture, name, value, says) in [
        (1, "Capacity", "13", "is more than 12"),
        (1, "InstanceType", "t2.nano", "none of the allowed values: t3.small, t3.medium, m7i.large"),
        (0, "Prefix", "Demo", "does not fit the pattern"),
        (3, "RepositoryPath", "x", "shorter than 3 characters"),
        (12, "Password", "too-short", "the value is shorter than 12 characters (twelve characters at least)"),
        (16, "ReadUnits", "many", "is no number"),
    ] {
        let fixture: &Fixture = &FIXTURES[fixture];
        let source = TemplateSource::text(fixture.file, fixture.text);
        let error = Stack::builder().name(NAME).template(source).parameter(name, value).build().unwrap_err();
        assert!(error.report().contains(says), "{}", error.report());
        assert!(name != "Password" || !error.report().contains(value));
    }
    assert!(stage.simulator.calls().is_empty());
}

/// More than 51,200 bytes.
fn large() -> String {
    let topics: String = (0..400)
        .map(|number| {
            let text = format!("number {number}, with words that make it long: {}", "word ".repeat(12));
            format!(
                "  Topic{number}:\n    Type: AWS::SNS::Topic\n    Properties:\n      DisplayName: '{text}'\n"
            )
        })
        .collect();
    format!("Resources:\n{topics}")
}

#[tokio::test(start_paused = true)]
async fn a_large_template_is_put_into_the_bucket_by_its_digest_and_named_by_its_url() {
    let text = large();
    assert!(text.len() > landfall_ec2_cfn::stack::LARGEST_BODY);
    let digest: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let stage = Stage::new();
    let report = stage.run(&with_large(&stage, &text, DEMO_BUCKET), &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert!(stage.stack().template == text, "as it came from S3");
    let stored = stage.simulator.s3().read(DEMO_BUCKET, &format!("templates/{digest}.template"));
    assert!(stored.as_deref() == Some(text.as_bytes()), "byte for byte");
    assert!(stage.notes().contains(&"template-not-checked-yet".to_owned()));
    assert_eq!(stage.writes(), ["PutObject", "CreateChangeSet", "ExecuteChangeSet"]);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_or_belongs_to_another_account_is_named() {
    let stage = Stage::new();
    let report = stage.run(&with_large(&stage, &large(), "no-such-bucket"), &Policy::default()).await;
    let text = told(&report);
    assert!(
        text.contains("s3://no-such-bucket/templates/") && text.contains("make the bucket no-such-bucket"),
        "{text}"
    );
    let mut world = landfall_simulator::World::demo();
    let foreign = landfall_simulator::Bucket {
        shared_with: vec![DEMO_ACCOUNT.to_owned()],
        ..landfall_simulator::Bucket::default()
    };
    world
        .account(landfall_simulator::SECOND_ACCOUNT)
        .region(DEMO_REGION)
        .buckets
        .insert("theirs".to_owned(), foreign);
    let stage = Stage::with(landfall_simulator::Simulator::builder().world(world).build());
    let report = stage.run(&with_large(&stage, &large(), "theirs"), &Policy::default()).await;
    let text = told(&report);
    assert!(text.contains("must belong to account 111122223333"), "{text}");
    assert!(stage.aws().stack(NAME).is_none());
}

fn with_large(stage: &Stage, text: &str, bucket: &str) -> Stack {
    let source = TemplateSource::text("large.yaml", text);
    let bucket = TemplateBucket::new(bucket).prefix("templates/");
    stage.made(Stack::builder().name(NAME).template(source).template_bucket(bucket))
}
