//! What every AWS crate of landfall shares: errors, retries, raw JSON bodies, endpoints.
