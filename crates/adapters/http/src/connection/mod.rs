//! Connections: what actix receives of the bytes that a client sends, and when.
//!
//! [`Connection`] is the stream between a socket and actix. [`Exchange`] is what it shares with the request.

mod chunked;
mod exchange;
mod framing;
mod head;

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Sleep, sleep};
use actix_web::web::Data;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use self::exchange::{Exchange, ResponseEnd, TrackedBody, rejection, request_body};
use self::framing::{Framing, Rejection};
pub use self::head::MAX_HEAD_BYTES;
use crate::AppState;
use crate::middleware::limits::{HEAD_TIMEOUT, Reservation};

/// The number of bytes that are read before the previous response is sent, to notice the end of the connection.
const READ_AHEAD_BYTES: usize = 4 * 1024;

/// The size up to which a head is not counted in the budget, in bytes.
const UNCOUNTED_HEAD_BYTES: usize = 8 * 1024;

/// The number of bytes that are discarded at once.
const DISCARDED_BYTES: usize = 64 * 1024;

/// The response that asks a client for the body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The request that actix receives instead of a head that is rejected. Its method makes `fallback` respond with the
/// rejection. Its body never arrives, so actix reads and discards what the client sends before it closes the connection.
/// Otherwise the client could lose the response.
const REJECTED_REQUEST: &[u8] = b"- /- HTTP/1.1\r\nhost: -\r\ncontent-length: 1\r\n\r\n";

/// A connection that gives actix one request at a time.
pub struct Connection {
    stream: TcpStream,
    exchange: Rc<Exchange>,
    state: Data<AppState>,
    framing: Framing,
    /// Bytes that were read and that actix has not received.
    buffer: Vec<u8>,
    /// How many bytes at the beginning of the buffer actix may receive.
    accepted: usize,
    /// The part of the budget for a large head.
    reservation: Option<Reservation>,
    /// The rest of `100 Continue` that is to be sent.
    interim: &'static [u8],
    /// Ends when a head did not arrive in time. Runs from the connection's start, and from the first byte of a head.
    head_timer: Option<Pin<Box<Sleep>>>,
    is_first_head: bool,
    is_at_end: bool,
    /// Whether actix waits for bytes although the socket was not read.
    is_suspended: bool,
}

impl Connection {
    /// Reads from this socket.
    pub fn new(stream: TcpStream, state: Data<AppState>) -> Self {
        let exchange = Rc::new(Exchange::new(stream.local_addr().ok()));
        Self {
            stream,
            exchange,
            state,
            framing: Framing::new(),
            buffer: Vec::new(),
            accepted: 0,
            reservation: None,
            interim: &[],
            head_timer: None,
            is_first_head: true,
            is_at_end: false,
            is_suspended: false,
        }
    }

    /// Returns what this connection shares with its requests.
    pub fn exchange(&self) -> Rc<Exchange> {
        self.exchange.clone()
    }

