//! The one writer: it takes whatever waits into one transaction, so that all of it shares one sync to the disk. What it
//! commits is appended to a log; beside it, another thread takes the log into the file (SQLite's checkpoint), for which
//! writes would wait 20 ms and more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use ports::{Error, Result};
use storage::{Failure, Outcome, Pool, within_patience};
use tokio::sync::oneshot;

/// More waiting writes than this are refused: by then the last would wait for seconds.
const BACKLOG: usize = 1024;

/// The most writes that share one commit.
const GROUP: usize = 64;

/// After so many commits the log is taken into the file. Less often, and what is left for the writer itself takes longer:
/// new calls then wait for it; more often, and the two compete for the disk.
const COMMITS: usize = 16;

/// A write within the group's transaction; what it returns tells the one who asked, after the commit.
type Job = Box<dyn FnOnce(&mut SqliteConnection) -> Outcome<Answer> + Send>;
type Answer = Box<dyn FnOnce() + Send>;

/// The threads that write. Dropping them finishes what is queued.
pub struct Writer {
    jobs: Option<Sender<Job>>,
    handles: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts the threads, each on its pool.
    pub fn start(pool: Pool<SqliteConnection>, beside: Pool<SqliteConnection>) -> std::io::Result<Self> {
        let (jobs, queue) = bounded(BACKLOG);
        let (full, fulls) = bounded(1);
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let handles = vec![
            thread("writer").spawn(move || {
                write_groups(&pool, &queue, &full);
                // The writer's connection is closed before the other thread hears of the end and closes its own: of two
                // that close at once SQLite takes neither for the last, which takes the log into the file.
                drop(pool);
                drop(full);
            })?,
            thread("checkpointer").spawn(move || check_points(&beside, &fulls))?,
        ];
        Ok(Self { jobs: Some(jobs), handles })
    }

    /// How many writes wait.
    pub fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, Sender::len)
    }

    /// Runs the job in a savepoint of its own; the answer comes when it is on the disk.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The one who asked may have gone: then nobody would know that it was done.
            if answer.is_closed() {
                return Ok(Box::new(|| ()));
            }
            let mut is_store_s_end = false;
            let outcome = connection.transaction(|connection| {
                let outcome = job(connection);
                is_store_s_end = outcome.as_ref().is_err_and(|failure| failure.is_disconnect() || failure.is_outage());
                outcome
            });
            match outcome {
                // A full disk makes SQLite end the whole transaction: what came after would be committed alone.
                Err(failure) if is_store_s_end => Err(failure),
                outcome => Ok(Box::new(move || {
                    // The one who asked may have gone.
                    let _ = answer.send(outcome);
                })),
            }
        });
        let jobs = self.jobs.as_ref().ok_or_else(|| Error::unavailable("the store is closed"))?;
        jobs.try_send(job).map_err(|_| Error::unavailable("too many writes wait for the store"))?;
        let outcome = within_patience(answered)
            .await?
            .map_err(|_| Error::unavailable("the transaction could not be committed"))?;
        outcome.map_err(Error::from)
    }
}

fn write_groups(pool: &Pool<SqliteConnection>, queue: &Receiver<Job>, full: &Sender<()>) {
    for (commits, first) in queue.iter().enumerate() {
        if commits % COMMITS == COMMITS - 1 {
            // One that is still at it will not be told again.
            let _ = full.try_send(());
        }
        let group: Vec<Job> = std::iter::once(first).chain(queue.try_iter().take(GROUP - 1)).collect();
        let commit = || {
            pool.run(|connection| {
                connection.immediate_transaction(|connection| group.into_iter().map(|job| job(connection)).collect())
            })
        };
        // When the group fails as a whole, its answers are dropped, which tells all who asked.
        match catch_unwind(AssertUnwindSafe(commit)) {
            Ok(Ok(answers)) => {
                let answers: Vec<Answer> = answers;
                for answer in answers {
                    answer();
                }
            }
            Ok(Err(Failure::Database(error))) => tracing::error!(%error, "a group of writes was rolled back"),
            Ok(Err(failure)) => tracing::error!(error = %Error::from(failure), "a group of writes was not begun"),
            Err(_) => tracing::error!("a write panicked"),
        }
    }
}

fn check_points(pool: &Pool<SqliteConnection>, fulls: &Receiver<()>) {
    for () in fulls {
        // Passive: it waits for nobody, and nobody for it.
        if let Err(failure) = pool.run(|connection| Ok(connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?)) {
            tracing::debug!(error = %Error::from(failure), "the log was not taken into the file; the writer will");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        for handle in self.handles.drain(..) {
            let _ = handle.join();
        }
    }
}
