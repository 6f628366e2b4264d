//! The outbound ports over SQLite: one writer that commits many requests at once, readers beside it.

mod accounts;
mod bulk;
mod calls;
mod contacts;
mod counts;
mod once;
mod read_lock;
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
use read_lock::ReadLock;
use storage::{Outcome, Pool, Threads, run_migrations};
use writer::Writer;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/sqlite");

/// WAL lets readers go on beside the writer; `synchronous=FULL` makes an answered write survive a power cut. A write
/// changes a few bytes in each of many pages, which are logged whole: half of SQLite's own size is half to log. A file
/// keeps the size with which it was made.
macro_rules! on_connect {
    () => {
        "PRAGMA busy_timeout = 5000; PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON"
    };
}

/// The writer changes pages of every index, and keeps more of them: 6 MB. The log is taken into the file beside it, see
/// `writer.rs`, and by the writer alone only when it has grown to 128 MB. A file that may only be read is opened without
/// a word when its log is still there: a write tells at once. It marks the file as Callbook's, and starts the log, from
/// which each read then knows the file's size without asking the system.
const ON_WRITER_CONNECT: &str = concat!(
    on_connect!(),
    "; PRAGMA cache_size = -6000; PRAGMA wal_autocheckpoint = 64000; PRAGMA application_id = 0x43616C6C"
);

/// How long a file may be locked while it is opened: as long as `busy_timeout`.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// An opened SQLite file.
struct Database {
    readers: Threads<SqliteConnection>,
    read_lock: ReadLock,
    writer: Writer,
}

impl Database {
    async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&mut SqliteConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(job).await
    }

    /// A read of a few rows by key, which takes less time than crossing to a thread and back.
    async fn read_inline<T: Send + 'static>(
        &self,
        job: impl Fn(&mut SqliteConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.read_lock.want();
        self.readers.read_inline(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(job).await
    }
}

/// Runs the pending migrations of the file, which is made when it is missing, and names them.
pub fn migrate(path: &str) -> Result<Vec<String>> {
    Ok(pool(path, 1)?.run(|connection| {
        let run = |connection: &mut _| run_migrations(connection, MIGRATIONS);
        if connection.has_pending_migration(MIGRATIONS).map_err(Error::fault)? {
            // Of several that start together one migrates, the others wait.
            connection.immediate_transaction(run)
        } else {
            run(connection)
        }
    })?)
}

/// Takes every migration back, and all data with it.
pub fn revert_all_migrations(path: &str) -> Result<Vec<String>> {
    let revert = |connection: &mut _| Ok(storage::revert_all_migrations(connection, MIGRATIONS).map_err(Error::fault)?);
    Ok(pool(path, 1)?.run(revert)?)
}

/// Opens the migrated file, with this many connections for readers.
pub fn open(path: &str, readers: u32) -> Result<Store> {
    let writer_pool = connect(path, 1, ON_WRITER_CONNECT)?;
    let database = Arc::new(Database {
        readers: Threads::start(&pool(path, readers)?, readers as usize).map_err(Error::fault)?,
        read_lock: ReadLock::start(pool(path, 1)?).map_err(Error::fault)?,
        writer: Writer::start(path, writer_pool, pool(path, 1)?).map_err(Error::fault)?,
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

/// Of several that turn the log of a new file on at the same moment, SQLite tells all but one at once that it is
/// locked: `busy_timeout` does not hold there.
fn connect(path: &str, size: u32, on_connect: &'static str) -> Result<Pool<SqliteConnection>> {
    let since = Instant::now();
    loop {
        match Pool::open(path, size, on_connect) {
            Err(Error::Unavailable(cause)) if is_locked(&*cause) && since.elapsed() < PATIENCE => sleep(RETRY_INTERVAL),
            outcome => return outcome,
        }
    }
}

/// Diesel gives no code for it.
fn is_locked(cause: &dyn std::error::Error) -> bool {
    cause.to_string().contains("database is locked")
}
