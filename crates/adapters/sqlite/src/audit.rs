//! The audit of the counters.

use diesel::prelude::*;
use ports::outbound::{Checked, CounterAudit};
use storage::StoreResult;
use storage::schema::contacts;

use crate::DbConnection;
use crate::months::call_counts;

/// Counts all calls along one index.
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

/// Adds the difference between the calls and the counter of each month.
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

/// Compares the counters with the calls and repairs them, within a transaction that locks out other writers.
pub fn audit_counters(connection: &mut DbConnection) -> StoreResult<CounterAudit> {
    let wrong_contacts = diesel::sql_query(REPAIR_CONTACTS).execute(connection)?;
    let wrong_months = diesel::sql_query(REPAIR_MONTHS).execute(connection)?;
    let all_contacts: i64 = contacts::table.count().get_result(connection)?;
    let all_months: i64 = call_counts::table.filter(call_counts::calls.ne(0)).count().get_result(connection)?;
    Ok(CounterAudit {
        contacts: Checked { all: all_contacts.unsigned_abs(), wrong: wrong_contacts as u64 },
        months: Checked { all: all_months.unsigned_abs(), wrong: wrong_months as u64 },
    })
}
