//! Threads that run jobs on pooled connections.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// How many reads share a statement at most.
const GROUP: usize = 32;

/// How often a write that lost a deadlock is tried in all.
const TRIES: usize = 5;

type Job<C> = Box<dyn FnOnce(&Pool<C>) + Send>;

/// Reads of one kind that wait for a thread. At most so many jobs read them at once: what comes while those are at it
/// shares the next statement.
pub struct Gathered<K, V> {
    waiting: Arc<Mutex<Waiting<K, V>>>,
    most_jobs: usize,
}

struct Waiting<K, V> {
    asked: VecDeque<Asked<K, V>>,
    jobs: usize,
}

type Asked<K, V> = (K, oneshot::Sender<Result<V>>);

impl<K, V> Clone for Gathered<K, V> {
    fn clone(&self) -> Self {
        Self { waiting: self.waiting.clone(), most_jobs: self.most_jobs }
    }
}

impl<K, V> Gathered<K, V> {
    /// To be read by this many jobs at most.
    pub fn by(most_jobs: usize) -> Self {
        Self { waiting: Arc::new(Mutex::new(Waiting { asked: VecDeque::new(), jobs: 0 })), most_jobs }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a read; answers whether one more job must be sent.
    fn add(&self, asked: Asked<K, V>) -> Result<bool> {
        let mut waiting = self.lock();
        if waiting.asked.len() >= BACKLOG {
            return Err(too_many());
        }
        waiting.asked.push_back(asked);
        let is_short = waiting.jobs < self.most_jobs;
        waiting.jobs += usize::from(is_short);
        Ok(is_short)
    }

    /// What one job reads next; none when it has come to its end.
    fn next(&self) -> Option<Vec<Asked<K, V>>> {
        let mut waiting = self.lock();
        if waiting.asked.is_empty() {
            waiting.jobs -= 1;
            return None;
        }
        let count = waiting.asked.len().min(GROUP);
        Some(waiting.asked.drain(..count).collect())
    }

    /// How many reads wait.
    pub fn waiting(&self) -> usize {
        self.lock().asked.len()
    }
}

fn too_many() -> Error {
    Error::unavailable("too many requests wait for the store")
}

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
        self.run(move |pool| retried(pool, &job)).await
    }

    /// Reads what the key names together with all that is gathered meanwhile: when the threads are busy, many reads
    /// share one statement. The job answers every key, in their order.
    pub async fn read_together<K, V>(
        &self,
        gathered: &Gathered<K, V>,
        key: K,
        job: fn(&mut C, &[K]) -> Outcome<Vec<V>>,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        self.run_together(gathered, key, move |pool, keys| retried(pool, |connection| job(connection, keys))).await
    }

    /// Writes as [`Threads::read_together`] reads: many writes share one statement, and one sync to the disk. The job
    /// does all of its keys or none.
    pub async fn write_together<K, V>(
        &self,
        gathered: &Gathered<K, V>,
        key: K,
        job: fn(&mut C, &[K]) -> Outcome<Vec<V>>,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        self.run_together(gathered, key, move |pool, keys| settled(pool, |connection| job(connection, keys))).await
    }

    async fn run_together<K, V>(
        &self,
        gathered: &Gathered<K, V>,
        key: K,
        run: impl Fn(&Pool<C>, &[K]) -> Outcome<Vec<V>> + Send + 'static,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        if gathered.add((key, answer))? {
            let waiting = gathered.clone();
            let sent = self.send(Box::new(move |pool| {
                while let Some(group) = waiting.next() {
                    // Those who asked may have gone: then nobody would know that it was done.
                    let group = group.into_iter().filter(|(_, answer)| !answer.is_closed()).unzip();
                    let _ = catch_unwind(AssertUnwindSafe(|| answer_group(group, |keys| run(pool, keys))));
                }
            }));
            if let Err(error) = sent {
                // Perhaps no other job comes for those that wait.
                while let Some(group) = gathered.next() {
                    refuse_all(group.into_iter().map(|(_, answer)| answer), &error);
                }
            }
        }
        within_patience(answered).await?.map_err(Error::fault)?
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
        self.run(move |pool| settled(pool, &job)).await
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, Sender::len)
    }

    /// How many connections are busy, and how many idle.
    pub fn connections(&self) -> (u32, u32) {
        self.pool.connections()
    }

    fn send(&self, job: Job<C>) -> Result<()> {
        let jobs = self.jobs.as_ref().ok_or_else(|| Error::unavailable("the store is closed"))?;
        jobs.try_send(job).map_err(|_| too_many())
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Pool<C>) -> Outcome<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job<C> = Box::new(move |pool| {
            // The one who asked may have gone: then nobody would know that it was done.
            if !answer.is_closed() {
                let _ = answer.send(job(pool));
            }
        });
        self.send(job)?;
        within_patience(answered).await?.map_err(Error::fault)?.map_err(Error::from)
    }
}

fn answer_group<K, V>(
    (keys, answers): (Vec<K>, Vec<oneshot::Sender<Result<V>>>),
    run: impl Fn(&[K]) -> Outcome<Vec<V>>,
) {
    if keys.is_empty() {
        return;
    }
    match run(&keys) {
        Ok(values) => {
            for (answer, value) in answers.into_iter().zip(values) {
                let _ = answer.send(Ok(value));
            }
        }
        // The store's own trouble is everybody's; else one of them is at fault, and only that one fails.
        Err(failure) if keys.len() == 1 || failure.is_disconnect() || failure.is_outage() => {
            refuse_all(answers, &failure.into());
        }
        Err(_) => {
            for (key, answer) in keys.chunks(1).zip(answers) {
                let alone = run(key).map(|mut values| values.pop());
                let missing = || Error::fault("a job left a key unanswered");
                let _ = answer.send(alone.map_err(Error::from).and_then(|value| value.ok_or_else(missing)));
            }
        }
    }
}

fn refuse_all<T>(answers: impl IntoIterator<Item = oneshot::Sender<Result<T>>>, error: &Error) {
    for answer in answers {
        let _ = answer.send(Err(error.clone()));
    }
}

/// Runs a job that changes nothing, once more when its connection was gone.
fn retried<C: R2D2Connection + 'static, T>(pool: &Pool<C>, job: impl Fn(&mut C) -> Outcome<T>) -> Outcome<T> {
    match pool.run(&job) {
        Err(failure) if failure.is_disconnect() => pool.run(&job),
        outcome => outcome,
    }
}

/// Runs a job that changes something, again when the database has rolled it back itself.
fn settled<C: R2D2Connection + 'static, T>(pool: &Pool<C>, job: impl Fn(&mut C) -> Outcome<T>) -> Outcome<T> {
    let mut tries = std::iter::repeat_with(|| pool.run(&job)).take(TRIES - 1);
    let is_settled = |outcome: &Outcome<T>| !outcome.as_ref().is_err_and(Failure::is_conflict);
    tries.find(is_settled).unwrap_or_else(|| pool.run(&job))
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
