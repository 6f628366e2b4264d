//! How many requests may wait for a database thread, and for how long; which ones take long.

use std::time::Duration;

use domain::PageRequest;
use ports::{Error, Result};
use tokio::time::timeout;

/// The maximum number of requests that wait in one queue; further ones are rejected.
pub const QUEUE_CAPACITY: usize = 1024;

/// How long a request waits for its response. Longer than any statement may take, so that the store's own error comes
/// first.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(22);

/// The largest offset of a list that is read in a short time by skipping.
const MAX_SHORT_OFFSET: i64 = 1_000;

/// Whether reading the page takes long, if the rows before it are skipped.
pub fn is_deep(page: &PageRequest) -> bool {
    page.offset().is_some_and(|offset| offset > MAX_SHORT_OFFSET)
}

/// The error for a request that finds its queue full.
pub fn queue_full() -> Error {
    Error::unavailable("too many requests wait for the store")
}

/// Waits for a database thread's response. Unavailable after the timeout.
pub async fn with_response_timeout<T>(response: impl Future<Output = T>) -> Result<T> {
    timeout(RESPONSE_TIMEOUT, response).await.map_err(|_| Error::unavailable("the store does not answer"))
}
