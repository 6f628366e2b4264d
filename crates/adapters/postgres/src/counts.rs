//! The counters of an account's calls in PostgreSQL.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use domain::{AccountId, ContactId, Moment};
use storage::Outcome;

use crate::schema::{call_counts, calls};

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
pub fn instants(connection: &mut PgConnection, account: AccountId, contact: ContactId) -> Outcome<Vec<Moment>> {
    let query = calls::table.filter(calls::account_id.eq(account.get()).and(calls::contact_id.eq(contact.get())));
    let instants: Vec<DateTime<Utc>> = query.select(calls::called_at).load(connection)?;
    Ok(instants.into_iter().map(Moment::from).collect())
}
