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
use crate::{DbConnection, counters, export, lock_accounts, snapshot};

diesel::table! {
    use diesel::sql_types::BigInt;
    use storage::schema::UniqueId;

    known_contacts (uuid) {
        uuid -> UniqueId,
        id -> BigInt,
    }
}

/// A batch can take long. Plans that were made while the temporary tables were empty must not scan them later.
const ON_CONNECT: &str = "SET statement_timeout = 0";
const CREATE_KNOWN: &str = "\
CREATE TEMP TABLE known_contacts (uuid uuid PRIMARY KEY, id bigint NOT NULL);
CREATE TEMP TABLE known_calls (uuid uuid PRIMARY KEY);";
const AVOID_SCANS: &str = "ANALYZE known_contacts; ANALYZE known_calls; SET enable_seqscan = off";

/// Lets one import assign ids at a time. The number is arbitrary.
const IMPORT_LOCK: &str = "SELECT pg_advisory_xact_lock(2026112401)";

/// The number of rows of an INSERT, which takes at most 65,535 values.
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

    fn run<T>(&self, job: impl FnOnce(&mut DbConnection) -> StoreResult<T>) -> Result<T> {
        Ok(crate::pool(&self.url, 1)?.run(|connection| {
            connection.batch_execute(ON_CONNECT)?;
            job(connection)
        })?)
    }

    /// Compares the counters with the calls and repairs them.
    pub fn audit_counters(&self) -> Result<CounterAudit> {
        self.run(|connection| connection.transaction(crate::audit::audit_counters))
    }

    /// Deletes the account with everything that it owns.
    pub fn delete_account(&self, account: AccountId) -> Result<()> {
        self.run(|connection| connection.transaction(|connection| delete_account(connection, account)))
    }
}

impl BulkRepository for Bulk {
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()> {
        self.run(|connection| snapshot(connection, |connection| export::read(connection, account, visit)))
    }

    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary> {
        self.run(|connection| {
            find_account(connection, account)?;
            connection.batch_execute(CREATE_KNOWN)?;
            let mut known = HighestIds::default();
            connection.transaction(|connection| load_known(connection, account, &mut known))?;
            connection.batch_execute(AVOID_SCANS)?;
            let mut summary = ImportSummary::default();
            for batch in Batches::new(records, import_size) {
                let batch = batch?;
                let imported = connection.transaction(|connection| {
                    // A concurrent import can have added records.
                    load_known(connection, account, &mut known)?;
                    import_batch(&mut Session(connection), account, batch, dry_run)
                })?;
                add(&mut summary, &imported);
            }
            Ok(summary)
        })
    }

