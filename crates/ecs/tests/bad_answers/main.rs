//! Whole deployments against a server, or a way to it, that answers wrongly. Whatever it says, the truth comes out:
//! no success that was none, no wait without an end, no second change, no secret.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly too"
)]

mod chance;
mod garble;
mod known;
mod world;

use proptest::prelude::*;

use world::deployed;

/// A fifth of what other properties have, since each case is a whole deployment; `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 5, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(cases())]

    /// A seed that failed is added to `known::SEEDS`.
    #[test]
    fn wrong_answers_never_make_a_deployment_say_what_is_not_true(seed in any::<u64>()) {
        deployed(seed);
    }
}
