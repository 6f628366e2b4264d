//! Bounds the memory that parsers need for one piece of a file.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;

/// The size of the buffer, in bytes.
const BUFFER: usize = 1 << 16;

/// Limits how many bytes a parser reads for one piece, such as an XML element, and counts lines. A clone limits the same
/// reader.
#[derive(Clone, Default)]
pub struct PieceLimit {
    remaining: Rc<Cell<usize>>,
    lines: Rc<Cell<u64>>,
}

impl PieceLimit {
    /// Begins a piece of at most this many bytes.
    pub fn begin(&self, bytes: usize) {
        self.remaining.set(bytes);
    }

    /// Returns whether the piece is over its limit.
    pub fn is_exceeded(&self) -> bool {
        self.remaining.get() == 0
    }

    /// Returns the number of the line up to which was read, from 1 on.
    pub fn line(&self) -> u64 {
        self.lines.get() + 1
    }
}

/// A reader that fails if a piece is over its limit.
pub struct Bounded<R> {
    input: BufReader<R>,
    limit: PieceLimit,
}

impl<R: Read> Bounded<R> {
    /// Limits the input.
    pub fn new(input: R, limit: PieceLimit) -> Self {
        Self { input: BufReader::with_capacity(BUFFER, input), limit }
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let remaining = self.limit.remaining.get();
        let buffer = self.input.fill_buf()?;
        if remaining == 0 && !buffer.is_empty() {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "the piece is too long"));
        }
        Ok(buffer.get(..remaining).unwrap_or(buffer))
    }

    fn consume(&mut self, bytes: usize) {
        let consumed = self.input.buffer().get(..bytes).unwrap_or_default();
        let lines = consumed.iter().filter(|byte| **byte == b'\n').count();
        self.limit.lines.set(self.limit.lines.get() + lines as u64);
        self.limit.remaining.set(self.limit.remaining.get().saturating_sub(bytes));
        self.input.consume(bytes);
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(target)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_much_as_the_piece_may_have() {
        let limit = PieceLimit::default();
        let mut input = Bounded::new(&b"one\ntwo\nthree"[..], limit.clone());
        let mut text = [0; 20];
        limit.begin(5);
        assert_eq!((input.read(&mut text).unwrap(), limit.line()), (5, 2));
        assert!(limit.is_exceeded());
        assert_eq!(input.read(&mut text).unwrap_err().kind(), ErrorKind::FileTooLarge);
        limit.begin(100);
        assert_eq!((input.read(&mut text).unwrap(), limit.line()), (8, 3));
        assert_eq!(input.read(&mut text).unwrap(), 0);
        limit.begin(0);
        assert_eq!(input.read(&mut text).unwrap(), 0, "the end of the input is no error");
    }
}
