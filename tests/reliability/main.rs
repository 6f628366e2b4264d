//! Nothing lost, no one let in: faults, load and hostile input against the real binary. The feature `long` plays the
//! same longer; `docs/reliability.md` tells what that showed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value)]

mod access;
mod crash;
mod disk;
mod hostile;
mod journal;
mod load;
mod smuggling;

/// The first in the test command, the second with the feature `long`.
const fn quick_or_long(quick: usize, long: usize) -> usize {
    if cfg!(feature = "long") { long } else { quick }
}
