//! Limits of connections, request bodies and response bodies: their number, size and time, however slow clients are.

use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage};

use super::is_api;
use super::rate_limit::{X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING};
use super::request_id::X_REQUEST_ID;
use crate::AppState;
use crate::responses::error::ApiError;

/// The time within which a client must send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The time within which a client must send the body of a request: 2 MiB at half a megabit per second.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The time after which a connection is closed whose client reads nothing. Linux only.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// The time after which an idle connection is closed. It is longer than that of proxies, so that none sends a request
/// on a closing connection.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The maximal number of connections. Further clients wait until one is closed.
const MAX_CONNECTIONS: usize = 20_000;

/// The number of open files that are not connections of clients.
const OTHER_FILES: u64 = 1_100;

/// The limit of open files below which a warning is logged.
const MIN_FILES: u64 = 4_096;

/// The maximal size of all large request and response bodies in memory, in bytes.
const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;

/// The size up to which bodies are not counted, in bytes. The number of connections limits them.
const UNCOUNTED_BYTES: usize = 16 * 1024;

/// The size of the chunks in which a response is copied to the buffer of its connection, in bytes.
const CHUNK_BYTES: usize = 32 * 1024;

/// A budget of bytes that all requests share.
pub struct Budget {
    held: Arc<AtomicUsize>,
    limit: usize,
}

/// A part of a budget, returned to it on drop.
pub struct Reservation {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Budget {
    /// Returns a budget without reservations.
    pub fn new() -> Self {
        Self { held: Arc::default(), limit: MAX_HELD_BYTES }
    }

