use super::{EndpointVariables, check, check_region, of_service, partition_of};
use crate::environment::Environment;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

#[test]
fn a_region_is_in_the_partition_that_its_name_begins_with() {
    for (region, partition) in [
        ("eu-central-1", "aws"),
        ("mx-central-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
        ("xx-somewhere-9", "aws"),
    ] {
        assert_eq!(partition_of(region), partition, "{region}");
    }
}

#[test]
fn a_region_that_cannot_be_one_is_refused_with_what_to_write_instead() {
    for (region, told) in [
        ("eu-central-1a", "its region is eu-central-1"),
        ("EU-Central-1", "write it as eu-central-1"),
        (" eu-central-1", "write it as eu-central-1"),
        ("frankfurt", "written like eu-central-1"),
        ("eu-central", "written like eu-central-1"),
        ("eu_central_1", "written like eu-central-1"),
        ("", "written like eu-central-1"),
        ("$AWS_REGION", "written like eu-central-1"),
    ] {
        let cause = check_region("AWS_REGION", region).unwrap_or_else(|| panic!("{region} was taken"));
        assert_eq!(cause.field.as_deref(), Some("AWS_REGION"));
        assert!(cause.hint.as_deref().unwrap_or_default().contains(told), "{region}: {cause:?}");
    }
    for region in ["eu-central-1", "us-gov-west-1", "ap-southeast-12", "us-isob-east-1"] {
        assert_eq!(check_region("AWS_REGION", region), None, "{region}");
    }
}

#[test]
fn every_wrong_endpoint_variable_is_named_at_once() {
    let environment = Environment::from_pairs([
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL_ECS", "ftp://127.0.0.1"),
        ("AWS_ENDPOINT_URL_STS", "http://user:password@127.0.0.1"),
        ("AWS_ENDPOINT_URL_LOGS", "http://127.0.0.1/?x=1"),
        ("AWS_ENDPOINT_URL_S3", "http://"),
        ("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:4566"),
        ("AWS_ENDPOINT_URLS_OF_OTHERS", "nonsense"),
        ("AWS_USE_FIPS_ENDPOINT", "yes"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
    ]);
    let problems = check(&environment);
    let fields: Vec<_> = problems.iter().filter_map(|cause| cause.field.as_deref()).collect();
    assert_eq!(
        fields,
        [
            "AWS_USE_FIPS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_ECS",
            "AWS_ENDPOINT_URL_LOGS",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
        ]
    );
    assert!(!format!("{problems:?}").contains("user:password"), "{problems:?}");
}

#[test]
fn endpoint_variables_that_are_switched_off_may_be_wrong() {
    let environment = Environment::from_pairs([
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_ENDPOINT_URL", "nonsense"),
    ]);
    assert_eq!(check(&environment), []);
    assert_eq!(of_service(&environment, "ECS"), None);
}

#[test]
fn the_endpoint_of_a_service_wins_over_the_one_for_all() {
    let environment = Environment::from_pairs([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:2"),
    ]);
    let variables = EndpointVariables(environment);
    let load = |service| {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        variables.load_config(key.unwrap())
    };
    assert_eq!(load("CloudWatch Logs").as_deref(), Some("http://127.0.0.1:2"));
    assert_eq!(load("ECS").as_deref(), Some("http://127.0.0.1:1"));
}
