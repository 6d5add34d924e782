#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| landfall_ecs::fuzzing::task_definition(text));