    fn restore(&self, records: BackupRecords<'_>) -> Result<bool> {
        self.run(|connection| {
            connection.transaction(|connection| {
                lock_accounts(connection)?;
                if accounts::table.count().get_result::<i64>(connection)? > 0 {
                    return Ok(false);
                }
                let mut restore = Restore::default();
                for batch in Batches::new(records, backup_size) {
                    restore.add(&mut Session(connection), batch?)?;
                }
                restore.finish(&mut Session(connection))?;
                Ok(true)
            })
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

/// Adds the account's records with ids above `known` to the temporary tables, and raises `known` to the highest ids.
fn load_known(connection: &mut DbConnection, account: AccountId, known: &mut HighestIds) -> StoreResult<()> {
    // Until the end of the transaction no other import assigns ids.
    connection.batch_execute(IMPORT_LOCK)?;
    let above = std::mem::replace(known, highest_ids(connection)?);
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

/// A connection within a transaction.
struct Session<'a>(&'a mut DbConnection);

impl BulkSession for Session<'_> {
    fn assign_ids(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>> {
        let sql = "SELECT nextval($1::regclass) AS number FROM generate_series(1, $2)";
        let count = i64::try_from(count).map_err(Error::internal)?;
        let query = diesel::sql_query(sql).bind::<Text, _>(format!("{}_id_seq", table.name())).bind::<BigInt, _>(count);
        let mut ids: Vec<i64> = query.load::<Number>(self.0)?.into_iter().map(|row| row.number).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>> {
        let uuids: Vec<_> = uuids.iter().copied().map(DbUuid).collect();
        let rows: Vec<(DbUuid, i64)> = known_contacts::table.filter(known_contacts::uuid.eq_any(uuids)).load(self.0)?;
        Ok(rows.into_iter().map(|(uuid, id)| (uuid.0, id)).collect())
    }

    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()> {
        let (uuids, ids): (Vec<_>, Vec<_>) = contacts.iter().map(|(uuid, id)| (DbUuid(*uuid), *id)).unzip();
        diesel::sql_query("INSERT INTO known_contacts SELECT * FROM unnest($1, $2)")
            .bind::<Array<UniqueId>, _>(uuids)
            .bind::<Array<BigInt>, _>(ids)
            .execute(self.0)?;
        Ok(())
    }

    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>> {
        let sql = "INSERT INTO known_calls SELECT unnest($1) ON CONFLICT DO NOTHING RETURNING uuid";
        let uuids: Vec<_> = uuids.iter().copied().map(DbUuid).collect();
        let new = diesel::sql_query(sql).bind::<Array<UniqueId>, _>(uuids).load::<KnownCall>(self.0)?;
        Ok(new.into_iter().map(|row| row.uuid.0).collect())
    }

    fn taken_external_ids(&mut self, account: AccountId, external_ids: &[&str]) -> StoreResult<HashSet<String>> {
        let of_account = calls::table.filter(calls::account_id.eq(account.get()));
        let taken = of_account.filter(calls::external_id.eq_any(external_ids)).select(calls::external_id);
        Ok(taken.load::<Option<String>>(self.0)?.into_iter().flatten().collect())
    }

    fn insert_account(&mut self, account: &Account) -> StoreResult<()> {
        diesel::insert_into(accounts::table).values(AccountRow::from(account)).execute(self.0)?;
        Ok(())
    }

    fn insert_token(&mut self, token: &Token, hash: SecretHash) -> StoreResult<()> {
        diesel::insert_into(tokens::table).values(TokenRow::new(token, hash)).execute(self.0)?;
        Ok(())
    }

    fn insert_contacts(&mut self, contacts: Vec<ContactToInsert>) -> StoreResult<()> {
        let row = |ContactToInsert { id, account, contact }| {
            (contacts::id.eq(id.get()), NewContactRow::imported(account, contact))
        };
        let mut rows = contacts.into_iter().map(row).peekable();
        while rows.peek().is_some() {
            let some: Vec<_> = rows.by_ref().take(ROWS).collect();
            diesel::insert_into(contacts::table).values(some).execute(self.0)?;
        }
        Ok(())
    }

    fn insert_fields(&mut self, account: AccountId, fields: Vec<FieldToInsert>) -> StoreResult<()> {
        let row = |FieldToInsert { id, contact, field, identity }: &FieldToInsert| {
            (contact_fields::id.eq(*id), NewContactFieldRow::new(account, *contact, field, *identity))
        };
        for some in fields.chunks(ROWS) {
            let rows: Vec<_> = some.iter().map(row).collect();
            diesel::insert_into(contact_fields::table).values(rows).execute(self.0)?;
        }
        Ok(())
    }

    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()> {
        let rows: Vec<CallRow> = calls.into_iter().map(CallRow::from).collect();
        rows.chunks(ROWS).try_for_each(|some| insert_calls(self.0, &some.iter().collect::<Vec<_>>()))
    }

    fn apply_counters(&mut self, account: AccountId, changes: &CounterChanges) -> StoreResult<()> {
        let locked = lock_contacts(self.0, account, changes.contacts.keys().copied())?;
        counters::apply(self.0, account, changes, &locked)
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
                .execute(self.0)?;
        }
        Ok(())
    }
}
