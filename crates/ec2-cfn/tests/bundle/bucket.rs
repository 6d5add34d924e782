//! Buckets that are made because there is none, and those that are there.

use landfall_core::target::Effect;
use landfall_core::{DeployTarget, DeployTargetExt, ErrorKind, Outcome, Place, Policy, Revert};
use landfall_ec2_cfn::bundle::{Bundle, BundleBuilder};
use landfall_simulator::{
    CallNumbers, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Denial, Fault, FaultKind, Phase, SECOND_ACCOUNT,
    World,
};

use crate::stage::{Stage, told};

const NEW: &str = "new-bundles";

fn making(stage: &Stage) -> BundleBuilder {
    stage.builder().bucket(NEW).create_bucket(true)
}

fn writes(stage: &Stage) -> Vec<String> {
    stage.simulator.writes().into_iter().map(|call| call.operation).collect()
}

#[tokio::test(start_paused = true)]
async fn a_missing_bucket_is_announced_by_the_plan_and_made_with_all_its_settings() {
    let stage = Stage::new();
    let target = stage.made(making(&stage));
    let cx = stage.context("demo/1").build();
    let plan = target.preview(&cx).await.unwrap();
    let told_of: Vec<(Effect, &str)> =
        plan.changes.iter().map(|change| (change.effect, change.subject.as_str())).collect();
    assert_eq!(told_of[0], (Effect::Create, "bucket new-bundles in 111122223333 eu-central-1"));
    assert_eq!(told_of[1].0, Effect::Create);
    assert!(plan.changes[0].details.join(" ").contains("closed to the public"), "{plan:?}");
    assert_eq!(writes(&stage), Vec::<String>::new(), "a plan makes nothing");
    let report = target.deploy(&cx, &Policy::default()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let made =
        ["CreateBucket", "PutPublicAccessBlock", "PutBucketEncryption", "PutBucketLifecycleConfiguration"];
    assert_eq!(writes(&stage), [&made[..], &["PutObject"]].concat());
    let bucket = stage.simulator.s3().bucket(NEW).unwrap();
    assert_eq!((bucket.owner.as_str(), bucket.region.as_str()), (DEMO_ACCOUNT, DEMO_REGION));
    assert_eq!(bucket.encryption, ("AES256".to_owned(), None));
    assert_eq!((bucket.is_closed, bucket.unfinished_days), (true, Some(1)));
    let again = stage.run(&stage.made(making(&stage)), "demo/2").await;
    assert_eq!(again.verdict.outcome, Outcome::Unchanged, "{}", told(&again));
}

#[tokio::test(start_paused = true)]
async fn a_new_bucket_encrypts_by_the_key_that_is_asked_for() {
    let stage = Stage::new();
    let key = "arn:aws:kms:eu-central-1:111122223333:key/demo";
    let report = stage.run(&stage.made(making(&stage).kms_key(key)), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let bucket = stage.simulator.s3().bucket(NEW).unwrap();
    assert_eq!(bucket.encryption, ("aws:kms".to_owned(), Some(key.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_there_is_never_touched() {
    let stage = Stage::new();
    let before = stage.simulator.s3().bucket(DEMO_BUCKET);
    let report = stage.run(&stage.made(stage.builder().create_bucket(true)), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    assert_eq!(writes(&stage), ["PutObject"]);
    assert_eq!(stage.simulator.s3().bucket(DEMO_BUCKET), before);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_came_to_be_since_the_plan_is_used_as_it_is_and_that_is_told() {
    let stage = Stage::new();
    let late = stage.made(making(&stage));
    let cx = stage.context("demo/late").build();
    let plan = late.preview(&cx).await.unwrap();
    let first = stage.run(&stage.made(making(&stage)), "demo/first").await;
    assert_eq!(first.verdict.outcome, Outcome::Succeeded, "{}", told(&first));
    assert!(!stage.notes().contains(&"bucket-there-meanwhile".to_owned()), "{:?}", stage.notes());
    let before = writes(&stage);
    late.apply(&cx, &plan, None).await.unwrap();
    assert!(stage.notes().contains(&"bucket-there-meanwhile".to_owned()), "{:?}", stage.notes());
    assert_eq!(writes(&stage), before, "neither the bucket nor its settings, and the object is there");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_bucket_and_loses_no_setting() {
    for (operation, phase) in [
        ("CreateBucket", Phase::Before),
        ("CreateBucket", Phase::After),
        ("PutBucketLifecycleConfiguration", Phase::Before),
        ("PutBucketLifecycleConfiguration", Phase::After),
        ("PutObject", Phase::Before),
    ] {
        let stage = Stage::new();
        let lost = Fault::new("s3", operation, FaultKind::Reset).on(CallNumbers::Nth(1)).phase(phase);
        stage.simulator.add_fault(lost);
        let report = stage.run(&stage.made(making(&stage)), "demo/1").await;
        let what = format!("{operation} {phase:?}: {}", told(&report));
        assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{what}");
        let bucket = stage.simulator.s3().bucket(NEW).unwrap();
        assert_eq!((bucket.is_closed, bucket.unfinished_days), (true, Some(1)), "{what}");
        assert!(!stage.notes().contains(&"bucket-there-meanwhile".to_owned()), "{what} {:?}", stage.notes());
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_refused_are_told_with_their_permissions_and_what_that_means() {
    let mut world = World::demo();
    world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap().denied =
        vec![Denial::of("s3:PutLifecycleConfiguration"), Denial::of("s3:PutBucketPublicAccessBlock")];
    let stage = Stage::of(world);
    let report = stage.run(&stage.made(making(&stage)), "demo/1").await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{}", told(&report));
    let refused: Vec<String> =
        stage.texts().into_iter().filter(|text| text.contains(" is refused: bucket `new-bundles`")).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("s3:PutBucketPublicAccessBlock"), "{refused:?}");
    assert!(refused[1].starts_with("s3:PutLifecycleConfiguration"), "{refused:?}");
    let bucket = stage.simulator.s3().bucket(NEW).unwrap();
    assert_eq!((bucket.is_closed, bucket.unfinished_days), (true, None), "S3 closes new buckets by itself");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_has_taken_is_told() {
    let stage = Stage::new();
    let taken = FaultKind::Error {
        code: "BucketAlreadyExists".to_owned(),
        message: "The requested bucket name is not available.".to_owned(),
        status: 409,
    };
    stage.simulator.add_fault(Fault::new("s3", "CreateBucket", taken));
    let report = stage.run(&stage.made(making(&stage)), "demo/1").await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert_eq!((error.kind(), error.causes()[0].code.as_str()), (ErrorKind::Conflict, "bucket-name-taken"));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_another_account_is_not_made_and_none_is_without_consent() {
    let stage = Stage::new();
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let theirs = making(&stage).expected_bucket_owner(SECOND_ACCOUNT).build().unwrap();
    let error = theirs.target(&stage.simulator.sdk_config(), place).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{}", error.report());
    let report = stage.run(&stage.made(stage.builder().bucket(NEW)), "demo/1").await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{}", told(&report)) };
    assert!(error.report().contains("--create-bucket"), "{}", error.report());
    assert_eq!(writes(&stage), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_undo_takes_the_object_away_and_leaves_the_bucket() {
    let stage = Stage::new();
    let (target, cx) = (stage.made(making(&stage)), stage.context("demo/1").build());
    let report = target.deploy(&cx, &Policy::default()).await;
    let plan = report.plan.as_ref().unwrap();
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let recorded = Bundle::recorded(plan, &stage.simulator.sdk_config(), place).unwrap();
    let Revert::Plan(back) = recorded.revert(&cx, plan, report.receipt.as_ref()).await.unwrap() else {
        panic!("nothing to undo")
    };
    recorded.apply(&cx, &back, None).await.unwrap();
    assert!(stage.notes().contains(&"bucket-stays".to_owned()), "{:?}", stage.notes());
    assert!(stage.simulator.s3().bucket(NEW).is_some());
    assert_eq!(stage.simulator.s3().versions(NEW), []);
}
