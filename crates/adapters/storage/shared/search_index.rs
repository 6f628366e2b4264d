//! The index of the words and phone numbers that searches find.
//!
//! The words of a contact and of a call, and the keys of their phone numbers, are written with it. They are computed again
//! when [`INDEX_VERSION`] changes, also after the migrations that create the indexes. Several processes can do so at once,
//! and an interrupted one is continued at the next start.

use diesel::prelude::*;
use domain::{Account, AccountId, Contact, ContactSummary, INDEX_VERSION, NewContact};
use storage::StoreResult;
use storage::rows::{CallRow, ContactRow};
use storage::schema::{calls, contact_fields, contacts, search_index, search_index_progress};

use crate::accounts::all_accounts;
use crate::contacts::{by_id, with_fields};
use crate::{DbConnection, call_words, lock_call_writers, read_transaction, write_transaction};

/// The number of contacts that are indexed in one transaction.
const CONTACTS: i64 = 500;

/// The number of calls that are indexed at once.
const CALLS: i64 = 100;

/// The number of times that [`CALLS`] are indexed in one transaction.
const ROUNDS: usize = 50;

/// Indexes all contacts and calls, unless the index has the version of this program. Reports how many of how many calls
/// are indexed.
pub fn update(connection: &mut DbConnection, report: &mut dyn FnMut(u64, u64)) -> StoreResult<()> {
    if read_transaction(connection, is_current)? {
        return Ok(());
    }
    let accounts = read_transaction(connection, all_accounts)?;
    for account in &accounts {
        let mut after = 0;
        while let Some(last) = write_transaction(connection, |connection| index_some(connection, account, after))? {
            after = last;
        }
    }
    let total = read_transaction(connection, |connection| count_calls(connection, &accounts))?;
    let mut indexed = 0;
    for account in &accounts {
        loop {
            let some = write_transaction(connection, |connection| index_calls(connection, account.id))?;
            if some == 0 {
                break;
            }
            indexed += some;
            report(indexed, total);
        }
    }
    write_transaction(connection, |connection| {
        // Another process can have finished the index meanwhile.
        lock_call_writers(connection)?;
        if is_current(connection)? {
            return Ok(());
        }
        for account in all_accounts(connection)? {
            while index_calls(connection, account.id)? > 0 {}
            diesel::delete(search_index_progress::table.find(account.id.get())).execute(connection)?;
        }
        diesel::delete(search_index::table).execute(connection)?;
        diesel::insert_into(search_index::table).values(search_index::version.eq(INDEX_VERSION)).execute(connection)?;
        Ok(())
    })
}

fn count_calls(connection: &mut DbConnection, accounts: &[Account]) -> StoreResult<u64> {
    let mut total = 0;
    for account in accounts {
        let of_account = calls::table.filter(calls::account_id.eq(account.id.get()));
        total += of_account.count().get_result::<i64>(connection)?.unsigned_abs();
    }
    Ok(total)
}

fn is_current(connection: &mut DbConnection) -> StoreResult<bool> {
    let version: Option<i32> = search_index::table.select(search_index::version).first(connection).optional()?;
    Ok(version == Some(INDEX_VERSION))
}

/// Indexes the next calls of the account, within a transaction. Returns their number, 0 if all are indexed.
fn index_calls(connection: &mut DbConnection, account: AccountId) -> StoreResult<u64> {
    // Older servers can write while the index is made.
    lock_call_writers(connection)?;
    if is_current(connection)? {
        return Ok(0);
    }
    let progress = search_index_progress::table.find(account.get());
    let of_version = progress.filter(search_index_progress::version.eq(INDEX_VERSION));
    let stored: Option<i64> = of_version.select(search_index_progress::call_id).get_result(connection).optional()?;
    let (mut after, mut indexed) = (stored.unwrap_or_default(), 0);
    for _ in 0..ROUNDS {
        let rows: Vec<CallRow> = calls::table
            .filter(calls::account_id.eq(account.get()).and(calls::id.gt(after)))
            .order(calls::id)
            .limit(CALLS)
            .select(CallRow::as_select())
            .load(connection)?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        indexed += rows.len() as u64;
        call_words::replace(connection, account, &rows.iter().collect::<Vec<_>>())?;
        for row in &rows {
            if let Some(key) = row.call.phone_key() {
                let this_call = calls::table.find((account.get(), row.id));
                let is_other = calls::phone_key.is_null().or(calls::phone_key.ne(&key));
                diesel::update(this_call.filter(is_other)).set(calls::phone_key.eq(&key)).execute(connection)?;
            }
        }
    }
    if indexed > 0 {
        diesel::delete(progress).execute(connection)?;
        let row = (
            search_index_progress::account_id.eq(account.get()),
            search_index_progress::version.eq(INDEX_VERSION),
            search_index_progress::call_id.eq(after),
        );
        diesel::insert_into(search_index_progress::table).values(row).execute(connection)?;
    }
    Ok(indexed)
}

/// Indexes the next contacts of the account, within a transaction. Returns the id of the last one, `None` if there are no
/// more.
fn index_some(connection: &mut DbConnection, account: &Account, after: i64) -> StoreResult<Option<i64>> {
    // Older servers can write while the index is made.
    lock_call_writers(connection)?;
    let rows: Vec<ContactRow> = contacts::table
        .filter(contacts::account_id.eq(account.id.get()).and(contacts::id.gt(after)))
        .order(contacts::id)
        .limit(CONTACTS)
        .select(ContactRow::as_select())
        .load(connection)?;
    let last = rows.last().map(ContactRow::id);
    for contact in with_fields(connection, account.id, rows)? {
        index(connection, contact)?;
    }
    Ok(last)
}

fn index(connection: &mut DbConnection, contact: Contact) -> StoreResult<()> {
    let ContactSummary { id, account, .. } = contact.summary;
    for field in &contact.fields {
        let this_field = contact_fields::account_id.eq(account.get()).and(contact_fields::id.eq(field.id.get()));
        let this_field = || contact_fields::table.filter(this_field);
        let search_data = field.content.search_data();
        diesel::update(this_field().filter(contact_fields::search_data.ne(search_data.clone())))
            .set(contact_fields::search_data.eq(search_data))
            .execute(connection)?;
        if let Some(key) = field.content.phone_key() {
            let is_other = contact_fields::phone_key.is_null().or(contact_fields::phone_key.ne(&key));
            diesel::update(this_field().filter(is_other))
                .set(contact_fields::phone_key.eq(&key))
                .execute(connection)?;
        }
    }
    let search_text = NewContact::from(contact).search_text();
    diesel::update(by_id(account, id)).set(contacts::search_text.eq(search_text)).execute(connection)?;
    Ok(())
}
