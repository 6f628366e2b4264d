//! How many requests may wait for a database thread, and for how long.

use std::time::Duration;

use ports::{Error, Result};
use tokio::time::timeout;

/// More waiting requests than this are refused: by then the last would wait for seconds.
pub const BACKLOG: usize = 1024;

/// How long a request waits for its answer in all: a little longer than the store gives a statement, so that what the
/// store can still tell is told; whoever waits longer waits for a store that is gone without a word.
const PATIENCE: Duration = Duration::from_secs(22);

/// Why there is no place in a queue.
pub fn too_many() -> Error {
    Error::unavailable("too many requests wait for the store")
}

/// What a database thread answers; unavailable when it is silent for too long.
pub async fn within_patience<T>(answer: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, answer).await.map_err(|_| Error::unavailable("the store does not answer"))
}
