//! Requests that come at the same moment and share a statement.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ports::{Error, Result};
use tokio::sync::oneshot;

use crate::Outcome;
use crate::waiting::{BACKLOG, too_many};

/// How many share a statement at most; each takes one place, unless it weighs more.
const GROUP: usize = 32;

/// Whoever has waited for so long waits for a store in trouble, and is served alone: whether a statement is done that
/// outlives its client's patience, that client cannot know, and they should be few.
const LONG: Duration = Duration::from_secs(2);

/// Requests of one kind that wait for a thread. At most so many jobs serve them at once: what comes while those are at
/// it shares the next statement.
pub struct BatchQueue<K, V> {
    waiting: Arc<Mutex<Waiting<K, V>>>,
    most_jobs: usize,
    weight: fn(&K) -> usize,
}

struct Waiting<K, V> {
    asked: VecDeque<(Instant, Pending<K, V>)>,
    jobs: usize,
}

/// What is asked, and where the answer goes.
pub type Pending<K, V> = (K, oneshot::Sender<Result<V>>);

impl<K, V> Clone for BatchQueue<K, V> {
    fn clone(&self) -> Self {
        Self { waiting: self.waiting.clone(), ..*self }
    }
}

impl<K, V> BatchQueue<K, V> {
    /// To be served by this many jobs at most.
    pub fn by(most_jobs: usize) -> Self {
        Self::with_weight(most_jobs, |_| 1)
    }

    /// To be served by this many jobs at most, of requests that take so many places of a group.
    pub fn with_weight(most_jobs: usize, weight: fn(&K) -> usize) -> Self {
        Self { waiting: Arc::new(Mutex::new(Waiting { asked: VecDeque::new(), jobs: 0 })), most_jobs, weight }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request; answers whether one more job must be sent.
    pub fn add(&self, asked: Pending<K, V>) -> Result<bool> {
        let mut waiting = self.lock();
        if waiting.asked.len() >= BACKLOG {
            return Err(too_many());
        }
        waiting.asked.push_back((Instant::now(), asked));
        let is_short = waiting.jobs < self.most_jobs;
        waiting.jobs += usize::from(is_short);
        Ok(is_short)
    }

    /// What one job serves next; none when it has come to its end.
    pub fn next(&self) -> Option<Vec<Pending<K, V>>> {
        let mut waiting = self.lock();
        let Some((since, _)) = waiting.asked.front() else {
            waiting.jobs -= 1;
            return None;
        };
        let mut places = if since.elapsed() > LONG { 1 } else { GROUP };
        let mut takes_place = |key| {
            let is_free = places > 0;
            places = places.saturating_sub((self.weight)(key));
            is_free
        };
        let count = waiting.asked.iter().take_while(|(_, (key, _))| takes_place(key)).count();
        Some(waiting.asked.drain(..count).map(|(_, asked)| asked).collect())
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().asked.len()
    }
}

/// Answers all of them by one run.
pub fn complete_batch<K, V>(
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
        Err(failure) if keys.len() == 1 || failure.is_of_the_store() => {
            refuse_all(answers, &failure.into());
        }
        Err(_) => {
            for (key, answer) in keys.chunks(1).zip(answers) {
                // Those before it may have taken long: whoever has gone would not know that it was done.
                if answer.is_closed() {
                    continue;
                }
                let alone = run(key).map(|mut values| values.pop());
                let missing = || Error::fault("a job left a key unanswered");
                let _ = answer.send(alone.map_err(Error::from).and_then(|value| value.ok_or_else(missing)));
            }
        }
    }
}

