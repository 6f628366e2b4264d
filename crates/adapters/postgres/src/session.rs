//! The settings of sessions and of transactions.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use ports::{Error, Result};
use storage::{Pool, SessionSetup, StoreResult, in_transaction};

use crate::DbConnection;

/// What is between the server and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing, or a pooler in session mode: each connection has a session of its own.
    #[default]
    None,
    /// A pooler in transaction mode, such as PgBouncer: two transactions of a connection can have different sessions.
    Transaction,
}

/// Returns the SQL that sets the settings: `SET` for a session, `SET LOCAL` for a transaction.
///
/// PostgreSQL's JIT compiler takes 30 ms for a page that is read in 1 ms. The last three settings are PostgreSQL's
/// defaults, which a role or a database can change.
macro_rules! settings {
    ($set:literal, $($own:literal),+) => {
        concat!(
            $($set, " ", $own, "; "),+,
            $set, " jit = off; ", $set, " TIME ZONE 'UTC'; ",
            $set, " lock_timeout = 0; ", $set, " idle_in_transaction_session_timeout = 0"
        )
    };
}

/// Returns the setup for transactions whose session belongs to others before and after.
macro_rules! shared_sessions {
    ($($own:literal),+) => {
        SessionSetup {
            on_connect: None,
            begin: concat!("BEGIN ISOLATION LEVEL READ COMMITTED; ", settings!("SET LOCAL", $($own),+)),
            begin_snapshot: concat!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ",
                settings!("SET LOCAL", $($own),+)
            ),
            is_shared: true,
        }
    };
}

/// Returns the setup for either kind of sessions.
macro_rules! sessions {
    ($pooler:expr, $($own:literal),+) => {
        match $pooler {
            Pooler::None => SessionSetup {
                on_connect: Some(concat!(
                    settings!("SET", $($own),+),
                    "; SET default_transaction_isolation = 'read committed'"
                )),
                begin: "BEGIN",
                begin_snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                is_shared: false,
            },
            Pooler::Transaction => shared_sessions!($($own),+),
        }
    };
}

/// The setup for short requests. Without generic plans PostgreSQL plans every statement anew; Citus has none of most
/// statements. The statement timeout bounds how long a client waits for a lock.
pub fn short(pooler: Pooler, is_distributed: bool) -> SessionSetup {
    if is_distributed {
        return sessions!(pooler, "plan_cache_mode = force_custom_plan", "statement_timeout = '20s'");
    }
    sessions!(pooler, "plan_cache_mode = force_generic_plan", "statement_timeout = '20s'")
}

/// The setup for searches. Filtered lists are planned with the values of their filters: the best plan depends on how many
/// calls they find. They use one processor at most, and leave the others to short requests.
pub fn slow(pooler: Pooler) -> SessionSetup {
    sessions!(
        pooler,
        "plan_cache_mode = force_custom_plan",
        "statement_timeout = '20s'",
        "max_parallel_workers_per_gather = 0"
    )
}

/// The setup for imports, exports and migrations, whose statements can take long. They work behind any pooler.
pub const BULK: SessionSetup = shared_sessions!("plan_cache_mode = force_custom_plan", "statement_timeout = 0");

/// Checks that each connection has a session of its own. Unavailable if a pooler assigns sessions to transactions.
///
/// Two transactions of `other` follow one of `one`, before its second one. A pooler that assigns sessions in turn gives
/// the two different ones. One that assigns the session that was used last gives all the same one. Transactions of other
/// connections in between can make a round look as it does without a pooler, which several rounds make unlikely.
pub fn check_own_sessions(one: &Pool<DbConnection>, other: &Pool<DbConnection>) -> Result<()> {
    const ROUNDS: usize = 4;

    let rounds = one.run_transactions(|one| {
        other.run_transactions(|other| {
            let mut rounds = [[0; 4]; ROUNDS];
            for round in &mut rounds {
                *round = [process(one)?, process(other)?, process(other)?, process(one)?];
            }
            Ok(rounds)
        })
    })?;
    let [first, second, ..] = rounds[0];
    if first != second && rounds == [[first, second, second, first]; ROUNDS] {
        return Ok(());
    }
    Err(Error::unavailable(
        "CALLBOOK_POSTGRES_POOLER must be transaction, because DATABASE_URL leads to a pooler in transaction mode",
    ))
}

/// Returns the id of the process that serves the connection.
fn process(connection: &mut DbConnection) -> StoreResult<i32> {
    in_transaction(connection, "BEGIN", |connection| {
        Ok(diesel::select(sql::<Integer>("pg_backend_pid()")).get_result(connection)?)
    })
}
