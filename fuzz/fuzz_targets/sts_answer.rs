#![no_main]

use landfall_fuzz::{answering, run};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [choice, status, body @ ..] = data else { return };
    run(landfall_auth::fuzzing::sign_in(answering(*status, body), choice % 2 == 1));
});
