//! What one server holds at most, however many clients are slow: connections, bodies on their way in, answers on their
//! way out, and how long it waits for each.

use std::any::Any;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// How long a client may take to send a request's head.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may take to send a request's body: 2 MiB at half a megabit a second.
pub const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// How long a client may leave what was sent to it untaken, where the system can watch over that (Linux).
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// How long an idle connection is kept: longer than proxies keep theirs, so that none sends into a closing one.
pub const IDLE_PATIENCE: Duration = Duration::from_secs(75);

/// The most connections; more wait until one is closed.
const CONNECTIONS: usize = 20_000;

/// Files that are not connections of clients: the store's, the log.
const OTHER_FILES: u64 = 1_100;

/// With fewer open files than this, the operator should know.
const FEW_FILES: u64 = 4_096;

/// Bytes of large bodies and answers that are held at once.
const HELD_BYTES: usize = 256 * 1024 * 1024;

/// A body or an answer of this size is not counted: the number of connections bounds them.
const SMALL: usize = 16 * 1024;

/// An answer is handed to its connection in pieces of this size, which bounds what is buffered a second time.
const PIECE: usize = 32 * 1024;

/// Bytes that may be held at once, by all requests together.
pub struct Budget {
    held: Arc<AtomicUsize>,
    limit: usize,
}

/// A part of a budget; it is given back when this goes.
pub struct Reservation {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Budget {
    /// Nothing held.
    pub fn new() -> Self {
        Self { held: Arc::default(), limit: HELD_BYTES }
    }

    /// A share of this many bytes; none when too many are held already.
    pub fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let reserve = self.reserve_unchecked(bytes);
        (reserve.bytes == 0 || reserve.held.load(Ordering::Relaxed) <= self.limit).then_some(reserve)
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A share for what cannot be refused any more.
    pub fn reserve_unchecked(&self, bytes: usize) -> Reservation {
        let bytes = if bytes <= SMALL { 0 } else { bytes };
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Reservation { held: self.held.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An answer on its way to its client.
pub struct BudgetedBody {
    rest: Bytes,
    _share: Reservation,
    _unread: Option<UndrainedBody>,
}

/// What is left of a request's body that nobody wants. As long as it is held while the answer is sent, actix closes the
/// connection then; once it is dropped, actix reads a chunked body to its end, be there one or not.
pub struct UndrainedBody {
    _rest: Box<dyn Any>,
}

impl UndrainedBody {
    /// The rest of this body.
    pub fn new(rest: impl Any) -> Self {
        Self { _rest: Box::new(rest) }
    }
}

impl BudgetedBody {
    /// The answer, with its share of the budget.
    pub fn new(rest: Bytes, reserve: Reservation, unread: Option<UndrainedBody>) -> Self {
        Self { rest, _share: reserve, _unread: unread }
    }
}

// Without `try_into_bytes`: whoever takes the bytes out of it loses the share.
impl MessageBody for BudgetedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let piece = self.rest.len().min(PIECE);
        Poll::Ready((piece > 0).then(|| Ok(self.rest.split_to(piece))))
    }
}

/// How many connections each of the workers takes: the system's limit of open files is raised as far as it may be.
pub fn connections_per_worker(workers: usize) -> usize {
    let wanted = CONNECTIONS as u64 + OTHER_FILES;
    let files = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        1024
    });
    if files < FEW_FILES {
        tracing::warn!(files, "few files may be open, and so few connections: see `ulimit -n`");
    }
    let connections = files.saturating_sub(OTHER_FILES).max(files / 2).min(CONNECTIONS as u64);
    usize::try_from(connections).unwrap_or(CONNECTIONS).div_ceil(workers)
}

/// Sets a connection up: its answers are sent at once, also when they come in pieces (the system would keep a piece back
/// until the client has confirmed the one before, which it does after 40 ms); one whose client takes nothing of what is
/// sent to it is closed.
pub fn set_up(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
        // Both fail only for a connection that is gone.
        let _ = stream.set_nodelay(true);
        watch(stream);
    }
}

#[cfg(target_os = "linux")]
fn watch(stream: &actix_web::rt::net::TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(ANSWER_PATIENCE));
}

/// Other systems cannot watch over that.
#[cfg(not(target_os = "linux"))]
fn watch(_: &actix_web::rt::net::TcpStream) {}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let budget = Budget { held: Arc::default(), limit: 100_000 };
        let first = budget.reserve(60_000).unwrap();
        assert!(budget.reserve(60_000).is_none(), "too much at once");
        assert!(budget.reserve(SMALL).is_some(), "what is small is always taken");
        let forced = budget.reserve_unchecked(60_000);
        drop(first);
        assert!(budget.reserve(60_000).is_none(), "what was forced counts");
        drop(forced);
        assert!(budget.reserve(60_000).is_some());
        assert_eq!(budget.held(), 0);
    }

    #[actix_web::test]
    async fn an_answer_is_sent_whole_in_pieces() {
        let budget = Budget::new();
        let bytes = Bytes::from(vec![7; PIECE * 2 + 1]);
        let mut answer = BudgetedBody::new(bytes.clone(), budget.reserve_unchecked(bytes.len()), None);
        assert_eq!(answer.size(), BodySize::Sized(bytes.len() as u64));
        let first = std::future::poll_fn(|context| Pin::new(&mut answer).poll_next(context)).await.unwrap().unwrap();
        assert_eq!(first.len(), PIECE);
        let rest = to_bytes(answer).await.unwrap();
        assert_eq!([first, rest].concat(), bytes);
        assert_eq!(budget.held(), 0);
    }
}
