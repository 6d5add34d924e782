#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some((one, other)) = text.split_once("\n%%\n") {
        landfall_ecs::fuzzing::task_definitions(one, other);
    }
});
