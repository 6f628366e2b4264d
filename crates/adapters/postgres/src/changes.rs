//! Statements that store the results of a batch of writes: one for each table. Hand-written ones are prepared once.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use diesel::upsert::excluded;
use domain::{AccountId, CallId, LastCalled};
use ports::Error;
use storage::columns::DbTimestamp;
use storage::rows::{CallRow, call_id};
use storage::schema::{Instant, UniqueId, call_counts, calls};
use storage::{RawStatement, StoreError, StoreResult};

use crate::counters::ContactCounters;
use crate::statements::collect;
use crate::{DbConnection, call_words};

/// The parameters are account, calls, contacts, UUIDs, `called_at`, external ids, contents, `contact_called`, emotions
/// separated by commas, durations, `answered`, phone numbers and their keys, `created_at` and `updated_at`.
///
/// By the table of contacts, Citus finds the node of the account. LATERAL with LIMIT 1 looks up contacts one by one, and
/// keeps the order of the calls.
const INSERT_CALLS: &str = "
INSERT INTO calls (account_id, id, contact_id, uuid, called_at, external_id, content, contact_called, emotions,
  duration_seconds, answered, phone_number, phone_key, created_at, updated_at)
SELECT contact.account_id, call, contact_id, uuid, called_at, external_id, content, contact_called,
  string_to_array(emotions, ',')::smallint[], duration_seconds, answered, phone_number, phone_key, created_at, updated_at
FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
  AS new (call, contact_id, uuid, called_at, external_id, content, contact_called, emotions, duration_seconds, answered,
    phone_number, phone_key, created_at, updated_at)
CROSS JOIN LATERAL (SELECT account_id FROM contacts WHERE account_id = $1 AND id = new.contact_id LIMIT 1) AS contact";

/// The key of the prepared statement [`INSERT_CALLS`].
#[derive(QueryId)]
struct InsertCalls;

/// Stores calls of one account, whose contacts exist, under their ids. A conflict if a concurrent transaction has stored a
/// call with the same external id.
pub fn insert_calls(connection: &mut DbConnection, rows: &[&CallRow]) -> StoreResult<()> {
    let Some(account) = rows.first().map(|row| row.call.account_id) else { return Ok(()) };
    // Transactions that insert the same external ids in different orders would deadlock.
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.call.external_id.cmp(&b.call.external_id));
    let rows = &rows[..];
    let values = (
        account.into_sql::<BigInt>(),
        collect(rows, |row| row.id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| row.call.contact_id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| row.call.uuid).into_sql::<Array<UniqueId>>(),
        collect(rows, |row| row.call.called_at).into_sql::<Array<Instant>>(),
        collect(rows, |row| row.call.external_id.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.details.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.details.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(rows, |row| row.call.details.emotions.join()).into_sql::<Array<Text>>(),
        collect(rows, |row| row.call.details.duration_seconds).into_sql::<Array<Nullable<Integer>>>(),
        collect(rows, |row| row.call.details.answered).into_sql::<Array<Nullable<Bool>>>(),
        collect(rows, |row| row.call.details.phone_number.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.phone_key()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.created_at).into_sql::<Array<Instant>>(),
        collect(rows, |row| row.call.updated_at).into_sql::<Array<Instant>>(),
    );
    let insert = RawStatement::<(), _, InsertCalls>::new(INSERT_CALLS, values);
    if insert.execute(connection).map_err(taken_meanwhile)? < rows.len() {
        return Err(Error::internal("the contact of a call to insert is missing").into());
    }
    call_words::insert(connection, rows)
}

/// Returns ids for calls that will be inserted.
pub fn assign_call_ids(connection: &mut DbConnection, count: usize) -> StoreResult<Vec<CallId>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let ids =
        sql::<BigInt>("SELECT nextval('calls_id_seq') FROM generate_series(1, ").bind::<BigInt, _>(count).sql(")");
    ids.load::<i64>(connection)?.into_iter().map(call_id).collect()
}

/// A repeated external id is a conflict with a concurrent transaction: it was free when the calls were locked.
fn taken_meanwhile(error: DieselError) -> StoreError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            // Citus tells the constraint in the message only.
            if info.message().contains("calls_by_external_id") =>
        {
            StoreError::Conflict
        }
        error => error.into(),
    }
}

/// The parameters are account, calls, contacts, `called_at`, external ids, contents, `contact_called`, emotions
/// separated by commas, durations, `answered`, phone numbers and their keys, and `updated_at`.
const UPDATE_CALLS: &str = "
UPDATE calls SET contact_id = new.contact, called_at = new.called_at, external_id = new.external_id,
  content = new.content, contact_called = new.contact_called, emotions = string_to_array(new.emotions, ',')::smallint[],
  duration_seconds = new.duration_seconds, answered = new.answered, phone_number = new.phone_number,
  phone_key = new.phone_key, updated_at = new.updated_at
FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
  AS new (call, contact, called_at, external_id, content, contact_called, emotions, duration_seconds, answered,
    phone_number, phone_key, updated_at)
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
        collect(rows, |row| row.call.external_id.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.details.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.details.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(rows, |row| row.call.details.emotions.join()).into_sql::<Array<Text>>(),
        collect(rows, |row| row.call.details.duration_seconds).into_sql::<Array<Nullable<Integer>>>(),
        collect(rows, |row| row.call.details.answered).into_sql::<Array<Nullable<Bool>>>(),
        collect(rows, |row| row.call.details.phone_number.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.phone_key()).into_sql::<Array<Nullable<Text>>>(),
        collect(rows, |row| row.call.updated_at).into_sql::<Array<Instant>>(),
    );
    RawStatement::<(), _, UpdateCalls>::new(UPDATE_CALLS, values).execute(connection).map_err(taken_meanwhile)?;
    Ok(())
}

/// Deletes calls.
pub fn delete_calls(connection: &mut DbConnection, account: AccountId, ids: &[i64]) -> StoreResult<()> {
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

/// Adds to the counters of the months.
pub fn change_months(
    connection: &mut DbConnection,
    account: AccountId,
    months: &BTreeMap<i32, i64>,
) -> StoreResult<()> {
    let row = |(month, calls): (&i32, &i64)| {
        (call_counts::account_id.eq(account.get()), call_counts::month.eq(*month), call_counts::calls.eq(*calls))
    };
    diesel::insert_into(call_counts::table)
        .values(months.iter().map(row).collect::<Vec<_>>())
        .on_conflict((call_counts::account_id, call_counts::month))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + excluded(call_counts::calls)))
        .execute(connection)?;
    Ok(())
}
