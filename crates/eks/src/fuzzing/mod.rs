//! What holds for every input, as functions that `cargo fuzz` and the tests both call. Compiled for those two only.
#![allow(clippy::panic, clippy::missing_panics_doc, reason = "a panic is the finding")]

mod answers;
mod files;
#[cfg(test)]
mod tests;

pub use answers::answer;
pub use files::{kubeconfig, manifests};
