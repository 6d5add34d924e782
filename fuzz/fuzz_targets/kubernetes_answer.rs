#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| landfall_eks::fuzzing::answer(body));
