//! The writer thread, which commits waiting writes as a group, and the checkpointer thread.
//!
//! All writes of a group share one transaction, and so one sync of the write-ahead log (WAL) and one update of the index
//! of words; each has a savepoint of its own. A checkpoint copies the WAL's pages into the file. It takes 50 ms and more, so it runs on a thread beside the
//! writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use ports::{Error, Result};
use storage::{JoinOnDrop, Pool, QUEUE_CAPACITY, StoreError, StoreResult, queue_full, with_response_timeout};
use tokio::sync::oneshot;

use crate::{DbConnection, write_transaction};

/// The maximum number of writes of a group.
const MAX_GROUP: usize = 64;

/// The commits between two checkpoints. Frequent checkpoints copy the same pages repeatedly, so a shorter
/// interval costs more.
const CHECKPOINT_INTERVAL: usize = 64;

/// The number of pages of a WAL that must be restarted: 96 MB.
const MAX_WAL_PAGES: i32 = 48_000;

/// A write within the group's transaction. It returns the response, which is sent after the commit.
type Job = Box<dyn FnOnce(&mut DbConnection) -> StoreResult<SendResponse> + Send>;
type SendResponse = Box<dyn FnOnce() + Send>;

/// The threads that write. Dropping them finishes the queued writes and checkpoints the WAL.
pub struct Writer {
    jobs: Sender<Job>,
    _threads: JoinOnDrop,
}

impl Writer {
    /// Starts the writer and the checkpointer, each on a pool of its own.
    pub fn start(pool: Pool<DbConnection>, checkpointer_pool: Pool<DbConnection>) -> std::io::Result<Self> {
        let (jobs, queue) = bounded(QUEUE_CAPACITY);
        let (due, checkpoints) = bounded(1);
        let is_wal_long = Arc::new(AtomicBool::new(false));
        let must_restart = is_wal_long.clone();
        let checkpointer = Builder::new().name("checkpointer".into()).spawn(move || {
            for () in checkpoints {
                is_wal_long.fetch_or(checkpoint(&checkpointer_pool) > MAX_WAL_PAGES, Ordering::Relaxed);
            }
        })?;
        let writer = Builder::new().name("writer".into()).spawn(move || {
            write_groups(&pool, &queue, &due, &must_restart);
            // SQLite checkpoints when the last connection closes, but not when two close at once: the checkpointer ends
            // after the writer.
            drop(pool);
            drop(due);
        })?;
        Ok(Self { jobs, _threads: JoinOnDrop(vec![writer, checkpointer]) })
    }

    /// The number of writes that wait.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Runs the job in a savepoint of its own, and returns when it is committed and synced.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, response) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Skips the request of a client that has disconnected.
            if sender.is_closed() {
                return Ok(Box::new(|| ()));
            }
            let mut is_unavailable = false;
            let result = connection.transaction(|connection| {
                let result = job(connection);
                is_unavailable = result.as_ref().is_err_and(StoreError::is_unavailable);
                result
            });
            match result {
                // A full disk makes SQLite roll back the whole transaction, so the rest of the group must not run.
                Err(error) if is_unavailable => Err(error),
                result => Ok(Box::new(move || {
                    let _ = sender.send(result);
                })),
            }
        });
        self.jobs.try_send(job).map_err(|_| queue_full())?;
        let rolled_back = |_| Error::unavailable("the transaction could not be committed");
        Ok(with_response_timeout(response).await?.map_err(rolled_back)??)
    }
}

fn write_groups(
    pool: &Pool<DbConnection>,
    queue: &Receiver<Job>,
    checkpoint_due: &Sender<()>,
    must_restart: &AtomicBool,
) {
    for (commits, first) in queue.iter().enumerate() {
        if must_restart.swap(false, Ordering::Relaxed) {
            // SQLite restarts a WAL that is copied to its end, which it is only while nothing is appended.
            checkpoint(pool);
        }
        if commits % CHECKPOINT_INTERVAL == CHECKPOINT_INTERVAL - 1 {
            // Not sent while a checkpoint is due already.
            let _ = checkpoint_due.try_send(());
        }
        let group: Vec<Job> = std::iter::once(first).chain(queue.try_iter().take(MAX_GROUP - 1)).collect();
        let commit = || -> StoreResult<Vec<SendResponse>> {
            pool.run(|connection| {
                write_transaction(connection, |connection| group.into_iter().map(|job| job(connection)).collect())
            })
        };
        // A group that fails drops its senders, which tells all callers that it was rolled back.
        match catch_unwind(AssertUnwindSafe(commit)) {
            Ok(Ok(responses)) => responses.into_iter().for_each(|send| send()),
            Ok(Err(StoreError::Database(error))) => tracing::error!(%error, "a group of writes was rolled back"),
            Ok(Err(error)) => tracing::error!(error = %Error::from(error), "a group of writes was not begun"),
            Err(_) => tracing::error!("a write panicked"),
        }
    }
}

/// Copies the WAL into the file without blocking reads or writes. Returns the pages of the WAL, 0 if that failed.
fn checkpoint(pool: &Pool<DbConnection>) -> i32 {
    let pages =
        pool.run(|connection| Ok(sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Wal>(connection)?.log));
    pages.unwrap_or_else(|error| {
        tracing::debug!(error = %Error::from(error), "a checkpoint failed; the next one does its work");
        0
    })
}

#[derive(QueryableByName)]
struct Wal {
    #[diesel(sql_type = Integer)]
    log: i32,
}
