//! Whole contents in and out of PostgreSQL.
//!
//! Whether a UUID is known is asked of temporary tables, filled once for each import: so no write of a request pays
//! for an index that only imports need.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use domain::{Account, AccountId, Contact, NewContact, Scope, SecretHash, Timestamp, Token, Uuid};
use ports::outbound::{Audit, BulkStore, CounterAudit, Imported, LastIds, Record, Records, StoredCall};
use ports::{Error, Result};
use storage::bulk::{Batches, BulkSession, Counts, Table, add, import_batch, restore_batch};
use storage::{StoreError, StoreResult};

use crate::accounts::{find_account, lock_accounts};
use crate::contacts::{fields_of, lock_cards};
use crate::counts::{count_month, verify};
use crate::rows::{AccountRow, CallPart, CallRow, ContactRow, NewContactFieldRow, NewContactRow, TokenRow};
use crate::schema::{accounts, calls, contact_fields, contacts, tokens};
use crate::snapshot;

diesel::table! {
    known_contacts (uuid) {
        uuid -> Uuid,
        id -> BigInt,
    }
}

/// A batch may take its time; the tables below grow from nothing, so plans made while they were empty must not scan.
const ON_CONNECT: &str = "SET statement_timeout = 0";
const KNOWN: &str = "\
CREATE TEMP TABLE known_contacts (uuid uuid PRIMARY KEY, id bigint NOT NULL);
CREATE TEMP TABLE known_calls (uuid uuid PRIMARY KEY);";
const NO_SCANS: &str = "ANALYZE known_contacts; ANALYZE known_calls; SET enable_seqscan = off";

/// One import's batch at a time; the number is this project's own.
const IMPORT_LOCK: &str = "SELECT pg_advisory_xact_lock(2026112401)";

/// How many rows are read at a time.
const PAGE: i64 = 1_000;

/// How many contacts are inserted by one statement, which takes 65,535 values at most.
const CONTACTS: usize = 1_000;

/// A database, connected to anew for each task.
pub struct Bulk {
    url: String,
}

impl Bulk {
    /// Of this URL.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    fn run<T>(&self, job: impl FnOnce(&mut PgConnection) -> StoreResult<T>) -> Result<T> {
        Ok(crate::pool(&self.url, 1)?.run(|connection| {
            connection.batch_execute(ON_CONNECT)?;
            job(connection)
        })?)
    }
}

