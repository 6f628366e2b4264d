//! Hand-written statements for batches of requests: finding and creating calls.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use domain::{AccountId, Call, CallId, NewCall, Timestamp, Uuid, index_text};
use storage::rows::{CallRow, ContactSummaryRow, NewCallRow};
use storage::schema::{Instant, UniqueId, calls, contacts};
use storage::{RawStatement, SqlTypes, StoreResult, column_list};

use crate::DbConnection;

/// The columns of [`CallRow`].
pub static CALL_COLUMNS: LazyLock<String> =
    LazyLock::new(|| column_list::<Pg, _>(&calls::table.select(CallRow::as_select())));

/// The columns of [`ContactSummaryRow`].
pub static CONTACT_COLUMNS: LazyLock<String> =
    LazyLock::new(|| column_list::<Pg, _>(&contacts::table.select(ContactSummaryRow::as_select())));

/// Finds calls with their contacts. The parameters are account and calls.
///
/// LATERAL with LIMIT 1 makes the generic plan look up contacts one by one. Otherwise it would hash all contacts.
static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
SELECT n, call.*, contact.* FROM unnest($2) WITH ORDINALITY AS request (call, n)
CROSS JOIN LATERAL (SELECT {} FROM calls WHERE account_id = $1 AND id = request.call LIMIT 1) AS call
CROSS JOIN LATERAL (SELECT {} FROM contacts WHERE account_id = $1 AND id = call.contact_id LIMIT 1) AS contact",
        *CALL_COLUMNS, *CONTACT_COLUMNS
    )
});

/// The key of the prepared statement [`FIND`].
#[derive(QueryId)]
struct Find;

/// Returns the calls with these ids, each at the place of its id. `None` where the account has none.
pub fn find_many(
    connection: &mut DbConnection,
    account: AccountId,
    calls: &[CallId],
) -> StoreResult<Vec<Option<Call>>> {
    let values = (account.get().into_sql::<BigInt>(), collect(calls, |call| call.get()).into_sql::<Array<BigInt>>());
    let statement = RawStatement::<(BigInt, SqlTypes<CallRow, Pg>, SqlTypes<ContactSummaryRow, Pg>), _, Find>::new(
        FIND.as_str(),
        values,
    );
    let rows: Vec<(i64, CallRow, ContactSummaryRow)> = statement.load(connection)?;
    by_ordinal(calls.len(), rows.into_iter().map(|(n, call, contact)| Ok((n, call.with_contact(contact.try_into()?)?))))
}

/// A call to create.
#[derive(Clone)]
pub struct CreateCall {
    /// The call.
    pub call: NewCall,
    /// The globally unique id.
    pub uuid: Uuid,
    /// When the call is recorded.
    pub now: Timestamp,
}

/// Locks the contacts, updates their counters and those of the months, inserts the calls and indexes their words. Calls
/// whose contact does not exist or is archived are skipped.
///
/// The parameters are account, contacts, UUIDs, `called_at`, contents, `contact_called`, emotions separated by
/// commas, durations, `answered`, phone numbers and their keys, now, months, and the words of each call, separated by
/// spaces.
///
/// The statement repeats the domain's rules, `check_accepts_calls` and `CounterChanges`, to save round trips. The
/// contract tests of archived contacts, `last_called` and the counters compare both.
static CREATE: LazyLock<String> = LazyLock::new(|| {
    format!(
        ", request AS (
  SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) WITH ORDINALITY
    AS request (contact, uuid, called_at, content, contact_called, emotions, duration_seconds, answered, phone_number,
      phone_key, now, month, words, n)
), contact AS (
  SELECT locked.* FROM (SELECT DISTINCT contact FROM request ORDER BY contact) AS named
  CROSS JOIN LATERAL (
    SELECT {} FROM contacts WHERE account_id = $1 AND id = named.contact AND is_active LIMIT 1 FOR NO KEY UPDATE
  ) AS locked
), call AS (
  SELECT nextval('calls_id_seq') AS id, request.* FROM request JOIN contact ON contact.id = request.contact
), counted_contact AS (
  UPDATE contacts SET last_called = GREATEST(contacts.last_called, new.called_at), calls = contacts.calls + new.calls
  FROM (SELECT contact, max(called_at) AS called_at, count(*) AS calls FROM call GROUP BY contact) AS new
  WHERE contacts.account_id = $1 AND contacts.id = new.contact
), inserted AS (
  INSERT INTO calls
    (account_id, id, contact_id, uuid, called_at, content, contact_called, emotions, duration_seconds, answered,
     phone_number, phone_key, created_at, updated_at)
  SELECT $1, id, contact, uuid, called_at, content, contact_called, string_to_array(emotions, ',')::smallint[],
    duration_seconds, answered, phone_number, phone_key, now, now FROM call
), indexed AS (
  INSERT INTO call_words (account_id, call_id, words)
  SELECT $1, id, array_to_tsvector(string_to_array(words, ' ')) FROM call WHERE words <> ''
), counted_month AS (
  INSERT INTO call_counts (account_id, month, calls)
  SELECT $1, month, count(*) FROM call GROUP BY month ORDER BY month
  ON CONFLICT (account_id, month) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
)
SELECT call.n, call.id, contact.* FROM call JOIN contact ON contact.id = call.contact",
        *CONTACT_COLUMNS
    )
});

