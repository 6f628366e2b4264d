//! The r2d2 pool.
//!
//! A server can close a connection at any time: when it restarts, or after `idle_session_timeout`. A connection that was
//! not used for a moment is checked before it is used, and all are checked after one was found broken.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::CacheSize;
use diesel::r2d2::{ConnectionManager, ManageConnection};
use diesel::result::Error as DieselError;
use ports::{Error, Result};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::session::{SessionSetup, StoreConnection, in_transaction};
use crate::{StoreError, StoreResult};

/// How long a job waits for a free connection before the store counts as unavailable.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection may be idle and still be used without a check, which is a round trip. Shorter than a server
/// takes to restart: a small one takes 50 ms.
const MAX_UNCHECKED_IDLE: Duration = Duration::from_millis(10);

/// The maximum number of attempts of a write that conflicts with others: more than there are database threads by default.
const MAX_ATTEMPTS: usize = 50;

/// Threads that open connections, shared by all pools; r2d2 would start three for each.
static CONNECTOR_THREADS: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(3)));

/// A pool of connections. Broken ones are replaced.
pub struct Pool<C: StoreConnection> {
    connections: r2d2::Pool<Manager<C>>,
    session: SessionSetup,
}

impl<C: StoreConnection> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { connections: self.connections.clone(), session: self.session }
    }
}

impl<C: StoreConnection> Pool<C> {
    /// Opens a pool of at most `size` connections to a Diesel URL or path.
    ///
    /// Fails when the first connection cannot be opened.
    pub fn open(url: impl Into<String>, size: u32, session: SessionSetup) -> Result<Self> {
        let connections = ConnectionManager::new(url);
        let mut manager = Manager { connections, session, disconnects: Arc::default(), first: Mutex::default() };
        // r2d2 would retry and log until its timeout; the first failure is final here.
        manager.first = Mutex::new(Some(manager.connect().map_err(Error::unavailable)?));
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .thread_pool(CONNECTOR_THREADS.clone())
            // Checks a connection only if `Manager::is_valid` has a reason.
            .test_on_check_out(true)
            .connection_timeout(CONNECTION_TIMEOUT)
            .error_handler(Box::new(LogAtDebug))
            .build(manager)
            .map_err(Error::unavailable)?;
        Ok(Self { connections, session })
    }

    /// The numbers of busy and of idle connections.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.connections.state();
        (state.connections.saturating_sub(state.idle_connections), state.idle_connections)
    }

    /// Runs the job on a connection.
    pub fn run<T>(&self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        self.run_in(self.session.begin_job(), job)
    }

    /// Runs a job that begins its transactions itself, by [`in_transaction`].
    pub fn run_transactions<T>(&self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        self.run_in(None, job)
    }

    /// Runs the job on a connection that is free now. `None` if there is none.
    pub fn try_run<T>(&self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> Option<StoreResult<T>> {
        self.connections.try_get().map(|mut pooled| pooled.run(self.session.begin_job(), job))
    }

    /// Runs a job that only reads, once more if its connection was broken.
    pub fn read<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        self.retry_on_disconnect(self.session.begin_job(), job)
    }

    /// Runs a job as [`Self::read`] does, in a transaction whose statements read one snapshot.
    pub fn read_snapshot<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        self.retry_on_disconnect(Some(self.session.begin_snapshot), job)
    }

    fn retry_on_disconnect<T>(
        &self,
        begin: Option<&'static str>,
        job: impl Fn(&mut C) -> StoreResult<T>,
    ) -> StoreResult<T> {
        match self.run_in(begin, &job) {
            Err(error) if error.is_disconnect() => self.run_in(begin, &job),
            result => result,
        }
    }

    /// Runs a job that writes in a transaction: again while the database rolls it back for a conflict, and once more if
    /// its connection broke before the commit, because then nothing of it is stored.
    pub fn transaction<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        let may_be_committed = Cell::new(false);
        let attempt = |connection: &mut C| {
            may_be_committed.set(false);
            let value = job(connection)?;
            may_be_committed.set(true);
            Ok(value)
        };
        let begin = Some(self.session.begin);
        match self.retry_in(begin, attempt) {
            Err(error) if error.is_disconnect() && !may_be_committed.get() => self.retry_in(begin, attempt),
            result => result,
        }
    }

    /// Runs a statement that writes, again while the database rolls it back for a conflict.
    pub fn retry_on_conflict<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        self.retry_in(self.session.begin_job(), job)
    }

    fn retry_in<T>(&self, begin: Option<&'static str>, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        for _ in 1..MAX_ATTEMPTS {
            match self.run_in(begin, &job) {
                Err(error) if error.is_conflict() => {}
                result => return result,
            }
        }
        self.run_in(begin, &job)
    }

    /// Runs the job on a connection, in a transaction if `begin` begins one.
    fn run_in<T>(&self, begin: Option<&'static str>, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        let mut pooled = self.connections.get().map_err(Error::unavailable)?;
        pooled.run(begin, job)
    }
}

