//! Stack, bundle and deployment as one release.

use landfall_core::context::Clock;
use landfall_core::{Context, Place};
use landfall_ec2_cfn::bundle::Bundle;
use landfall_ec2_cfn::deployment::Deployment;
use landfall_ec2_cfn::release::{ReleaseBundle, release};
use landfall_ec2_cfn::stack::{Stack, TemplateSource};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Simulator};

const TEMPLATE: &str = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n";
const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\n";

#[tokio::test(start_paused = true)]
async fn the_bundle_is_sent_while_the_stack_is_made_and_deployed_after_both() {
    let simulator = Simulator::builder().build();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("appspec.yml"), APPSPEC).unwrap();
    std::fs::write(folder.path().join("index.html"), "hello").unwrap();
    let stack = Stack::builder().name("release").template(TemplateSource::text("queue.yaml", TEMPLATE)).build().unwrap();
    let bundle = Bundle::builder().source(folder.path()).bucket(DEMO_BUCKET).prefix("demo/").build().unwrap();
    let deployment = Deployment::builder().application("demo").deployment_group("demo");
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let config = simulator.sdk_config();
    let pipeline = release(&config, &place, stack, ReleaseBundle::Known(Box::new(bundle)), deployment).unwrap();
    let cx = Context::builder("demo/1").clock(Clock::starting_at(simulator.now())).build();
    let report = pipeline.build().unwrap().run(&cx).await;
    assert_eq!(report.exit_code(), 0, "{}", report.text());
    let first = |operation: &str| simulator.calls().iter().find(|call| call.operation == operation).map(|call| call.at);
    let last = |service: &str| simulator.calls().iter().rev().find(|call| call.service == service).map(|call| call.at);
    let (sent, deployed, stack_done) = (first("PutObject"), first("CreateDeployment"), last("cloudformation"));
    assert!(sent.is_some() && sent < stack_done, "the bundle waited for the stack: {sent:?} {stack_done:?}");
    assert!(deployed >= stack_done, "the deployment did not wait for the stack: {deployed:?} {stack_done:?}");
    let live = simulator.code_deploy(DEMO_ACCOUNT, DEMO_REGION).live("demo", "demo");
    assert!(live["s3Location"]["key"].as_str().unwrap().starts_with("demo/") && live["s3Location"]["eTag"].is_string(), "{live}");
}
