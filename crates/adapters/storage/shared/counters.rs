//! The counters of contacts and months, which each write of a call updates.

use std::collections::BTreeMap;

use diesel::prelude::*;
use domain::{AccountId, ContactId, CounterChanges, LastCalled};
use storage::StoreResult;
use storage::rows::ContactWithLastCalled;
use storage::schema::call_counts;

use crate::DbConnection;
use crate::changes::{change_months, update_contacts};

/// How the counters of a contact change.
pub struct ContactCounters {
    /// The contact.
    pub contact: ContactId,
    /// What is added to the number of calls.
    pub calls: i64,
    /// The new `last_called`.
    pub last_called: LastCalled,
}

/// Applies the changes of writes, which have locked the contacts and written the calls already.
pub fn apply(
    connection: &mut DbConnection,
    account: AccountId,
    changes: &CounterChanges,
    locked: &BTreeMap<ContactId, ContactWithLastCalled>,
) -> StoreResult<()> {
    let counters = changes.contacts.iter().map(|(contact, change)| {
        let current = locked.get(contact).and_then(|locked| locked.last_called);
        ContactCounters { contact: *contact, calls: change.calls, last_called: change.last_called(current) }
    });
    let counters: Vec<_> = counters.collect();
    if !counters.is_empty() {
        update_contacts(connection, account, &counters)?;
    }
    if !changes.months.is_empty() {
        change_months(connection, account, &changes.months)?;
    }
    Ok(())
}

/// Returns the months that have calls with their numbers, the newest month first.
pub fn calls_per_month(connection: &mut DbConnection, account: AccountId) -> StoreResult<Vec<(i32, i64)>> {
    Ok(call_counts::table
        .filter(call_counts::account_id.eq(account.get()))
        .filter(call_counts::calls.ne(0))
        .order(call_counts::month.desc())
        .select((call_counts::month, call_counts::calls))
        .load(connection)?)
}
