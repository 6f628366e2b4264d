//! Whole contents in and out of SQLite.
//!
//! Whether a UUID is known is asked of temporary tables, filled once for each import: so no write of a request pays
//! for an index that only imports need.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use domain::{Account, AccountId, Contact, NewContact, Scope, SecretHash, Timestamp, Token, Uuid};
use ports::outbound::{Audit, BulkStore, CounterAudit, Imported, LastIds, Record, Records, StoredCall};
use ports::{Error, Result};
use storage::bulk::{Batches, BulkSession, Counts, Table, add, import_batch, restore_batch};
use storage::{StoreError, StoreResult};

use crate::accounts::find_account;
use crate::contacts::fields_of;
use crate::counts::{count_month, verify};
use crate::rows::{AccountRow, CallRow, ContactRow, NewContactFieldRow, NewContactRow, TokenRow, uuid};
use crate::schema::{accounts, calls, contact_fields, contacts, tokens};

diesel::table! {
    known_contacts (uuid) {
        uuid -> Binary,
        id -> BigInt,
    }
}

diesel::table! {
    known_calls (uuid) {
        uuid -> Binary,
    }
}

diesel::table! {
    sqlite_sequence (name) {
        name -> Text,
        seq -> BigInt,
    }
}

const KNOWN: &str = "\
CREATE TEMP TABLE known_contacts (uuid BLOB PRIMARY KEY, id BIGINT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE known_calls (uuid BLOB PRIMARY KEY) WITHOUT ROWID;";

/// Rows come in no order of the indexes: with more of these at hand, fewer pages are written twice.
const CACHE: &str = "PRAGMA cache_size = -65536; PRAGMA temp.cache_size = -32768";

/// How many rows are read at a time.
const PAGE: i64 = 1_000;

/// Between two batches the writers of servers get their turn.
const PAUSE: Duration = Duration::from_millis(20);

/// A file, opened anew for each task.
pub struct Bulk {
    path: String,
}

impl Bulk {
    /// Of this file.
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    fn run<T>(&self, job: impl FnOnce(&mut SqliteConnection) -> StoreResult<T>) -> Result<T> {
        Ok(crate::pool(&self.path, 1)?.run(|connection| {
            connection.batch_execute(CACHE)?;
            job(connection)
        })?)
    }
}

