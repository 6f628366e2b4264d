//! The r2d2 pool, and migrations over one of its connections.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::r2d2::{ConnectionManager, ManageConnection, R2D2Connection};
use diesel::result::Error as DieselError;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use ports::{Error, Result};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::{Failure, Outcome};

/// How long a job waits for a free connection before the store counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(2);

/// The threads that open connections for all pools: r2d2 would start three for each.
static HELPERS: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| Arc::new(ScheduledThreadPool::new(3)));

/// Connections that are kept open, and replaced when they break.
pub struct Pool<C: R2D2Connection + 'static>(r2d2::Pool<Manager<C>>);

impl<C: R2D2Connection + 'static> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: R2D2Connection + 'static> Pool<C> {
    /// Opens the first connection to the store at Diesel's URL or path, of `size` at most; each runs `on_connect` first.
    /// Fails when the store cannot be reached.
    pub fn open(url: impl Into<String>, size: u32, on_connect: &'static str) -> Result<Self> {
        let manager = Manager { connections: ConnectionManager::new(url), on_connect };
        // One try of our own first: r2d2 would repeat it until the time is up, and log each.
        manager.connect().map_err(Error::unavailable)?;
        r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .thread_pool(HELPERS.clone())
            // A check is a round trip for every request; a broken connection shows by its first error instead.
            .test_on_check_out(false)
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(Quiet))
            .build(manager)
            .map(Self)
            .map_err(Error::unavailable)
    }

    /// How many connections are busy, and how many idle.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.0.state();
        (state.connections.saturating_sub(state.idle_connections), state.idle_connections)
    }

    /// Runs the job on a connection of the pool, which is thrown away when it turns out to be gone.
    pub fn run<T>(&self, job: impl FnOnce(&mut C) -> Outcome<T>) -> Outcome<T> {
        let mut held = self.0.get().map_err(Error::unavailable)?;
        Self::run_on(&mut held, job)
    }

    /// Runs the job as [`Pool::run`] does, unless no connection is free now.
    pub fn try_run<T>(&self, job: impl FnOnce(&mut C) -> Outcome<T>) -> Option<Outcome<T>> {
        self.0.try_get().map(|mut held| Self::run_on(&mut held, job))
    }

    fn run_on<T>(held: &mut Held<C>, job: impl FnOnce(&mut C) -> Outcome<T>) -> Outcome<T> {
        match job(&mut held.connection) {
            // An error may be the connection's end under any name: whether it still answers is what counts.
            Err(Failure::Database(error)) if error != DieselError::NotFound && held.connection.ping().is_err() => {
                held.gone = true;
                Err(Failure::Disconnected(error))
            }
            outcome => {
                held.gone |= outcome.as_ref().is_err_and(Failure::is_disconnect);
                outcome
            }
        }
    }
}

struct Held<C> {
    connection: C,
    gone: bool,
}

struct Manager<C> {
    connections: ConnectionManager<C>,
    on_connect: &'static str,
}

impl<C: R2D2Connection + 'static> ManageConnection for Manager<C> {
    type Connection = Held<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<Held<C>, Self::Error> {
        let mut connection = self.connections.connect()?;
        connection.batch_execute(self.on_connect).map_err(diesel::r2d2::Error::QueryError)?;
        Ok(Held { connection, gone: false })
    }

    fn is_valid(&self, held: &mut Held<C>) -> std::result::Result<(), Self::Error> {
        self.connections.is_valid(&mut held.connection)
    }

    fn has_broken(&self, held: &mut Held<C>) -> bool {
        held.gone || self.connections.has_broken(&mut held.connection)
    }
}

/// r2d2 tells of every failed try to reconnect, several a second; the requests that fail tell it as well.
#[derive(Debug)]
struct Quiet;

impl<E: std::fmt::Display> r2d2::HandleError<E> for Quiet {
    fn handle_error(&self, error: E) {
        tracing::debug!(%error, "connecting to the store failed");
    }
}

type MigrationResult<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Runs what is pending and names it. Refuses a store that has a migration which is none of these: a newer version has
/// made it, and this one would misread it.
pub fn run_migrations<C, DB>(connection: &mut C, all: EmbeddedMigrations) -> Outcome<Vec<String>>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = all.migrations().map_err(Error::fault)?;
    let is_known = |version: &MigrationVersion| known.iter().any(|known| known.name().version() == *version);
    let applied = connection.applied_migrations().map_err(Error::fault)?;
    if let Some(newer) = applied.iter().find(|version| !is_known(version)) {
        let cause = format!("a newer version of Callbook has migrated it ({newer}): use that one");
        return Err(Error::unavailable(cause).into());
    }
    Ok(connection.run_pending_migrations(all).map(|versions| names(&versions)).map_err(Error::fault)?)
}

/// Takes every migration back, the newest first.
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
