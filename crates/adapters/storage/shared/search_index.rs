//! The index of the words that searches find.
//!
//! The columns `search_text` and `search_data` are written with each contact. They are computed again when the version of
//! the domain's folding changes, also after the migration that creates the index.

use diesel::prelude::*;
use domain::{Account, Contact, ContactSummary, INDEX_VERSION, NewContact};
use storage::StoreResult;
use storage::rows::ContactRow;
use storage::schema::{contact_fields, contacts, search_index};

use crate::accounts::all_accounts;
use crate::contacts::{by_id, with_fields};
use crate::{DbConnection, lock_call_writers, write_transaction};

/// The number of contacts that are indexed in one transaction.
const CONTACTS: i64 = 500;

/// Indexes all contacts, unless the index has the version of this program.
pub fn update(connection: &mut DbConnection) -> StoreResult<()> {
    let version: Option<i32> = search_index::table.select(search_index::version).first(connection).optional()?;
    if version == Some(INDEX_VERSION) {
        return Ok(());
    }
    for account in all_accounts(connection)? {
        let mut after = 0;
        while let Some(last) = write_transaction(connection, |connection| index_some(connection, &account, after))? {
            after = last;
        }
    }
    write_transaction(connection, |connection| {
        diesel::delete(search_index::table).execute(connection)?;
        diesel::insert_into(search_index::table).values(search_index::version.eq(INDEX_VERSION)).execute(connection)?;
        Ok(())
    })
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
        let search_data = field.content.search_data();
        diesel::update(
            contact_fields::table.filter(this_field.and(contact_fields::search_data.ne(search_data.clone()))),
        )
        .set(contact_fields::search_data.eq(search_data))
        .execute(connection)?;
    }
    let search_text = NewContact::from(contact).search_text();
    diesel::update(by_id(account, id)).set(contacts::search_text.eq(search_text)).execute(connection)?;
    Ok(())
}