impl BulkStore for Bulk {
    fn read(&self, of: Option<AccountId>, visit: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<()> {
        // One transaction: SQLite shows it the same moment to the end.
        self.run(|connection| connection.transaction(|connection| read(connection, of, visit)))
    }

    fn import(&self, account: AccountId, records: Records<'_>, dry_run: bool) -> Result<Imported> {
        self.run(|connection| {
            find_account(connection, account)?;
            connection.batch_execute(KNOWN)?;
            let mut known = LastIds::default();
            connection.transaction(|connection| know(connection, account, &mut known))?;
            let mut imported = Imported::default();
            for batch in Batches::of(records) {
                let batch = batch?;
                let done = connection.immediate_transaction(|connection| {
                    // Another import may have added the same meanwhile.
                    know(connection, account, &mut known)?;
                    import_batch(&mut Session(connection), account, batch, dry_run)
                })?;
                add(&mut imported, &done);
                std::thread::sleep(PAUSE);
            }
            Ok(imported)
        })
    }

    fn restore(&self, records: Records<'_>) -> Result<bool> {
        self.run(|connection| {
            connection.immediate_transaction(|connection| {
                if accounts::table.count().get_result::<i64>(connection)? > 0 {
                    return Ok(false);
                }
                for batch in Batches::of(records) {
                    restore_batch(&mut Session(connection), batch?)?;
                }
                Ok(true)
            })
        })
    }
}

impl CounterAudit for Bulk {
    fn verify(&self) -> Result<Audit> {
        self.run(|connection| connection.immediate_transaction(verify))
    }
}

fn read(
    connection: &mut SqliteConnection,
    of: Option<AccountId>,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> StoreResult<()> {
    let ids = if let Some(account) = of {
        vec![find_account(connection, account)?.id]
    } else {
        let rows = accounts::table.order(accounts::id).select(AccountRow::as_select()).load(connection)?;
        let all = rows.into_iter().map(Account::try_from).collect::<StoreResult<Vec<_>>>()?;
        let ids = all.iter().map(|account| account.id).collect();
        let rows: Vec<(TokenRow, Vec<u8>)> =
            tokens::table.order(tokens::id).select((TokenRow::as_select(), tokens::hash)).load(connection)?;
        let token = |(row, hash): (TokenRow, Vec<u8>)| {
            let hash = hash.try_into().map_err(|_| Error::fault("a token's hash is not 32 bytes"))?;
            Ok::<_, StoreError>(Record::Token(row.try_into()?, SecretHash(hash)))
        };
        let secrets = rows.into_iter().map(token).collect::<StoreResult<Vec<_>>>()?;
        if all.into_iter().map(Record::Account).chain(secrets).try_for_each(&mut *visit).is_break() {
            return Ok(());
        }
        ids
    };
    for account in &ids {
        if read_contacts(connection, *account, visit)?.is_break() {
            return Ok(());
        }
    }
    for account in &ids {
        if read_calls(connection, *account, visit)?.is_break() {
            return Ok(());
        }
    }
    if of.is_none() {
        let last_ids = last_ids(connection)?;
        let _ = visit(Record::LastIds(last_ids));
    }
    Ok(())
}

fn read_contacts(
    connection: &mut SqliteConnection,
    account: AccountId,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> StoreResult<ControlFlow<()>> {
    let mut after = 0;
    loop {
        let rows: Vec<ContactRow> = contacts::table
            .filter(contacts::account_id.eq(account.get()).and(contacts::id.gt(after)))
            .order(contacts::id)
            .limit(PAGE)
            .select(ContactRow::as_select())
            .load(connection)?;
        let ids: Vec<i64> = rows.iter().map(ContactRow::id).collect();
        let Some(last) = ids.last() else { return Ok(ControlFlow::Continue(())) };
        after = *last;
        let mut fields = fields_of(connection, account, &ids)?;
        for row in rows {
            let fields = fields.remove(&row.id()).unwrap_or_default();
            if visit(Record::Contact(Box::new(row.with(fields)?))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn read_calls(
    connection: &mut SqliteConnection,
    account: AccountId,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> StoreResult<ControlFlow<()>> {
    let mut after = 0;
    loop {
        // The plus keeps SQLite from choosing an index of the account and sorting all its calls for each page.
        let of_account = diesel::dsl::sql::<Bool>("+calls.account_id = ").bind::<BigInt, _>(account.get());
        let rows: Vec<(CallRow, Vec<u8>)> = calls::table
            .inner_join(contacts::table.on(contacts::id.eq(calls::contact_id)))
            .filter(calls::id.gt(after).and(of_account))
            .order(calls::id)
            .limit(PAGE)
            .select((CallRow::as_select(), contacts::uuid))
            .load(connection)?;
        let Some((last, _)) = rows.last() else { return Ok(ControlFlow::Continue(())) };
        after = last.id();
        for (row, contact) in rows {
            let call = row.stored(account, uuid(&contact)?)?;
            if visit(Record::Call(Box::new(call))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn last_ids(connection: &mut SqliteConnection) -> StoreResult<LastIds> {
    let mut last = |table: Table| -> StoreResult<i64> {
        let query = sqlite_sequence::table.filter(sqlite_sequence::name.eq(table.name())).select(sqlite_sequence::seq);
        Ok(query.get_result(connection).optional()?.unwrap_or_default())
    };
    Ok(LastIds {
        accounts: last(Table::Accounts)?,
        tokens: last(Table::Tokens)?,
        contacts: last(Table::ContactUseCases)?,
        contact_fields: last(Table::ContactFields)?,
        calls: last(Table::Calls)?,
    })
}

/// Adds to the tables what the account has under later ids than these, which become the last ones.
fn know(connection: &mut SqliteConnection, account: AccountId, known: &mut LastIds) -> StoreResult<()> {
    let since = std::mem::replace(known, last_ids(connection)?);
    contacts::table
        .filter(contacts::account_id.eq(account.get()).and(contacts::id.gt(since.contacts)))
        .select((contacts::uuid, contacts::id))
        .insert_into(known_contacts::table)
        .into_columns((known_contacts::uuid, known_contacts::id))
        .on_conflict_do_nothing()
        .execute(connection)?;
    // The plus keeps SQLite from walking along an index of the account's calls, all of them.
    let of_account = diesel::dsl::sql::<Bool>("+calls.account_id = ").bind::<BigInt, _>(account.get());
    calls::table
        .filter(calls::id.gt(since.calls).and(of_account))
        .select(calls::uuid)
        .insert_into(known_calls::table)
        .into_columns(known_calls::uuid)
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(())
}

/// A connection within a transaction.
struct Session<'a>(&'a mut SqliteConnection);

impl BulkSession for Session<'_> {
    fn allocate(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>> {
        let query = sqlite_sequence::table.filter(sqlite_sequence::name.eq(table.name())).select(sqlite_sequence::seq);
        let last: i64 = query.get_result(self.0).optional()?.unwrap_or_default();
        // The insert itself moves the sequence on; until the commit there is no other writer.
        Ok((last + 1..).take(count).collect())
    }

    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>> {
        let mut known = HashMap::new();
        for uuid in uuids {
            let query = known_contacts::table.find(&uuid.as_bytes()[..]).select(known_contacts::id);
            if let Some(id) = query.get_result(self.0).optional()? {
                known.insert(*uuid, id);
            }
        }
        Ok(known)
    }

    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()> {
        for (uuid, id) in contacts {
            diesel::insert_into(known_contacts::table)
                .values((known_contacts::uuid.eq(&uuid.as_bytes()[..]), known_contacts::id.eq(id)))
                .execute(self.0)?;
        }
        Ok(())
    }

    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>> {
        let mut new = HashSet::new();
        for uuid in uuids {
            let insert =
                diesel::insert_or_ignore_into(known_calls::table).values(known_calls::uuid.eq(&uuid.as_bytes()[..]));
            if insert.execute(self.0)? > 0 {
                new.insert(*uuid);
            }
        }
        Ok(new)
    }

    fn insert_account(&mut self, account: &Account) -> StoreResult<()> {
        diesel::insert_into(accounts::table)
            .values((
                accounts::id.eq(account.id.get()),
                accounts::name.eq(account.name.as_str()),
                accounts::created_at.eq(account.created_at.unix()),
            ))
            .execute(self.0)?;
        Ok(())
    }

    fn insert_token(&mut self, token: &Token, hash: SecretHash) -> StoreResult<()> {
        diesel::insert_into(tokens::table)
            .values((
                tokens::id.eq(token.id.get()),
                tokens::account_id.eq(token.account.get()),
                tokens::name.eq(token.name.as_str()),
                tokens::hash.eq(&hash.0[..]),
                tokens::read_only.eq(token.scope == Scope::ReadOnly),
                tokens::created_at.eq(token.created_at.unix()),
                tokens::expires_at.eq(token.expires_at.map(Timestamp::unix)),
                tokens::revoked_at.eq(token.revoked_at.map(Timestamp::unix)),
            ))
            .execute(self.0)?;
        Ok(())
    }

    fn insert_contacts(&mut self, contacts: &[Contact]) -> StoreResult<()> {
        for contact in contacts {
            let row = NewContactRow {
                account_id: contact.summary.account.get(),
                uuid: contact.summary.uuid.as_bytes().to_vec(),
                part: NewContact::from(contact.clone()).into(),
                created_at: contact.created_at.unix(),
                updated_at: contact.updated_at.unix(),
            };
            let id = contact.summary.id.get();
            diesel::insert_into(contacts::table).values((contacts::id.eq(id), row)).execute(self.0)?;
            for field in &contact.fields {
                let row = NewContactFieldRow::new(contact.summary.account, id, &field.content, field.created_at);
                diesel::insert_into(contact_fields::table)
                    .values((contact_fields::id.eq(field.id.get()), row))
                    .execute(self.0)?;
            }
        }
        Ok(())
    }

    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()> {
        for call in calls {
            let stamps = [call.created_at, call.updated_at];
            CallRow::insert(self.0, Some(call.id), call.account, call.uuid, call.call, stamps)?;
        }
        Ok(())
    }

    fn count(&mut self, account: AccountId, contacts: &Counts, months: &BTreeMap<i32, i64>) -> StoreResult<()> {
        for (contact, (calls, newest)) in contacts {
            diesel::update(contacts::table.find(contact))
                .set(contacts::calls.eq(contacts::calls + calls))
                .execute(self.0)?;
            diesel::update(contacts::table.find(contact))
                .filter(contacts::last_called.is_null().or(contacts::last_called.lt(newest.unix())))
                .set(contacts::last_called.eq(newest.unix()))
                .execute(self.0)?;
        }
        months.iter().try_for_each(|(month, calls)| count_month(self.0, account, *month, *calls))
    }

    fn raise_last_ids(&mut self, last: &LastIds) -> StoreResult<()> {
        for (table, last) in Table::all(last) {
            let known = sqlite_sequence::table.filter(sqlite_sequence::name.eq(table.name()));
            let seq: Option<i64> = known.select(sqlite_sequence::seq).get_result(self.0).optional()?;
            match seq {
                Some(seq) if seq >= last => {}
                Some(_) => drop(diesel::update(known).set(sqlite_sequence::seq.eq(last)).execute(self.0)?),
                None => {
                    let row = (sqlite_sequence::name.eq(table.name()), sqlite_sequence::seq.eq(last));
                    diesel::insert_into(sqlite_sequence::table).values(row).execute(self.0)?;
                }
            }
        }
        Ok(())
    }
}
