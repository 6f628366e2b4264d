//! What one server holds at most, however slow its clients are: connections, request bodies, response bodies; and how
//! long it waits for each.

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

/// How long a client may take to send a request's head.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to send a request's body: 2 MiB at half a megabit a second.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may leave a response unread, on systems that can measure it (Linux).
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an idle connection is kept: longer than proxies keep theirs, so that none sends on a closing connection.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The most connections; further ones wait until one is closed.
const MAX_CONNECTIONS: usize = 20_000;

/// Open files besides clients' connections: those of the store and of the log.
const OTHER_FILES: u64 = 1_100;

/// Below this number of open files the operator is warned.
const MIN_FILES: u64 = 4_096;

/// Bytes of large request and response bodies that are held at once.
const MAX_HELD_BYTES: usize = 256 * 1024 * 1024;

/// A body up to this size is not counted: the number of connections bounds those.
const UNCOUNTED_BYTES: usize = 16 * 1024;

/// A response is handed to its connection in chunks of this size, which bounds what is buffered a second time.
const CHUNK_BYTES: usize = 32 * 1024;

/// A budget of bytes that all requests may hold together.
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
    /// A budget of which nothing is reserved.
    pub fn new() -> Self {
        Self { held: Arc::default(), limit: MAX_HELD_BYTES }
    }

    /// Reserves this many bytes; `None` when too many are held already.
    pub fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let reserve = self.reserve_unchecked(bytes);
        (reserve.bytes == 0 || reserve.held.load(Ordering::Relaxed) <= self.limit).then_some(reserve)
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Reserves bytes for what can no longer be refused.
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

/// A response body with the bytes it reserves, until its client has read it.
pub struct BudgetedBody {
    rest: Bytes,
    _reservation: Reservation,
    _undrained: Option<UndrainedBody>,
}

/// A request body that is not read to its end. Held until the response is sent, it makes actix close the connection;
/// dropped earlier, it makes actix read a chunked body to an end that may never come.
pub struct UndrainedBody {
    _rest: Box<dyn Any>,
}

impl UndrainedBody {
    /// Holds this body.
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

/// The headers that a response keeps when it is refused at last.
const KEPT_HEADERS: [HeaderName; 3] = [X_REQUEST_ID, X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING];

/// Reserves the bytes of every response until its client has read it. Over the budget a read is answered with 503; the
/// response to a write is always sent, as the write is done.
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

/// Keeps the request's body undrained until its response is sent. A body that was set aside before stays.
pub fn set_body_aside(request: &mut ServiceRequest) {
    let payload = request.take_payload();
    let mut extensions = request.extensions_mut();
    if !extensions.contains::<UndrainedBody>() {
        extensions.insert(UndrainedBody::new(payload));
    }
}

fn over_budget(response: ServiceResponse) -> ServiceResponse {
    let cause = ports::Error::unavailable("too many large responses wait for their clients");
    let (request, refused) = response.into_parts();
    let mut response = ServiceResponse::from_err(ApiError::Unavailable(cause), request);
    for (name, value) in refused.headers().iter().filter(|(name, _)| KEPT_HEADERS.contains(name)) {
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

/// How many connections each worker accepts. Raises the system's limit of open files as far as permitted.
pub fn connections_per_worker(workers: usize) -> usize {
    let wanted = MAX_CONNECTIONS as u64 + OTHER_FILES;
    let files = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        1024
    });
    if files < MIN_FILES {
        tracing::warn!(files, "few files may be open, and so few connections: see `ulimit -n`");
    }
    let connections = files.saturating_sub(OTHER_FILES).max(files / 2).min(MAX_CONNECTIONS as u64);
    usize::try_from(connections).unwrap_or(MAX_CONNECTIONS).div_ceil(workers)
}

/// Sets the options of a new connection. `TCP_NODELAY` sends every chunk at once: the system would else keep one back
/// until the client acknowledges the one before, up to 40 ms later. `TCP_USER_TIMEOUT` closes a connection whose client
/// does not read.
pub fn configure_connection(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
        // Both fail only for a connection that is gone.
        let _ = stream.set_nodelay(true);
        set_user_timeout(stream);
    }
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
    fn bounds_and_returns_what_is_reserved() {
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
