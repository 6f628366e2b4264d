//! The audit of the counters.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::AccountId;
use ports::outbound::{Checked, CounterAudit};
use storage::StoreResult;
use storage::schema::{call_counts, contacts};

use crate::accounts::all_accounts;
use crate::{DbConnection, MONTH_OF_CALLED_AT, lock_call_writers};

/// Counts all calls of the account along one index.
const REPAIR_CONTACTS: &str = "\
WITH counted AS MATERIALIZED (
  SELECT contact_id, count(*) AS calls, max(called_at) AS last_called
  FROM calls WHERE account_id = $1 GROUP BY contact_id
), truth AS (
  SELECT contacts.id, coalesce(counted.calls, 0) AS calls, counted.last_called
  FROM contacts LEFT JOIN counted ON counted.contact_id = contacts.id WHERE contacts.account_id = $1
)
UPDATE contacts SET calls = truth.calls, last_called = truth.last_called FROM truth
WHERE contacts.account_id = $1 AND contacts.id = truth.id
  AND (contacts.calls <> truth.calls OR contacts.last_called IS DISTINCT FROM truth.last_called)";

/// Returns the statement that adds the difference between the calls and the counter of each month.
fn repair_months() -> String {
    format!(
        "INSERT INTO call_counts (account_id, month, calls)
SELECT account_id, month, sum(calls) FROM (
  SELECT account_id, {MONTH_OF_CALLED_AT} AS month, count(*) AS calls
  FROM calls WHERE account_id = $1 GROUP BY account_id, {MONTH_OF_CALLED_AT}
  UNION ALL
  SELECT account_id, month, -calls FROM call_counts WHERE account_id = $1
) AS differences GROUP BY account_id, month HAVING sum(calls) <> 0
ON CONFLICT (account_id, month) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls"
    )
}

/// Compares the counters with the calls and repairs them, within a transaction. Writers of calls wait until it ends.
pub fn audit_counters(connection: &mut DbConnection) -> StoreResult<CounterAudit> {
    lock_call_writers(connection)?;
    let mut audit = CounterAudit::default();
    for account in all_accounts(connection)? {
        audit_account(connection, account.id, &mut audit)?;
    }
    Ok(audit)
}

fn audit_account(connection: &mut DbConnection, account: AccountId, audit: &mut CounterAudit) -> StoreResult<()> {
    let id = account.get();
    let wrong_contacts = diesel::sql_query(REPAIR_CONTACTS).bind::<BigInt, _>(id).execute(connection)?;
    let wrong_months = diesel::sql_query(repair_months()).bind::<BigInt, _>(id).execute(connection)?;
    let contacts: i64 = contacts::table.filter(contacts::account_id.eq(id)).count().get_result(connection)?;
    let months = call_counts::table.filter(call_counts::account_id.eq(id)).filter(call_counts::calls.ne(0));
    let months: i64 = months.count().get_result(connection)?;
    add(&mut audit.contacts, contacts, wrong_contacts);
    add(&mut audit.months, months, wrong_months);
    Ok(())
}

fn add(checked: &mut Checked, all: i64, wrong: usize) {
    checked.all += all.unsigned_abs();
    checked.wrong += wrong as u64;
}