/// The key of the prepared statement [`CREATE`].
#[derive(QueryId)]
struct Create;

/// Creates the calls, and returns each at its place. `None` where the contact does not exist or is archived.
pub fn create_many(
    connection: &mut DbConnection,
    account: AccountId,
    calls: &[CreateCall],
) -> StoreResult<Vec<Option<Call>>> {
    let row = |new: &CreateCall| NewCallRow::new(account, new.call.clone(), new.uuid, new.now);
    let rows: Vec<NewCallRow> = calls.iter().map(row).collect();
    let values = (
        account.get().into_sql::<BigInt>(),
        collect(&rows, |row| row.contact_id).into_sql::<Array<BigInt>>(),
        collect(&rows, |row| row.uuid).into_sql::<Array<UniqueId>>(),
        collect(&rows, |row| row.called_at).into_sql::<Array<Instant>>(),
        collect(&rows, |row| row.details.content.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(&rows, |row| row.details.contact_called).into_sql::<Array<Nullable<Bool>>>(),
        collect(&rows, |row| row.details.emotions.join()).into_sql::<Array<Text>>(),
        collect(&rows, |row| row.details.duration_seconds).into_sql::<Array<Nullable<Integer>>>(),
        collect(&rows, |row| row.details.answered).into_sql::<Array<Nullable<Bool>>>(),
        collect(&rows, |row| row.details.phone_number.as_deref()).into_sql::<Array<Nullable<Text>>>(),
        collect(&rows, NewCallRow::phone_key).into_sql::<Array<Nullable<Text>>>(),
        collect(&rows, |row| row.created_at).into_sql::<Array<Instant>>(),
        collect(calls, |new| new.call.details.called_at.month_number()).into_sql::<Array<Integer>>(),
        collect(&rows, |row| index_text(row.details.content.as_deref())).into_sql::<Array<Text>>(),
    );
    let created: Vec<(i64, i64, ContactSummaryRow)> =
        RawStatement::<(BigInt, BigInt, SqlTypes<ContactSummaryRow, Pg>), _, Create>::new(CREATE.as_str(), values)
            .load(connection)?;
    let created = by_ordinal(calls.len(), created.into_iter().map(|(n, id, contact)| Ok((n, (id, contact)))))?;
    let with_contact = |(row, created): (NewCallRow, Option<(i64, ContactSummaryRow)>)| {
        let Some((id, contact)) = created else { return Ok(None) };
        CallRow { id, call: row }.with_contact(contact.try_into()?).map(Some)
    };
    rows.into_iter().zip(created).map(with_contact).collect()
}

/// Returns the array of a part of each item.
pub fn collect<'a, T, U>(items: &'a [T], part: impl Fn(&'a T) -> U) -> Vec<U> {
    items.iter().map(part).collect()
}

/// Orders rows by their ordinals, which count from 1. `None` where there is no row.
fn by_ordinal<T>(count: usize, rows: impl Iterator<Item = StoreResult<(i64, T)>>) -> StoreResult<Vec<Option<T>>> {
    let mut ordered: Vec<Option<T>> = std::iter::repeat_with(|| None).take(count).collect();
    for row in rows {
        let (n, row) = row?;
        if let Some(place) = usize::try_from(n - 1).ok().and_then(|n| ordered.get_mut(n)) {
            *place = Some(row);
        }
    }
    Ok(ordered)
}
