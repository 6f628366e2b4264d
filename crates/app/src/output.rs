//! What a command answers, on standard output; a reader that has gone is a failure, not a panic.

use std::fmt::Arguments;
use std::io::{self, Write};

use crate::error::Error;

/// Writes the text as it is.
pub fn text(text: Arguments) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_fmt(text).and_then(|()| out.flush()).map_err(Error::io("standard output"))
}

/// Writes a line, as `println!` does.
macro_rules! answer {
    ($($text:tt)*) => { $crate::output::text(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use answer;
