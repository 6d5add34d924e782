#![no_main]

use landfall_fuzz::{answering, config, run};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [operation, status, body @ ..] = data else { return };
    run(landfall_ecs::fuzzing::exchange(&config(answering(*status, body)), *operation));
});
