//! No query string and no body makes parsing panic: `cargo +nightly fuzz run request` in the crate's folder.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The first line is the query string, all after it the body.
fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let body = bytes.get(end + 1..).unwrap_or_default();
    http_adapter::fuzzing::read(&String::from_utf8_lossy(&bytes[..end]), body);
});