    /// Sends `100 Continue` once a handler asks for the body. Actix sends nothing meanwhile.
    fn poll_continue(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exchange.is_body_requested() && self.framing.expects_continue() {
            self.interim = CONTINUE;
            self.framing.continue_sent();
        }
        while !self.interim.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, self.interim))?;
            self.interim = &self.interim[written..];
        }
        Poll::Ready(Ok(()))
    }

    /// Accepts bytes and prepares the exchange for the request that begins with them.
    fn accept(&mut self, bytes: &mut [u8]) -> Result<usize, Rejection> {
        let was_head = self.framing.expects_head();
        if self.exchange.is_body_requested() && !was_head {
            self.framing.request_body();
        }
        let accepted = self.framing.accept(bytes)?;
        if was_head && !self.framing.expects_head() {
            self.exchange.begin(self.framing.expects_continue());
            self.head_timer = None;
            self.is_first_head = false;
        }
        Ok(accepted)
    }

    fn accept_buffer(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let accepted = self.accept(&mut buffer);
        self.buffer = buffer;
        match accepted {
            Ok(accepted) => self.accepted = accepted,
            Err(rejection) => self.reject(rejection),
        }
    }

    /// Replaces the head by a request that is answered with the rejection.
    fn reject(&mut self, rejection: Rejection) {
        self.framing.reject();
        self.exchange.reject(rejection);
        self.buffer = REJECTED_REQUEST.to_vec();
        self.accepted = REJECTED_REQUEST.len();
        (self.head_timer, self.reservation) = (None, None);
    }

    /// Gives actix accepted bytes.
    fn hand_over(&mut self, target: &mut ReadBuf<'_>) {
        let length = self.accepted.min(target.remaining());
        target.put_slice(&self.buffer[..length]);
        self.buffer.drain(..length);
        self.accepted -= length;
        if self.buffer.is_empty() {
            // Idle connections keep no buffer.
            self.buffer = Vec::new();
        }
    }

    /// Reads into the target of actix, so that most requests are not copied. True if actix received something, or the
    /// connection is at its end.
    fn poll_direct(&mut self, context: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let start = target.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, target))?;
        let received = &mut target.filled_mut()[start..];
        if received.is_empty() {
            self.is_at_end = true;
            return Poll::Ready(Ok(true));
        }
        match self.accept(received) {
            Ok(accepted) => {
                self.buffer.extend_from_slice(&received[accepted..]);
                target.set_filled(start + accepted);
                Poll::Ready(Ok(accepted > 0))
            }
            Err(rejection) => {
                target.set_filled(start);
                self.reject(rejection);
                Poll::Ready(Ok(false))
            }
        }
    }

    /// Reads at most this many bytes into the buffer.
    fn poll_fill(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_AHEAD_BYTES];
        let mut received = ReadBuf::new(&mut bytes[..limit.min(READ_AHEAD_BYTES)]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut received))?;
        self.is_at_end = received.filled().is_empty();
        self.buffer.reserve_exact(received.filled().len());
        self.buffer.extend_from_slice(received.filled());
        Poll::Ready(Ok(()))
    }

    /// Discards what the client sends after a rejected head, until it closes the connection.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_AHEAD_BYTES];
        for _ in 0..DISCARDED_BYTES / READ_AHEAD_BYTES {
            let mut received = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Returns how many bytes of a head or ahead of a response may be read into the buffer.
    fn buffer_limit(&mut self) -> usize {
        if !self.framing.expects_head() {
            return READ_AHEAD_BYTES.saturating_sub(self.buffer.len());
        }
        if self.buffer.len() >= UNCOUNTED_HEAD_BYTES && self.reservation.is_none() {
            self.reservation = self.state.budget.reserve(MAX_HEAD_BYTES);
            if self.reservation.is_none() {
                self.reject(Rejection::Overloaded);
            }
        }
        READ_AHEAD_BYTES
    }

    fn poll_head_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.framing.expects_head() || self.buffer.is_empty() && !self.is_first_head {
            return Poll::Pending;
        }
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep(HEAD_TIMEOUT)));
        ready!(timer.as_mut().poll(context));
        self.reject(Rejection::HeadTooSlow);
        Poll::Ready(())
    }

    /// Suspends reading until the response is sent or a handler asks for the body.
    fn suspend(&mut self) -> Poll<io::Result<()>> {
        self.is_suspended = true;
        self.exchange.suspend();
        Poll::Pending
    }

    /// Reads more bytes. True if actix received something, or the connection is at its end.
    fn poll_more(&mut self, context: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        if self.buffer.is_empty() && !self.framing.expects_response() {
            return self.poll_direct(context, target);
        }
        let limit = self.buffer_limit();
        if self.accepted > 0 {
            return Poll::Ready(Ok(false));
        }
        if limit == 0 {
            return self.suspend().map_ok(|()| false);
        }
        ready!(self.poll_fill(context, limit))?;
        Poll::Ready(Ok(self.is_at_end && self.buffer.is_empty()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_continue(context))?;
        this.is_suspended = false;
        loop {
            if this.accepted == 0 && !this.buffer.is_empty() {
                this.accept_buffer();
            }
            if this.accepted > 0 {
                this.hand_over(target);
                return Poll::Ready(Ok(()));
            }
            if this.framing.is_rejected() {
                return if this.framing.is_responded() { this.poll_discard(context) } else { this.suspend() };
            }
            if this.framing.is_malformed() || this.is_at_end && !this.framing.expects_response() {
                return Poll::Ready(Ok(()));
            }
            if this.framing.withholds_body() && !this.exchange.is_body_requested() {
                if !this.framing.is_responded() {
                    return this.suspend();
                }
                // Actix discards the body. Small parts keep its buffer small.
                this.framing.renew_allowance();
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if this.is_at_end {
                return this.suspend();
            }
            match this.poll_more(context, target)? {
                Poll::Ready(true) => return Poll::Ready(Ok(())),
                Poll::Ready(false) => {}
                Poll::Pending => ready!(this.poll_head_timer(context)),
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// Actix calls this when it has written all it has. If it has also received the end of the response body, the
    /// response is complete, and the next request may follow.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exchange.take_response_end() {
            self.framing.finish_response();
            self.reservation = None;
            if self.is_suspended || !self.buffer.is_empty() {
                context.waker().wake_by_ref();
            }
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
