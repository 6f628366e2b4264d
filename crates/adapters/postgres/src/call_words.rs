//! The index of the words of calls: a table of `tsvector` with a GIN index.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::{AccountId, ContactId, index_text};
use storage::rows::CallRow;
use storage::{StoreResult, ts_query};

use crate::DbConnection;
use crate::call_list::Condition;
use crate::statements::collect;

/// The words of a text.
#[derive(diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "tsvector"))]
pub struct TsVector;

diesel::table! {
    use super::TsVector;
    use diesel::sql_types::BigInt;

    call_words (account_id, call_id) {
        account_id -> BigInt,
        call_id -> BigInt,
        words -> TsVector,
    }
}

/// Indexes the contents of new calls.
pub fn insert(connection: &mut DbConnection, rows: &[&CallRow]) -> StoreResult<()> {
    let row = |row: &&CallRow| {
        let words = index_text(row.call.details.content.as_deref());
        let vector =
            sql::<TsVector>("array_to_tsvector(string_to_array(").bind::<Text, _>(words.clone()).sql(", ' '))");
        let of_call = (call_words::account_id.eq(row.call.account_id), call_words::call_id.eq(row.id));
        (!words.is_empty()).then(|| (of_call, call_words::words.eq(vector)))
    };
    let values: Vec<_> = rows.iter().filter_map(row).collect();
    diesel::insert_into(call_words::table).values(values).execute(connection)?;
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
