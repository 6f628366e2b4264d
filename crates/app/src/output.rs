//! Output of commands: results on standard output, messages on standard error. A closed reader is no error.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io::{self, ErrorKind, Write};
use std::sync::mpsc;
use std::time::Duration;

use crate::error::Error;

/// How long the last message of a process may take.
const LAST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes text to standard output and flushes it.
pub fn print(text: Arguments) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        // A reader such as `head` wants no more. The command continues, because its output is not all it does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Error::io("standard output")),
    }
}

/// Prints a line, like `println!`, and returns an error instead of panicking.
macro_rules! outln {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use outln;

/// Prints a message to standard error, as one line. Errors are ignored, because there is nowhere to report them.
pub fn message(text: &str) {
    let line = format!("callbook: {}\n", printable(text));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Prints the last message of a process, and waits for a bounded time: the thread of the log can hold the lock of a
/// standard error that stalls.
pub fn last_message(text: String) {
    let (written, wait) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        message(&text);
        drop(written);
    });
    let _ = wait.recv_timeout(LAST_MESSAGE_TIMEOUT);
}

/// Escapes what a terminal would execute or show in another order: control characters and marks of direction.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_hidden) {
        return text.into();
    }
    text.chars()
        .fold(String::new(), |mut shown, c| {
            // Writing to a String cannot fail.
            let _ = if is_hidden(c) { write!(shown, "{}", c.escape_default()) } else { write!(shown, "{c}") };
            shown
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_characters_only() {
        assert_eq!(printable("\u{1b}[2J a\r\nb \u{202e}c\u{9b}"), "\\u{1b}[2J a\\r\\nb \\u{202e}c\\u{9b}");
        assert!(matches!(printable("Zoë \"Łódź\" \\ 🎉 שלום"), Cow::Borrowed(_)));
    }
}
