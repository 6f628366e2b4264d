//! The outbound ports over PostgreSQL: one round trip where a use case allows it, rows locked contact first.

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
use storage::{BatchQueue, Outcome, Pool, Threads, run_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../../migrations/postgres");

/// Without generic plans PostgreSQL plans every statement anew; its JIT compiler takes 30 ms for a page that is read in
/// one; a statement that hangs must not hang its client.
const ON_CONNECT: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET statement_timeout = '20s'; \
                          SET TIME ZONE 'UTC'";

/// Servers that start together migrate one after the other; the number is this project's own.
const MIGRATION_LOCK: &str = "SET statement_timeout = 0; SELECT pg_advisory_lock(2026112400)";

/// An opened PostgreSQL database.
struct Database {
    /// Few threads keep a connection each busy, which saves the processors their switching.
    readers: Threads<PgConnection>,
    /// One job at once is enough to find calls, and leaves the processors to others; pages keep two busy.
    finds: BatchQueue<(AccountId, CallId), calls::Found>,
    pages: BatchQueue<pages::Wanted, Option<CallPage>>,
    /// Many, so that their commits share a sync to the disk.
    writers: Threads<PgConnection>,
    creates: BatchQueue<calls::Recorded, calls::Record>,
    updates: BatchQueue<calls::Revised, calls::Revision>,
}

impl Database {
    async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&mut PgConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut PgConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.writers.write(job).await
    }
}

/// Runs the job on one snapshot, so that all it reads is of the same moment.
fn snapshot<T>(connection: &mut PgConnection, job: impl FnOnce(&mut PgConnection) -> Outcome<T>) -> Outcome<T> {
    connection.build_transaction().read_only().repeatable_read().run(job)
}

/// Runs the pending migrations of the database, whose encoding takes every text, and names them.
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

/// Takes every migration back, and all data with it.
pub fn revert_all_migrations(url: &str) -> Result<Vec<String>> {
    let revert = |connection: &mut _| Ok(storage::revert_all_migrations(connection, MIGRATIONS).map_err(Error::fault)?);
    Ok(pool(url, 1)?.run(revert)?)
}

/// Opens the migrated database, with this many connections.
pub fn open(url: &str, connections: u32) -> Result<Store> {
    let pool = pool(url, connections)?;
    let readers = (connections as usize).div_ceil(4);
    let database = Arc::new(Database {
        readers: Threads::start(&pool, readers).map_err(Error::fault)?,
        finds: BatchQueue::by(1),
        pages: BatchQueue::with_weight(2, pages::Wanted::weight),
        creates: BatchQueue::by(2),
        updates: BatchQueue::by(2),
        writers: Threads::start(&pool, (connections as usize - readers).max(1)).map_err(Error::fault)?,
    });
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

/// libpq waits for ever for a server that does not answer, and the system for hours for one that has gone without a word;
/// the URL may say otherwise.
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
    fn a_url_s_own_settings_win() {
        assert!(
            with_defaults("postgres://u@h/db").starts_with("postgres://u@h/db?connect_timeout=3&application_name=")
        );
        let url = with_defaults("postgres://u@h/db?connect_timeout=9");
        assert!(url.starts_with("postgres://u@h/db?connect_timeout=9&application_name="), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
    }
}
