//! One target of libFuzzer: the deed that is called as the program is.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    vitalsign_fuzz::deeds::run(env!("CARGO_BIN_NAME"), bytes);
});
