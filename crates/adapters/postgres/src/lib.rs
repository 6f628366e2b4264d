//! The outbound ports on PostgreSQL: one round trip for each use case that allows it, and batches of requests.

mod accounts;
mod bulk;
mod calls;
mod contacts;
mod counts;
mod once;
mod pages;
mod rows;
mod schema;

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use domain::{AccountId, CallId};
use ports::outbound::{CallPage, Store};
use ports::{Error, Result};
use storage::{BatchQueue, Pool, StoreResult, WorkerPool, run_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/postgres");

/// Without generic plans PostgreSQL plans every statement anew. Its JIT compiler takes 30 ms for a page that is read in
/// 1 ms. The timeout bounds how long a client waits for a lock.
const ON_CONNECT: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET statement_timeout = '20s'; \
                          SET TIME ZONE 'UTC'";

/// Makes servers that start together migrate one after the other. The number is arbitrary.
const MIGRATION_LOCK: &str = "SET statement_timeout = 0; SELECT pg_advisory_lock(2026112400)";

/// An opened PostgreSQL database.
struct Database {
    readers: WorkerPool<PgConnection>,
    finds: BatchQueue<AccountId, CallId, calls::FoundCall>,
    pages: BatchQueue<pages::PageGroup, pages::PlannedPage, Option<CallPage>>,
    writers: WorkerPool<PgConnection>,
    creates: BatchQueue<AccountId, calls::CreateCall, calls::CreatedCall>,
    updates: BatchQueue<AccountId, calls::UpdateCall, calls::UpdatedCall>,
}

impl Database {
    fn start(pool: &Pool<PgConnection>, connections: usize) -> std::io::Result<Self> {
        let readers = connections.div_ceil(4);
        Ok(Self {
            // Few threads for reads that are busy cost less switching; many for writes, whose commits share a sync.
            readers: WorkerPool::start("reader", pool, readers)?,
            writers: WorkerPool::start("writer", pool, (connections - readers).max(1))?,
            finds: BatchQueue::start_reads("find", pool, 1, calls::find_many)?,
            pages: BatchQueue::start_reads("page", pool, 2, pages::load_pages)?,
            creates: BatchQueue::start_writes("create", pool, 2, calls::create_many)?,
            updates: BatchQueue::start_writes("update", pool, 2, calls::update_many)?,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&mut PgConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut PgConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T> {
        self.writers.write(job).await
    }
}

/// Runs a job that reads in a transaction on one snapshot.
fn snapshot<T>(connection: &mut PgConnection, job: impl FnOnce(&mut PgConnection) -> StoreResult<T>) -> StoreResult<T> {
    connection.build_transaction().read_only().repeatable_read().run(job)
}

/// Runs the pending migrations and returns their names. Unavailable if the database's encoding is not UTF-8.
pub fn migrate(url: &str) -> Result<Vec<String>> {
    Ok(pool(url, 1)?.run(|connection| {
        let encoding = diesel::select(sql::<Text>("current_setting('server_encoding')"));
        let encoding: String = encoding.get_result(connection)?;
        if encoding != "UTF8" {
            return Err(Error::unavailable(format!("the database's encoding is {encoding}, not UTF8")).into());
        }
        connection.batch_execute(MIGRATION_LOCK)?;
        run_migrations(connection, MIGRATIONS)
    })?)
}

/// Reverts every migration, which deletes all data, and returns their names.
pub fn revert_all_migrations(url: &str) -> Result<Vec<String>> {
    let revert = |connection: &mut _| Ok(storage::revert_all_migrations(connection, MIGRATIONS).map_err(Error::fault)?);
    Ok(pool(url, 1)?.run(revert)?)
}

/// Opens the migrated database with at most `connections` connections, which all threads share.
pub fn open(url: &str, connections: u32) -> Result<Store> {
    let pool = pool(url, connections)?;
    let database = Arc::new(Database::start(&pool, connections as usize).map_err(Error::fault)?);
    let bulk = Arc::new(bulk::Bulk::new(url));
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

fn pool(url: &str, size: u32) -> Result<Pool<PgConnection>> {
    Pool::open(with_defaults(url), size, ON_CONNECT)
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
