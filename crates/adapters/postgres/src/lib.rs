//! The outbound ports on PostgreSQL: one round trip for each use case that allows it, and batches of requests.

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
mod distribution;
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
mod session;
mod statements;
#[path = "../../storage/shared/trigger_dates.rs"]
mod trigger_dates;

use std::sync::Arc;

use async_trait::async_trait;
use bulk::{Bulk, highest_ids};
use call_writes::CallWrite;
use calls::lock_calls;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
pub use distribution::{check_can_distribute, distribute};
use domain::{AccountId, Call, CallId, ContactId, RecordedCall};
use ports::outbound::{CallPage, CounterAudit, Store, StoreLoad, StoreOperations};
use ports::{Error, Result};
pub use session::Pooler;
use storage::rows::ContactDataRow;
use storage::schema::{accounts as account_table, contacts as contact_table};
use storage::{BatchQueue, Pool, SLOW_THREADS, StoreResult, WorkerPool, in_transaction, ts_query};

type DbConnection = PgConnection;
type Backend = diesel::pg::Pg;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/postgres");

/// The lock of migrations. The number is arbitrary.
const MIGRATION_LOCK: i64 = 2_026_112_400;

/// SQL that compares the account of a call. Diesel prepares no statement that has raw SQL.
const CALL_ACCOUNT_IS: &str = "calls.account_id = ";

/// The month of a call, numbered as by [`domain::Timestamp::month_number`].
const MONTH_OF_CALLED_AT: &str =
    "date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1";

/// An open PostgreSQL database.
struct Database {
    readers: WorkerPool<DbConnection>,
    /// Searches and deep pages, which must not delay other reads.
    slow_readers: WorkerPool<DbConnection>,
    writers: WorkerPool<DbConnection>,
    finds: BatchQueue<AccountId, CallId, Option<Call>>,
    pages: BatchQueue<pages::PageGroup, pages::PageToScan, Option<CallPage>>,
    /// Creates calls by one statement. `None` for a distributed database, which cannot run it on one node.
    creates: Option<BatchQueue<AccountId, statements::CreateCall, Option<Call>>>,
    call_writes: BatchQueue<AccountId, CallWrite, StoreResult<Option<RecordedCall>>>,
    bulk: Arc<Bulk>,
}

impl Database {
    fn start(
        url: &str,
        pool: &Pool<DbConnection>,
        slow_pool: &Pool<DbConnection>,
        connections: usize,
        is_distributed: bool,
    ) -> std::io::Result<Self> {
        let readers = connections.div_ceil(4);
        Ok(Self {
            // Reads need few threads, which switch less. Writes need many, so that their commits share a sync.
            readers: WorkerPool::start("reader", pool, readers)?,
            slow_readers: WorkerPool::start("slow-reader", slow_pool, SLOW_THREADS as usize)?,
            writers: WorkerPool::start("writer", pool, (connections - readers).max(1))?,
            finds: BatchQueue::start_reads("find", pool, 1, statements::find_many)?,
            pages: BatchQueue::start_reads("page", pool, 2, pages::load_pages)?,
            creates: (!is_distributed)
                .then(|| BatchQueue::start_statements("create", pool, 2, statements::create_many))
                .transpose()?,
            call_writes: BatchQueue::start_transactions("call-write", pool, 2, call_writes::execute)?,
            bulk: Arc::new(Bulk::new(url)),
        })
    }

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

    /// Runs a short job that reads.
    async fn read_short<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.read(job).await
    }

    /// Runs a job that writes, in a transaction.
    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut DbConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.writers.write(job).await
    }
}

/// Returns whether the table of migrations exists.
fn has_migrations_table(connection: &mut DbConnection) -> StoreResult<bool> {
    let exists = "to_regclass('__diesel_schema_migrations') IS NOT NULL";
    Ok(diesel::select(sql::<Bool>(exists)).get_result(connection)?)
}

/// Runs a job that can take long in a transaction whose statements read one snapshot.
fn read_transaction<T>(
    connection: &mut DbConnection,
    job: impl FnOnce(&mut DbConnection) -> StoreResult<T>,
) -> StoreResult<T> {
    in_transaction(connection, session::BULK.begin_snapshot, job)
}

/// Runs a job that can take long in a transaction that writes.
fn write_transaction<T>(
    connection: &mut DbConnection,
    job: impl FnOnce(&mut DbConnection) -> StoreResult<T>,
) -> StoreResult<T> {
    in_transaction(connection, session::BULK.begin, job)
}

/// Each of the words begins a word of the contact.
fn has_words(account: AccountId, words: &[String]) -> contacts::Condition {
    let found = sql::<Bool>("contacts.id IN (SELECT id FROM contacts WHERE account_id = ");
    let found = found.bind::<BigInt, _>(account.get()).sql(" AND search_words @@ ");
    Box::new(found.bind::<Text, _>(ts_query(words)).sql("::tsquery)"))
}

/// Prevents other transactions from creating accounts.
fn lock_accounts(connection: &mut DbConnection) -> StoreResult<()> {
    diesel::sql_query("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE").execute(connection)?;
    Ok(())
}

