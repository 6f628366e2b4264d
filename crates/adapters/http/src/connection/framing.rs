//! Finds the requests in the bytes of a connection and decides how many of these bytes actix receives.
//!
//! actix decodes all requests that it has received before it responds to the first one, and each takes about 6 KB. So it
//! receives a request only after the response to the previous one, and a large body only once a handler reads it.

use super::chunked::Chunked;
use super::head::{MAX_HEAD_BYTES, parse_head};

/// The size up to which actix receives a body that no handler has asked for, in bytes.
pub const UNREQUESTED_BODY_BYTES: usize = 8 * 1024;

/// Why a request is rejected before its head is complete or valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The head is not valid.
    Malformed,
    /// The head is too large or has too many headers.
    HeadTooLarge,
    /// The head did not arrive in time.
    HeadTooSlow,
    /// There is no memory for another large head.
    Overloaded,
}

/// The rest of a body.
#[derive(Debug)]
pub enum Body {
    /// A body of this length.
    Sized(u64),
    /// A body with chunked framing.
    Chunked(Chunked),
}

impl Body {
    /// Returns a body with chunked framing.
    pub fn chunked() -> Self {
        Self::Chunked(Chunked::new())
    }

    /// Returns how many of the bytes belong to the body, and removes them from it. `None` if the framing is malformed.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Sized(rest) => {
                let length = usize::try_from(*rest).map_or(bytes.len(), |rest| rest.min(bytes.len()));
                *rest -= length as u64;
                Some(length)
            }
            Self::Chunked(chunked) => chunked.advance(bytes),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Sized(rest) => *rest == 0,
            Self::Chunked(chunked) => chunked.is_complete(),
        }
    }
}

/// What the connection expects next.
#[derive(Debug)]
enum Stage {
    /// The head of a request. It does not end within this number of bytes.
    Head { searched: usize },
    /// The rest of the body.
    Body(Body),
    /// The end of the response.
    Response,
    /// Nothing: the framing of the body is malformed.
    Malformed,
    /// Nothing: the head was rejected.
    Rejected,
}

/// The state of a connection.
#[derive(Debug)]
pub struct Framing {
    stage: Stage,
    /// How many bytes of a body that no handler has asked for actix may receive.
    allowance: usize,
    body_requested: bool,
    responded: bool,
    expects_continue: bool,
}

impl Framing {
    /// Returns the state of a new connection.
    pub fn new() -> Self {
        let stage = Stage::Head { searched: 0 };
        Self { stage, allowance: 0, body_requested: false, responded: true, expects_continue: false }
    }

    /// Returns how many of the bytes actix may receive now. The bytes begin where the accepted ones ended, and contain
    /// again what was not accepted before. Removes the expectation of `100 Continue` from a head, because actix would
    /// send that response before it knows whether the request is rejected.
    pub fn accept(&mut self, bytes: &mut [u8]) -> Result<usize, Rejection> {
        let head = match self.stage {
            Stage::Head { searched } => self.accept_head(searched, bytes)?,
            _ => 0,
        };
        Ok(head + self.accept_body(&bytes[head..]))
    }

    fn accept_head(&mut self, searched: usize, bytes: &mut [u8]) -> Result<usize, Rejection> {
        // A head ends with a line feed. Without a new one, it is not parsed again.
        let has_line = bytes[searched.min(bytes.len())..].contains(&b'\n');
        let is_searched = searched > 0 && !has_line && bytes.len() < MAX_HEAD_BYTES;
        let head = if is_searched { None } else { parse_head(bytes)? };
        let Some(head) = head else {
            self.stage = Stage::Head { searched: bytes.len() };
            return Ok(0);
        };
        self.expects_continue = head.expectation.is_some();
        if let Some(expectation) = head.expectation {
            bytes[expectation].fill(b' ');
        }
        self.stage = if head.body.is_complete() { Stage::Response } else { Stage::Body(head.body) };
        self.allowance = UNREQUESTED_BODY_BYTES;
        (self.body_requested, self.responded) = (false, false);
        Ok(head.length)
    }

    fn accept_body(&mut self, bytes: &[u8]) -> usize {
        let Stage::Body(body) = &mut self.stage else { return 0 };
        let limit = if self.body_requested { bytes.len() } else { self.allowance.min(bytes.len()) };
        let Some(accepted) = body.advance(&bytes[..limit]) else {
            self.stage = Stage::Malformed;
            return 0;
        };
        self.allowance = self.allowance.saturating_sub(accepted);
        if body.is_complete() {
            self.stage = if self.responded { Stage::Head { searched: 0 } } else { Stage::Response };
        }
        accepted
    }

    /// Allows actix to receive the whole body.
    pub fn request_body(&mut self) {
        self.body_requested = true;
    }