struct Pooled<C> {
    connection: C,
    is_broken: bool,
    last_used: Instant,
    /// The number of broken connections that were known when this one was last checked.
    checked_at: u64,
    /// The number of broken connections of the pool.
    disconnects: Arc<AtomicU64>,
}

impl<C: StoreConnection> Pooled<C> {
    fn run<T>(&mut self, begin: Option<&'static str>, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        let result = match begin {
            Some(begin) => in_transaction(&mut self.connection, begin, job),
            None => job(&mut self.connection),
        };
        let result = match result {
            // Drivers report a broken connection by many errors: only a ping tells.
            Err(StoreError::Database(error)) if error != DieselError::NotFound && self.connection.ping().is_err() => {
                Err(StoreError::Disconnected(error))
            }
            result => result,
        };
        if matches!(result, Err(StoreError::Disconnected(_))) {
            self.is_broken = true;
            self.disconnects.fetch_add(1, Ordering::Relaxed);
        }
        self.last_used = Instant::now();
        result
    }
}

struct Manager<C> {
    connections: ConnectionManager<C>,
    session: SessionSetup,
    disconnects: Arc<AtomicU64>,
    /// The connection that was opened before the pool, until the pool takes it.
    first: Mutex<Option<Pooled<C>>>,
}

impl<C: StoreConnection> ManageConnection for Manager<C> {
    type Connection = Pooled<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<Pooled<C>, Self::Error> {
        if let Some(first) = self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(first);
        }
        let checked_at = self.disconnects.load(Ordering::Relaxed);
        let mut connection = self.connections.connect()?;
        if self.session.is_shared {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        if let Some(sql) = self.session.on_connect {
            connection.batch_execute(sql)?;
        }
        let disconnects = self.disconnects.clone();
        Ok(Pooled { connection, is_broken: false, last_used: Instant::now(), checked_at, disconnects })
    }

    fn is_valid(&self, pooled: &mut Pooled<C>) -> std::result::Result<(), Self::Error> {
        let disconnects = self.disconnects.load(Ordering::Relaxed);
        if pooled.last_used.elapsed() < MAX_UNCHECKED_IDLE && pooled.checked_at == disconnects {
            return Ok(());
        }
        pooled.checked_at = disconnects;
        self.connections.is_valid(&mut pooled.connection)
    }

    fn has_broken(&self, pooled: &mut Pooled<C>) -> bool {
        pooled.is_broken || self.connections.has_broken(&mut pooled.connection)
    }
}

/// Logs failed attempts to connect at debug level: there are several a second, and the failed requests are logged too.
#[derive(Debug)]
struct LogAtDebug;

impl<E: std::fmt::Display> r2d2::HandleError<E> for LogAtDebug {
    fn handle_error(&self, error: E) {
        tracing::debug!(%error, "connecting to the store failed");
    }
}
