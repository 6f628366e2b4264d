//! Finds the end of a body with chunked framing, by the same rules as actix.

/// The part of the framing that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FirstDigit,
    Digit,
    Space,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// A body with chunked framing.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    /// The rest of the current chunk.
    rest: u64,
}

impl Chunked {
    /// Returns a body of which no byte has arrived.
    pub fn new() -> Self {
        Self { state: State::FirstDigit, rest: 0 }
    }

    /// Whether the end of the body has arrived.
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    /// Returns how many of the bytes belong to the body, and removes them from it. `None` if they are malformed.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut position = 0;
        while position < bytes.len() && self.state != State::End {
            if self.state == State::Data {
                let available = (bytes.len() - position) as u64;
                let length = available.min(self.rest);
                self.rest -= length;
                position += usize::try_from(length).ok()?;
                if self.rest == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.next(bytes[position])?;
                position += 1;
            }
        }
        Some(position)
    }

    fn next(&mut self, byte: u8) -> Option<State> {
        Some(match (self.state, byte) {
            (State::FirstDigit, _) => {
                self.rest = digit(byte)?;
                State::Digit
            }
            (State::Digit, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.rest = self.rest.checked_mul(16)? + digit(byte)?;
                State::Digit
            }
            (State::Digit | State::Space, b'\t' | b' ') => State::Space,
            (State::Digit | State::Space, b';') | (State::Extension, b'\t' | 0x20..=0x7e | 0x80..) => State::Extension,
            (State::Digit | State::Space | State::Extension, b'\r') => State::SizeLf,
            (State::SizeLf, b'\n') if self.rest > 0 => State::Data,
            (State::SizeLf | State::TrailerLf, b'\n') => State::LineStart,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::FirstDigit,
            (State::LineStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::LineStart | State::Trailer, _) => State::Trailer,
            (State::EndLf, b'\n') => State::End,
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_malformed_chunks() {
        for body in ["-1\r\n", "0x0\r\n", "\r\n", "ffffffffffffffffff\r\n", "1\r\nxx\r\n", "zz\r\n", "1\n", "1;\n\r\n"]
        {
            assert_eq!(Chunked::new().advance(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn ends_after_the_last_chunk_and_the_trailers() {
        let body = "1 ;a=\"b\"\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n";
        let mut chunked = Chunked::new();
        assert_eq!(chunked.advance(format!("{body}GET").as_bytes()), Some(body.len()));
        assert!(chunked.is_complete());
    }
}
