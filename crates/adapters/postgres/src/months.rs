//! The number of calls of an account in each month of `called_at`.
//!
//! Each month has several rows, its slots, whose sum is the number. Concurrent writers of one month add to different
//! slots, so that they rarely wait for each other's commit. The number of one slot can be negative.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};
use domain::AccountId;
use storage::StoreResult;

use crate::DbConnection;

diesel::table! {
    call_counts (account_id, month, slot) {
        account_id -> BigInt,
        month -> Integer,
        slot -> Integer,
        calls -> BigInt,
    }
}

/// Adds to the number of calls of the month, in the slot of the connection.
pub fn change_month(connection: &mut DbConnection, account: AccountId, month: i32, calls: i64) -> StoreResult<()> {
    diesel::insert_into(call_counts::table)
        .values((
            call_counts::account_id.eq(account.get()),
            call_counts::month.eq(month),
            call_counts::slot.eq(sql::<Integer>("pg_backend_pid() % 4")),
            call_counts::calls.eq(calls),
        ))
        .on_conflict((call_counts::account_id, call_counts::month, call_counts::slot))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + calls))
        .execute(connection)?;
    Ok(())
}

/// Returns the months that have calls with their numbers, the newest month first.
pub fn calls_per_month(connection: &mut DbConnection, account: AccountId) -> StoreResult<Vec<(i32, i64)>> {
    Ok(call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .group_by(call_counts::month)
        .having(sql::<Bool>("sum(calls) <> 0"))
        .order(call_counts::month.desc())
        .select((call_counts::month, sql::<BigInt>("sum(calls)::bigint")))
        .load(connection)?)
}
