//! Threads that run jobs on pooled connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use diesel::r2d2::R2D2Connection;
use ports::{Error, Result};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::{Failure, Outcome, Pool};

/// More waiting requests than this are refused: by then the last would wait for seconds.
const BACKLOG: usize = 1024;

/// How long a request waits for its answer in all: a little longer than the store gives a statement, so that what the
/// store can still tell is told; whoever waits longer waits for a store that is gone without a word.
const PATIENCE: Duration = Duration::from_secs(22);

/// How often a write that lost a deadlock is tried in all.
const TRIES: usize = 5;

type Job<C> = Box<dyn FnOnce(&Pool<C>) + Send>;

/// Database threads behind one bounded queue. Dropping them finishes what is queued.
pub struct Threads<C: R2D2Connection + 'static> {
    pool: Pool<C>,
    jobs: Option<Sender<Job<C>>>,
    handles: Vec<JoinHandle<()>>,
}

impl<C: R2D2Connection + 'static> Threads<C> {
    /// Starts this many threads on the pool.
    pub fn start(pool: &Pool<C>, count: usize) -> std::io::Result<Self> {
        let (jobs, queue) = bounded::<Job<C>>(BACKLOG);
        let handles = (0..count)
            .map(|n| {
                let (pool, queue) = (pool.clone(), queue.clone());
                std::thread::Builder::new().name(format!("database-{n}")).spawn(move || {
                    for job in queue {
                        // A job that panics drops its answer's sender: its caller sees a fault, the thread goes on.
                        let _ = catch_unwind(AssertUnwindSafe(|| job(&pool)));
                    }
                })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { pool: pool.clone(), jobs: Some(jobs), handles })
    }

    /// Runs a job that changes nothing; it is tried once more when its connection was gone.
    pub async fn read<T: Send + 'static>(&self, job: impl Fn(&mut C) -> Outcome<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| match pool.run(&job) {
            Err(failure) if failure.is_disconnect() => pool.run(&job),
            outcome => outcome,
        })
        .await
    }

    /// Runs a short job that changes nothing on the thread of the one who asks, when a connection is free; for a
    /// store in the same process.
    pub async fn read_here<T: Send + 'static>(&self, job: impl Fn(&mut C) -> Outcome<T> + Send + 'static) -> Result<T> {
        match self.pool.try_run(&job) {
            Some(Err(failure)) if failure.is_disconnect() => self.read(job).await,
            Some(outcome) => outcome.map_err(Error::from),
            None => self.read(job).await,
        }
    }

    /// Runs a job that changes something; it is tried again only when the database has rolled it back itself.
    pub async fn write<T: Send + 'static>(&self, job: impl Fn(&mut C) -> Outcome<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| {
            let mut tries = std::iter::repeat_with(|| pool.run(&job)).take(TRIES - 1);
            let settled = |outcome: &Outcome<T>| !outcome.as_ref().is_err_and(Failure::is_conflict);
            tries.find(settled).unwrap_or_else(|| pool.run(&job))
        })
        .await
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, Sender::len)
    }

    /// How many connections are busy, and how many idle.
    pub fn connections(&self) -> (u32, u32) {
        self.pool.connections()
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Pool<C>) -> Outcome<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job<C> = Box::new(move |pool| {
            // The one who asked may have gone: then nobody would know that it was done.
            if !answer.is_closed() {
                let _ = answer.send(job(pool));
            }
        });
        let jobs = self.jobs.as_ref().ok_or_else(|| Error::unavailable("the store is closed"))?;
        jobs.try_send(job).map_err(|_| Error::unavailable("too many requests wait for the store"))?;
        within_patience(answered).await?.map_err(Error::fault)?.map_err(Error::from)
    }
}

/// What a database thread answers; unavailable when it is silent for too long.
pub async fn within_patience<T>(answer: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, answer).await.map_err(|_| Error::unavailable("the store does not answer"))
}

impl<C: R2D2Connection + 'static> Drop for Threads<C> {
    fn drop(&mut self) {
        self.jobs = None;
        for handle in self.handles.drain(..) {
            let _ = handle.join();
        }
    }
}
