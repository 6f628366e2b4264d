//! The audit of the counters.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use ports::outbound::{Checked, CounterAudit};
use storage::StoreResult;
use storage::schema::contacts;

use crate::DbConnection;

/// Every writer of calls locks a contact first, and waits there. The tables of calls and counters stay unlocked: writers
/// lock them in different orders, so that locking them as well could deadlock.
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

/// Adds the difference between the calls and the counter of each month to one slot. Only the sum of the slots counts.
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
pub fn audit_counters(connection: &mut DbConnection) -> StoreResult<CounterAudit> {
    diesel::sql_query(LOCK).execute(connection)?;
    let wrong_contacts = diesel::sql_query(REPAIR_CONTACTS).execute(connection)?;
    let wrong_months = diesel::sql_query(REPAIR_MONTHS).execute(connection)?;
    let all_contacts: i64 = contacts::table.count().get_result(connection)?;
    let all_months = diesel::sql_query(MONTHS).get_result::<Months>(connection)?.count;
    Ok(CounterAudit {
        contacts: Checked { all: all_contacts.unsigned_abs(), wrong: wrong_contacts as u64 },
        months: Checked { all: all_months.unsigned_abs(), wrong: wrong_months as u64 },
    })
}
