//! Threads that run jobs on pooled connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};
use diesel::r2d2::R2D2Connection;
use ports::{Error, Result};
use tokio::sync::oneshot;

use crate::gathered::{BatchQueue, complete_batch, refuse_all};
use crate::waiting::{BACKLOG, too_many, within_patience};
use crate::{Failure, Outcome, Pool};

/// How often a write is tried in all. It may lose against each other that changes the same rows, so this is more than
/// there are threads by default.
const TRIES: usize = 50;

/// What is done with a pool.
type Job<P> = Box<dyn FnOnce(&P) -> Rest<P> + Send>;

/// What a job has left to do, when others have had their turn.
struct Rest<P>(Option<Job<P>>);

/// Database threads behind one bounded queue. Dropping them finishes what is queued.
pub struct Threads<C: R2D2Connection + 'static> {
    jobs: Sender<Job<Pool<C>>>,
    _joined: Joined,
    pool: Pool<C>,
}

/// Threads that end when their channel is closed: dropping them waits for that. Fields are dropped in their order, so
/// this stands after the channel's sender.
pub struct Joined(pub Vec<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        for handle in self.0.drain(..) {
            let _ = handle.join();
        }
    }
}

impl<C: R2D2Connection + 'static> Threads<C> {
    /// Starts this many threads on the pool.
    pub fn start(pool: &Pool<C>, count: usize) -> std::io::Result<Self> {
        let (jobs, queue) = bounded(BACKLOG);
        let rests = unbounded();
        let handles = (0..count)
            .map(|n| {
                let (pool, queue, rests) = (pool.clone(), queue.clone(), rests.clone());
                std::thread::Builder::new().name(format!("database-{n}")).spawn(move || work(&queue, &rests, &pool))
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { jobs, _joined: Joined(handles), pool: pool.clone() })
    }

    /// Runs a job that changes nothing; it is tried once more when its connection was gone.
    pub async fn read<T: Send + 'static>(&self, job: impl Fn(&mut C) -> Outcome<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| retry_on_disconnect(pool, &job)).await
    }

    /// Reads what the key names together with all that is gathered meanwhile: when the threads are busy, many reads
    /// share one statement. The job answers every key, in their order.
    pub async fn read_together<K, V>(
        &self,
        gathered: &BatchQueue<K, V>,
        key: K,
        job: fn(&mut C, &[K]) -> Outcome<Vec<V>>,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        self.run_together(gathered, key, move |pool, keys| {
            retry_on_disconnect(pool, |connection| job(connection, keys))
        })
        .await
    }

    /// Writes as [`Threads::read_together`] reads: many writes share one statement, and one sync to the disk. The job
    /// does all of its keys or none.
    pub async fn write_together<K, V>(
        &self,
        gathered: &BatchQueue<K, V>,
        key: K,
        job: fn(&mut C, &[K]) -> Outcome<Vec<V>>,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        self.run_together(gathered, key, move |pool, keys| retry_on_conflict(pool, |connection| job(connection, keys)))
            .await
    }

    async fn run_together<K, V>(
        &self,
        gathered: &BatchQueue<K, V>,
        key: K,
        run: impl Fn(&Pool<C>, &[K]) -> Outcome<Vec<V>> + Send + 'static,
    ) -> Result<V>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        if gathered.add((key, answer))?
            && let Err(error) = self.send(groups(gathered.clone(), run))
        {
            // Perhaps no other job comes for those that wait.
            while let Some(group) = gathered.next() {
                refuse_all(group.into_iter().map(|(_, answer)| answer), &error);
            }
        }
        within_patience(answered).await?.map_err(Error::fault)?
    }

    /// Runs a short job that changes nothing on the thread of the one who asks, when a connection is free; for a
    /// store in the same process.
    pub async fn read_inline<T: Send + 'static>(
        &self,
        job: impl Fn(&mut C) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        match self.pool.try_run(&job) {
            Some(Err(failure)) if failure.is_disconnect() => self.read(job).await,
            Some(outcome) => outcome.map_err(Error::from),
            None => self.read(job).await,
        }
    }

    /// Runs a job that changes something; it is tried again only when the database has rolled it back itself.
    pub async fn write<T: Send + 'static>(&self, job: impl Fn(&mut C) -> Outcome<T> + Send + 'static) -> Result<T> {
        self.run(move |pool| retry_on_conflict(pool, &job)).await
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// How many connections are busy, and how many idle.
    pub fn connections(&self) -> (u32, u32) {
        self.pool.connections()
    }

    fn send(&self, job: Job<Pool<C>>) -> Result<()> {
        self.jobs.try_send(job).map_err(|_| too_many())
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Pool<C>) -> Outcome<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(move |pool| {
            // The one who asked may have gone: then nobody would know that it was done.
            if !answer.is_closed() {
                let _ = answer.send(job(pool));
            }
            Rest(None)
        }))?;
        within_patience(answered).await?.map_err(Error::fault)?.map_err(Error::from)
    }
}

