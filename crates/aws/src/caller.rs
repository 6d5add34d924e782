//! Who calls, and where: what tells whether two configurations may share an answer.

use aws_smithy_runtime_api::client::identity::{IdentityCachePartition, ResolveIdentity};
use aws_types::SdkConfig;

use crate::endpoint::by_variable;

/// The provider of the credentials and the endpoint of one service.
///
/// Two configurations with equal callers ask the same server as the same principal. Equal means the very same
/// provider (each has a number of its own, by which the SDK keeps identities apart), and not one that would give the
/// same credentials: what one role may see another role must not be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    credentials: IdentityCachePartition,
    region: Option<String>,
    /// By the configuration, and by the variable of the service.
    endpoints: [Option<String>; 2],
    variants: [Option<bool>; 2],
}

impl Caller {
    /// The caller of a service in this configuration: `service` as in the SDK's service ids, for example `ECS`. None
    /// without credentials.
    #[must_use]
    pub fn of(config: &SdkConfig, service: &str) -> Option<Self> {
        Some(Self {
            credentials: config.credentials_provider()?.cache_partition()?,
            region: config.region().map(|region| region.as_ref().to_owned()),
            endpoints: [config.endpoint_url().map(str::to_owned), by_variable(config, service)],
            variants: [config.use_fips(), config.use_dual_stack()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Caller;
    use crate::endpoint::EndpointVariables;
    use crate::environment::Environment;
    use aws_types::region::Region;
    use landfall_simulator::Simulator;

    #[tokio::test]
    async fn copies_of_a_configuration_call_as_one_and_whatever_is_not_the_same_is_another_caller() {
        let simulator = Simulator::builder().build();
        let config = simulator.sdk_config();
        let caller = Caller::of(&config, "ECS");
        assert!(caller.is_some());
        assert_eq!(caller, Caller::of(&config.to_builder().build(), "ECS"));
        let elsewhere = |variable: &str| {
            let pairs = [(variable.to_owned(), "http://127.0.0.1:4566".to_owned())];
            EndpointVariables(Environment::from_pairs(pairs))
        };
        let same = config.to_builder().service_config(elsewhere("AWS_ENDPOINT_URL_LOGS")).build();
        assert_eq!(caller, Caller::of(&same, "ECS"));
        for other in [
            simulator.sdk_config(),
            config.to_builder().region(Region::from_static("eu-west-1")).build(),
            config.to_builder().endpoint_url("http://127.0.0.1:4566").build(),
            config.to_builder().service_config(elsewhere("AWS_ENDPOINT_URL_ECS")).build(),
            config.to_builder().use_fips(true).build(),
        ] {
            assert_ne!(caller, Caller::of(&other, "ECS"));
        }
        assert_eq!(None, Caller::of(&simulator.sdk_config_without_credentials(), "ECS"));
    }
}
