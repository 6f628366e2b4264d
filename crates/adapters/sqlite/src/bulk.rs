//! Imports, exports, restores and audits, each on a connection of its own.
//!
//! An import keeps the UUIDs of the account in temporary tables. An index on UUIDs would slow down every write.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{Account, AccountId, CounterChanges, SecretHash, Token, Uuid};
use ports::Result;
use ports::outbound::{
    BackupRecords, BulkRepository, CounterAudit, HighestIds, ImportRecords, ImportSummary, StoredCall, Visitor,
};
use storage::StoreResult;
use storage::bulk::{
    Batches, BulkSession, ContactToInsert, FieldToInsert, Restore, Table, add, backup_size, highest_ids as collect_ids,
    import_batch, import_size,
};
use storage::columns::DbUuid;
use storage::rows::{AccountRow, CallRow, NewContactFieldRow, NewContactRow, TokenRow};
use storage::schema::{accounts, calls, contact_fields, contacts, tokens};

use crate::accounts::{delete_account, find_account};
use crate::calls::{find_contact, holder};
use crate::changes::insert_calls;
use crate::{CALL_ACCOUNT_IS, DbConnection, counters, export, write_transaction};

diesel::table! {
    use diesel::sql_types::BigInt;
    use storage::schema::UniqueId;

    known_contacts (uuid) {
        uuid -> UniqueId,
        id -> BigInt,
    }
}

diesel::table! {
    use storage::schema::UniqueId;

    known_calls (uuid) {
        uuid -> UniqueId,
    }
}

diesel::table! {
    sqlite_sequence (name) {
        name -> Text,
        seq -> BigInt,
    }
}

const CREATE_KNOWN: &str = "\
CREATE TEMP TABLE known_contacts (uuid BLOB PRIMARY KEY, id BIGINT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE known_calls (uuid BLOB PRIMARY KEY) WITHOUT ROWID;";

/// Rows arrive in an order that no index has. A larger cache writes fewer pages twice.
const ENLARGE_CACHE: &str = "PRAGMA cache_size = -65536; PRAGMA temp.cache_size = -32768";

/// The pause after each batch, in which the writers of servers can lock the file.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// Opens a connection for each operation on the whole store.
pub struct Bulk {
    path: String,
}

impl Bulk {
    /// Returns the operations on the file at the path.
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    fn run<T>(&self, job: impl FnOnce(&mut DbConnection) -> StoreResult<T>) -> Result<T> {
        Ok(crate::pool(&self.path, 1)?.run(|connection| {
            connection.batch_execute(ENLARGE_CACHE)?;
            job(connection)
        })?)
    }

    /// Compares the counters with the calls and repairs them.
    pub fn audit_counters(&self) -> Result<CounterAudit> {
        self.run(|connection| write_transaction(connection, crate::audit::audit_counters))
    }

    /// Deletes the account with everything that it owns.
    pub fn delete_account(&self, account: AccountId) -> Result<()> {
        self.run(|connection| write_transaction(connection, |connection| delete_account(connection, account)))
    }
}

impl BulkRepository for Bulk {
    fn read(&self, account: Option<AccountId>, visit: Visitor<'_>) -> Result<()> {
        self.run(|connection| connection.transaction(|connection| export::read(connection, account, visit)))
    }

    fn import(&self, account: AccountId, records: ImportRecords<'_>, dry_run: bool) -> Result<ImportSummary> {
        self.run(|connection| {
            find_account(connection, account)?;
            connection.batch_execute(CREATE_KNOWN)?;
            let mut known = HighestIds::default();
            connection.transaction(|connection| load_known(connection, account, &mut known))?;
            let mut summary = ImportSummary::default();
            for batch in Batches::new(records, import_size) {
                let batch = batch?;
                let imported = write_transaction(connection, |connection| {
                    // A concurrent import can have added records.
                    load_known(connection, account, &mut known)?;
                    import_batch(&mut Session(connection), account, batch, dry_run)
                })?;
                add(&mut summary, &imported);
                std::thread::sleep(BATCH_PAUSE);
            }
            Ok(summary)
        })
    }

