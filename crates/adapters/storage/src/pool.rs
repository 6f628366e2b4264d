//! The r2d2 pool, and migrations on one of its connections.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::r2d2::{ConnectionManager, ManageConnection, R2D2Connection};
use diesel::result::Error as DieselError;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use ports::{Error, Result};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::{StoreError, StoreResult};

/// How long a job waits for a free connection before the store counts as unavailable.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum number of attempts of a write that conflicts with others: more than there are database threads by default.
const MAX_ATTEMPTS: usize = 50;

/// Threads that open connections, shared by all pools; r2d2 would start three for each.
static CONNECTOR_THREADS: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(3)));

/// A pool of connections. Broken ones are replaced.
pub struct Pool<C: R2D2Connection + 'static>(r2d2::Pool<Manager<C>>);

impl<C: R2D2Connection + 'static> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: R2D2Connection + 'static> Pool<C> {
    /// Opens a pool of at most `size` connections to a Diesel URL or path. Each connection runs `on_connect` first.
    ///
    /// Fails when the first connection cannot be opened.
    pub fn open(url: impl Into<String>, size: u32, on_connect: &'static str) -> Result<Self> {
        let manager = Manager { connections: ConnectionManager::new(url), on_connect };
        // r2d2 would retry and log until its timeout; the first failure is final here.
        manager.connect().map_err(Error::unavailable)?;
        r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .thread_pool(CONNECTOR_THREADS.clone())
            // A check is a round trip for every request; a broken connection shows by its first error instead.
            .test_on_check_out(false)
            .connection_timeout(CONNECTION_TIMEOUT)
            .error_handler(Box::new(LogAtDebug))
            .build(manager)
            .map(Self)
            .map_err(Error::unavailable)
    }

    /// The numbers of busy and of idle connections.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.0.state();
        (state.connections.saturating_sub(state.idle_connections), state.idle_connections)
    }

    /// Runs the job on a connection.
    pub fn run<T>(&self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        let mut pooled = self.0.get().map_err(Error::unavailable)?;
        pooled.run(job)
    }

    /// Runs the job on a connection that is free now. `None` if there is none.
    pub fn try_run<T>(&self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> Option<StoreResult<T>> {
        self.0.try_get().map(|mut pooled| pooled.run(job))
    }

    /// Runs a job that only reads, once more if its connection was broken.
    pub fn retry_on_disconnect<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        match self.run(&job) {
            Err(error) if error.is_disconnect() => self.run(&job),
            result => result,
        }
    }

    /// Runs a job that writes, again while the database rolls it back for a conflict.
    pub fn retry_on_conflict<T>(&self, job: impl Fn(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        for _ in 1..MAX_ATTEMPTS {
            match self.run(&job) {
                Err(error) if error.is_conflict() => {}
                result => return result,
            }
        }
        self.run(&job)
    }
}

struct Pooled<C> {
    connection: C,
    is_broken: bool,
}

impl<C: R2D2Connection> Pooled<C> {
    fn run<T>(&mut self, job: impl FnOnce(&mut C) -> StoreResult<T>) -> StoreResult<T> {
        match job(&mut self.connection) {
            // Drivers report a broken connection by many errors: only a ping tells.
            Err(StoreError::Database(error)) if error != DieselError::NotFound && self.connection.ping().is_err() => {
                self.is_broken = true;
                Err(StoreError::Disconnected(error))
            }
            result => {
                self.is_broken |= result.as_ref().is_err_and(StoreError::is_disconnect);
                result
            }
        }
    }
}

struct Manager<C> {
    connections: ConnectionManager<C>,
    on_connect: &'static str,
}

impl<C: R2D2Connection + 'static> ManageConnection for Manager<C> {
    type Connection = Pooled<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<Pooled<C>, Self::Error> {
        let mut connection = self.connections.connect()?;
        connection.batch_execute(self.on_connect)?;
        Ok(Pooled { connection, is_broken: false })
    }

    fn is_valid(&self, pooled: &mut Pooled<C>) -> std::result::Result<(), Self::Error> {
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

type MigrationResult<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Runs the pending migrations and returns their names.
///
/// Unavailable if the store has a migration that is not among `all`: a newer version made it, and this one would
/// misread it.
pub fn run_migrations<C, DB>(connection: &mut C, all: EmbeddedMigrations) -> StoreResult<Vec<String>>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = all.migrations().map_err(Error::internal)?;
    let is_known = |version: &MigrationVersion| known.iter().any(|known| known.name().version() == *version);
    let applied = connection.applied_migrations().map_err(Error::internal)?;
    if let Some(newer) = applied.iter().find(|version| !is_known(version)) {
        let cause = format!("a newer version of Callbook has migrated it ({newer}): use that one");
        return Err(Error::unavailable(cause).into());
    }
    Ok(connection.run_pending_migrations(all).map(|versions| names(&versions)).map_err(Error::internal)?)
}

/// Reverts every migration, the newest first, and returns their names.
pub fn revert_all_migrations<C, DB>(connection: &mut C, all: EmbeddedMigrations) -> MigrationResult<Vec<String>>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    connection.revert_all_migrations(all).map(|versions| names(&versions))
}

fn names(versions: &[MigrationVersion]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
