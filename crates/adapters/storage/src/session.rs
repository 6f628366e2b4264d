//! How connections and transactions are prepared for jobs.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::Connection;
use diesel::r2d2::R2D2Connection;
use diesel::result::Error as DieselError;

use crate::{StoreError, StoreResult};

/// A connection of either store.
pub trait StoreConnection: R2D2Connection + Connection<TransactionManager = AnsiTransactionManager> + 'static {}

impl<C: R2D2Connection + Connection<TransactionManager = AnsiTransactionManager> + 'static> StoreConnection for C {}

/// The SQL that prepares connections and transactions for jobs.
#[derive(Clone, Copy, Debug)]
pub struct SessionSetup {
    /// Runs once on each connection. `None` for nothing.
    pub on_connect: Option<&'static str>,
    /// Begins a transaction.
    pub begin: &'static str,
    /// Begins a transaction that reads one snapshot.
    pub begin_snapshot: &'static str,
    /// Whether a connection has another session of the database in each transaction, because a pooler assigns them. Then
    /// every job runs in a transaction, and no statement is prepared for a later one.
    pub is_shared: bool,
}

impl SessionSetup {
    /// Each connection has a session of its own, which `on_connect` prepares.
    pub const fn of_connection(on_connect: &'static str) -> Self {
        Self { on_connect: Some(on_connect), begin: "BEGIN", begin_snapshot: "BEGIN", is_shared: false }
    }

    /// Returns the SQL that begins the transaction of a job that needs none itself. `None` if it runs without one.
    pub(crate) fn begin_job(&self) -> Option<&'static str> {
        self.is_shared.then_some(self.begin)
    }
}

/// Runs the job in a transaction that `begin` begins, and commits it. Rolls it back if the job fails.
pub fn in_transaction<C: StoreConnection, T>(
    connection: &mut C,
    begin: &str,
    job: impl FnOnce(&mut C) -> StoreResult<T>,
) -> StoreResult<T> {
    AnsiTransactionManager::begin_transaction_sql(connection, begin)?;
    match job(connection) {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(connection)?;
            Ok(value)
        }
        Err(error) => match AnsiTransactionManager::rollback_transaction(connection) {
            // The error of the job is probably why the connection is broken.
            Ok(()) | Err(DieselError::BrokenTransactionManager) => Err(error),
            Err(error) => Err(StoreError::from(error)),
        },
    }
}
