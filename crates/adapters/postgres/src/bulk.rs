//! Imports, exports, restores and audits, each on a connection of its own.
//!
//! An import keeps the UUIDs of the account in temporary tables. An index on UUIDs would slow down every write.

use std::collections::{HashMap, HashSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{Account, AccountId, CounterChanges, SecretHash, Token, Uuid};
use ports::outbound::{
    BackupRecords, BulkRepository, CounterAudit, HighestIds, ImportRecords, ImportSummary, StoredCall, Visitor,
};
use ports::{Error, Result};
use storage::StoreResult;
use storage::bulk::{
    Batches, BulkSession, ContactToInsert, FieldToInsert, Restore, Table, add, backup_size, highest_ids as collect_ids,
    import_batch, import_size,
};
use storage::columns::DbUuid;
use storage::rows::{AccountRow, CallRow, NewContactFieldRow, NewContactRow, TokenRow};
use storage::schema::{UniqueId, accounts, calls, contact_fields, contacts, tokens};

use crate::accounts::{delete_account, find_account};
use crate::calls::lock_contacts;
use crate::changes::insert_calls;
use crate::{DbConnection, bulk_pool, counters, export, lock_accounts, read_transaction, write_transaction};

diesel::table! {
    use diesel::sql_types::BigInt;
    use storage::schema::UniqueId;

    known_contacts (uuid) {
        uuid -> UniqueId,
        id -> BigInt,
    }
}

/// The tables last as long as the transaction that creates them.
const CREATE_KNOWN: &str = "\
CREATE TEMP TABLE known_contacts (uuid uuid PRIMARY KEY, id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE known_calls (uuid uuid PRIMARY KEY) ON COMMIT DROP;";

/// Plans that are made while the temporary tables are empty must not scan them later.
const AVOID_SCANS: &str = "ANALYZE known_contacts; ANALYZE known_calls; SET LOCAL enable_seqscan = off";

/// Lets one import assign ids at a time. The number is arbitrary.
const IMPORT_LOCK: &str = "SELECT pg_advisory_xact_lock(2026112401)";

/// The number of rows of an `INSERT`, which takes at most 65,535 values.
const ROWS: usize = 1_000;

/// Opens a connection for each operation on the whole store.
pub struct Bulk {
    url: String,
}

impl Bulk {
    /// Returns the operations on the database at the URL.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    /// Runs a job that writes, in a transaction.
    fn write<T>(&self, job: impl FnOnce(&mut DbConnection) -> StoreResult<T>) -> Result<T> {
        Ok(bulk_pool(&self.url, 1)?.run(job)?)
    }

    /// Compares the counters with the calls and repairs them.
    pub fn audit_counters(&self) -> Result<CounterAudit> {
        self.write(crate::audit::audit_counters)
    }

    /// Deletes the account with everything that it owns.
    pub fn delete_account(&self, account: AccountId) -> Result<()> {
        self.write(|connection| delete_account(connection, account))
    }
}

impl BulkRepository for Bulk {
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()> {
        Ok(bulk_pool(&self.url, 1)?.run_transactions(|connection| {
            read_transaction(connection, |connection| export::read(connection, account, visit))
        })?)
    }

    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary> {
        let pool = bulk_pool(&self.url, 2)?;
        // The temporary tables need a transaction of their own: each batch is committed by itself.
        Ok(pool.run(|known| {
            find_account(known, account)?;
            known.batch_execute(CREATE_KNOWN)?;
            pool.run_transactions(|connection| {
                let mut highest = HighestIds::default();
                write_transaction(connection, |connection| {
                    lock_imports(connection)?;
                    load_known(known, account, &mut highest)
                })?;
                known.batch_execute(AVOID_SCANS)?;
                let mut summary = ImportSummary::default();
                for batch in Batches::new(records, import_size) {
                    let batch = batch?;
                    let imported = write_transaction(connection, |connection| {
                        lock_imports(connection)?;
                        // A concurrent import can have added records.
                        load_known(known, account, &mut highest)?;
                        import_batch(&mut Session { connection, known: Some(known) }, account, batch, dry_run)
                    })?;
                    add(&mut summary, &imported);
                }
                Ok(summary)
            })
        })?)
    }

    fn restore(&self, records: BackupRecords<'_>) -> Result<bool> {
        self.write(|connection| {
            lock_accounts(connection)?;
            if accounts::table.count().get_result::<i64>(connection)? > 0 {
                return Ok(false);
            }
            let mut restore = Restore::default();
            let mut session = Session { connection, known: None };
            for batch in Batches::new(records, backup_size) {
                restore.add(&mut session, batch?)?;
            }
            restore.finish(&mut session)?;
            Ok(true)
        })
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Returns the highest id that was assigned in each table. Sequences are not part of a snapshot, so the ids are never
/// below those that the snapshot has.
pub fn highest_ids(connection: &mut DbConnection) -> StoreResult<HighestIds> {
    collect_ids(|table| {
        let sql =
            format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number FROM {}_id_seq", table.name());
        Ok(diesel::sql_query(sql).get_result::<Number>(connection)?.number)
    })
}

/// Prevents other imports from assigning ids until the end of the transaction.
fn lock_imports(connection: &mut DbConnection) -> StoreResult<()> {
    Ok(connection.batch_execute(IMPORT_LOCK)?)
}

/// Adds the account's records with ids above `highest` to the temporary tables of this connection, and raises `highest` to
/// the highest ids. The caller prevents other imports.
fn load_known(connection: &mut DbConnection, account: AccountId, highest: &mut HighestIds) -> StoreResult<()> {
    let above = std::mem::replace(highest, highest_ids(connection)?);
    for (sql, above) in [
        ("INSERT INTO known_contacts SELECT uuid, id FROM contacts", above.contacts),
        ("INSERT INTO known_calls SELECT uuid FROM calls", above.calls),
    ] {
        diesel::sql_query(format!("{sql} WHERE account_id = $1 AND id > $2 ON CONFLICT DO NOTHING"))
            .bind::<BigInt, _>(account.get())
            .bind::<BigInt, _>(above)
            .execute(connection)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct KnownCall {
    #[diesel(sql_type = UniqueId)]
    uuid: DbUuid,
}

/// An import or a restore within a transaction.
struct Session<'a> {
    connection: &'a mut DbConnection,
    /// The connection that has the temporary tables. `None` for a restore, which has none.
    known: Option<&'a mut DbConnection>,
}

impl Session<'_> {
    fn known(&mut self) -> &mut DbConnection {
        match &mut self.known {
            Some(known) => known,
            None => self.connection,
        }
    }
}

impl BulkSession for Session<'_> {
    fn assign_ids(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>> {
        let sql = "SELECT nextval($1::regclass) AS number FROM generate_series(1, $2)";
        let count = i64::try_from(count).map_err(Error::internal)?;
        let query = diesel::sql_query(sql).bind::<Text, _>(format!("{}_id_seq", table.name())).bind::<BigInt, _>(count);
        let mut ids: Vec<i64> = query.load::<Number>(self.connection)?.into_iter().map(|row| row.number).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>> {
        let uuids: Vec<_> = uuids.iter().copied().map(DbUuid).collect();
        let rows: Vec<(DbUuid, i64)> =
            known_contacts::table.filter(known_contacts::uuid.eq_any(uuids)).load(self.known())?;
        Ok(rows.into_iter().map(|(uuid, id)| (uuid.0, id)).collect())
    }

    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()> {
        let (uuids, ids): (Vec<_>, Vec<_>) = contacts.iter().map(|(uuid, id)| (DbUuid(*uuid), *id)).unzip();
        diesel::sql_query("INSERT INTO known_contacts SELECT * FROM unnest($1, $2)")
            .bind::<Array<UniqueId>, _>(uuids)
            .bind::<Array<BigInt>, _>(ids)
            .execute(self.known())?;
        Ok(())
    }

    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>> {
        let sql = "INSERT INTO known_calls SELECT unnest($1) ON CONFLICT DO NOTHING RETURNING uuid";
        let uuids: Vec<_> = uuids.iter().copied().map(DbUuid).collect();
        let new = diesel::sql_query(sql).bind::<Array<UniqueId>, _>(uuids).load::<KnownCall>(self.known())?;
        Ok(new.into_iter().map(|row| row.uuid.0).collect())
    }

    fn taken_external_ids(&mut self, account: AccountId, external_ids: &[&str]) -> StoreResult<HashSet<String>> {
        let of_account = calls::table.filter(calls::account_id.eq(account.get()));
        let taken = of_account.filter(calls::external_id.eq_any(external_ids)).select(calls::external_id);
        Ok(taken.load::<Option<String>>(self.connection)?.into_iter().flatten().collect())
    }

    fn insert_account(&mut self, account: &Account) -> StoreResult<()> {
        diesel::insert_into(accounts::table).values(AccountRow::from(account)).execute(self.connection)?;
        Ok(())
    }

    fn insert_token(&mut self, token: &Token, hash: SecretHash) -> StoreResult<()> {
        diesel::insert_into(tokens::table).values(TokenRow::new(token, hash)).execute(self.connection)?;
        Ok(())
    }

    fn insert_contacts(&mut self, contacts: Vec<ContactToInsert>) -> StoreResult<()> {
        let row = |ContactToInsert { id, account, contact }| {
            (contacts::id.eq(id.get()), NewContactRow::imported(account, contact))
        };
        let mut rows = contacts.into_iter().map(row).peekable();
        while rows.peek().is_some() {
            let some: Vec<_> = rows.by_ref().take(ROWS).collect();
            diesel::insert_into(contacts::table).values(some).execute(self.connection)?;
        }
        Ok(())
    }

    fn insert_fields(&mut self, account: AccountId, fields: Vec<FieldToInsert>) -> StoreResult<()> {
        let row = |FieldToInsert { id, contact, field, identity }: &FieldToInsert| {
            (contact_fields::id.eq(*id), NewContactFieldRow::new(account, *contact, field, *identity))
        };
        for some in fields.chunks(ROWS) {
            let rows: Vec<_> = some.iter().map(row).collect();
            diesel::insert_into(contact_fields::table).values(rows).execute(self.connection)?;
        }
        Ok(())
    }

    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()> {
        let rows: Vec<CallRow> = calls.into_iter().map(CallRow::from).collect();
        rows.chunks(ROWS).try_for_each(|some| insert_calls(self.connection, &some.iter().collect::<Vec<_>>()))
    }

    fn apply_counters(&mut self, account: AccountId, changes: &CounterChanges) -> StoreResult<()> {
        let locked = lock_contacts(self.connection, account, changes.contacts.keys().copied())?;
        counters::apply(self.connection, account, changes, &locked)
    }

    fn raise_highest_ids(&mut self, highest: &HighestIds) -> StoreResult<()> {
        for (table, highest) in Table::all(highest) {
            let sql = format!(
                "SELECT setval($1::regclass, GREATEST($2, last_value)) AS number FROM {}_id_seq WHERE $2 > 0",
                table.name()
            );
            diesel::sql_query(sql)
                .bind::<Text, _>(format!("{}_id_seq", table.name()))
                .bind::<BigInt, _>(highest)
                .execute(self.connection)?;
        }
        Ok(())
    }
}
