//! The index of the words of calls: a table of `tsvector` with a GIN index.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{AccountId, ContactId, index_text};
use storage::rows::CallRow;
use storage::{RawStatement, StoreResult, ts_query};

use crate::DbConnection;
use crate::call_list::Condition;
use crate::statements::collect;

diesel::table! {
    call_words (account_id, call_id) {
        account_id -> BigInt,
        call_id -> BigInt,
    }
}

/// The parameters are account, calls, their contacts, and the words of each, separated by spaces. The contacts are looked
/// up as by [`changes`](crate::changes), for the same reasons.
const INSERT: &str = "
INSERT INTO call_words (account_id, call_id, words)
SELECT contact.account_id, call, array_to_tsvector(string_to_array(words, ' '))
FROM unnest($2, $3, $4) AS new (call, contact_id, words)
CROSS JOIN LATERAL (SELECT account_id FROM contacts WHERE account_id = $1 AND id = new.contact_id LIMIT 1) AS contact
WHERE words <> ''";

/// The key of the prepared statement [`INSERT`].
#[derive(QueryId)]
struct Insert;

/// Indexes the contents of new calls of one account.
pub fn insert(connection: &mut DbConnection, rows: &[&CallRow]) -> StoreResult<()> {
    let Some(account) = rows.first().map(|row| row.call.account_id) else { return Ok(()) };
    let values = (
        account.into_sql::<BigInt>(),
        collect(rows, |row| row.id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| row.call.contact_id).into_sql::<Array<BigInt>>(),
        collect(rows, |row| index_text(row.call.details.content.as_deref())).into_sql::<Array<Text>>(),
    );
    RawStatement::<(), _, Insert>::new(INSERT, values).execute(connection)?;
    Ok(())
}

/// Indexes the changed contents of calls.
pub fn replace(connection: &mut DbConnection, account: AccountId, rows: &[&CallRow]) -> StoreResult<()> {
    delete(connection, account, &collect(rows, |row| row.id))?;
    insert(connection, rows)
}

/// Removes calls from the index.
pub fn delete(connection: &mut DbConnection, account: AccountId, ids: &[i64]) -> StoreResult<()> {
    let indexed = call_words::table.filter(call_words::account_id.eq(account.get()));
    diesel::delete(indexed.filter(call_words::call_id.eq_any(ids))).execute(connection)?;
    Ok(())
}

/// Removes the calls of the contact from the index.
pub fn delete_of_contact(connection: &mut DbConnection, account: AccountId, contact: ContactId) -> StoreResult<()> {
    let sql = "DELETE FROM call_words WHERE account_id = $1
      AND call_id IN (SELECT id FROM calls WHERE account_id = $1 AND contact_id = $2)";
    let delete = sql_query(sql).bind::<BigInt, _>(account.get()).bind::<BigInt, _>(contact.get());
    delete.execute(connection)?;
    Ok(())
}

/// Removes the calls of the account from the index.
pub fn delete_of_account(connection: &mut DbConnection, account: AccountId) -> StoreResult<()> {
    diesel::delete(call_words::table.filter(call_words::account_id.eq(account.get()))).execute(connection)?;
    Ok(())
}

/// Each of the words begins a word of the call.
pub fn has_words(account: AccountId, words: &[String]) -> Condition {
    let found = sql::<Bool>("calls.id IN (SELECT call_id FROM call_words WHERE account_id = ");
    let found = found.bind::<BigInt, _>(account.get()).sql(" AND words @@ ");
    Box::new(found.bind::<Text, _>(ts_query(words)).sql("::tsquery)"))
}
