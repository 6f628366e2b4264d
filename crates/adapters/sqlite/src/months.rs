//! The number of calls of an account in each month of `called_at`.

use diesel::prelude::*;
use domain::AccountId;
use storage::StoreResult;

use crate::DbConnection;

diesel::table! {
    call_counts (account_id, month) {
        account_id -> BigInt,
        month -> Integer,
        calls -> BigInt,
    }
}

/// Adds to the number of calls of the month.
pub fn change_month(connection: &mut DbConnection, account: AccountId, month: i32, calls: i64) -> StoreResult<()> {
    diesel::insert_into(call_counts::table)
        .values((call_counts::account_id.eq(account.get()), call_counts::month.eq(month), call_counts::calls.eq(calls)))
        .on_conflict((call_counts::account_id, call_counts::month))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + calls))
        .execute(connection)?;
    Ok(())
}

/// Returns the months that have calls with their numbers, the newest month first.
pub fn calls_per_month(connection: &mut DbConnection, account: AccountId) -> StoreResult<Vec<(i32, i64)>> {
    Ok(call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .filter(call_counts::calls.ne(0))
        .order(call_counts::month.desc())
        .select((call_counts::month, call_counts::calls))
        .load(connection)?)
}
