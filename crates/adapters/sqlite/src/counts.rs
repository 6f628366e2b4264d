//! The counters of an account's calls in SQLite.

use diesel::prelude::*;
use domain::{AccountId, ContactId, Moment};
use storage::Outcome;

use crate::rows::moment;
use crate::schema::{call_counts, calls};

/// Adds to the counter of the account's month.
pub fn count_month(connection: &mut SqliteConnection, account: AccountId, month: i32, calls: i64) -> Outcome<()> {
    diesel::insert_into(call_counts::table)
        .values((call_counts::account_id.eq(account.get()), call_counts::month.eq(month), call_counts::calls.eq(calls)))
        .on_conflict((call_counts::account_id, call_counts::month))
        .do_update()
        .set(call_counts::calls.eq(call_counts::calls + calls))
        .execute(connection)?;
    Ok(())
}

/// When the contact's calls happened.
pub fn instants(connection: &mut SqliteConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Moment>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let seconds: Vec<i64> = query.select(calls::called_at).load(connection)?;
    seconds.into_iter().map(moment).collect()
}
