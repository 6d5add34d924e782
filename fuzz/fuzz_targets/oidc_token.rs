#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| landfall_auth::fuzzing::token(text));
