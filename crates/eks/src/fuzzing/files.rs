//! What people write: manifests, and kubeconfigs.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use landfall_core::context::Clock;
use landfall_core::{Error, Place};

use crate::access::{Kubeconfig, TokenSigner};
use crate::input::{ManifestSet, ManifestSetBuilder};
use crate::waves;

/// Reads any text as manifests. What is taken is written as JSON, and read again as the same.
pub fn manifests(text: &str) {
    let set = match changed(text).read() {
        Ok(set) => set,
        Err(error) => return is_told(&error, text),
    };
    // What is wrong with the order is told like all else.
    let _ = waves::order(set.objects()).map_err(|error| is_told(&error, text));
    let printed: Vec<String> = set.objects().iter().map(|object| object.to_json()).collect();
    for json in &printed {
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
    }
    let again = changed(&printed.join("\n")).read();
    let again = again.unwrap_or_else(|error| panic!("{}\n{printed:?}", error.report()));
    let reprinted: Vec<String> = again.objects().iter().map(|object| object.to_json()).collect();
    assert_eq!(printed, reprinted);
    for (one, other) in set.objects().iter().zip(again.objects()) {
        assert_eq!((one.to_string(), one.scope()), (other.to_string(), other.scope()));
    }
}

fn changed(text: &str) -> ManifestSetBuilder {
    ManifestSet::builder().text("m.yaml", text).namespace("shop").label("team", "shop")
}

/// Every problem has its one line, and a place that is in the text.
fn is_told(error: &Error, text: &str) {
    assert!(!error.causes().is_empty(), "{error:?}");
    let lines = text.split(['\n', '\r']).count();
    for cause in error.causes() {
        assert!(!cause.message.contains('\n'), "{:?}", cause.message);
        if let Some(at) = &cause.at {
            let line = usize::try_from(at.line).unwrap_or(usize::MAX);
            assert!(line >= 1 && line <= lines && at.column >= 1, "{at} of {lines} lines");
        }
    }
}

/// Reads any text as a kubeconfig, and takes each of its contexts.
pub fn kubeconfig(text: &str) {
    let read = match Kubeconfig::parse("config", text) {
        Ok(read) => read.signed_by(signer()),
        Err(error) => return assert!(!error.causes().is_empty(), "{error:?}"),
    };
    let names: Vec<String> = read.contexts().map(str::to_owned).collect();
    let place = Place::new("aws", "111122223333", "eu-central-1");
    for name in names.iter().map(|name| Some(name.as_str())).chain([None]) {
        match read.choose(Some(&place), name) {
            Ok(way) => {
                assert!(way.cluster.endpoint().starts_with("https://"));
                assert_eq!(way.cluster.token_name().is_empty(), way.cluster.name().is_empty());
            }
            Err(error) => assert!(!error.report().is_empty()),
        }
    }
}

fn signer() -> TokenSigner {
    let keys = Credentials::new("AKIAFUZZ", "fuzz-secret-key", None, None, "fuzz");
    let config = SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(keys)).build();
    TokenSigner::new(&config, Clock::start())
}
