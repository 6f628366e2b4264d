//! The one writer: it takes whatever waits into one transaction, so that all of it shares one sync to the disk. What it
//! commits is appended to a log; beside it, another thread takes the log into the file (SQLite's checkpoint), for which
//! writes would wait 50 ms and more.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender, bounded};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use ports::{Error, Result};
use storage::{BACKLOG, Failure, Joined, Outcome, Pool, too_many, within_patience};
use tokio::sync::oneshot;

/// The most writes that share one commit.
const GROUP: usize = 64;

/// After so many commits the log is taken into the file. More often, and the same pages are written more often.
const COMMITS: usize = 64;

/// A log of so many pages (24 MB) is brought to its end. Sooner, and the same pages are synced more often.
const LONG: i32 = 12_000;

/// Fewer pages than this are left to the writer, who takes some milliseconds for them.
const REST: i32 = 4_000;

/// How often the log is taken in before its end: on a slow disk there may never be less left.
const ROUNDS: usize = 8;

/// A write within the group's transaction; what it returns tells the one who asked, after the commit.
type Job = Box<dyn FnOnce(&mut SqliteConnection) -> Outcome<Answer> + Send>;
type Answer = Box<dyn FnOnce() + Send>;

/// The threads that write. Dropping them finishes what is queued.
pub struct Writer {
    jobs: Sender<Job>,
    _joined: Joined,
}

impl Writer {
    /// Starts the threads, each on its pool.
    pub fn start(path: &str, pool: Pool<SqliteConnection>, beside: Pool<SqliteConnection>) -> std::io::Result<Self> {
        // Never closed: the system then takes the locks of this process on the file away, SQLite's too.
        let file = ManuallyDrop::new(File::open(path)?);
        let (jobs, queue) = bounded(BACKLOG);
        let (full, fulls) = bounded(1);
        let (short, shorts) = bounded(1);
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let handles = vec![
            thread("writer").spawn(move || {
                write_groups(&pool, &queue, &full, &shorts);
                // The writer's connection is closed before the other thread hears of the end and closes its own: of two
                // that close at once SQLite takes neither for the last, which takes the log into the file.
                drop(pool);
                drop(full);
            })?,
            thread("checkpointer").spawn(move || check_points(&beside, &file, &fulls, &short))?,
        ];
        Ok(Self { jobs, _joined: Joined(handles) })
    }

    /// How many writes wait.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
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
        self.jobs.try_send(job).map_err(|_| too_many())?;
        let outcome = within_patience(answered)
            .await?
            .map_err(|_| Error::unavailable("the transaction could not be committed"))?;
        outcome.map_err(Error::from)
    }
}

fn write_groups(pool: &Pool<SqliteConnection>, queue: &Receiver<Job>, full: &Sender<()>, shorts: &Receiver<()>) {
    for (commits, first) in queue.iter().enumerate() {
        if shorts.try_recv().is_ok() {
            // Nothing is appended meanwhile, so the log ends here and is begun anew.
            check_point(pool);
        }
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

fn check_points(pool: &Pool<SqliteConnection>, file: &File, fulls: &Receiver<()>, short: &Sender<()>) {
    for () in fulls {
        let mut pages = check_point(pool);
        if pages < LONG {
            continue;
        }
        // SQLite syncs the file only at the end of the log, to which it comes when nothing is appended meanwhile: the
        // writer would wait for all that was written before. Each round there is less to sync, and less is appended.
        let mut appended = pages;
        for _ in 0..ROUNDS {
            // Should it fail, SQLite's own sync fails too, and tells.
            let _ = file.sync_data();
            if appended < REST {
                break;
            }
            let now = check_point(pool);
            appended = now - std::mem::replace(&mut pages, now);
        }
        let _ = short.try_send(());
    }
}

/// Takes the log into the file without waiting for anybody, nor anybody for it; answers how many pages the log has, 0
/// when that failed.
fn check_point(pool: &Pool<SqliteConnection>) -> i32 {
    let pages =
        pool.run(|connection| Ok(sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Log>(connection)?.log));
    pages.unwrap_or_else(|failure| {
        tracing::debug!(error = %Error::from(failure), "the log was not taken into the file; it will be later");
        0
    })
}

#[derive(QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    log: i32,
}
