//! The function of this name in `verso_testkit::fuzz`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| verso_testkit::fuzz::bookmarks(input));
