//! Checks that no text makes the parser panic. Run `cargo +nightly fuzz run parse` in the folder of the crate.
#![no_main]

use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_709_202_030;

fuzz_target!(|text: &str| {
    if let Err(error) = strtotime::parse(text, NOW) {
        assert!(text.is_char_boundary(error.offset()));
    }
});
