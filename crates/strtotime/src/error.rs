//! What could not be read, and where.

use std::fmt;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text has no characters at all.
    Empty,
    /// No format starts with what stands here.
    UnexpectedCharacter,
    /// The word here is neither an abbreviation nor an identifier of a time zone.
    UnknownZone,
    /// A second time of day.
    DoubleTime,
    /// A second calendar date.
    DoubleDate,
    /// A third time zone (a second one is passed over).
    DoubleZone,
    /// A number does not fit 64 bits.
    OutOfRange,
}

/// A text that is not a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where in the text, in bytes from its start.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Empty => return f.write_str("empty text"),
            ErrorKind::UnexpectedCharacter => "unexpected character",
            ErrorKind::UnknownZone => "unknown time zone",
            ErrorKind::DoubleTime => "second time of day",
            ErrorKind::DoubleDate => "second date",
            ErrorKind::DoubleZone => "third time zone",
            ErrorKind::OutOfRange => "number out of range",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl std::error::Error for Error {}
