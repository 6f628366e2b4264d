//! Database threads that run jobs on pooled connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use ports::{Error, Result};
use tokio::sync::oneshot;

use crate::limits::{QUEUE_CAPACITY, queue_full, with_response_timeout};
use crate::{Pool, StoreConnection, StoreResult};

/// The number of threads for jobs that take long, and of their connections: a search of frequent words does not delay
/// one of rare words.
pub const SLOW_THREADS: u32 = 2;

type Job<C> = Box<dyn FnOnce(&Pool<C>) + Send>;

/// Database threads behind one bounded queue. Dropping the pool finishes the queued jobs.
pub struct WorkerPool<C: StoreConnection> {
    jobs: Sender<Job<C>>,
    _threads: JoinOnDrop,
    pool: Pool<C>,
}

impl<C: StoreConnection> WorkerPool<C> {
    /// Starts `count` threads that borrow connections of the pool.
    pub fn start(name: &str, pool: &Pool<C>, count: usize) -> std::io::Result<Self> {
        Self::start_with(name, pool, count, || ())
    }

    /// Starts [`SLOW_THREADS`] threads for jobs that take long in this process. They get the time that other threads do not
    /// need.
    pub fn start_slow(name: &str, pool: &Pool<C>) -> std::io::Result<Self> {
        Self::start_with(name, pool, SLOW_THREADS as usize, lower_priority)
    }

    fn start_with(name: &str, pool: &Pool<C>, count: usize, prepare: fn()) -> std::io::Result<Self> {
        let (jobs, queue) = bounded::<Job<C>>(QUEUE_CAPACITY);
        let spawn = |n| {
            let (queue, pool) = (queue.clone(), pool.clone());
            Builder::new().name(format!("{name}-{n}")).spawn(move || {
                prepare();
                for job in queue {
                    // A job that panics drops its response's sender: the caller gets a fault, the thread continues.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&pool)));
                }
            })
        };
        let threads = (0..count).map(spawn).collect::<std::io::Result<_>>()?;
        Ok(Self { jobs, _threads: JoinOnDrop(threads), pool: pool.clone() })
    }

    /// Runs a job that only reads, once more if its connection was broken.
    pub async fn read<T: Send + 'static>(&self, job: impl Fn(&mut C) -> StoreResult<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| pool.read(&job)).await
    }

    /// Runs a job as [`Self::read`] does, in a transaction whose statements read one snapshot.
    pub async fn read_snapshot<T: Send + 'static>(
        &self,
        job: impl Fn(&mut C) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |pool| pool.read_snapshot(&job)).await
    }

    /// Runs a short job that only reads: on the caller's thread if a connection is free, else on a database thread.
    ///
    /// For a store within this process, which answers sooner than a thread wakes up.
    pub async fn read_inline<T: Send + 'static>(
        &self,
        job: impl Fn(&mut C) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        match self.pool.try_run(&job) {
            Some(Err(error)) if error.is_disconnect() => self.read(job).await,
            Some(result) => Ok(result?),
            None => self.read(job).await,
        }
    }

    /// Runs a job that writes in a transaction, as [`Pool::transaction`] does.
    pub async fn write<T: Send + 'static>(&self, job: impl Fn(&mut C) -> StoreResult<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| pool.transaction(&job)).await
    }

    /// The number of jobs that wait.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// The numbers of busy and of idle connections of the pool.
    pub fn connections(&self) -> (u32, u32) {
        self.pool.connections()
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Pool<C>) -> StoreResult<T> + Send + 'static) -> Result<T> {
        let (sender, response) = oneshot::channel();
        let job = Box::new(move |pool: &_| {
            // Skips the request of a client that has disconnected.
            if !sender.is_closed() {
                let _ = sender.send(job(pool));
            }
        });
        self.jobs.try_send(job).map_err(|_| queue_full())?;
        Ok(with_response_timeout(response).await?.map_err(Error::internal)??)
    }
}

/// Gives this thread the lowest priority.
#[cfg(target_os = "linux")]
fn lower_priority() {
    const LOWEST: i32 = 19;
    // Fails only where the system forbids it; the thread then competes with the others.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LOWEST);
}

/// Other systems have no priorities of threads.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

/// Threads that end when the sender of their queue is dropped. Dropping this waits for them. Fields are dropped in the
/// order of their declaration, so the sender is declared before.
pub struct JoinOnDrop(pub Vec<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            let _ = thread.join();
        }
    }
}
