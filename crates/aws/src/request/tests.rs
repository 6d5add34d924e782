use aws_types::region::Region;
use landfall_core::ErrorKind;
use landfall_simulator::{DEMO_ACCOUNT, Denial, Fault, FaultKind, Simulator, World};

use super::{Protocol, Requests, Service};
use crate::endpoint::{EndpointVariables, of_config};
use crate::environment::Environment;

const SCALING: Service =
    Service { id: "Auto Scaling", name: "autoscaling", protocol: Protocol::Query { version: "2011-01-01" } };
const SSM: Service = Service { id: "SSM", name: "ssm", protocol: Protocol::Json { target: "AmazonSSM" } };

#[tokio::test]
async fn calls_are_signed_and_answered_in_either_protocol() {
    let simulator = Simulator::builder().build();
    let config = simulator.sdk_config();
    let scaling = Requests::new(&config, SCALING);
    let answer =
        scaling.send("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=a+b").await.unwrap();
    assert!(answer.body.starts_with(b"<DescribeAutoScalingGroupsResponse"), "{answer:?}");
    assert_eq!(answer.date.map(|date| date.as_second()), Some(simulator.now().as_second()));
    let ssm = Requests::new(&config, SSM).send("DescribeInstanceInformation", "{}").await.unwrap();
    assert!(ssm.body.starts_with(br#"{"InstanceInformationList":[{"#), "{ssm:?}");
    let calls: Vec<String> = simulator.calls().iter().map(|call| call.service.clone()).collect();
    assert_eq!(calls, ["autoscaling", "ssm"]);
}

#[tokio::test]
async fn a_refusal_is_told_as_that_of_any_other_call() {
    let mut world = World::demo();
    let user = world.account(DEMO_ACCOUNT).users.get_mut("deployer").unwrap();
    user.denied = vec![Denial::of("autoscaling:*"), Denial::of("ssm:*")];
    let simulator = Simulator::builder().world(world).build();
    let config = simulator.sdk_config();
    for (service, operation) in [(SCALING, "DescribeAutoScalingGroups"), (SSM, "DescribeInstanceInformation")]
    {
        let body = if service == SSM { "{}" } else { "" };
        let failure = Requests::new(&config, service).send(operation, body).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Denied, "{failure:?}");
        assert!(failure.denial().is_some(), "{failure:?}");
    }
    simulator.add_fault(Fault::new("autoscaling", "*", FaultKind::Reset));
    let reset = Requests::new(&config, SCALING).send("DescribeAutoScalingGroups", "").await.unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::Transient, "{reset:?}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let simulator = Simulator::builder().build();
    let config = simulator.sdk_config_without_credentials();
    assert!(Requests::new(&config, SSM).send("DescribeInstanceInformation", "{}").await.is_err());
    assert_eq!(simulator.calls().len(), 0);
}

#[test]
fn the_address_is_that_of_the_partition_unless_another_one_is_configured() {
    let simulator = Simulator::builder().build();
    let plain = simulator.sdk_config();
    let of = |config: &aws_types::SdkConfig| of_config(config, SCALING.id, SCALING.name);
    let in_region = |region: &'static str| plain.to_builder().region(Region::from_static(region));
    for (region, expected) in [
        ("eu-central-1", "https://autoscaling.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://autoscaling.cn-north-1.amazonaws.com.cn"),
        ("us-isob-east-1", "https://autoscaling.us-isob-east-1.sc2s.sgov.gov"),
    ] {
        assert_eq!(of(&in_region(region).build()), expected);
    }
    let both = in_region("us-east-1").use_fips(true).use_dual_stack(true).build();
    assert_eq!(of(&both), "https://autoscaling-fips.us-east-1.api.aws");
    let all = plain.to_builder().endpoint_url("http://127.0.0.1:4566").build();
    assert_eq!(of(&all), "http://127.0.0.1:4566");
    let variable = ("AWS_ENDPOINT_URL_AUTO_SCALING", "http://127.0.0.1:4567");
    let variables = EndpointVariables(Environment::from_pairs([variable]));
    assert_eq!(of(&all.to_builder().service_config(variables).build()), "http://127.0.0.1:4567");
}
