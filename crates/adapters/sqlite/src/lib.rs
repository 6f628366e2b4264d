//! The outbound ports on SQLite: one writer thread with group commit, and reader threads.

#[path = "../../storage/shared/accounts.rs"]
mod accounts;
#[path = "../../storage/shared/audit.rs"]
mod audit;
mod bulk;
#[path = "../../storage/shared/call_list.rs"]
mod call_list;
mod call_words;
#[path = "../../storage/shared/call_writes.rs"]
mod call_writes;
mod calls;
mod changes;
#[path = "../../storage/shared/contact_fields.rs"]
mod contact_fields;
#[path = "../../storage/shared/contacts.rs"]
mod contacts;
#[path = "../../storage/shared/counters.rs"]
mod counters;
#[path = "../../storage/shared/deletions.rs"]
mod deletions;
#[path = "../../storage/shared/export.rs"]
mod export;
#[path = "../../storage/shared/idempotency.rs"]
mod idempotency;
#[path = "../../storage/shared/keyset.rs"]
mod keyset;
#[path = "../../storage/shared/migrations.rs"]
mod migrations;
mod pages;
mod phone_keys;
#[path = "../../storage/shared/phone_numbers.rs"]
mod phone_numbers;
#[path = "../../storage/shared/search_index.rs"]
mod search_index;
#[path = "../../storage/shared/trigger_dates.rs"]
mod trigger_dates;
mod writer;

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bulk::{Bulk, highest_ids};
use calls::lock_calls;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use domain::{AccountId, ContactId};
use ports::outbound::{CounterAudit, Store, StoreLoad, StoreOperations};
use ports::{Error, Result};
use storage::rows::ContactDataRow;
use storage::schema::{accounts as account_table, contacts as contact_table};
use storage::{Pool, SLOW_THREADS, SessionSetup, StoreResult, WorkerPool, fts5_query};
use writer::Writer;

type DbConnection = SqliteConnection;
type Backend = diesel::sqlite::Sqlite;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/sqlite");

/// WAL lets reads run beside the writer. `synchronous = FULL` syncs the WAL at each commit, so that a committed write
/// survives a power cut. A write changes a few bytes in many pages, and the WAL stores whole pages, so pages have half of
/// SQLite's default size. A file keeps the page size that it was created with.
macro_rules! on_connect {
    () => {
        "PRAGMA busy_timeout = 5000; PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; CREATE TEMP TABLE marked_calls \
         (id INTEGER PRIMARY KEY NOT NULL, is_new BOOLEAN NOT NULL)"
    };
}

/// The writer changes pages of every index, so it caches more of them: 6 MB. Checkpoints run as `writer.rs` says.
/// SQLite's automatic one remains for a WAL of 128 MB. Setting `application_id` marks the file as Callbook's, and fails
/// at once if the file is read-only.
const ON_WRITER_CONNECT: &str = concat!(
    on_connect!(),
    "; PRAGMA cache_size = -6000; PRAGMA wal_autocheckpoint = 64000; PRAGMA application_id = 0x43616C6C"
);

/// How long opening a locked file is retried: as long as `busy_timeout`.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
const OPEN_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// SQL that compares the account of a call, for queries that are sorted by id or find calls by words. The plus prevents
/// SQLite from using an index that begins with the account, after which it would read or sort all calls of the account.
const CALL_ACCOUNT_IS: &str = "+calls.account_id = ";

/// The month of a call, numbered as by [`domain::Timestamp::month_number`].
const MONTH_OF_CALLED_AT: &str = "CAST(strftime('%Y', called_at, 'unixepoch') AS INTEGER) * 12 \
                                  + CAST(strftime('%m', called_at, 'unixepoch') AS INTEGER) - 1";

/// An open SQLite file.
struct Database {
    readers: WorkerPool<DbConnection>,
    /// Searches and deep pages, which must not delay other reads.
    slow_readers: WorkerPool<DbConnection>,
    writer: Writer,
    bulk: Arc<Bulk>,
}

impl Database {
    /// Runs a job that reads.
    async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(job).await
    }

    /// Runs a job whose statements read one snapshot.
    async fn read_snapshot<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_snapshot(job).await
    }

    /// Runs a job as [`Self::read_snapshot`] does, if it can take long.
    async fn read_slow_snapshot<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.slow_readers.read_snapshot(job).await
    }

    /// Runs a short job that reads, which takes less time than another thread needs to wake up.
    async fn read_short<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_inline(job).await
    }

    /// Runs a job that writes, in a transaction.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(job).await
    }
}

/// Returns whether the table of migrations exists.
fn has_migrations_table(connection: &mut DbConnection) -> StoreResult<bool> {
    let exists = "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')";
    Ok(diesel::select(sql::<Bool>(exists)).get_result(connection)?)
}

/// Does nothing, because a write has locked the whole store.
#[expect(clippy::unnecessary_wraps, reason = "PostgreSQL's can fail")]
fn lock_accounts(_: &mut DbConnection) -> StoreResult<()> {
    Ok(())
}

