//! Batches of requests that share a statement.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use ports::{Error, Result};
use tokio::sync::oneshot;

use crate::limits::{QUEUE_CAPACITY, queue_full, with_response_timeout};
use crate::{JoinOnDrop, Pool, StoreConnection, StoreResult};

/// The maximum number of requests of a batch.
const MAX_BATCH: usize = 32;

/// Requests that are answered in batches, by threads of their own.
///
/// A thread takes the oldest request together with those of the same group that wait as well, and answers them by one
/// run. Requests that arrive meanwhile form the next batch: the busier the store, the larger the batches. A group is an
/// account, so that every statement names one account, and whatever else the requests of a statement must share.
///
/// Dropping the queue finishes what is queued.
pub struct BatchQueue<Group, Request, Value> {
    shared: Arc<Shared<Group, Request, Value>>,
    threads: JoinOnDrop,
}

struct Shared<Group, Request, Value> {
    queue: Mutex<Queue<Group, Request, Value>>,
    changed: Condvar,
}

struct Queue<Group, Request, Value> {
    /// The oldest first.
    requests: Vec<(Group, Pending<Request, Value>)>,
    is_closed: bool,
}

/// A request, and the sender of its response.
type Pending<Request, Value> = (Request, oneshot::Sender<Result<Value>>);

impl<G, R, V> BatchQueue<G, R, V>
where
    G: Copy + PartialEq + Send + 'static,
    R: Send + 'static,
    V: Send + 'static,
{
    /// Starts `count` threads that read. `job` returns the value of each request, in their order.
    pub fn start_reads<C: StoreConnection>(
        name: &str,
        pool: &Pool<C>,
        count: usize,
        job: fn(&mut C, G, &[R]) -> StoreResult<Vec<V>>,
    ) -> std::io::Result<Self> {
        let pool = pool.clone();
        Self::start(name, count, move |group, requests| pool.read(|connection| job(connection, group, requests)))
    }

    /// Starts `count` threads that write. `job` is one statement. It returns the value of each request, in their order.
    pub fn start_statements<C: StoreConnection>(
        name: &str,
        pool: &Pool<C>,
        count: usize,
        job: fn(&mut C, G, &[R]) -> StoreResult<Vec<V>>,
    ) -> std::io::Result<Self> {
        let pool = pool.clone();
        Self::start(name, count, move |group, requests| {
            pool.retry_on_conflict(|connection| job(connection, group, requests))
        })
    }

    /// Starts `count` threads that write. `job` runs in one transaction. It returns the value of each request, in their
    /// order.
    pub fn start_transactions<C: StoreConnection>(
        name: &str,
        pool: &Pool<C>,
        count: usize,
        job: fn(&mut C, G, &[R]) -> StoreResult<Vec<V>>,
    ) -> std::io::Result<Self> {
        let pool = pool.clone();
        Self::start(name, count, move |group, requests| pool.transaction(|connection| job(connection, group, requests)))
    }

    fn start(
        name: &str,
        count: usize,
        run: impl Fn(G, &[R]) -> StoreResult<Vec<V>> + Clone + Send + 'static,
    ) -> std::io::Result<Self> {
        let queue = Mutex::new(Queue { requests: Vec::new(), is_closed: false });
        let shared = Arc::new(Shared { queue, changed: Condvar::new() });
        let mut this = Self { shared, threads: JoinOnDrop(Vec::new()) };
        for n in 0..count {
            let (shared, run) = (this.shared.clone(), run.clone());
            let thread = Builder::new().name(format!("{name}-{n}")).spawn(move || {
                while let Some((group, batch)) = shared.next_batch() {
                    // A run that panics drops the senders: the callers get a fault, the thread continues.
                    let complete = || complete_batch(batch, &|requests: &[R]| run(group, requests));
                    let _ = catch_unwind(AssertUnwindSafe(complete));
                }
            })?;
            this.threads.0.push(thread);
        }
        Ok(this)
    }

    /// Runs the request as one of a batch.
    pub async fn run(&self, group: G, request: R) -> Result<V> {
        let (sender, response) = oneshot::channel();
        self.shared.push(group, (request, sender))?;
        with_response_timeout(response).await?.map_err(Error::internal)?
    }
}

