//! Hand-written statements that store the results of a batch of writes: one statement for each table.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use domain::{AccountId, CallId, LastCalled};
use storage::columns::DbTimestamp;
use storage::rows::CallRow;
use storage::schema::{Instant, calls};
use storage::{RawStatement, StoreResult};

use crate::DbConnection;
use crate::counters::ContactCounters;
use crate::statements::collect;

/// The parameters are account, calls, contacts, `called_at`, contents, `contact_called`, emotions in PostgreSQL's text
/// format, durations, and `updated_at`.
const UPDATE_CALLS: &str = "
UPDATE calls SET contact_id = new.contact, called_at = new.called_at, content = new.content,
  contact_called = new.contact_called, emotions = new.emotions::smallint[], duration_seconds = new.duration_seconds,
  updated_at = new.updated_at
FROM unnest($2, $3, $4, $5, $6, $7, $8, $9)
  AS new (call, contact, called_at, content, contact_called, emotions, duration_seconds, updated_at)
WHERE calls.account_id = $1 AND calls.id = new.call";

/// The key of the prepared statement [`UPDATE_CALLS`].
#[derive(QueryId)]
struct UpdateCalls;

/// Stores the changes of calls.
pub fn update_calls(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(rows, |row| row.id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| row.call.contact_id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| row.call.called_at).into_sql::<Array<Instant>>(),
        collect(rows, |row| row.call.details.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.details.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(rows, |row| row.call.details.emotions.to_pg_text()).into_sql::<Array<Text>>(),
        collect(rows, |row| row.call.details.duration_seconds).into_sql::<Array<Nullable<Integer>>>(),
        collect(rows, |row| row.call.updated_at).into_sql::<Array<Instant>>(),
    );
    RawStatement::<(), _, UpdateCalls>::new(UPDATE_CALLS, values).execute(connection)?;
    Ok(())
}

/// Deletes calls.
pub fn delete_calls(connection: &mut DbConnection, account: AccountId, ids: &[CallId]) -> StoreResult<()> {
    let ids = collect(ids, |id| id.get());
    let stored = calls::table.filter(calls::account_id.eq(account.get()).and(calls::id.eq_any(ids)));
    diesel::delete(stored).execute(connection)?;
    Ok(())
}

/// The parameters are account, contacts, numbers of calls, `last_called`, and whether that is the newest of the calls.
const UPDATE_CONTACTS: &str = "
UPDATE contacts SET calls = contacts.calls + new.calls, last_called = CASE WHEN new.is_newest_of_calls
  THEN (SELECT max(called_at) FROM calls WHERE calls.account_id = $1 AND calls.contact_id = new.contact)
  ELSE new.last_called END
FROM unnest($2, $3, $4, $5) AS new (contact, calls, last_called, is_newest_of_calls)
WHERE contacts.account_id = $1 AND contacts.id = new.contact";

/// The key of the prepared statement [`UPDATE_CONTACTS`].
#[derive(QueryId)]
struct UpdateContacts;

/// Stores the changes of the counters of contacts.
pub fn update_contacts(
    connection: &mut DbConnection,
    account: AccountId,
    contacts: &[ContactCounters],
) -> StoreResult<()> {
    let last_called = |contact: &ContactCounters| match contact.last_called {
        LastCalled::Value(last_called) => last_called.map(DbTimestamp),
        LastCalled::NewestOfCalls => None,
    };
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(contacts, |contact| contact.contact.get()).into_sql::<Array<BigInt>>(),
        collect(contacts, |contact| contact.calls).into_sql::<Array<BigInt>>(),
        collect(contacts, last_called).into_sql::<Array<Nullable<Instant>>>(),
        collect(contacts, |contact| contact.last_called == LastCalled::NewestOfCalls).into_sql::<Array<Bool>>(),
    );
    RawStatement::<(), _, UpdateContacts>::new(UPDATE_CONTACTS, values).execute(connection)?;
    Ok(())
}

/// The parameters are account, months and numbers of calls.
const CHANGE_MONTHS: &str = "
INSERT INTO call_counts (account_id, month, calls) SELECT $1, * FROM unnest($2, $3)
ON CONFLICT (account_id, month) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls";

/// The key of the prepared statement [`CHANGE_MONTHS`].
#[derive(QueryId)]
struct ChangeMonths;

/// Adds to the counters of the months.
pub fn change_months(
    connection: &mut DbConnection,
    account: AccountId,
    months: &BTreeMap<i32, i64>,
) -> StoreResult<()> {
    let values = (
        account.get().into_sql::<BigInt>(),
        months.keys().copied().collect::<Vec<_>>().into_sql::<Array<Integer>>(),
        months.values().copied().collect::<Vec<_>>().into_sql::<Array<BigInt>>(),
    );
    RawStatement::<(), _, ChangeMonths>::new(CHANGE_MONTHS, values).execute(connection)?;
    Ok(())
}
