//! Storing the results of writes, one row at a time.

use std::collections::BTreeMap;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use domain::{AccountId, CallId, ContactId, LastCalled, Timestamp};
use storage::bulk::Table;
use storage::columns::DbTimestamp;
use storage::rows::{CallRow, NewCallRow, call_id};
use storage::schema::{call_counts, calls, contacts};
use storage::{PreparedUpdate, StoreResult};

use crate::bulk::highest_id;
use crate::counters::ContactCounters;
use crate::{DbConnection, call_words};

#[derive(QueryId)]
struct UpdateCall;

#[derive(QueryId)]
struct MoveCall;

#[derive(QueryId)]
struct UpdateContact;

#[derive(QueryId)]
struct UpdateMonth;

#[declare_sql_function]
extern "SQL" {
    fn last_insert_rowid() -> BigInt;
}

/// Stores a call without an id and returns its row.
pub fn insert_call(connection: &mut DbConnection, call: NewCallRow) -> StoreResult<CallRow> {
    diesel::insert_into(calls::table)
        .values((call.clone(), calls::phone_key.eq(call.phone_key())))
        .execute(connection)?;
    // RETURNING would create a temporary table for each statement.
    let id = diesel::select(last_insert_rowid()).get_result(connection)?;
    call_words::mark_new(connection, id, &call)?;
    Ok(CallRow { id, call })
}

/// Returns ids for calls that will be inserted. No other connection writes until the transaction ends.
pub fn assign_call_ids(connection: &mut DbConnection, count: usize) -> StoreResult<Vec<CallId>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let highest = highest_id(connection, Table::Calls)?;
    (highest + 1..).take(count).map(call_id).collect()
}

/// Stores calls under their ids.
pub fn insert_calls(connection: &mut DbConnection, rows: &[&CallRow]) -> StoreResult<()> {
    for row in rows {
        let values = ((*row).clone(), calls::phone_key.eq(row.call.phone_key()));
        diesel::insert_into(calls::table).values(values).execute(connection)?;
        call_words::mark_new(connection, row.id, &row.call)?;
    }
    Ok(())
}

/// Stores the changes of calls. The columns that indexes contain are set only if they change, because setting a column
/// rewrites its indexes.
pub fn update_calls(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    for CallRow { id, call } in rows {
        let this_call = calls::id.eq(*id).and(calls::account_id.eq(account.get()));
        let changes = (call.details.clone(), calls::updated_at.eq(call.updated_at));
        PreparedUpdate::<_, _, UpdateCall>::new("calls", changes, this_call).execute(connection)?;
        let phone_key = call.phone_key();
        let is_other = calls::contact_id
            .ne(call.contact_id)
            .or(calls::called_at.ne(call.called_at))
            .or(calls::external_id.is_not(call.external_id.clone()))
            .or(calls::phone_key.is_not(phone_key.clone()));
        let changes = (
            calls::contact_id.eq(call.contact_id),
            calls::called_at.eq(call.called_at),
            calls::external_id.eq(call.external_id.clone()),
            calls::phone_key.eq(phone_key),
        );
        PreparedUpdate::<_, _, MoveCall>::new("calls", changes, this_call.and(is_other)).execute(connection)?;
    }
    Ok(())
}

/// Deletes calls.
pub fn delete_calls(connection: &mut DbConnection, account: AccountId, ids: &[i64]) -> StoreResult<()> {
    for id in ids {
        diesel::delete(calls::table.find((account.get(), *id))).execute(connection)?;
    }
    Ok(())
}

/// Stores the changes of the counters of contacts.
pub fn update_contacts(
    connection: &mut DbConnection,
    account: AccountId,
    contacts: &[ContactCounters],
) -> StoreResult<()> {
    for ContactCounters { contact, calls, last_called } in contacts {
        let last_called = match last_called {
            LastCalled::Value(last_called) => *last_called,
            LastCalled::NewestOfCalls => newest_call(connection, account, *contact)?,
        };
        let calls = contacts::calls.eq(contacts::calls + calls);
        let last_called = contacts::last_called.eq(last_called.map(DbTimestamp));
        let filter = contacts::id.eq(contact.get()).and(contacts::account_id.eq(account.get()));
        PreparedUpdate::<_, _, UpdateContact>::new("contacts", (calls, last_called), filter).execute(connection)?;
    }
    Ok(())
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

/// Adds to the counters of the months.
pub fn change_months(
    connection: &mut DbConnection,
    account: AccountId,
    months: &BTreeMap<i32, i64>,
) -> StoreResult<()> {
    for (month, calls) in months {
        let account = call_counts::account_id.eq(account.get());
        let filter = account.and(call_counts::month.eq(month));
        let changes = call_counts::calls.eq(call_counts::calls + calls);
        if PreparedUpdate::<_, _, UpdateMonth>::new("call_counts", changes, filter).execute(connection)? == 0 {
            let row = (account, call_counts::month.eq(month), call_counts::calls.eq(calls));
            diesel::insert_into(call_counts::table).values(row).execute(connection)?;
        }
    }
    Ok(())
}
