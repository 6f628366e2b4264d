//! Storing the results of writes, one row at a time.

use std::collections::BTreeMap;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use domain::{AccountId, CallId, ContactId, LastCalled, Timestamp};
use storage::columns::DbTimestamp;
use storage::rows::CallRow;
use storage::schema::{call_counts, calls, contacts};
use storage::{PreparedUpdate, StoreResult};

use crate::DbConnection;
use crate::counters::ContactCounters;

#[derive(QueryId)]
struct UpdateCall;

#[derive(QueryId)]
struct MoveCall;

#[derive(QueryId)]
struct UpdateContact;

#[derive(QueryId)]
struct UpdateMonth;

/// Stores the changes of calls. The columns that indexes contain are set only if they change, because setting a column
/// rewrites its indexes.
pub fn update_calls(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    for CallRow { id, call } in rows {
        let this_call = calls::id.eq(*id).and(calls::account_id.eq(account.get()));
        let changes = (call.details.clone(), calls::updated_at.eq(call.updated_at));
        PreparedUpdate::<_, _, UpdateCall>::new("calls", changes, this_call).execute(connection)?;
        let is_other = calls::contact_id.ne(call.contact_id).or(calls::called_at.ne(call.called_at));
        let changes = (calls::contact_id.eq(call.contact_id), calls::called_at.eq(call.called_at));
        PreparedUpdate::<_, _, MoveCall>::new("calls", changes, this_call.and(is_other)).execute(connection)?;
    }
    Ok(())
}

/// Deletes calls.
pub fn delete_calls(connection: &mut DbConnection, account: AccountId, ids: &[CallId]) -> StoreResult<()> {
    for id in ids {
        diesel::delete(calls::table.find((account.get(), id.get()))).execute(connection)?;
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
