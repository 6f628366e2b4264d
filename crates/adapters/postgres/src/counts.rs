//! The counters of an account's calls in PostgreSQL.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use domain::{AccountId, ContactId, Timestamp};
use ports::outbound::{Audit, Checked};
use storage::Outcome;

use crate::schema::{call_counts, calls, contacts};

/// Adds to the counter of the account's month, in the slot of this connection.
pub fn count_month(connection: &mut PgConnection, account: AccountId, month: i32, calls: i64) -> Outcome<()> {
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

/// When the contact's calls happened.
pub fn instants(connection: &mut PgConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Timestamp>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let instants: Vec<DateTime<Utc>> = query.select(calls::called_at).load(connection)?;
    Ok(instants.into_iter().map(Timestamp::from).collect())
}

/// Whoever writes a call locks its contact first, and so waits here before it can commit. The tables of calls and
/// counters, which some take in one order and some in the other, are left unlocked: so nobody waits in a circle.
const LOCK: &str = "LOCK TABLE contacts IN EXCLUSIVE MODE";

const REPAIR_CONTACTS: &str = "\
WITH counted AS (
  SELECT account_id, contact_id, count(*) AS calls, max(called_at) AS last_called
  FROM calls GROUP BY account_id, contact_id
), truth AS (
  SELECT contacts.account_id, contacts.id, coalesce(counted.calls, 0) AS calls, counted.last_called
  FROM contacts LEFT JOIN counted ON counted.account_id = contacts.account_id AND counted.contact_id = contacts.id
)
UPDATE contacts SET calls = truth.calls, last_called = truth.last_called FROM truth
WHERE contacts.account_id = truth.account_id AND contacts.id = truth.id
  AND (contacts.calls, contacts.last_called) IS DISTINCT FROM (truth.calls, truth.last_called)";

/// Adds what a month lacks, or takes what it has too much, in any slot: only their sum says something.
const REPAIR_MONTHS: &str = "\
INSERT INTO call_counts (account_id, month, slot, calls)
SELECT account_id, month, 0, sum(calls) FROM (
  SELECT account_id, date_part('year', called_at)::integer * 12 + date_part('month', called_at)::integer - 1 AS month,
    count(*) AS calls
  FROM calls GROUP BY account_id, month
  UNION ALL
  SELECT account_id, month, -calls FROM call_counts
) AS differences GROUP BY account_id, month HAVING sum(calls) <> 0
ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls";

const MONTHS: &str = "\
SELECT count(*) FROM (SELECT 1 FROM call_counts GROUP BY account_id, month HAVING sum(calls) <> 0) AS months";

#[derive(QueryableByName)]
struct Months {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Compares the counters with the calls and repairs them, within a transaction.
pub fn verify(connection: &mut PgConnection) -> Outcome<Audit> {
    diesel::sql_query(LOCK).execute(connection)?;
    let wrong_contacts = diesel::sql_query(REPAIR_CONTACTS).execute(connection)?;
    let wrong_months = diesel::sql_query(REPAIR_MONTHS).execute(connection)?;
    let all_contacts: i64 = contacts::table.count().get_result(connection)?;
    let all_months = diesel::sql_query(MONTHS).get_result::<Months>(connection)?.count;
    Ok(Audit {
        contacts: Checked { all: all_contacts.unsigned_abs(), wrong: wrong_contacts as u64 },
        months: Checked { all: all_months.unsigned_abs(), wrong: wrong_months as u64 },
    })
}
