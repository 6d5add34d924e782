#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| landfall_eks::fuzzing::manifests(text));