/// Locks the contact and returns its data. `None` if there is none.
fn lock_contact_for_update(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<ContactDataRow>> {
    let query = contacts::by_id(account, contact).select(ContactDataRow::as_select());
    Ok(query.for_no_key_update().get_result(connection).optional()?)
}

/// Locks the contact, so that no calls are added to it or removed, and returns its id. `None` if there is none.
fn lock_contact_for_deletion(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<i64>> {
    let query = contacts::by_id(account, contact).select(contact_table::id);
    Ok(query.for_update().get_result(connection).optional()?)
}

/// Makes writers of calls wait, each of which locks a contact first. The tables of calls and counters stay unlocked:
/// writers lock them in different orders, so that locking them here could deadlock.
fn lock_call_writers(connection: &mut DbConnection) -> StoreResult<()> {
    diesel::sql_query("LOCK TABLE contacts IN EXCLUSIVE MODE").execute(connection)?;
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
        let short_reads = self.readers.waiting() + self.finds.waiting() + self.pages.waiting();
        let reads = short_reads + self.slow_readers.waiting();
        let writes =
            self.writers.waiting() + self.creates.as_ref().map_or(0, BatchQueue::waiting) + self.call_writes.waiting();
        let waiting = vec![("read", reads), ("write", writes)];
        StoreLoad { busy: busy + slow_busy, idle: idle + slow_idle, waiting }
    }

    fn audit_counters(&self) -> Result<CounterAudit> {
        self.bulk.audit_counters()
    }
}

/// Returns whether the database has a store, of any version. Nothing is changed. Unavailable if it is on a worker of Citus.
pub fn is_store(url: &str) -> Result<bool> {
    Ok(bulk_pool(url, 1)?.run(|connection| {
        distribution::check_is_no_worker(connection)?;
        has_migrations_table(connection)
    })?)
}

/// Runs the pending migrations and returns their names. Unavailable if the database's encoding is not UTF-8,
/// or if it is on a worker of Citus.
///
/// Reports how many of how many calls are indexed, if they must be.
pub fn migrate(url: &str, report: &mut dyn FnMut(u64, u64)) -> Result<Vec<String>> {
    Ok(bulk_pool(url, 1)?.run_transactions(|connection| {
        let migrations = write_transaction(connection, |connection| {
            let encoding = diesel::select(sql::<Text>("current_setting('server_encoding')"));
            let encoding: String = encoding.get_result(connection)?;
            if encoding != "UTF8" {
                return Err(Error::unavailable(format!("the database's encoding is {encoding}, not UTF8")).into());
            }
            distribution::check_is_no_worker(connection)?;
            lock_migrations(connection)?;
            migrations::run(connection)
        })?;
        search_index::update(connection, report)?;
        Ok(migrations)
    })?)
}

/// Makes processes that start together migrate one after the other. The lock lasts as long as the transaction, so that
/// an interrupted migration leaves none.
fn lock_migrations(connection: &mut DbConnection) -> StoreResult<()> {
    let lock = format!("pg_try_advisory_xact_lock({MIGRATION_LOCK})");
    if !diesel::select(sql::<Bool>(&lock)).get_result::<bool>(connection)? {
        tracing::info!("another process migrates the store; waiting until it is done");
        connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))?;
    }
    Ok(())
}

/// Reverts every migration, which deletes all data, and returns their names.
pub fn revert_all_migrations(url: &str) -> Result<Vec<String>> {
    let revert = |connection: &mut DbConnection| write_transaction(connection, migrations::revert_all);
    Ok(bulk_pool(url, 1)?.run_transactions(revert)?)
}

/// Opens the migrated database with at most `connections` connections, which all threads share, and
/// [`SLOW_THREADS`] for searches.
///
/// Unavailable if `pooler` does not name the pooler that the database is reached through.
pub fn open(url: &str, pooler: Pooler, connections: u32) -> Result<Store> {
    let slow_pool = Pool::open(with_defaults(url), SLOW_THREADS, session::slow(pooler))?;
    let is_distributed = slow_pool.run(distribution::is_distributed)?;
    let pool = Pool::open(with_defaults(url), connections, session::short(pooler, is_distributed))?;
    if pooler == Pooler::None {
        session::check_own_sessions(&pool, &slow_pool)?;
    }
    let database = Database::start(url, &pool, &slow_pool, connections as usize, is_distributed);
    let database = Arc::new(database.map_err(Error::internal)?);
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

/// Opens a pool for jobs that can take long.
fn bulk_pool(url: &str, size: u32) -> Result<Pool<DbConnection>> {
    Pool::open(with_defaults(url), size, session::BULK)
}

/// Adds timeouts that the URL does not set itself: libpq waits forever for a server that does not answer, and TCP waits
/// hours for one that is gone.
fn with_defaults(url: &str) -> String {
    let defaults = [
        ("connect_timeout", "3"),
        ("application_name", "callbook"),
        ("keepalives_idle", "10"),
        ("keepalives_interval", "5"),
        ("keepalives_count", "2"),
        ("tcp_user_timeout", "20000"),
    ];
    defaults.iter().filter(|(name, _)| !url.contains(&format!("{name}="))).fold(url.to_owned(), |url, (name, value)| {
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}{name}={value}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_url_win() {
        assert!(
            with_defaults("postgres://u@h/db").starts_with("postgres://u@h/db?connect_timeout=3&application_name=")
        );
        let url = with_defaults("postgres://u@h/db?connect_timeout=9");
        assert!(url.starts_with("postgres://u@h/db?connect_timeout=9&application_name="), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
    }
}
