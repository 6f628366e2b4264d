//! The counters of contacts and months, which each write of a call updates.

use std::collections::BTreeMap;

use diesel::dsl::max;
use diesel::prelude::*;
use domain::{AccountId, ContactId, CounterChanges, LastCalled, Timestamp};
use storage::StoreResult;
use storage::columns::DbTimestamp;
use storage::rows::ContactWithLastCalled;
use storage::schema::{call_counts, calls, contacts};

use crate::DbConnection;
use crate::contacts::by_id;

/// Applies the changes of writes, which have locked the contacts and written the calls already.
pub fn apply(
    connection: &mut DbConnection,
    account: AccountId,
    changes: &CounterChanges,
    locked: &BTreeMap<ContactId, ContactWithLastCalled>,
) -> StoreResult<()> {
    for (contact, change) in &changes.contacts {
        let current = locked.get(contact).and_then(|locked| locked.last_called);
        let last_called = match change.last_called(current) {
            LastCalled::Known(last_called) => last_called,
            LastCalled::NewestOfCalls => newest_call(connection, account, *contact)?,
        };
        diesel::update(by_id(account, *contact))
            .set((
                contacts::calls.eq(contacts::calls + change.calls),
                contacts::last_called.eq(last_called.map(DbTimestamp)),
            ))
            .execute(connection)?;
    }
    change_months(connection, account, &changes.months)
}

/// Adds to the counters of the months.
pub fn change_months(
    connection: &mut DbConnection,
    account: AccountId,
    months: &BTreeMap<i32, i64>,
) -> StoreResult<()> {
    months.iter().try_for_each(|(month, calls)| change_month(connection, account, *month, *calls))
}

fn newest_call(
    connection: &mut DbConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Option<Timestamp>> {
    let newest: Option<DbTimestamp> = calls::table
        .filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())))
        .select(max(calls::called_at))
        .get_result(connection)?;
    Ok(newest.map(|called_at| called_at.0))
}

fn change_month(connection: &mut DbConnection, account: AccountId, month: i32, calls: i64) -> StoreResult<()> {
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
