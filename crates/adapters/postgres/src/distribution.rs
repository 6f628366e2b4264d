//! Citus, which distributes the tables of a database over several nodes.
//!
//! The rows of an account are on one node. Accounts are a reference table, which every node has. Tokens, the versions of
//! migrations and of the index stay on the coordinator.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use ports::{Error, Result};
use storage::StoreResult;

use crate::{DbConnection, bulk_pool, lock_migrations, write_transaction};

/// The tables to distribute that are not distributed yet, and the function that distributes each: accounts, then every
/// table whose rows belong to an account, except tokens.
const TABLES: &str = "
SELECT relname::text AS name, CASE relname
  WHEN 'accounts' THEN 'create_reference_table(''accounts'')'
  WHEN 'contacts' THEN 'create_distributed_table(''contacts'', ''account_id'', colocate_with => ''none'')'
  ELSE format('create_distributed_table(%L, ''account_id'', colocate_with => ''contacts'')', relname) END AS function
FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'tokens'
  AND NOT relation_is_a_known_shard(pg_class.oid) AND (relname = 'accounts' OR EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'account_id' AND NOT attisdropped
  )) AND NOT EXISTS (
    -- 'h' is a distributed table, 't' a reference table. Citus also lists local tables that refer to one.
    SELECT FROM pg_dist_partition WHERE logicalrelid = pg_class.oid AND (partmethod = 'h' OR repmodel = 't')
  )
ORDER BY relname <> 'accounts', relname <> 'contacts', relname";

/// The foreign keys of the tables, and those that refer to them. The parameter is the names of the tables.
const FOREIGN_KEYS: &str = "
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS remove,
  format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS add
FROM pg_constraint WHERE contype = 'f' AND (conrelid = ANY ($1::regclass[]) OR confrelid = ANY ($1::regclass[]))
ORDER BY conname";

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    function: String,
}

#[derive(QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    remove: String,
    #[diesel(sql_type = Text)]
    add: String,
}

/// Returns whether the tables are distributed.
pub fn is_distributed(connection: &mut DbConnection) -> StoreResult<bool> {
    if !has_citus(connection)? {
        return Ok(false);
    }
    let calls = "EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'calls'::regclass AND partmethod = 'h')";
    Ok(diesel::select(sql::<Bool>(calls)).get_result(connection)?)
}

fn has_citus(connection: &mut DbConnection) -> StoreResult<bool> {
    let exists = "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";
    Ok(diesel::select(sql::<Bool>(exists)).get_result(connection)?)
}

/// Checks that the server is no worker of Citus, which has neither tokens nor migrations. Unavailable if it is one.
pub fn check_is_no_worker(connection: &mut DbConnection) -> StoreResult<()> {
    // The group 0 is the coordinator.
    let is_worker = "EXISTS (SELECT FROM pg_dist_local_group WHERE groupid <> 0)";
    if has_citus(connection)? && diesel::select(sql::<Bool>(is_worker)).get_result(connection)? {
        return Err(Error::unavailable("DATABASE_URL names a worker of Citus, and must name its coordinator").into());
    }
    Ok(())
}

/// Checks that tables can be distributed. Unavailable if the server is not the coordinator of Citus.
pub fn check_can_distribute(url: &str) -> Result<()> {
    Ok(bulk_pool(url, 1)?.run(|connection| {
        if !has_citus(connection)? {
            let cause = "its tables cannot be distributed, because the database does not have the extension citus";
            return Err(Error::unavailable(cause).into());
        }
        check_is_no_worker(connection)
    })?)
}

/// Distributes the tables of a migrated store over the nodes of Citus, in one transaction, and returns their names. Empty
/// if they are distributed already. Other transactions that write wait meanwhile. The caller has called
/// [`check_can_distribute`].
///
/// Reports each table and how many of how many are done, before its rows are moved.
pub fn distribute(url: &str, report: &mut dyn FnMut(&str, usize, usize)) -> Result<Vec<String>> {
    Ok(bulk_pool(url, 1)?.run_transactions(|connection| {
        write_transaction(connection, |connection| {
            lock_migrations(connection)?;
            distribute_tables(connection, report)
        })
    })?)
}

fn distribute_tables(
    connection: &mut DbConnection,
    report: &mut dyn FnMut(&str, usize, usize),
) -> StoreResult<Vec<String>> {
    let tables: Vec<Table> = diesel::sql_query(TABLES).load(connection)?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    // A local table cannot refer to a distributed one, so the foreign keys are created again afterwards.
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let foreign_keys: Vec<ForeignKey> =
        diesel::sql_query(FOREIGN_KEYS).bind::<Array<Text>, _>(names).load(connection)?;
    // A table that foreign keys refer to cannot be changed after parallel changes of distributed tables.
    connection.batch_execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")?;
    for ForeignKey { remove, .. } in &foreign_keys {
        connection.batch_execute(remove)?;
    }
    for (done, Table { name, function }) in tables.iter().enumerate() {
        report(name, done, tables.len());
        // Citus leaves the rows on the coordinator, where no query finds them.
        let remove_rows = format!("truncate_local_data_after_distributing_table('{name}')");
        connection.batch_execute(&format!("SELECT {function}; SELECT {remove_rows}"))?;
    }
    for ForeignKey { add, .. } in &foreign_keys {
        connection.batch_execute(add)?;
    }
    Ok(tables.into_iter().map(|table| table.name).collect())
}
