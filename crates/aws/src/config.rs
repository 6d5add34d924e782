//! An [`SdkConfig`] as landfall wants it.

use std::time::Duration;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{Builder, SharedHttpClient};

use crate::endpoint::{ENDPOINT_URL, EndpointVariables, IGNORE_ENDPOINT_URLS, USE_DUALSTACK, USE_FIPS};
use crate::environment::Environment;

/// How long a connection may take to be made, TLS excluded. TCP repeats a lost first packet after one and after
/// three seconds (RFC 6298), so this survives two losses; nothing has been sent yet when it runs out.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may be silent. The calls landfall makes are answered within a second; a server that takes
/// longer than this is not going to answer.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one attempt may take in all, the body included. Below the 30 seconds that core gives to a look.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// The timeouts above, for the SDK.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// A configuration without credentials: endpoints, FIPS and dual stack from `environment`, landfall's timeouts,
/// the SDK's retries off (see [`crate::call`]).
#[must_use]
pub fn builder(environment: &Environment, region: &str, http_client: SharedHttpClient) -> Builder {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http_client)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::default())
        .service_config(EndpointVariables(environment.clone()));
    if !environment.is_true(IGNORE_ENDPOINT_URLS)
        && let Some(url) = environment.get(ENDPOINT_URL)
    {
        builder = builder.endpoint_url(url);
    }
    if environment.get(USE_FIPS).is_some() {
        builder = builder.use_fips(environment.is_true(USE_FIPS));
    }
    if environment.get(USE_DUALSTACK).is_some() {
        builder = builder.use_dual_stack(environment.is_true(USE_DUALSTACK));
    }
    builder
}

/// The configuration with what landfall's calls rely on, whoever made it: the SDK's own retries off, because
/// [`crate::call::run`] decides with knowledge of effects, and timeouts where none were set.
///
/// Every crate that makes clients of an `SdkConfig` passes it through here first.
#[must_use]
pub fn prepared(config: &SdkConfig) -> SdkConfig {
    let mut limits = config.timeout_config().cloned().unwrap_or_else(|| TimeoutConfig::builder().build());
    limits.take_defaults_from(&timeouts());
    let mut builder = config.to_builder().retry_config(RetryConfig::disabled()).timeout_config(limits);
    if config.sleep_impl().is_none() {
        builder = builder.sleep_impl(SharedAsyncSleep::new(TokioSleep::new()));
    }
    if config.behavior_version().is_none() {
        builder = builder.behavior_version(BehaviorVersion::latest());
    }
    builder.build()
}
