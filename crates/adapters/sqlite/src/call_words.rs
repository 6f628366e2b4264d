//! The index of the words of calls: an FTS5 table.
//!
//! FTS5 writes to disk at each savepoint after a change. Writes have savepoints of their own, so they only mark calls in a
//! temporary table. [`update`] indexes the marked ones at the end of the transaction, all at once.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::{AccountId, ContactId, index_text};
use storage::rows::{CallRow, NewCallRow};
use storage::schema::calls;
use storage::{StoreResult, fts5_query};

use crate::DbConnection;
use crate::call_list::Condition;

diesel::table! {
    call_words (rowid) {
        rowid -> BigInt,
        words -> Text,
    }
}

diesel::table! {
    // The statements of `on_connect!` create it.
    marked_calls (id) {
        id -> BigInt,
        is_new -> Bool,
    }
}

/// The number of contents that are in memory at once.
const CALLS: i64 = 100;

/// Marks calls whose contents are new or changed.
pub fn replace(connection: &mut DbConnection, _: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    rows.iter().try_for_each(|row| mark(connection, row.id, false))
}

/// Marks calls that are deleted.
pub fn delete(connection: &mut DbConnection, _: AccountId, ids: &[i64]) -> StoreResult<()> {
    ids.iter().try_for_each(|id| mark(connection, *id, false))
}

/// Marks a new call if it has words to index.
pub fn mark_new(connection: &mut DbConnection, id: i64, call: &NewCallRow) -> StoreResult<()> {
    if call.details.content.is_some() { mark(connection, id, true) } else { Ok(()) }
}

/// Marks a call. A call that is new in this transaction is not in the index.
fn mark(connection: &mut DbConnection, call: i64, is_new: bool) -> StoreResult<()> {
    let marked = (marked_calls::id.eq(call), marked_calls::is_new.eq(is_new));
    diesel::insert_or_ignore_into(marked_calls::table).values(marked).execute(connection)?;
    Ok(())
}

/// Marks the calls of the contact, which are deleted.
pub fn delete_of_contact(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<()> {
    let sql = "INSERT OR IGNORE INTO marked_calls SELECT id, FALSE FROM calls WHERE account_id = ? AND contact_id = ?";
    let mark = sql_query(sql).bind::<BigInt, _>(account.get()).bind::<BigInt, _>(contact.get());
    mark.execute(connection)?;
    Ok(())
}

/// Marks the calls of the account, which are deleted.
pub fn delete_of_account(connection: &mut DbConnection, account: AccountId) -> StoreResult<()> {
    let sql = "INSERT OR IGNORE INTO marked_calls SELECT id, FALSE FROM calls WHERE account_id = ?";
    sql_query(sql).bind::<BigInt, _>(account.get()).execute(connection)?;
    Ok(())
}

/// Indexes the marked calls as they are now. Each transaction that writes calls ends with it.
pub fn update(connection: &mut DbConnection) -> StoreResult<()> {
    let mut after = 0;
    loop {
        let next = marked_calls::table.filter(marked_calls::id.gt(after)).order(marked_calls::id).limit(CALLS);
        let marked: Vec<(i64, bool)> = next.select((marked_calls::id, marked_calls::is_new)).load(connection)?;
        let Some((last, _)) = marked.last() else { break };
        after = *last;
        for (id, is_new) in marked {
            if !is_new {
                diesel::delete(call_words::table.find(id)).execute(connection)?;
            }
            let content = calls::table.filter(calls::id.eq(id)).select(calls::content);
            let content: Option<Option<String>> = content.get_result(connection).optional()?;
            let words = index_text(content.flatten().as_deref());
            if !words.is_empty() {
                diesel::insert_into(call_words::table)
                    .values((call_words::rowid.eq(id), call_words::words.eq(words)))
                    .execute(connection)?;
            }
        }
    }
    if after > 0 {
        diesel::delete(marked_calls::table).execute(connection)?;
    }
    Ok(())
}

/// Each of the words begins a word of the call.
pub fn has_words(_: AccountId, words: &[String]) -> Condition {
    let found = sql::<Bool>("calls.id IN (SELECT rowid FROM call_words WHERE call_words MATCH ");
    Box::new(found.bind::<Text, _>(fts5_query(words)).sql(")"))
}
