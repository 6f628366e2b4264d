//! The outbound ports on SQLite: one writer thread with group commit, and reader threads.

mod accounts;
mod bulk;
mod calls;
mod contacts;
mod counts;
mod once;
mod rows;
mod schema;
mod writer;

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use ports::outbound::Store;
use ports::{Error, Result};
use storage::{Pool, StoreResult, WorkerPool, run_migrations};
use writer::Writer;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/sqlite");

/// WAL lets reads run beside the writer. `synchronous = FULL` syncs the WAL at each commit, so that a committed write
/// survives a power cut. A write changes a few bytes in many pages, which the WAL takes whole, so pages are half of
/// SQLite's default size. A file keeps the page size that it was created with.
macro_rules! on_connect {
    () => {
        "PRAGMA busy_timeout = 5000; PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON"
    };
}

/// The writer changes pages of every index, so it caches more of them: 6 MB. Checkpoints run as `writer.rs` says;
/// SQLite's automatic one is left for a WAL of 128 MB. Setting `application_id` marks the file as Callbook's, and fails
/// at once if the file is read-only.
const ON_WRITER_CONNECT: &str = concat!(
    on_connect!(),
    "; PRAGMA cache_size = -6000; PRAGMA wal_autocheckpoint = 64000; PRAGMA application_id = 0x43616C6C"
);

/// How long opening a locked file is retried: as long as `busy_timeout`.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
const OPEN_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// An opened SQLite file.
struct Database {
    readers: WorkerPool<SqliteConnection>,
    writer: Writer,
}

impl Database {
    async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(job).await
    }

    /// Reads a few rows by key, which takes less time than another thread needs to wake up.
    async fn read_inline<T: Send + 'static>(
        &self,
        job: impl Fn(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_inline(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(job).await
    }
}

/// Runs the pending migrations of the file, which is created if missing, and returns their names.
pub fn migrate(path: &str) -> Result<Vec<String>> {
    Ok(pool(path, 1)?.run(|connection| {
        let run = |connection: &mut _| run_migrations(connection, MIGRATIONS);
        if connection.has_pending_migration(MIGRATIONS).map_err(Error::fault)? {
            // Servers that start together migrate one after the other.
            connection.immediate_transaction(run)
        } else {
            run(connection)
        }
    })?)
}

/// Reverts every migration, which deletes all data, and returns their names.
pub fn revert_all_migrations(path: &str) -> Result<Vec<String>> {
    let revert = |connection: &mut _| Ok(storage::revert_all_migrations(connection, MIGRATIONS).map_err(Error::fault)?);
    Ok(pool(path, 1)?.run(revert)?)
}

/// Opens the migrated file with `readers` connections and threads for reads.
pub fn open(path: &str, readers: u32) -> Result<Store> {
    let writer_pool = connect(path, 1, ON_WRITER_CONNECT)?;
    let database = Arc::new(Database {
        readers: WorkerPool::start("reader", &pool(path, readers)?, readers as usize).map_err(Error::fault)?,
        writer: Writer::start(writer_pool, pool(path, 1)?).map_err(Error::fault)?,
    });
    let bulk = Arc::new(bulk::Bulk::new(path));
    Ok(Store {
        calls: database.clone(),
        contacts: database.clone(),
        accounts: database.clone(),
        tokens: database.clone(),
        health: database,
        bulk: bulk.clone(),
        counters: bulk,
    })
}

fn pool(path: &str, size: u32) -> Result<Pool<SqliteConnection>> {
    connect(path, size, on_connect!())
}

/// Opens a pool. Retries while the file is locked: `busy_timeout` does not apply when several connections enable WAL on a
/// new file at once.
fn connect(path: &str, size: u32, on_connect: &'static str) -> Result<Pool<SqliteConnection>> {
    let since = Instant::now();
    loop {
        match Pool::open(path, size, on_connect) {
            Err(Error::Unavailable(cause)) if is_locked(&*cause) && since.elapsed() < OPEN_TIMEOUT => {
                sleep(OPEN_RETRY_INTERVAL);
            }
            result => return result,
        }
    }
}

/// The error is SQLite's BUSY, for which Diesel has no kind.
fn is_locked(cause: &dyn std::error::Error) -> bool {
    cause.to_string().contains("database is locked")
}
