//! The counters of an account's calls in SQLite.

use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_types::{BigInt, Integer};
use domain::{AccountId, ContactId, Timestamp};
use ports::outbound::{Audit, Checked};
use storage::{RawStatement, StoreResult};

use crate::rows::timestamp;
use crate::schema::{call_counts, calls, contacts};

/// Binds account, month, calls.
#[derive(QueryId)]
struct CountMonth;

const COUNT_MONTH: &str = " INSERT INTO call_counts (account_id, month, calls) VALUES (?1, ?2, ?3)
  ON CONFLICT (account_id, month) DO UPDATE SET calls = calls + ?3";

/// Adds to the counter of the account's month.
pub fn count_month(connection: &mut SqliteConnection, account: AccountId, month: i32, calls: i64) -> StoreResult<()> {
    let values = (account.get().into_sql::<BigInt>(), month.into_sql::<Integer>(), calls.into_sql::<BigInt>());
    RawStatement::<BigInt, _, CountMonth>::new(COUNT_MONTH, values).execute(connection)?;
    Ok(())
}

/// Binds account, contact, calls, the newest `called_at` that was added or removed.
#[derive(QueryId)]
struct CountContact;

const COUNT_CONTACT: &str = " UPDATE contacts SET calls = calls + ?3,
  last_called = CASE WHEN last_called > ?4 THEN last_called
    ELSE (SELECT max(called_at) FROM calls WHERE account_id = ?1 AND contact_id = ?2) END
WHERE id = ?2";

/// Adds to the contact's counter, and recomputes its `last_called` unless that is later than `changed`.
pub fn count_contact(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
    calls: i64,
    changed: Timestamp,
) -> StoreResult<()> {
    let values = (
        account.get().into_sql::<BigInt>(),
        contact.get().into_sql::<BigInt>(),
        calls.into_sql::<BigInt>(),
        changed.unix().into_sql::<BigInt>(),
    );
    RawStatement::<BigInt, _, CountContact>::new(COUNT_CONTACT, values).execute(connection)?;
    Ok(())
}

/// The `called_at` of the contact's calls.
pub fn instants(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
) -> StoreResult<Vec<Timestamp>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let seconds: Vec<i64> = query.select(calls::called_at).load(connection)?;
    seconds.into_iter().map(timestamp).collect()
}

/// MATERIALIZED makes SQLite count once along a covering index, not contact by contact.
const REPAIR_CONTACTS: &str = "\
WITH counted AS MATERIALIZED (
  SELECT account_id, contact_id, count(*) AS calls, max(called_at) AS last_called
  FROM calls GROUP BY account_id, contact_id
), truth AS (
  SELECT contacts.id, coalesce(counted.calls, 0) AS calls, counted.last_called
  FROM contacts LEFT JOIN counted ON counted.account_id = contacts.account_id AND counted.contact_id = contacts.id
)
UPDATE contacts SET calls = truth.calls, last_called = truth.last_called FROM truth
WHERE contacts.id = truth.id AND (contacts.calls, contacts.last_called) IS NOT (truth.calls, truth.last_called)";

/// Adds each month's difference.
const REPAIR_MONTHS: &str = "\
INSERT INTO call_counts (account_id, month, calls)
SELECT account_id, month, sum(calls) FROM (
  SELECT account_id, digits / 100 * 12 + digits % 100 - 1 AS month, count(*) AS calls
  FROM (SELECT account_id, CAST(strftime('%Y%m', called_at, 'unixepoch') AS INTEGER) AS digits FROM calls)
  GROUP BY account_id, digits
  UNION ALL
  SELECT account_id, month, -calls FROM call_counts
) GROUP BY account_id, month HAVING sum(calls) <> 0
ON CONFLICT (account_id, month) DO UPDATE SET calls = calls + excluded.calls";

/// Compares the counters of all accounts with their calls and repairs them, within a write transaction.
pub fn verify(connection: &mut SqliteConnection) -> StoreResult<Audit> {
    let wrong_contacts = diesel::sql_query(REPAIR_CONTACTS).execute(connection)?;
    let wrong_months = diesel::sql_query(REPAIR_MONTHS).execute(connection)?;
    let all_contacts: i64 = contacts::table.count().get_result(connection)?;
    let all_months: i64 = call_counts::table.filter(call_counts::calls.ne(0)).count().get_result(connection)?;
    Ok(Audit {
        contacts: Checked { all: all_contacts.unsigned_abs(), wrong: wrong_contacts as u64 },
        months: Checked { all: all_months.unsigned_abs(), wrong: wrong_months as u64 },
    })
}
