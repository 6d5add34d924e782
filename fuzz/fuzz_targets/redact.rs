#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let once = landfall_core::error::redact(text);
    assert_eq!(landfall_core::error::redact(&once), once, "redacted twice is redacted once");
});
