//! Nothing lost, no one let in: faults, load and hostile input against the real binary. The feature `long` plays the
//! same longer; `docs/reliability.md` tells what that showed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod access_control;
mod crash;
mod disk;
mod hostile_input;
mod load;
mod smuggling;
mod write_history;

/// The first in the test command, the second with the feature `long`.
const fn quick_or_long(quick: usize, long: usize) -> usize {
    if cfg!(feature = "long") { long } else { quick }
}

/// Tests that mostly wait for somebody's patience to end: they wait together, each on a server of its own.
#[cfg(target_os = "linux")]
#[test]
fn every_patience_ends() {
    let tests: [(&str, fn()); 6] = [
        (
            "a write that was given up in the queue is never done",
            load::a_write_that_was_given_up_in_the_queue_is_never_done,
        ),
        ("a head that trickles is given up", load::a_head_that_trickles_is_given_up),
        (
            "a body that trickles is given up and nothing is stored",
            load::a_body_that_trickles_is_given_up_and_nothing_is_stored,
        ),
        ("a body that nobody wants is not read to its end", load::a_body_that_nobody_wants_is_not_read_to_its_end),
        (
            "clients that never take their answers are bounded and let go",
            load::clients_that_never_take_their_answers_are_bounded_and_let_go,
        ),
        ("a database that falls silent hangs no request", crash::a_database_that_falls_silent_hangs_no_request),
    ];
    let threads = tests.map(|(name, test)| std::thread::Builder::new().name(name.to_owned()).spawn(test).unwrap());
    let failed = threads.into_iter().filter_map(|thread| {
        let name = thread.thread().name().map(str::to_owned);
        thread.join().is_err().then_some(name)
    });
    assert_eq!(failed.flatten().collect::<Vec<_>>(), Vec::<String>::new());
}