    fn restore(&self, records: BackupRecords<'_>) -> Result<bool> {
        self.run(|connection| {
            write_transaction(connection, |connection| {
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

/// Returns the highest id that was assigned in each table.
pub fn highest_ids(connection: &mut DbConnection) -> StoreResult<HighestIds> {
    collect_ids(|table| highest_id(connection, table))
}

/// Returns the highest id that was assigned in the table.
pub fn highest_id(connection: &mut DbConnection, table: Table) -> StoreResult<i64> {
    let query = sqlite_sequence::table.filter(sqlite_sequence::name.eq(table.name())).select(sqlite_sequence::seq);
    Ok(query.get_result(connection).optional()?.unwrap_or_default())
}

/// Adds the account's records with ids above `known` to the temporary tables, and raises `known` to the highest ids.
fn load_known(connection: &mut DbConnection, account: AccountId, known: &mut HighestIds) -> StoreResult<()> {
    let above = std::mem::replace(known, highest_ids(connection)?);
    contacts::table
        .filter(contacts::account_id.eq(account.get()).and(contacts::id.gt(above.contacts)))
        .select((contacts::uuid, contacts::id))
        .insert_into(known_contacts::table)
        .into_columns((known_contacts::uuid, known_contacts::id))
        .on_conflict_do_nothing()
        .execute(connection)?;
    calls::table
        .filter(calls::id.gt(above.calls).and(sql::<Bool>(CALL_ACCOUNT_IS).bind::<BigInt, _>(account.get())))
        .select(calls::uuid)
        .insert_into(known_calls::table)
        .into_columns(known_calls::uuid)
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(())
}

/// A connection within a transaction.
struct Session<'a>(&'a mut DbConnection);

impl BulkSession for Session<'_> {
    fn assign_ids(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>> {
        // The inserts raise the sequence. No other connection writes until the transaction ends.
        let highest = highest_id(self.0, table)?;
        Ok((highest + 1..).take(count).collect())
    }

    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>> {
        let mut known = HashMap::new();
        for uuid in uuids {
            let query = known_contacts::table.find(DbUuid(*uuid)).select(known_contacts::id);
            if let Some(id) = query.get_result(self.0).optional()? {
                known.insert(*uuid, id);
            }
        }
        Ok(known)
    }

    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()> {
        for (uuid, id) in contacts {
            diesel::insert_into(known_contacts::table)
                .values((known_contacts::uuid.eq(DbUuid(*uuid)), known_contacts::id.eq(id)))
                .execute(self.0)?;
        }
        Ok(())
    }

    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>> {
        let mut new = HashSet::new();
        for uuid in uuids {
            let insert = diesel::insert_or_ignore_into(known_calls::table).values(known_calls::uuid.eq(DbUuid(*uuid)));
            if insert.execute(self.0)? > 0 {
                new.insert(*uuid);
            }
        }
        Ok(new)
    }

    fn taken_external_ids(&mut self, account: AccountId, external_ids: &[&str]) -> StoreResult<HashSet<String>> {
        let mut taken = HashSet::new();
        for external_id in external_ids {
            if holder(self.0, account, external_id)?.is_some() {
                taken.insert((*external_id).to_owned());
            }
        }
        Ok(taken)
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
        for ContactToInsert { id, account, contact } in contacts {
            let row = NewContactRow::imported(account, contact);
            diesel::insert_into(contacts::table).values((contacts::id.eq(id.get()), row)).execute(self.0)?;
        }
        Ok(())
    }

    fn insert_fields(&mut self, account: AccountId, fields: Vec<FieldToInsert>) -> StoreResult<()> {
        for FieldToInsert { id, contact, field, identity } in fields {
            let row = NewContactFieldRow::new(account, contact, &field, identity);
            diesel::insert_into(contact_fields::table).values((contact_fields::id.eq(id), row)).execute(self.0)?;
        }
        Ok(())
    }

    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()> {
        let rows: Vec<CallRow> = calls.into_iter().map(CallRow::from).collect();
        insert_calls(self.0, &rows.iter().collect::<Vec<_>>())
    }

    fn apply_counters(&mut self, account: AccountId, changes: &CounterChanges) -> StoreResult<()> {
        let mut locked = BTreeMap::new();
        for contact in changes.contacts.keys() {
            locked.extend(find_contact(self.0, account, *contact)?.map(|row| (*contact, row)));
        }
        counters::apply(self.0, account, changes, &locked)
    }

    fn raise_highest_ids(&mut self, highest: &HighestIds) -> StoreResult<()> {
        for (table, highest) in Table::all(highest) {
            let sequence = sqlite_sequence::table.filter(sqlite_sequence::name.eq(table.name()));
            let seq: Option<i64> = sequence.select(sqlite_sequence::seq).get_result(self.0).optional()?;
            match seq {
                Some(seq) if seq >= highest => {}
                Some(_) => drop(diesel::update(sequence).set(sqlite_sequence::seq.eq(highest)).execute(self.0)?),
                None => {
                    let row = (sqlite_sequence::name.eq(table.name()), sqlite_sequence::seq.eq(highest));
                    diesel::insert_into(sqlite_sequence::table).values(row).execute(self.0)?;
                }
            }
        }
        Ok(())
    }
}