/// Does the jobs of the queue, and what those have left to do, until there is none and the queue is closed.
fn work<P>(queue: &Receiver<Job<P>>, rests: &(Sender<Job<P>>, Receiver<Job<P>>), pool: &P) {
    let (requeue, rests) = rests;
    let mut next = None;
    let wait = || {
        select! {
            recv(rests) -> job => job.ok(),
            recv(queue) -> job => job.ok().or_else(|| rests.try_recv().ok()),
        }
    };
    while let Some(job) = next.take().or_else(wait) {
        // A job that panics drops its answer's sender: its caller sees a fault, the thread goes on.
        if let Ok(Rest(Some(rest))) = catch_unwind(AssertUnwindSafe(|| job(pool))) {
            // Before the rest of it comes one that waits: some have a rest for as long as requests come. That one may
            // take long, so any thread may take the rest.
            next = Some(match queue.try_recv() {
                Ok(other) => {
                    let _ = requeue.send(rest);
                    other
                }
                Err(_) => rest,
            });
        }
    }
}

/// Serves one group after the other, until nobody waits.
fn groups<P, K, V>(waiting: BatchQueue<K, V>, run: impl Fn(&P, &[K]) -> Outcome<Vec<V>> + Send + 'static) -> Job<P>
where
    P: 'static,
    K: Send + 'static,
    V: Send + 'static,
{
    Box::new(move |pool| {
        let Some(group) = waiting.next() else { return Rest(None) };
        // Those who asked may have gone: then nobody would know that it was done.
        let group = group.into_iter().filter(|(_, answer)| !answer.is_closed()).unzip();
        let _ = catch_unwind(AssertUnwindSafe(|| complete_batch(group, |keys| run(pool, keys))));
        Rest(Some(groups(waiting, run)))
    })
}

/// Runs a job that changes nothing, once more when its connection was gone.
fn retry_on_disconnect<C: R2D2Connection + 'static, T>(
    pool: &Pool<C>,
    job: impl Fn(&mut C) -> Outcome<T>,
) -> Outcome<T> {
    match pool.run(&job) {
        Err(failure) if failure.is_disconnect() => pool.run(&job),
        outcome => outcome,
    }
}

/// Runs a job that changes something, again when the database has rolled it back itself.
fn retry_on_conflict<C: R2D2Connection + 'static, T>(pool: &Pool<C>, job: impl Fn(&mut C) -> Outcome<T>) -> Outcome<T> {
    let mut tries = std::iter::repeat_with(|| pool.run(&job)).take(TRIES - 1);
    let is_settled = |outcome: &Outcome<T>| !outcome.as_ref().is_err_and(Failure::is_conflict);
    tries.find(is_settled).unwrap_or_else(|| pool.run(&job))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn requests_that_never_cease_let_others_in() {
        let (done, order) = mpsc::channel();
        let gathered = BatchQueue::with_weight(1, |_| usize::MAX);
        let _answered = ["the first", "the second", "the third"].map(|name| {
            let (answer, answered) = oneshot::channel();
            gathered.add((name, answer)).unwrap();
            answered
        });
        let served = done.clone();
        let many = groups(gathered, move |(), names: &[&str]| {
            served.send(names[0]).unwrap();
            Ok(vec![()])
        });
        let other = Box::new(move |(): &_| {
            done.send("another").unwrap();
            Rest(None)
        });
        let (jobs, queue) = bounded::<Job<()>>(2);
        jobs.send(many).unwrap();
        jobs.send(other).unwrap();
        drop(jobs);
        work(&queue, &unbounded(), &());
        assert_eq!(order.iter().collect::<Vec<_>>(), ["the first", "another", "the second", "the third"]);
    }

    #[test]
    fn what_a_thread_has_put_aside_is_done_by_another() {
        let (begun, has_begun) = mpsc::channel();
        let (served, is_served) = mpsc::channel();
        let (outcome, was_served) = mpsc::channel();
        let slow: Job<()> = Box::new(move |()| {
            begun.send(()).unwrap();
            outcome.send(is_served.recv_timeout(std::time::Duration::from_mins(1)).is_ok()).unwrap();
            Rest(None)
        });
        let long: Job<()> = Box::new(move |()| {
            Rest(Some(Box::new(move |()| {
                served.send(()).unwrap();
                Rest(None)
            })))
        });
        let (jobs, queue) = bounded(2);
        jobs.send(long).unwrap();
        jobs.send(slow).unwrap();
        drop(jobs);
        let rests = unbounded();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| work(&queue, &rests, &()));
            has_begun.recv().unwrap();
            let second = scope.spawn(|| work(&queue, &rests, &()));
            second.join().unwrap();
            first.join().unwrap();
        });
        assert!(was_served.recv().unwrap(), "while the first is at another job, the second serves the rest");
    }
}