impl<G, R, V> BatchQueue<G, R, V> {
    /// The number of requests that wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().requests.len()
    }
}

impl<G, R, V> Drop for BatchQueue<G, R, V> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl<G, R, V> Shared<G, R, V> {
    fn lock(&self) -> MutexGuard<'_, Queue<G, R, V>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, group: G, request: Pending<R, V>) -> Result<()> {
        let mut queue = self.lock();
        if queue.requests.len() >= QUEUE_CAPACITY {
            return Err(queue_full());
        }
        queue.requests.push((group, request));
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for a request and takes the oldest with others of its group. `None` when the queue is closed and empty.
    fn next_batch(&self) -> Option<(G, Vec<Pending<R, V>>)>
    where
        G: Copy + PartialEq,
    {
        let must_wait = |queue: &mut Queue<G, R, V>| queue.requests.is_empty() && !queue.is_closed;
        let mut queue = self.changed.wait_while(self.lock(), must_wait).unwrap_or_else(PoisonError::into_inner);
        let group = queue.requests.first()?.0;
        let of_group = queue.requests.extract_if(.., |request| request.0 == group);
        Some((group, of_group.take(MAX_BATCH).map(|(_, request)| request).collect()))
    }
}

/// Answers the requests by one run. If that fails by the fault of one of them, each is run alone.
fn complete_batch<R, V>(batch: Vec<Pending<R, V>>, run: &impl Fn(&[R]) -> StoreResult<Vec<V>>) {
    // Skips the request of a client that has disconnected.
    let (requests, senders): (Vec<_>, Vec<_>) = batch.into_iter().filter(|(_, sender)| !sender.is_closed()).unzip();
    if requests.is_empty() {
        return;
    }
    match run(&requests) {
        Ok(values) => {
            for (sender, value) in senders.into_iter().zip(values) {
                let _ = sender.send(Ok(value));
            }
        }
        Err(error) if requests.len() == 1 || error.is_unavailable() => {
            let error = Error::from(error);
            for sender in senders {
                let _ = sender.send(Err(error.clone()));
            }
        }
        Err(_) => {
            for request in requests.into_iter().zip(senders) {
                complete_batch(vec![request], run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use diesel::result::Error as DieselError;

    use super::*;
    use crate::StoreError;

    type Response = oneshot::Receiver<Result<u32>>;

    /// A queue without threads.
    fn queue() -> BatchQueue<char, u32, u32> {
        BatchQueue::start("test", 0, |_, requests: &[u32]| Ok(requests.to_vec())).unwrap()
    }

    fn push(queue: &BatchQueue<char, u32, u32>, group: char, request: u32) -> Response {
        let (sender, response) = oneshot::channel();
        queue.shared.push(group, (request, sender)).unwrap();
        response
    }

    fn batch(requests: impl IntoIterator<Item = u32>) -> (Vec<Pending<u32, u32>>, Vec<Response>) {
        let request = |request| {
            let (sender, response) = oneshot::channel();
            ((request, sender), response)
        };
        requests.into_iter().map(request).unzip()
    }

    /// The batches until the queue is empty.
    fn batches(queue: &BatchQueue<char, u32, u32>) -> Vec<(char, Vec<u32>)> {
        let next = || (queue.waiting() > 0).then(|| queue.shared.next_batch()).flatten();
        std::iter::from_fn(next)
            .map(|(group, batch)| (group, batch.into_iter().map(|(request, _)| request).collect()))
            .collect()
    }

    #[test]
    fn requests_that_wait_share_batches_of_limited_size() {
        let queue = queue();
        let _responses: Vec<_> = (0..40).map(|request| push(&queue, 'a', request)).collect();
        assert_eq!(queue.waiting(), 40);
        assert_eq!(batches(&queue), [('a', (0..32).collect()), ('a', (32..40).collect())]);
    }

    #[test]
    fn a_batch_holds_one_group_and_the_oldest_request_comes_first() {
        let queue = queue();
        let _responses =
            [('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5)].map(|(group, request)| push(&queue, group, request));
        assert_eq!(batches(&queue), [('a', vec![1, 3]), ('b', vec![2, 5]), ('c', vec![4])]);
    }

    #[test]
    fn a_group_with_many_requests_does_not_delay_others_by_more_than_a_batch() {
        let queue = queue();
        let mut responses: Vec<_> = (0..40).map(|request| push(&queue, 'a', request)).collect();
        responses.push(push(&queue, 'b', 40));
        queue.shared.next_batch().unwrap();
        responses.extend((0..40).map(|request| push(&queue, 'a', request)));
        let groups: Vec<_> = batches(&queue).into_iter().map(|(group, requests)| (group, requests.len())).collect();
        assert_eq!(groups, [('a', 32), ('b', 1), ('a', 16)]);
    }

    #[test]
    fn rejects_requests_beyond_the_queue_s_capacity() {
        let queue = queue();
        let _responses: Vec<_> =
            (0..u32::try_from(QUEUE_CAPACITY).unwrap()).map(|request| push(&queue, 'a', request)).collect();
        let (sender, _response) = oneshot::channel();
        assert!(matches!(queue.shared.push('a', (0, sender)), Err(Error::Unavailable(_))));
    }

    #[test]
    fn dropping_the_queue_finishes_what_is_queued() {
        let (started, has_started) = std::sync::mpsc::channel();
        let queue = BatchQueue::start("test", 1, move |_, requests: &[u32]| {
            started.send(()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(requests.to_vec())
        });
        let queue = queue.unwrap();
        let mut responses = vec![push(&queue, 'a', 0)];
        has_started.recv().unwrap();
        responses.extend((1..5).map(|request| push(&queue, 'b', request)));
        drop(queue);
        let values: Vec<_> = responses.iter_mut().map(|response| response.try_recv().unwrap().unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_panic_fails_its_batch_only() {
        let queue = BatchQueue::start("test", 1, |_, requests: &[u32]| {
            assert_ne!(requests, [0]);
            Ok(requests.to_vec())
        });
        let queue = queue.unwrap();
        assert!(push(&queue, 'a', 0).blocking_recv().is_err());
        assert_eq!(push(&queue, 'a', 1).blocking_recv().unwrap().unwrap(), 1);
    }

    #[test]
    fn a_request_that_fails_does_not_fail_the_others() {
        let (requests, mut responses) = batch(0..3);
        complete_batch(requests, &|requests: &[u32]| match requests {
            _ if requests.contains(&1) => Err(DieselError::NotFound.into()),
            requests => Ok(requests.iter().map(|request| request * 10).collect()),
        });
        let values: Vec<_> = responses.iter_mut().map(|response| response.try_recv().unwrap().ok()).collect();
        assert_eq!(values, [Some(0), None, Some(20)]);
    }

    #[test]
    fn a_store_that_is_unavailable_fails_the_batch_in_one_run() {
        let broken = || StoreError::Disconnected(DieselError::BrokenTransactionManager);
        let no_connection = || StoreError::from(Error::unavailable("no connection is free"));
        for error in [&broken as &dyn Fn() -> StoreError, &no_connection] {
            let (requests, mut responses) = batch(0..3);
            let runs = Cell::new(0);
            complete_batch(requests, &|_: &[u32]| {
                runs.set(runs.get() + 1);
                Err(error())
            });
            assert_eq!(runs.get(), 1);
            for response in &mut responses {
                assert!(matches!(response.try_recv().unwrap(), Err(Error::Unavailable(_))));
            }
        }
    }

    #[test]
    fn skips_requests_whose_client_has_gone() {
        let (requests, responses) = batch(0..3);
        drop(responses);
        complete_batch(requests, &|_: &[u32]| unreachable!("no request is left"));
    }

    #[test]
    fn skips_requests_whose_client_goes_while_others_run_alone() {
        let (requests, responses) = batch(0..3);
        let (responses, runs) = (RefCell::new(responses), RefCell::new(Vec::new()));
        complete_batch(requests, &|requests: &[u32]| {
            if let [request] = requests {
                runs.borrow_mut().push(*request);
                responses.borrow_mut().truncate(1);
                return Ok(vec![0]);
            }
            Err(StoreError::Conflict)
        });
        assert_eq!(runs.into_inner(), [0]);
    }
}
