//! Credentials for landfall: static keys, OIDC web identity, the default chain.
