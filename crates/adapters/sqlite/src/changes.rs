//! Storing the results of writes, one row at a time.

use std::collections::BTreeMap;

use diesel::dsl::max;
use diesel::prelude::*;
use domain::{AccountId, CallId, ContactId, LastCalled, Timestamp};
use storage::StoreResult;
use storage::columns::DbTimestamp;
use storage::rows::CallRow;
use storage::schema::{call_counts, calls, contacts};

use crate::DbConnection;
use crate::contacts::by_id;
use crate::counters::ContactCounters;

/// Stores the changes of calls.
pub fn update_calls(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    for CallRow { id, call } in rows {
        let contact = calls::contact_id.eq(call.contact_id);
        let updated_at = calls::updated_at.eq(call.updated_at);
        diesel::update(calls::table.find((account.get(), *id)))
            .set((contact, call.details.clone(), updated_at))
            .execute(connection)?;
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
        diesel::update(by_id(account, *contact)).set((calls, last_called)).execute(connection)?;
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
        diesel::insert_into(call_counts::table)
            .values((account, call_counts::month.eq(month), call_counts::calls.eq(calls)))
            .on_conflict((call_counts::account_id, call_counts::month))
            .do_update()
            .set(call_counts::calls.eq(call_counts::calls + calls))
            .execute(connection)?;
    }
    Ok(())
}
