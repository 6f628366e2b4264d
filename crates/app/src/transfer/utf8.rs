//! Makes any file UTF-8, for parsers that end at the first byte that is not.

use std::io::{self, Read};

/// The character that stands for bytes that are not UTF-8. No text of a user has it.
pub const REPLACEMENT: char = '\u{1a}';

/// The size of the buffer, in bytes.
const BUFFER: usize = 1 << 16;

/// A reader that replaces each byte that is not UTF-8 by [`REPLACEMENT`].
pub struct Utf8Input<R> {
    input: R,
    buffer: Vec<u8>,
    /// The part of the buffer that is checked and not read yet.
    checked: std::ops::Range<usize>,
    /// The number of bytes in the buffer. The last ones can be the beginning of a character.
    filled: usize,
}

impl<R: Read> Utf8Input<R> {
    /// Reads the input.
    pub fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BUFFER], checked: 0..0, filled: 0 }
    }

    /// Reads and checks more bytes. At the end of the input, nothing is checked.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.checked.end..self.filled, 0);
        self.filled -= self.checked.end;
        self.checked = 0..0;
        while self.checked.is_empty() {
            let read = self.input.read(self.buffer.get_mut(self.filled..).unwrap_or_default())?;
            self.filled += read;
            let is_end = read == 0;
            self.checked.end = replace_invalid(self.buffer.get_mut(..self.filled).unwrap_or_default(), is_end);
            if is_end {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Input<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.checked.is_empty() {
            self.fill()?;
        }
        let read = self.buffer.get(self.checked.clone()).unwrap_or_default().read(target)?;
        self.checked.start += read;
        Ok(read)
    }
}

/// Replaces the bytes that are not UTF-8. Returns the number of bytes before a character that is not complete, or of all
/// bytes at the end of the input.
fn replace_invalid(bytes: &mut [u8], is_end: bool) -> usize {
    let mut valid = 0;
    while let Err(error) = std::str::from_utf8(bytes.get(valid..).unwrap_or_default()) {
        valid += error.valid_up_to();
        let invalid = match error.error_len() {
            None if !is_end => return valid,
            None => bytes.len() - valid,
            Some(length) => length,
        };
        bytes.iter_mut().skip(valid).take(invalid).for_each(|byte| *byte = REPLACEMENT as u8);
        valid += invalid;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns its bytes in chunks of this size.
    struct Chunks<'a>(&'a [u8], usize);

    impl Read for Chunks<'_> {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(target.len());
            self.0.read(&mut target[..length])
        }
    }

    #[test]
    fn replaces_only_what_is_not_utf_8() {
        for (bytes, expected) in [
            ("Zoë 🎉 Łódź".as_bytes(), "Zoë 🎉 Łódź"),
            (b"Z\xfcrich", "Z\u{1a}rich"),
            (b"a\xf0\x9f\x8e", "a\u{1a}\u{1a}\u{1a}"),
            (b"\xff\xfe<", "\u{1a}\u{1a}<"),
            (b"", ""),
        ] {
            for size in 1..=5 {
                let mut text = String::new();
                Utf8Input::new(Chunks(bytes, size)).read_to_string(&mut text).unwrap();
                assert_eq!(text, expected, "in chunks of {size} bytes");
            }
        }
    }
}