    /// Reserves this many bytes. `None` if that exceeds the budget.
    pub fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let reserve = self.reserve_unchecked(bytes);
        (reserve.bytes == 0 || reserve.held.load(Ordering::Relaxed) <= self.limit).then_some(reserve)
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Reserves bytes for a request that can no longer be rejected, even if that exceeds the budget.
    pub fn reserve_unchecked(&self, bytes: usize) -> Reservation {
        let bytes = if bytes <= UNCOUNTED_BYTES { 0 } else { bytes };
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Reservation { held: self.held.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A response body that reserves its bytes until its client has read it.
pub struct BudgetedBody {
    rest: Bytes,
    _reservation: Reservation,
    _undrained: Option<UndrainedBody>,
}

/// A request body that is not read to its end. If it lives until the response is sent, actix closes the connection. If
/// it is dropped earlier, actix waits for the end of a chunked body, which may never come.
pub struct UndrainedBody {
    _rest: Box<dyn Any>,
}

impl UndrainedBody {
    /// Keeps this body.
    pub fn new(rest: impl Any) -> Self {
        Self { _rest: Box::new(rest) }
    }
}

// Without `try_into_bytes`, which would end the reservation before the bytes are sent.
impl MessageBody for BudgetedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.rest.len().min(CHUNK_BYTES);
        Poll::Ready((length > 0).then(|| Ok(self.rest.split_to(length))))
    }
}

/// The headers that remain when an error replaces a response.
const KEPT_HEADERS: [HeaderName; 3] = [X_REQUEST_ID, X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING];

/// Reserves the bytes of every response until its client has read it. If the budget is exceeded, a read is answered with
/// 503. The response to a write is always sent, because the write has happened.
pub async fn enforce_budget(
    state: Data<AppState>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    if !is_api(request.match_info().as_str()) || !takes_body(request.method()) {
        set_body_aside(&mut request);
    }
    let is_read = request.method() == Method::GET;
    let response = next.call(request).await?;
    let size = match response.response().body().size() {
        BodySize::Sized(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        BodySize::None | BodySize::Stream => 0,
    };
    let reservation = if is_read { state.budget.reserve(size) } else { Some(state.budget.reserve_unchecked(size)) };
    Ok(match reservation {
        Some(reservation) => budgeted(response, reservation),
        None => budgeted(over_budget(response), state.budget.reserve_unchecked(0)),
    })
}

/// Whether handlers read the body of requests with this method.
fn takes_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Keeps the body of the request until its response is sent. A body that was set aside before stays.
pub fn set_body_aside(request: &mut ServiceRequest) {
    let payload = request.take_payload();
    let mut extensions = request.extensions_mut();
    if !extensions.contains::<UndrainedBody>() {
        extensions.insert(UndrainedBody::new(payload));
    }
}

/// Returns the error of a response that exceeds the budget.
pub fn too_many_responses() -> ApiError {
    ApiError::overloaded("too many large responses")
}

fn over_budget(response: ServiceResponse) -> ServiceResponse {
    let (request, rejected) = response.into_parts();
    let mut response = ServiceResponse::from_err(too_many_responses(), request);
    for (name, value) in rejected.headers().iter().filter(|(name, _)| KEPT_HEADERS.contains(name)) {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

fn budgeted(response: ServiceResponse, reservation: Reservation) -> ServiceResponse {
    let undrained = response.request().extensions_mut().remove();
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(rest) => BoxBody::new(BudgetedBody { rest, _reservation: reservation, _undrained: undrained }),
        Err(body) => body,
    })
}

/// Returns how many connections each worker accepts. Raises the limit of open files as far as the system permits.
pub fn connections_per_worker(workers: usize) -> usize {
    let wanted = MAX_CONNECTIONS as u64 + OTHER_FILES;
    let files = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        1024
    });
    if files < MIN_FILES {
        tracing::warn!(files, "the limit of open files is low, and so is that of connections: see `ulimit -n`");
    }
    let connections = files.saturating_sub(OTHER_FILES).max(files / 2).min(MAX_CONNECTIONS as u64);
    usize::try_from(connections).unwrap_or(MAX_CONNECTIONS).div_ceil(workers)
}

/// Sets the options of a new connection. `TCP_NODELAY` sends every chunk at once, instead of waiting up to 40 ms for the
/// acknowledgement of the previous one. `TCP_USER_TIMEOUT` closes a connection whose client does not read.
pub fn configure_connection(stream: &actix_web::rt::net::TcpStream) {
    // Both fail only if the connection is closed.
    let _ = stream.set_nodelay(true);
    set_user_timeout(stream);
}

#[cfg(target_os = "linux")]
fn set_user_timeout(stream: &actix_web::rt::net::TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(RESPONSE_TIMEOUT));
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_: &actix_web::rt::net::TcpStream) {}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn limits_the_reserved_bytes_until_they_are_released() {
        let budget = Budget { held: Arc::default(), limit: 100_000 };
        let first = budget.reserve(60_000).unwrap();
        assert!(budget.reserve(60_000).is_none(), "too much at once");
        assert!(budget.reserve(UNCOUNTED_BYTES).is_some(), "a small body is always accepted");
        let unchecked = budget.reserve_unchecked(60_000);
        drop(first);
        assert!(budget.reserve(60_000).is_none(), "an unchecked reservation counts");
        drop(unchecked);
        assert!(budget.reserve(60_000).is_some());
        assert_eq!(budget.held(), 0);
    }

    #[actix_web::test]
    async fn sends_a_whole_response_in_chunks() {
        let budget = Budget::new();
        let bytes = Bytes::from(vec![7; CHUNK_BYTES * 2 + 1]);
        let reservation = budget.reserve_unchecked(bytes.len());
        let mut body = BudgetedBody { rest: bytes.clone(), _reservation: reservation, _undrained: None };
        assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
        let first = std::future::poll_fn(|context| Pin::new(&mut body).poll_next(context)).await.unwrap().unwrap();
        assert_eq!(first.len(), CHUNK_BYTES);
        let rest = to_bytes(body).await.unwrap();
        assert_eq!([first, rest].concat(), bytes);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn keeps_the_body_that_was_set_aside_first() {
        let first = Rc::new(());
        let mut request = TestRequest::post().to_srv_request();
        request.extensions_mut().insert(UndrainedBody::new(first.clone()));
        set_body_aside(&mut request);
        assert_eq!(Rc::strong_count(&first), 2);
    }
}
