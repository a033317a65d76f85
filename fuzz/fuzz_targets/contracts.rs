//! libFuzzer's entry to [`farcall_fuzz::contracts`].
#![no_main]
#![allow(
    unsafe_code,
    missing_docs,
    reason = "the macro expands to libFuzzer's C entry points"
)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farcall_fuzz::contracts(data));
