//! Reliability of the binary: crashes, full disks, load and hostile input. The feature `long` enables longer runs;
//! `docs/reliability.md` has their results.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod access_control;
mod crash;
mod disk;
mod hostile_input;
mod load;
#[cfg(target_os = "linux")]
mod memory;
mod protocol;
mod random;
mod raw_http;
mod smuggling;
mod stalled_output;
mod write_history;

/// Returns the first number, or the second one with the feature `long`.
const fn quick_or_long(quick: usize, long: usize) -> usize {
    if cfg!(feature = "long") { long } else { quick }
}

/// Creates three contacts and returns their ids.
fn create_contacts(client: &support::Client) -> [i64; 3] {
    ["Leslie", "Henri", "Ann"].map(|name| client.create_contact(name))
}

/// Stops the server and asserts that it exits with 0 and logged no internal error.
fn assert_stops_without_internal_error(server: support::Server) {
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    // The server logs an internal error with the message "internal error".
    assert!(!log.contains("internal error") && !log.contains("panicked"), "{log}");
}

/// Runs the tests that mostly wait for a timeout in parallel, each on its own server.
#[cfg(target_os = "linux")]
#[test]
fn enforces_every_timeout() {
    macro_rules! named {
        ($($test:path),* $(,)?) => { [$((stringify!($test), $test as fn())),*] };
    }
    let tests = named![
        load::never_executes_a_write_that_timed_out_in_the_queue,
        load::closes_a_connection_with_a_slow_request_head,
        load::rejects_a_slow_body_and_stores_nothing,
        load::stops_reading_an_endless_body,
        load::bounds_memory_and_time_of_unread_responses,
        crash::answers_every_request_while_the_database_is_suspended,
    ];
    let threads = tests.map(|(name, test)| std::thread::Builder::new().name(name.to_owned()).spawn(test).unwrap());
    let failed = threads.into_iter().filter_map(|thread| {
        let name = thread.thread().name().map(str::to_owned);
        thread.join().is_err().then_some(name)
    });
    assert_eq!(failed.flatten().collect::<Vec<_>>(), Vec::<String>::new());
}