/// Returns the data of the contact. `None` if there is none. A write has locked the whole store.
fn lock_contact_for_update(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<ContactDataRow>> {
    Ok(contacts::by_id(account, contact).select(ContactDataRow::as_select()).get_result(connection).optional()?)
}

/// Returns the id of the contact. `None` if there is none. A write has locked the whole store.
fn lock_contact_for_deletion(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<i64>> {
    Ok(contacts::by_id(account, contact).select(contact_table::id).get_result(connection).optional()?)
}

/// Runs a job in a transaction whose statements read one snapshot.
fn read_transaction<T>(
    connection: &mut DbConnection,
    job: impl FnOnce(&mut DbConnection) -> StoreResult<T>,
) -> StoreResult<T> {
    connection.transaction(job)
}

/// Runs a job in a transaction that locks out all other writers, and then indexes the words of written calls.
fn write_transaction<T>(
    connection: &mut DbConnection,
    job: impl FnOnce(&mut DbConnection) -> StoreResult<T>,
) -> StoreResult<T> {
    connection.immediate_transaction(|connection| {
        let value = job(connection)?;
        call_words::update(connection)?;
        Ok(value)
    })
}

/// Each of the words begins a word of the contact.
fn has_words(_: AccountId, words: &[String]) -> contacts::Condition {
    let found = sql::<Bool>("contacts.id IN (SELECT rowid FROM contact_words WHERE contact_words MATCH ");
    Box::new(found.bind::<Text, _>(fts5_query(words)).sql(")"))
}

/// Does nothing, because an immediate transaction has locked out all writers.
#[expect(clippy::unnecessary_wraps, reason = "PostgreSQL's can fail")]
fn lock_call_writers(_: &mut DbConnection) -> StoreResult<()> {
    Ok(())
}

#[async_trait]
impl StoreOperations for Database {
    async fn check(&self) -> Result<()> {
        self.read(|connection| Ok(account_table::table.count().get_result::<i64>(connection).map(drop)?)).await
    }

    fn load(&self) -> StoreLoad {
        let (busy, idle) = self.readers.connections();
        let (slow_busy, slow_idle) = self.slow_readers.connections();
        let reads = self.readers.waiting() + self.slow_readers.waiting();
        let waiting = vec![("read", reads), ("write", self.writer.waiting())];
        StoreLoad { busy: busy + slow_busy, idle: idle + slow_idle, waiting }
    }

    fn audit_counters(&self) -> Result<CounterAudit> {
        self.bulk.audit_counters()
    }
}

/// Returns whether the file is a store, of any version. The file must exist and is not changed.
pub fn is_store(path: &str) -> Result<bool> {
    // A connection of its own: the pool's enables WAL, which writes to an empty file.
    let mut connection = SqliteConnection::establish(path).map_err(Error::unavailable)?;
    let query = sql::<Bool>("SELECT count(*) > 0 FROM sqlite_master WHERE name = '__diesel_schema_migrations'");
    connection
        .batch_execute("PRAGMA busy_timeout = 5000")
        .and_then(|()| query.get_result(&mut connection))
        .map_err(Error::unavailable)
}

/// Runs the pending migrations of the file, which is created if missing, and returns their names.
///
/// Reports how many of how many calls are indexed, if they must be.
pub fn migrate(path: &str, report: &mut dyn FnMut(u64, u64)) -> Result<Vec<String>> {
    Ok(pool(path, 1)?.run(|connection| {
        let migrations = if migrations::are_pending(connection)? {
            // Servers that start together migrate one after the other.
            connection.immediate_transaction(migrations::run)?
        } else {
            migrations::run(connection)?
        };
        search_index::update(connection, report)?;
        Ok(migrations)
    })?)
}

/// Reverts every migration, which deletes all data, and returns their names.
pub fn revert_all_migrations(path: &str) -> Result<Vec<String>> {
    Ok(pool(path, 1)?.run(migrations::revert_all)?)
}

/// Opens the migrated file with `readers` connections and threads for short reads, and more for searches.
pub fn open(path: &str, readers: u32) -> Result<Store> {
    let writer_pool = connect(path, 1, ON_WRITER_CONNECT)?;
    let database = Arc::new(Database {
        readers: WorkerPool::start("reader", &pool(path, readers)?, readers as usize).map_err(Error::internal)?,
        slow_readers: WorkerPool::start_slow("slow-reader", &pool(path, SLOW_THREADS)?).map_err(Error::internal)?,
        writer: Writer::start(writer_pool, pool(path, 1)?).map_err(Error::internal)?,
        bulk: Arc::new(Bulk::new(path)),
    });
    Ok(Store {
        calls: database.clone(),
        contacts: database.clone(),
        contact_fields: database.clone(),
        deletions: database.clone(),
        accounts: database.clone(),
        tokens: database.clone(),
        bulk: database.bulk.clone(),
        operations: database,
    })
}

fn pool(path: &str, size: u32) -> Result<Pool<DbConnection>> {
    connect(path, size, on_connect!())
}

/// Opens a pool. Retries while the file is locked: `busy_timeout` does not apply when several connections enable WAL on a
/// new file at once.
fn connect(path: &str, size: u32, on_connect: &'static str) -> Result<Pool<DbConnection>> {
    let since = Instant::now();
    loop {
        match Pool::open(path, size, SessionSetup::of_connection(on_connect)) {
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
