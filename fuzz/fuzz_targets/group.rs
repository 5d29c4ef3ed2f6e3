#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stenolog_tests::fuzz::group(bytes));