impl BulkStore for Bulk {
    fn read(&self, of: Option<AccountId>, visit: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<()> {
        self.run(|connection| snapshot(connection, |connection| read(connection, of, visit)))
    }

    fn import(&self, account: AccountId, records: Records<'_>, dry_run: bool) -> Result<Imported> {
        self.run(|connection| {
            find_account(connection, account)?;
            connection.batch_execute(KNOWN)?;
            let mut known = LastIds::default();
            connection.transaction(|connection| know(connection, account, &mut known))?;
            connection.batch_execute(NO_SCANS)?;
            let mut imported = Imported::default();
            for batch in Batches::of(records) {
                let batch = batch?;
                let done = connection.transaction(|connection| {
                    // Another import may have added the same meanwhile.
                    know(connection, account, &mut known)?;
                    import_batch(&mut Session(connection), account, batch, dry_run)
                })?;
                add(&mut imported, &done);
            }
            Ok(imported)
        })
    }

    fn restore(&self, records: Records<'_>) -> Result<bool> {
        self.run(|connection| {
            connection.transaction(|connection| {
                lock_accounts(connection)?;
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
        self.run(|connection| connection.transaction(verify))
    }
}

fn read(
    connection: &mut PgConnection,
    of: Option<AccountId>,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> StoreResult<()> {
    let ids = if let Some(account) = of {
        vec![find_account(connection, account)?.id]
    } else {
        let rows = accounts::table.order(accounts::id).select(AccountRow::as_select()).load(connection)?;
        let all: Vec<Account> = rows.into_iter().map(Account::from).collect();
        let ids = all.iter().map(|account| account.id).collect();
        let rows: Vec<(TokenRow, Vec<u8>)> =
            tokens::table.order(tokens::id).select((TokenRow::as_select(), tokens::hash)).load(connection)?;
        let token = |(row, hash): (TokenRow, Vec<u8>)| {
            let hash = hash.try_into().map_err(|_| Error::fault("a token's hash is not 32 bytes"))?;
            Ok::<_, StoreError>(Record::Token(row.into(), SecretHash(hash)))
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
    connection: &mut PgConnection,
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
            if visit(Record::Contact(Box::new(row.with(fields)))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn read_calls(
    connection: &mut PgConnection,
    account: AccountId,
    visit: &mut dyn FnMut(Record) -> ControlFlow<()>,
) -> StoreResult<ControlFlow<()>> {
    let mut after = 0;
    loop {
        let is_of_the_call = contacts::account_id.eq(calls::account_id).and(contacts::id.eq(calls::contact_id));
        let rows: Vec<(CallRow, Uuid)> = calls::table
            .inner_join(contacts::table.on(is_of_the_call))
            .filter(calls::account_id.eq(account.get()).and(calls::id.gt(after)))
            .order(calls::id)
            .limit(PAGE)
            .select((CallRow::as_select(), contacts::uuid))
            .load(connection)?;
        let Some((last, _)) = rows.last() else { return Ok(ControlFlow::Continue(())) };
        after = last.id();
        for (row, contact) in rows {
            if visit(Record::Call(Box::new(row.stored(account, contact)?))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn last_ids(connection: &mut PgConnection) -> StoreResult<LastIds> {
    let mut last = |table: Table| -> StoreResult<i64> {
        // A sequence that was never asked has is_called = false; it stands outside of the snapshot, so it is never
        // behind the rows that were read.
        let sql =
            format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number FROM {}_id_seq", table.name());
        Ok(diesel::sql_query(sql).get_result::<Number>(connection)?.number)
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
fn know(connection: &mut PgConnection, account: AccountId, known: &mut LastIds) -> StoreResult<()> {
    // Until the transaction's end no other import gives ids out.
    connection.batch_execute(IMPORT_LOCK)?;
    let since = std::mem::replace(known, last_ids(connection)?);
    for (sql, since) in [
        ("INSERT INTO known_contacts SELECT uuid, id FROM contacts", since.contacts),
        ("INSERT INTO known_calls SELECT uuid FROM calls", since.calls),
    ] {
        diesel::sql_query(format!("{sql} WHERE account_id = $1 AND id > $2 ON CONFLICT DO NOTHING"))
            .bind::<BigInt, _>(account.get())
            .bind::<BigInt, _>(since)
            .execute(connection)?;
    }
    Ok(())
}

/// A call as `COPY` takes it: one flat row.
#[derive(Insertable)]
#[diesel(table_name = calls, treat_none_as_default_value = false)]
struct CallCopy {
    id: i64,
    account_id: i64,
    contact_id: i64,
    uuid: Uuid,
    called_at: DateTime<Utc>,
    content: Option<String>,
    contact_called: Option<bool>,
    emotions: Vec<i16>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<StoredCall> for CallCopy {
    fn from(call: StoredCall) -> Self {
        let part = CallPart::from(call.call);
        Self {
            id: call.id.get(),
            account_id: call.account.get(),
            contact_id: part.contact_id,
            uuid: call.uuid,
            called_at: part.called_at,
            content: part.content,
            contact_called: part.contact_called,
            emotions: part.emotions,
            created_at: call.created_at.calendar(),
            updated_at: call.updated_at.calendar(),
        }
    }
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SqlUuid)]
    uuid: Uuid,
}

/// A connection within a transaction.
struct Session<'a>(&'a mut PgConnection);

impl BulkSession for Session<'_> {
    fn allocate(&mut self, table: Table, count: usize) -> StoreResult<Vec<i64>> {
        let sql = "SELECT nextval($1::regclass) AS number FROM generate_series(1, $2)";
        let count = i64::try_from(count).map_err(Error::fault)?;
        let query = diesel::sql_query(sql).bind::<Text, _>(format!("{}_id_seq", table.name())).bind::<BigInt, _>(count);
        let mut ids: Vec<i64> = query.load::<Number>(self.0)?.into_iter().map(|row| row.number).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn known_contacts(&mut self, uuids: &HashSet<Uuid>) -> StoreResult<HashMap<Uuid, i64>> {
        let uuids: Vec<_> = uuids.iter().copied().collect();
        let query = known_contacts::table.filter(known_contacts::uuid.eq_any(&uuids));
        Ok(query.load::<(Uuid, i64)>(self.0)?.into_iter().collect())
    }

    fn remember_contacts(&mut self, contacts: &[(Uuid, i64)]) -> StoreResult<()> {
        let (uuids, ids): (Vec<_>, Vec<_>) = contacts.iter().copied().unzip();
        diesel::sql_query("INSERT INTO known_contacts SELECT * FROM unnest($1, $2)")
            .bind::<Array<SqlUuid>, _>(uuids)
            .bind::<Array<BigInt>, _>(ids)
            .execute(self.0)?;
        Ok(())
    }

    fn remember_calls(&mut self, uuids: &[Uuid]) -> StoreResult<HashSet<Uuid>> {
        let sql = "INSERT INTO known_calls SELECT unnest($1) ON CONFLICT DO NOTHING RETURNING uuid";
        let query = diesel::sql_query(sql).bind::<Array<SqlUuid>, _>(uuids);
        Ok(query.load::<Known>(self.0)?.into_iter().map(|row| row.uuid).collect())
    }

    fn insert_account(&mut self, account: &Account) -> StoreResult<()> {
        diesel::insert_into(accounts::table)
            .values((
                accounts::id.eq(account.id.get()),
                accounts::name.eq(account.name.as_str()),
                accounts::created_at.eq(account.created_at.calendar()),
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
                tokens::created_at.eq(token.created_at.calendar()),
                tokens::expires_at.eq(token.expires_at.map(Timestamp::calendar)),
                tokens::revoked_at.eq(token.revoked_at.map(Timestamp::calendar)),
            ))
            .execute(self.0)?;
        Ok(())
    }

    fn insert_contacts(&mut self, contacts: &[Contact]) -> StoreResult<()> {
        for some in contacts.chunks(CONTACTS) {
            let row = |contact: &Contact| {
                let row = NewContactRow {
                    account_id: contact.summary.account.get(),
                    uuid: contact.summary.uuid,
                    part: NewContact::from(contact.clone()).into(),
                    created_at: contact.created_at.calendar(),
                    updated_at: contact.updated_at.calendar(),
                };
                (contacts::id.eq(contact.summary.id.get()), row)
            };
            let rows: Vec<_> = some.iter().map(row).collect();
            diesel::insert_into(contacts::table).values(rows).execute(self.0)?;
            let fields = some.iter().flat_map(|contact| {
                contact.fields.iter().map(|field| {
                    let row = NewContactFieldRow::new(
                        contact.summary.account,
                        contact.summary.id.get(),
                        &field.content,
                        field.created_at,
                    );
                    (contact_fields::id.eq(field.id.get()), row)
                })
            });
            let fields: Vec<_> = fields.collect();
            for some in fields.chunks(CONTACTS) {
                diesel::insert_into(contact_fields::table).values(some).execute(self.0)?;
            }
        }
        Ok(())
    }

    fn insert_calls(&mut self, calls: Vec<StoredCall>) -> StoreResult<()> {
        let rows: Vec<_> = calls.into_iter().map(CallCopy::from).collect();
        diesel::copy_from(calls::table).from_insertable(rows).execute(self.0)?;
        Ok(())
    }

    fn count(&mut self, account: AccountId, contacts: &Counts, months: &BTreeMap<i32, i64>) -> StoreResult<()> {
        let ids: Vec<i64> = contacts.keys().copied().collect();
        lock_cards(self.0, account, &ids)?;
        let (calls, newest): (Vec<i64>, Vec<_>) =
            contacts.values().map(|(calls, newest)| (*calls, newest.calendar())).unzip();
        let sql = "UPDATE contacts SET calls = contacts.calls + more.calls, \
                   last_called = GREATEST(last_called, more.newest) \
                   FROM unnest($2, $3, $4) AS more (id, calls, newest) \
                   WHERE contacts.account_id = $1 AND contacts.id = more.id";
        diesel::sql_query(sql)
            .bind::<BigInt, _>(account.get())
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<BigInt>, _>(calls)
            .bind::<Array<Timestamptz>, _>(newest)
            .execute(self.0)?;
        months.iter().try_for_each(|(month, calls)| count_month(self.0, account, *month, *calls))
    }

    fn raise_last_ids(&mut self, last: &LastIds) -> StoreResult<()> {
        for (table, last) in Table::all(last) {
            let sql = format!(
                "SELECT setval($1::regclass, GREATEST($2, last_value)) AS number FROM {}_id_seq WHERE $2 > 0",
                table.name()
            );
            diesel::sql_query(sql)
                .bind::<Text, _>(format!("{}_id_seq", table.name()))
                .bind::<BigInt, _>(last)
                .execute(self.0)?;
        }
        Ok(())
    }
}
