//! Releases into a cluster in the same process, from their plan to their end.

mod conformance;
mod deploying;
mod support;
