//! The error of a rejected text.

use std::fmt;

/// Why a text is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is empty.
    Empty,
    /// No format matches at this position.
    UnexpectedCharacter,
    /// The word is neither an abbreviation nor an identifier of a time zone.
    UnknownZone,
    /// A second time of day.
    DoubleTime,
    /// A second date.
    DoubleDate,
    /// A third time zone. A second one is ignored.
    DoubleZone,
    /// A number does not fit into 64 bits.
    OutOfRange,
}

/// The reason and the position at which a text is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The position in the text, in bytes.
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
