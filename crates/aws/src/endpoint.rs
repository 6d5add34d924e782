//! Endpoint variables, regions and partitions.
//!
//! The variables and their order are those of
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>: the one of a service wins over
//! the one for all.

use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use landfall_core::Cause;

use crate::environment::Environment;

/// The endpoint of every service.
pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// Switches all endpoint variables off.
pub const IGNORE_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Asks for FIPS endpoints: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>.
pub const USE_FIPS: &str = "AWS_USE_FIPS_ENDPOINT";

/// Asks for dual-stack endpoints: the same page.
pub const USE_DUALSTACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// Partitions by how the names of their regions begin, longest first; all others are `aws`.
///
/// From the partition rules that the SDK's endpoints are made with, which are published with botocore as
/// `data/partitions.json`.
const PARTITIONS: [(&str, &str); 7] = [
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
    ("cn-", "aws-cn"),
];

/// The partition of a region: the second part of every ARN there.
///
/// A region that no rule names is taken for one of the partition `aws`, as the SDK does.
#[must_use]
pub fn partition_of(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(start, _)| region.starts_with(start)).map_or("aws", |(_, partition)| partition)
}

/// What is wrong with the name of a region, if anything; `field` is the flag or variable it came from.
///
/// Only the form is checked, because regions are added without notice.
#[must_use]
pub fn check_region(field: &str, region: &str) -> Option<Cause> {
    let example = "a region is written like eu-central-1";
    let trimmed = region.trim().to_lowercase();
    if is_region(region) {
        return None;
    }
    let problem = Cause::invalid(field, format!("{field}: `{region}` is not the name of a region"));
    let zone = trimmed.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    if zone != trimmed && is_region(zone) {
        return Some(problem.with_hint(format!("that is an availability zone; its region is {zone}")));
    }
    if is_region(&trimmed) {
        return Some(problem.with_hint(format!("write it as {trimmed}")));
    }
    Some(problem.with_hint(example))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let clean = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    parts.len() >= 3
        && parts.iter().all(clean)
        && parts[0].bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.last().is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// All problems of the variables that choose endpoints: no URL, a scheme other than http and https, a query, a
/// switch that is neither `true` nor `false`.
#[must_use]
pub fn check(environment: &Environment) -> Vec<Cause> {
    let mut problems = Vec::new();
    for name in [USE_FIPS, USE_DUALSTACK, IGNORE_ENDPOINT_URLS] {
        if let Some(value) = environment.get(name)
            && !["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known))
        {
            problems.push(Cause::invalid(name, format!("{name} is `{value}`; it must be `true` or `false`")));
        }
    }
    if !environment.is_true(IGNORE_ENDPOINT_URLS) {
        problems
            .extend(variables(environment).filter_map(|name| problem_of_url(name, environment.get(name)?)));
    }
    problems
}

/// The names of all endpoint variables that are set.
fn variables(environment: &Environment) -> impl Iterator<Item = &str> {
    environment.names().filter(|name| {
        name.strip_prefix(ENDPOINT_URL).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

fn problem_of_url(name: &str, value: &str) -> Option<Cause> {
    let problem = |what: &str| {
        Some(
            Cause::invalid(name, format!("{name} is `{value}`: {what}"))
                .with_hint(format!("write {name} like http://127.0.0.1:4566, or unset it to talk to AWS")),
        )
    };
    let Some((scheme, rest)) = value.split_once("://") else { return problem("that is not a URL") };
    if scheme != "http" && scheme != "https" {
        return problem("only http and https are spoken");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return problem("credentials have no place in an endpoint");
    }
    if value.contains(['?', '#']) {
        return problem("an endpoint has no query");
    }
    match aws_smithy_runtime_api::http::Request::get(value) {
        Ok(_) if !authority.is_empty() && !authority.starts_with(':') => None,
        _ => problem("that is not a URL"),
    }
}

/// The endpoint that holds for a service, if the environment chooses one: `service` as in the variable's name,
/// for example `ECS` or `CLOUDWATCH_LOGS`.
#[must_use]
pub fn of_service<'a>(environment: &'a Environment, service: &str) -> Option<&'a str> {
    if environment.is_true(IGNORE_ENDPOINT_URLS) {
        return None;
    }
    environment.get(&format!("{ENDPOINT_URL}_{service}")).or_else(|| environment.get(ENDPOINT_URL))
}

/// The endpoint that the variable of one service names in a configuration: `service` as in the SDK's service ids.
pub(crate) fn by_variable(config: &SdkConfig, service: &str) -> Option<String> {
    let variable =
        ServiceConfigKey::builder().service_id(service).env(ENDPOINT_URL).profile("endpoint_url").build();
    config
        .service_config()
        .zip(variable.ok())
        .and_then(|(variables, variable)| variables.load_config(variable))
}

/// Ends of host names by partition, and those of hosts that have IPv6 as well. From the partition rules named above.
const SUFFIXES: [(&str, &str, &str); 7] = [
    ("aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    ("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
    ("aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("aws", "amazonaws.com", "api.aws"),
];

/// The address of a service for calls without an SDK client: the configured one, else the usual one of its region.
/// `service` as in the SDK's service ids, `host` as its hosts' names begin.
pub(crate) fn of_config(config: &SdkConfig, service: &str, host: &str) -> String {
    let configured = by_variable(config, service).or_else(|| config.endpoint_url().map(str::to_owned));
    configured.unwrap_or_else(|| {
        let region = config.region().map(AsRef::as_ref).unwrap_or_default();
        let partition = partition_of(region);
        // That of the government is written as `aws`, with the same ends.
        let known = SUFFIXES.iter().find(|(known, ..)| *known == partition).unwrap_or(&SUFFIXES[6]);
        let end = if config.use_dual_stack() == Some(true) { known.2 } else { known.1 };
        let fips = if config.use_fips() == Some(true) { "-fips" } else { "" };
        format!("https://{host}{fips}.{region}.{end}")
    })
}

/// Hands the endpoint variables of an [`Environment`] to the SDK's clients.
#[derive(Debug, Clone)]
pub struct EndpointVariables(pub Environment);

impl LoadServiceConfig for EndpointVariables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        if key.env() == ENDPOINT_URL {
            return of_service(&self.0, &service).map(str::to_owned);
        }
        self.0.get(&format!("{}_{service}", key.env())).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests;
