//! What a connection and its current request share.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::web::Bytes;

use super::framing::Rejection;
use crate::responses::error::ApiError;

/// The state of the current request of a connection.
pub struct Exchange {
    local_address: Option<SocketAddr>,
    body_requested: Cell<bool>,
    /// Whether the connection must be polled when the body is requested.
    waits_for_request: Cell<bool>,
    response_ended: Cell<bool>,
    rejection: Cell<Option<Rejection>>,
}

impl Exchange {
    /// Returns the state of a new connection.
    pub fn new(local_address: Option<SocketAddr>) -> Self {
        Self {
            local_address,
            body_requested: Cell::default(),
            waits_for_request: Cell::default(),
            response_ended: Cell::default(),
            rejection: Cell::default(),
        }
    }

    /// Returns the address at which the client connected.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.local_address
    }

    /// Begins a request.
    pub fn begin(&self, expects_continue: bool) {
        self.body_requested.set(false);
        self.response_ended.set(false);
        self.waits_for_request.set(expects_continue);
    }

    /// Begins a request that is rejected.
    pub fn reject(&self, rejection: Rejection) {
        self.begin(false);
        self.rejection.set(Some(rejection));
    }

    /// Records that the connection waits for the body to be requested, or for the end of the response.
    pub fn suspend(&self) {
        self.waits_for_request.set(true);
    }

    /// Whether a handler has asked for the body.
    pub fn is_body_requested(&self) -> bool {
        self.body_requested.get()
    }

    /// Whether the response has ended since the last call.
    pub fn take_response_end(&self) -> bool {
        self.response_ended.take()
    }
}

/// Asks the client for the body of the request.
pub async fn request_body(request: &HttpRequest) {
    let Some(exchange) = request.conn_data::<Rc<Exchange>>() else { return };
    exchange.body_requested.set(true);
    if exchange.waits_for_request.take() {
        poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Ready(())
        })
        .await;
    }
}

/// Returns the error if this request stands for a head that was rejected.
pub fn rejection(request: &ServiceRequest) -> Option<ApiError> {
    let rejection = request.conn_data::<Rc<Exchange>>()?.rejection.get()?;
    Some(match rejection {
        Rejection::Malformed => ApiError::BadParameters,
        Rejection::HeadTooLarge => ApiError::HeadTooLarge,
        Rejection::HeadTooSlow => ApiError::HeadTooSlow,
        Rejection::Overloaded => ApiError::overloaded("too many large request heads"),
    })
}

/// Tells the connection on drop that the response has ended.
pub struct ResponseEnd(Option<Rc<Exchange>>);

impl ResponseEnd {
    /// Takes the exchange of a request.
    pub fn of(exchange: Option<&Rc<Exchange>>) -> Self {
        Self(exchange.cloned())
    }
}

impl Drop for ResponseEnd {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.response_ended.set(true);
        }
    }
}

/// A response body that tells the connection when it has ended.
pub struct TrackedBody {
    body: BoxBody,
    _end: ResponseEnd,
}

impl TrackedBody {
    /// Tracks a body.
    pub fn new(body: BoxBody, end: ResponseEnd) -> Self {
        Self { body, _end: end }
    }
}

impl MessageBody for TrackedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
