#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    landfall_ecs::fuzzing::names(text);
    landfall_auth::fuzzing::settings(text);
});
