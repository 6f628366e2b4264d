//! The counters of an account's calls in PostgreSQL.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};
use domain::{AccountId, ContactId, Timestamp};
use ports::outbound::Audit;
use storage::StoreResult;

use crate::schema::{accounts, call_counts, calls, contacts};

/// Adds to the counter of the account's month, in this connection's slot: writers rarely wait for each other.
pub fn count_month(connection: &mut PgConnection, account: AccountId, month: i32, calls: i64) -> StoreResult<()> {
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

/// The numbers of an account's calls by month, the newest month first.
pub fn months(connection: &mut PgConnection, account: i64) -> StoreResult<Vec<(i32, i64)>> {
    Ok(call_counts::table
        .filter(call_counts::account_id.eq(account))
        .group_by(call_counts::month)
        .having(sql::<Bool>("sum(calls) <> 0"))
        .order(call_counts::month.desc())
        .select((call_counts::month, sql::<BigInt>("sum(calls)::bigint")))
        .load(connection)?)
}

/// The `called_at` of the contact's calls.
pub fn instants(connection: &mut PgConnection, account: AccountId, contact: ContactId) -> StoreResult<Vec<Timestamp>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let instants: Vec<DateTime<Utc>> = query.select(calls::called_at).load(connection)?;
    Ok(instants.into_iter().map(Timestamp::from).collect())
}

/// Every write of a call locks its contact first, and so waits here before it can commit. Calls and counters are left
/// unlocked: writes lock them in either order, so locking them could deadlock.
const LOCK: &str = "LOCK TABLE contacts IN EXCLUSIVE MODE";

const REPAIR_CONTACTS: &str = "\
WITH counted AS (
  SELECT contact_id, count(*) AS calls, max(called_at) AS last_called
  FROM calls WHERE account_id = $1 GROUP BY contact_id
), truth AS (
  SELECT contacts.id, coalesce(counted.calls, 0) AS calls, counted.last_called
  FROM contacts LEFT JOIN counted ON counted.contact_id = contacts.id WHERE account_id = $1
)
UPDATE contacts SET calls = truth.calls, last_called = truth.last_called FROM truth
WHERE contacts.account_id = $1 AND contacts.id = truth.id
  AND (contacts.calls, contacts.last_called) IS DISTINCT FROM (truth.calls, truth.last_called)";

/// Adds each month's difference to one slot: only the sum of a month's slots counts.
const REPAIR_MONTHS: &str = "\
INSERT INTO call_counts (account_id, month, slot, calls)
SELECT $1, month, 0, sum(calls) FROM (
  SELECT date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1 AS month,
    count(*) AS calls
  FROM calls WHERE account_id = $1 GROUP BY month
  UNION ALL
  SELECT month, -calls FROM call_counts WHERE account_id = $1
) AS differences GROUP BY month HAVING sum(calls) <> 0
ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls";

/// Compares the counters of all accounts with their calls and repairs them, within a transaction.
pub fn verify(connection: &mut PgConnection) -> StoreResult<Audit> {
    diesel::sql_query(LOCK).execute(connection)?;
    let mut audit = Audit::default();
    let accounts: Vec<i64> = accounts::table.select(accounts::id).load(connection)?;
    for account in accounts {
        audit.contacts.wrong +=
            diesel::sql_query(REPAIR_CONTACTS).bind::<BigInt, _>(account).execute(connection)? as u64;
        audit.months.wrong += diesel::sql_query(REPAIR_MONTHS).bind::<BigInt, _>(account).execute(connection)? as u64;
        let contacts = contacts::table.filter(contacts::account_id.eq(account)).count();
        audit.contacts.all += contacts.get_result::<i64>(connection)?.unsigned_abs();
        audit.months.all += months(connection, account)?.len() as u64;
    }
    Ok(audit)
}