    /// Whether `100 Continue` is sent once a handler asks for the body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue && !self.responded
    }

    /// Records that `100 Continue` was sent.
    pub fn continue_sent(&mut self) {
        self.expects_continue = false;
    }

    /// Records that the whole response was sent. The next request may follow.
    pub fn finish_response(&mut self) {
        self.responded = true;
        if matches!(self.stage, Stage::Response) {
            self.stage = Stage::Head { searched: 0 };
        }
    }

    /// Records that the head was rejected. Nothing else is accepted.
    pub fn reject(&mut self) {
        (self.stage, self.responded) = (Stage::Rejected, false);
    }

    /// Whether the next bytes belong to a head.
    pub fn expects_head(&self) -> bool {
        matches!(self.stage, Stage::Head { .. })
    }

    /// Whether the next bytes belong to a body that actix may not receive yet.
    pub fn withholds_body(&self) -> bool {
        matches!(self.stage, Stage::Body(_)) && !self.body_requested && self.allowance == 0
    }

    /// Whether all bytes of the request are accepted and its response is not sent.
    pub fn expects_response(&self) -> bool {
        matches!(self.stage, Stage::Response)
    }

    /// Whether the framing of the body is malformed.
    pub fn is_malformed(&self) -> bool {
        matches!(self.stage, Stage::Malformed)
    }

    /// Whether the head was rejected.
    pub fn is_rejected(&self) -> bool {
        matches!(self.stage, Stage::Rejected)
    }

    /// Whether the response to the last request was sent.
    pub fn is_responded(&self) -> bool {
        self.responded
    }

    /// Allows actix to receive and discard another part of a body after the response.
    pub fn renew_allowance(&mut self) {
        self.allowance = UNREQUESTED_BODY_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODIES: [&str; 6] = [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\nGET / HTTP/1.1\nHost: x\n\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\n12345\r\nb\r\n12345678901\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n",
    ];

    /// Gives the bytes to the framing in pieces and returns the requests that it accepts, each after a response.
    fn requests(bytes: &[u8], sizes: impl Iterator<Item = usize>) -> Vec<String> {
        let (mut framing, mut received, mut request, mut requests) = (Framing::new(), Vec::new(), Vec::new(), vec![]);
        let mut bytes = bytes;
        for size in sizes {
            let (piece, rest) = bytes.split_at(size.min(bytes.len()));
            bytes = rest;
            received.extend_from_slice(piece);
            loop {
                let accepted = framing.accept(&mut received).unwrap();
                request.extend(received.drain(..accepted));
                if framing.expects_response() {
                    assert_eq!(framing.accept(&mut received), Ok(0), "nothing before the response");
                    requests.push(String::from_utf8(std::mem::take(&mut request)).unwrap());
                    framing.finish_response();
                } else if accepted == 0 {
                    break;
                }
            }
        }
        assert!(request.is_empty() && received.is_empty() && framing.expects_head());
        requests
    }

    #[test]
    fn accepts_one_request_at_a_time_however_it_is_split() {
        let all = BODIES.concat();
        for size in 1..=all.len() {
            assert_eq!(requests(all.as_bytes(), std::iter::repeat_n(size, all.len() / size + 1)), BODIES, "{size}");
        }
        for split in 1..all.len() {
            assert_eq!(requests(all.as_bytes(), [split, all.len()].into_iter()), BODIES, "{split}");
        }
    }

    #[test]
    fn withholds_a_large_body_until_it_is_requested() {
        let body = vec![b'x'; 20_000];
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut bytes = [head.as_bytes(), &body, b"GET"].concat();
        let mut framing = Framing::new();
        let first = framing.accept(&mut bytes).unwrap();
        assert_eq!(first, head.len() + UNREQUESTED_BODY_BYTES);
        assert!(framing.withholds_body());
        assert_eq!(framing.accept(&mut bytes[first..]), Ok(0));
        framing.request_body();
        assert_eq!(framing.accept(&mut bytes[first..]), Ok(body.len() - UNREQUESTED_BODY_BYTES));
        assert!(framing.expects_response());
    }

    #[test]
    fn removes_the_expectation_of_100_continue() {
        let mut bytes = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n".to_vec();
        let (mut framing, length) = (Framing::new(), bytes.len());
        assert_eq!(framing.accept(&mut bytes), Ok(length));
        assert!(framing.expects_continue());
        assert!(!String::from_utf8(bytes).unwrap().contains("100"));
    }

    #[test]
    fn rejects_heads_that_actix_rejects() {
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD_BYTES));
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(100));
        for (head, expected) in [
            ("\0", Rejection::Malformed),
            ("GET /\r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\n\r\n", Rejection::Malformed),
            ("GET /?q=\"x\" HTTP/1.1\r\nHost: x\r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", Rejection::Malformed),
            ("POST / HTTP/1.0\r\n\r\n", Rejection::Malformed),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n", Rejection::Malformed),
            ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", Rejection::Malformed),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Rejection::Malformed,
            ),
            (&long, Rejection::HeadTooLarge),
            (&many, Rejection::HeadTooLarge),
        ] {
            assert_eq!(Framing::new().accept(&mut head.as_bytes().to_vec()), Err(expected), "{head:.80}");
        }
    }
}
