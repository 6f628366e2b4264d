//! Standard output of commands. A closed reader is an error, not a panic.

use std::fmt::Arguments;
use std::io::{self, Write};

use crate::error::Error;

/// Writes text to standard output and flushes it.
pub fn print(text: Arguments) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_fmt(text).and_then(|()| out.flush()).map_err(Error::io("standard output"))
}

/// Prints a line, like `println!`, and returns an error instead of panicking.
macro_rules! outln {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use outln;