/// Answers all of them alike.
pub fn refuse_all<T>(answers: impl IntoIterator<Item = oneshot::Sender<Result<T>>>, error: &Error) {
    for answer in answers {
        let _ = answer.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::Error as DieselError;

    use super::*;

    fn ask(gathered: &BatchQueue<u32, u32>, key: u32) -> (bool, oneshot::Receiver<Result<u32>>) {
        let (answer, answered) = oneshot::channel();
        (gathered.add((key, answer)).unwrap(), answered)
    }

    #[test]
    fn what_comes_while_the_jobs_are_at_it_is_taken_by_them() {
        let gathered = BatchQueue::by(2);
        let asked: Vec<_> = (0..40).map(|key| ask(&gathered, key)).collect();
        let jobs: Vec<_> = asked.iter().map(|(is_short, _)| *is_short).take(3).collect();
        assert_eq!(jobs, [true, true, false]);
        assert_eq!(gathered.waiting(), 40);
        let sizes: Vec<_> = std::iter::from_fn(|| gathered.next()).map(|group| group.len()).collect();
        assert_eq!(sizes, [GROUP, 8]);
        assert!(gathered.next().is_none(), "the other job ends too");
        assert!(ask(&gathered, 1).0, "then one more is sent");
    }

    #[test]
    fn whoever_has_waited_for_long_is_served_alone() {
        let gathered = BatchQueue::by(1);
        let _asked: Vec<_> = (0..3).map(|key| ask(&gathered, key)).collect();
        gathered.lock().asked[0].0 -= LONG * 2;
        let sizes: Vec<_> = std::iter::from_fn(|| gathered.next()).map(|group| group.len()).collect();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn fewer_of_those_that_weigh_more_share_a_statement() {
        let gathered = BatchQueue::with_weight(1, |key| *key as usize);
        let _asked: Vec<_> = [10, 10, 10, 10, 1, 100, 1].map(|key| ask(&gathered, key)).into();
        let groups = std::iter::from_fn(|| gathered.next());
        let keys: Vec<Vec<u32>> = groups.map(|group| group.into_iter().map(|(key, _)| key).collect()).collect();
        assert_eq!(keys, [vec![10, 10, 10, 10], vec![1, 100], vec![1]]);
    }

    #[test]
    fn no_more_than_the_backlog_waits() {
        let gathered = BatchQueue::<u32, u32>::by(1);
        for key in 0..u32::try_from(BACKLOG).unwrap() {
            ask(&gathered, key);
        }
        let (answer, _answered) = oneshot::channel();
        assert!(matches!(gathered.add((0, answer)), Err(Error::Unavailable(_))));
    }

    #[test]
    fn one_that_fails_does_not_fail_the_others() {
        let gathered = BatchQueue::by(1);
        let mut asked: Vec<_> = (0..3).map(|key| ask(&gathered, key).1).collect();
        complete_batch(gathered.next().unwrap().into_iter().unzip(), |keys| match keys {
            _ if keys.contains(&1) => Err(DieselError::NotFound.into()),
            keys => Ok(keys.iter().map(|key| key * 10).collect()),
        });
        let answers: Vec<_> = asked.iter_mut().map(|answered| answered.try_recv().unwrap().ok()).collect();
        assert_eq!(answers, [Some(0), None, Some(20)]);
    }

    #[test]
    fn the_store_s_trouble_is_everybody_s_and_tried_once() {
        let gathered = BatchQueue::by(1);
        let mut asked: Vec<_> = (0..3).map(|key| ask(&gathered, key).1).collect();
        let runs = std::cell::Cell::new(0);
        complete_batch(gathered.next().unwrap().into_iter().unzip(), |_| {
            runs.set(runs.get() + 1);
            Err(crate::Failure::Disconnected(DieselError::BrokenTransactionManager))
        });
        assert_eq!(runs.get(), 1);
        for answered in &mut asked {
            assert!(matches!(answered.try_recv().unwrap(), Err(Error::Unavailable(_))));
        }
    }

    #[test]
    fn that_no_connection_is_free_is_everybody_s_trouble() {
        let gathered = BatchQueue::by(1);
        let _asked: Vec<_> = (0..3).map(|key| ask(&gathered, key)).collect();
        let runs = std::cell::Cell::new(0);
        complete_batch(gathered.next().unwrap().into_iter().unzip(), |_| {
            runs.set(runs.get() + 1);
            Err::<Vec<u32>, _>(Error::unavailable("no connection is free").into())
        });
        assert_eq!(runs.get(), 1);
    }

    #[test]
    fn what_was_given_up_meanwhile_is_not_done_alone_either() {
        let gathered = BatchQueue::by(1);
        let asked: Vec<_> = (0..3).map(|key| ask(&gathered, key).1).collect();
        let waiting = std::cell::RefCell::new(asked);
        let done = std::cell::RefCell::new(Vec::new());
        complete_batch(gathered.next().unwrap().into_iter().unzip(), |keys| {
            if let [key] = keys {
                done.borrow_mut().push(*key);
                // Those after the first do not wait for so long.
                waiting.borrow_mut().truncate(1);
                return Ok(vec![0]);
            }
            Err(crate::Failure::Conflict)
        });
        assert_eq!(done.into_inner(), [0]);
    }
}
