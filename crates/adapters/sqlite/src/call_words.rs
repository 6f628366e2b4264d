//! The index of the words of calls: an FTS5 table.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::{AccountId, ContactId, index_text};
use storage::rows::CallRow;
use storage::{StoreResult, fts5_query};

use crate::DbConnection;
use crate::call_list::Condition;

diesel::table! {
    call_words (rowid) {
        rowid -> BigInt,
        words -> Text,
    }
}

/// Indexes the contents of new calls.
pub fn insert(connection: &mut DbConnection, rows: &[&CallRow]) -> StoreResult<()> {
    for row in rows {
        let words = index_text(row.call.details.content.as_deref());
        if !words.is_empty() {
            diesel::insert_into(call_words::table)
                .values((call_words::rowid.eq(row.id), call_words::words.eq(words)))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// Indexes the changed contents of calls.
pub fn replace(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    delete(connection, account, &ids)?;
    insert(connection, rows)
}

/// Removes calls from the index.
pub fn delete(connection: &mut DbConnection, _: AccountId, ids: &[i64]) -> StoreResult<()> {
    for id in ids {
        diesel::delete(call_words::table.find(id)).execute(connection)?;
    }
    Ok(())
}

/// Removes the calls of the contact from the index.
pub fn delete_of_contact(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<()> {
    let sql = "DELETE FROM call_words WHERE rowid IN (SELECT id FROM calls WHERE account_id = ? AND contact_id = ?)";
    let delete = sql_query(sql).bind::<BigInt, _>(account.get()).bind::<BigInt, _>(contact.get());
    delete.execute(connection)?;
    Ok(())
}

/// Removes the calls of the account from the index.
pub fn delete_of_account(connection: &mut DbConnection, account: AccountId) -> StoreResult<()> {
    let sql = "DELETE FROM call_words WHERE rowid IN (SELECT id FROM calls WHERE account_id = ?)";
    sql_query(sql).bind::<BigInt, _>(account.get()).execute(connection)?;
    Ok(())
}

/// Each of the words begins a word of the call.
pub fn has_words(_: AccountId, words: &[String]) -> Condition {
    let found = sql::<Bool>("calls.id IN (SELECT rowid FROM call_words WHERE call_words MATCH ");
    Box::new(found.bind::<Text, _>(fts5_query(words)).sql(")"))
}
