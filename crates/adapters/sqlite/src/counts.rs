//! The counters of an account's calls in SQLite.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use domain::{AccountId, ContactId, Moment};
use storage::{Key, Outcome, Statement};

use crate::rows::moment;
use crate::schema::calls;

/// Account, month, calls.
struct CountMonth;

impl Key for CountMonth {}

const COUNT_MONTH: &str = " INSERT INTO call_counts (account_id, month, calls) VALUES (?1, ?2, ?3)
  ON CONFLICT (account_id, month) DO UPDATE SET calls = calls + ?3";

/// Adds to the counter of the account's month.
pub fn count_month(connection: &mut SqliteConnection, account: AccountId, month: i32, calls: i64) -> Outcome<()> {
    let values = (account.get().into_sql::<BigInt>(), month.into_sql::<Integer>(), calls.into_sql::<BigInt>());
    Statement::<BigInt, _, CountMonth>::new(COUNT_MONTH, values).execute(connection)?;
    Ok(())
}

/// Account, contact, calls.
struct CountContact;

impl Key for CountContact {}

const COUNT_CONTACT: &str = " UPDATE contacts SET calls = calls + ?3,
  last_called = (SELECT max(called_at) FROM calls WHERE account_id = ?1 AND contact_id = ?2) WHERE id = ?2";

/// Adds to the contact's counter and finds its `last_called` again.
pub fn count_contact(
    connection: &mut SqliteConnection,
    account: AccountId,
    contact: ContactId,
    calls: i64,
) -> Outcome<()> {
    let values = (account.get().into_sql::<BigInt>(), contact.get().into_sql::<BigInt>(), calls.into_sql::<BigInt>());
    Statement::<BigInt, _, CountContact>::new(COUNT_CONTACT, values).execute(connection)?;
    Ok(())
}

/// When the contact's calls happened.
pub fn instants(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Moment>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let seconds: Vec<i64> = query.select(calls::called_at).load(connection)?;
    seconds.into_iter().map(moment).collect()
}
