//! Parses the head of a request as far as its end and the length of its body depend on it.
//!
//! actix parses the head again. Every head that actix rejects is rejected here, so that the response is one of the API.

use std::mem::MaybeUninit;
use std::ops::Range;

use actix_web::http::Uri;
use httparse::{Error, Header, Request, Status};

use super::framing::{Body, Rejection};

/// The maximal size of a request head, in bytes.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;

/// The maximal number of headers, as in actix.
const MAX_HEADERS: usize = 96;

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// The length of the head, in bytes.
    pub length: usize,
    /// The body that follows.
    pub body: Body,
    /// The position of `100-continue`, if the client waits for that response before it sends the body.
    pub expectation: Option<Range<usize>>,
}

/// Parses the head at the beginning of the bytes. `None` if its end is missing.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Rejection> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if bytes.len() < MAX_HEAD_BYTES => return Ok(None),
        Ok(Status::Partial) | Err(Error::TooManyHeaders) => return Err(Rejection::HeadTooLarge),
        Err(_) => return Err(Rejection::Malformed),
    };
    if length > MAX_HEAD_BYTES {
        return Err(Rejection::HeadTooLarge);
    }
    let framing = FramingHeaders::read(request.headers, request.version == Some(1)).ok_or(Rejection::Malformed)?;
    let method = request.method.unwrap_or_default();
    let is_valid = request.path.is_some_and(|path| Uri::try_from(path).is_ok());
    let body = framing.body(method).filter(|_| is_valid).ok_or(Rejection::Malformed)?;
    let expectation = framing.expectation.map(|value| {
        let start = value.as_ptr().addr() - bytes.as_ptr().addr();
        start..start + value.len()
    });
    Ok(Some(Head { length, body, expectation }))
}

/// The headers on which the length of the body depends.
#[derive(Default)]
struct FramingHeaders<'a> {
    is_http_11: bool,
    length: Option<u64>,
    is_chunked: bool,
    has_host: bool,
    is_websocket: bool,
    expectation: Option<&'a [u8]>,
}

impl<'a> FramingHeaders<'a> {
    /// Reads the headers. `None` if they are ambiguous.
    fn read(headers: &[Header<'a>], is_http_11: bool) -> Option<Self> {
        let mut framing = Self { is_http_11, ..Self::default() };
        for Header { name, value } in headers {
            let value = value.trim_ascii();
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is("content-length") {
                let digits = value.iter().all(u8::is_ascii_digit).then_some(value)?;
                let length = std::str::from_utf8(digits).ok()?.parse().ok()?;
                framing.length.replace(length).is_none().then_some(())?;
            } else if is("transfer-encoding") {
                let is_valid = is_http_11 && !framing.is_chunked && value.eq_ignore_ascii_case(b"chunked");
                framing.is_chunked = is_valid.then_some(true)?;
            } else if is("host") {
                framing.has_host = (!framing.has_host).then_some(true)?;
            } else if is("upgrade") {
                framing.is_websocket |= value.eq_ignore_ascii_case(b"websocket");
            } else if is("expect") && value.eq_ignore_ascii_case(b"100-continue") {
                framing.expectation = Some(value);
            }
        }
        Some(framing)
    }

    /// Returns the body. `None` if its length is ambiguous.
    fn body(&self, method: &str) -> Option<Body> {
        let is_ambiguous = self.is_chunked && self.length.is_some()
            || self.is_http_11 && !self.has_host
            || !self.is_http_11 && self.length.is_none() && method == "POST";
        (!is_ambiguous).then(|| match self.length {
            _ if self.is_chunked => Body::chunked(),
            // actix reads such a body until the end of the connection.
            _ if self.is_websocket => Body::Sized(u64::MAX),
            None | Some(0) if method == "CONNECT" => Body::Sized(u64::MAX),
            length => Body::Sized(length.unwrap_or_default()),
        })
    }
}
